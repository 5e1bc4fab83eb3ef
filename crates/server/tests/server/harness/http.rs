//! Plain HTTP, as bytes: nothing between the test and what the server really sends.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::{To, within};

/// An answer to one request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// All headers of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The `Set-Cookie` that sets a login, under the name that this server has for it.
    pub(crate) fn login(&self) -> Option<&str> {
        let named = |cookie: &&str| cookie.trim_start_matches("__Host-").starts_with("madang_login_");
        self.all("set-cookie").into_iter().find(named)
    }

    /// The `Set-Cookie` that sets `name`.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.all("set-cookie").into_iter().find(|cookie| cookie.starts_with(&format!("{name}=")))
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn ask(
    to: impl To,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    try_ask(to, method, path, headers, body).await.expect("an answer")
}

/// As [`ask`], of a server that may have gone.
pub(crate) async fn try_ask(
    to: impl To,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Answer> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", to.host());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);
    try_exchange(to, request.as_bytes()).await
}

/// Sends these bytes and reads one answer.
pub(crate) async fn exchange(to: impl To, bytes: &[u8]) -> Answer {
    try_exchange(to, bytes).await.expect("an answer")
}

async fn try_exchange(to: impl To, bytes: &[u8]) -> Option<Answer> {
    let mut stream = to.reach().await?;
    // A server that refuses early may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    within("an answer", read_answer(&mut stream)).await
}

/// Reads one answer; nothing of what follows a head that has no body.
pub(crate) async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Option<Answer> {
    let mut answer = read_head(stream).await?;
    if ![101, 204, 304].contains(&answer.status) {
        let bytes = read_body(stream, &answer).await;
        answer.body = String::from_utf8(bytes).expect("a body of text");
    }
    Some(answer)
}

/// Reads the head of an answer.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("a head of text");
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Some(Answer { status, headers, body: String::new() })
}

async fn read_body(stream: &mut (impl AsyncRead + Unpin), answer: &Answer) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(length) = answer.header("content-length") {
        body.resize(length.parse().expect("a length"), 0);
        stream.read_exact(&mut body).await.expect("a whole body");
    } else if answer.header("transfer-encoding") == Some("chunked") {
        while let Some(mut chunk) = read_chunk(stream).await {
            body.append(&mut chunk);
        }
    } else {
        stream.read_to_end(&mut body).await.expect("a body");
    }
    body
}

/// Returns the next chunk of a body; `None` after the last one, or where the connection ends.
pub(crate) async fn read_chunk(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut size = String::new();
    while !size.ends_with("\r\n") {
        size.push(stream.read_u8().await.ok()?.into());
    }
    let size = usize::from_str_radix(size.trim(), 16).expect("a size");
    let mut chunk = vec![0; size + 2];
    stream.read_exact(&mut chunk).await.ok()?;
    chunk.truncate(size);
    (size > 0).then_some(chunk)
}
