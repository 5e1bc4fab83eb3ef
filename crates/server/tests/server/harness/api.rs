//! A program that uses the API, as its author would write it: plain requests with a token.

use std::net::SocketAddr;

use madang_protocol::Entry;
use serde_json::{Value, json};

use super::{Answer, EventStream, Server, ask, token};

/// A bot, and its server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) addr: SocketAddr,
    bearer: String,
}

impl Api {
    /// A new bot of that name, limited to these rooms; without any, to nothing.
    pub(crate) async fn new(server: &Server, name: &str, rooms: &[&str]) -> Self {
        Self::with(server, &token(&server.data(), name, rooms).await)
    }

    /// The bot with this token.
    pub(crate) fn with(server: &Server, token: &str) -> Self {
        Self { addr: server.addr, bearer: format!("Bearer {token}") }
    }

    /// The same bot, after the server came back at another address.
    pub(crate) fn at(&self, server: &Server) -> Self {
        Self { addr: server.addr, bearer: self.bearer.clone() }
    }

    /// The header with its token.
    pub(crate) fn bearer(&self) -> &str {
        &self.bearer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        ask(self.addr, "GET", path, &[("Authorization", &self.bearer)], "").await
    }

    /// The JSON of an answer that must be 200.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Posts a text to a room, with these headers besides.
    pub(crate) async fn post(&self, room: &str, text: &str, headers: &[(&str, &str)]) -> Answer {
        self.post_raw(room, &json!({ "body": text }).to_string(), headers).await
    }

    /// Posts a body as it is.
    pub(crate) async fn post_raw(&self, room: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("Authorization", self.bearer.as_str())];
        if headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("content-type")) {
            all.push(("Content-Type", "application/json"));
        }
        all.extend(headers);
        ask(self.addr, "POST", &format!("/api/rooms/{room}/messages"), &all, body).await
    }

    /// Posts a text to the lobby; answers its number.
    pub(crate) async fn say(&self, text: &str) -> u64 {
        let answer = self.post("lobby", text, &[]).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        seq(&answer)
    }

    /// Follows the lobby; `last` is the header of who comes back.
    pub(crate) async fn stream(&self, query: &str, last: Option<&str>) -> Result<EventStream, u16> {
        let mut headers = vec![("Authorization", self.bearer.clone())];
        headers.extend(last.map(|last| ("Last-Event-ID", last.to_owned())));
        EventStream::open(self.addr, &format!("/api/rooms/lobby/stream{query}"), &headers).await
    }
}

/// The number that an answer names.
pub(crate) fn seq(answer: &Answer) -> u64 {
    let json: Value = serde_json::from_str(&answer.body).expect("JSON");
    json["seq"].as_u64().expect("a number")
}

/// The next entry of a stream, whose event must be numbered alike.
pub(crate) async fn next_entry(stream: &mut EventStream) -> Option<Entry> {
    let event = super::within("an event", stream.next()).await?;
    let entry: Entry = serde_json::from_str(&event.data).expect("an entry");
    assert_eq!(event.id, entry.seq);
    Some(entry)
}

/// The code of a refusal, which must be a whole problem of this status.
pub(crate) fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
    let code = problem["code"].as_str().expect("a code");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("/api#{code}"));
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{problem}");
    if let Some(ms) = problem["retry_after_ms"].as_u64() {
        assert_eq!(answer.header("retry-after"), Some(ms.div_ceil(1000).to_string().as_str()));
    }
    code.to_owned()
}
