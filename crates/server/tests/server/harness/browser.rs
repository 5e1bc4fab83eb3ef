//! A browser without scripts: it keeps cookies, sends forms, and does not follow redirects by itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Answer, Server, ask};

pub(crate) struct Browser {
    addr: SocketAddr,
    cookies: BTreeMap<String, String>,
    language: &'static str,
    accept: &'static str,
}

impl Browser {
    pub(crate) fn new(server: &Server) -> Self {
        Self { addr: server.addr, cookies: BTreeMap::new(), language: "en-US,en;q=0.9", accept: "text/html" }
    }

    /// A browser that belongs to the person of a socket.
    pub(crate) fn of(server: &Server, cookie: &str) -> Self {
        let mut browser = Self::new(server);
        browser.keep(cookie);
        browser
    }

    pub(crate) fn korean(mut self) -> Self {
        self.language = "ko-KR,ko;q=0.9,en;q=0.8";
        self
    }

    /// A script's request: it wants JSON.
    pub(crate) fn script(mut self) -> Self {
        self.accept = "application/json";
        self
    }

    /// Returns the `Cookie` that it would send.
    pub(crate) fn cookies(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    /// Sends a form from a page of this server.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}", self.addr);
        self.submit_from(&origin, path, fields).await
    }

    /// Sends a form from a page of another site.
    pub(crate) async fn submit_from(&mut self, origin: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = encode(fields);
        let headers = [("Origin", origin), ("Content-Type", "application/x-www-form-urlencoded")];
        self.ask("POST", path, &headers, &form).await
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let cookies = self.cookies();
        let mut all = vec![("Accept", self.accept), ("Accept-Language", self.language)];
        if !cookies.is_empty() {
            all.push(("Cookie", &cookies));
        }
        all.extend(headers);
        let answer = ask(self.addr, method, path, &all, body).await;
        for cookie in answer.all("set-cookie") {
            self.keep(cookie);
        }
        answer
    }

    fn keep(&mut self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// The value of the hidden field `name` in a page, whatever the order of its attributes.
pub(crate) fn hidden(page: &str, name: &str) -> Option<String> {
    let named = format!("name=\"{name}\"");
    let inputs = page.split('<').filter(|tag| tag.starts_with("input") && tag.contains(&named));
    let value = inputs.filter_map(|tag| tag.split("value=\"").nth(1)?.split('"').next()).next();
    value.map(str::to_owned)
}

fn encode(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
    pairs.join("&")
}

fn percent(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        b' ' => "+".into(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
