//! A session over plain HTTP, as a well-mannered client has it: posts, and an event stream or polls. It checks
//! that frames come with the numbers 1, 2, 3 …, none twice and none missing, whatever happens to requests.

use std::collections::VecDeque;
use std::net::SocketAddr;

use madang_protocol::{Opened, ServerFrame};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::events::{Event, EventStream};
use super::http::try_ask;
use super::{Answer, Over, ask, within};

pub(crate) struct Rt {
    pub(crate) addr: SocketAddr,
    over: Over,
    pub(crate) cookie: String,
    /// Its address, once there is one.
    pub(crate) path: String,
    /// The number of the last frame that came.
    pub(crate) last: u64,
    stream: Option<EventStream>,
    polled: VecDeque<Utf8Bytes>,
}

#[derive(Deserialize)]
struct Polled<'a> {
    ack: u64,
    #[serde(borrow)]
    frames: Vec<&'a RawValue>,
}

impl Rt {
    /// Nothing yet: the first frame that is sent begins the session.
    pub(crate) fn new(addr: SocketAddr, over: Over, cookie: String) -> Self {
        let (path, polled) = (String::new(), VecDeque::new());
        Self { addr, over, cookie, path, last: 0, stream: None, polled }
    }

    /// Sends one frame, or an array of them. None if the session is gone.
    pub(crate) async fn send(&mut self, text: &str) -> Option<()> {
        if self.path.is_empty() {
            return self.open(text).await;
        }
        (self.post(text).await.status == 204).then_some(())
    }

    async fn open(&mut self, hello: &str) -> Option<()> {
        let answer = ask(self.addr, "POST", "/rt", &[("Cookie", &self.cookie)], hello).await;
        if answer.status != 201 {
            return None;
        }
        let opened: Opened = serde_json::from_str(&answer.body).expect("a session");
        self.path = format!("/rt/{}", opened.session);
        let login = answer.login().expect("a login");
        self.cookie = login.split(';').next().expect("a cookie").to_owned();
        Some(())
    }

    /// One post, with what was received acknowledged.
    pub(crate) async fn post(&self, text: &str) -> Answer {
        let path = format!("{}?ack={}", self.path, self.last);
        ask(self.addr, "POST", &path, &[("Cookie", &self.cookie)], text).await
    }

    /// One GET of what is below the session's address.
    pub(crate) async fn get(&self, below: &str) -> Answer {
        ask(self.addr, "GET", &format!("{}{below}", self.path), &[("Cookie", &self.cookie)], "").await
    }

    /// Ends the session.
    pub(crate) async fn leave(&self) -> Answer {
        ask(self.addr, "DELETE", &self.path, &[("Cookie", &self.cookie)], "").await
    }

    /// A stream of what follows the numbered frame; a status other than 200 instead, if there is none.
    pub(crate) async fn stream(&self, after: u64) -> Result<EventStream, u16> {
        let headers = [("Cookie", self.cookie.clone()), ("Last-Event-ID", after.to_string())];
        EventStream::open(self.addr, &format!("{}/events", self.path), &headers).await
    }

    /// Returns the next frame; `None` after the end of the session.
    pub(crate) async fn next(&mut self) -> Option<Utf8Bytes> {
        let frame = match self.over {
            Over::Poll => self.next_polled().await,
            _ => self.next_event().await,
        }?;
        if self.over == Over::Events && matches!(serde_json::from_str(&frame), Ok(ServerFrame::Heads { .. }))
        {
            // A server that has gone meanwhile is noticed by the next look.
            let path = format!("{}?ack={}", self.path, self.last);
            try_ask(self.addr, "POST", &path, &[("Cookie", &self.cookie)], "[]").await;
        }
        Some(frame)
    }

    async fn next_polled(&mut self) -> Option<Utf8Bytes> {
        while self.polled.is_empty() {
            let path = format!("{}/poll?ack={}", self.path, self.last);
            let answer = try_ask(self.addr, "GET", &path, &[("Cookie", &self.cookie)], "").await;
            let answer = answer.filter(|answer| answer.status == 200)?;
            let polled: Polled = serde_json::from_str(&answer.body).expect("an answer to a poll");
            assert_eq!(polled.ack, self.last + polled.frames.len() as u64, "frames are counted");
            self.last = polled.ack;
            self.polled.extend(polled.frames.iter().map(|frame| Utf8Bytes::from(frame.get())));
        }
        self.polled.pop_front()
    }

    /// A stream that is cut is asked for again, from the last frame.
    async fn next_event(&mut self) -> Option<Utf8Bytes> {
        loop {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                None => self.stream.insert(self.stream(self.last).await.ok()?),
            };
            if let Some(Event { id, data }) = stream.next().await {
                assert_eq!(id, self.last + 1, "frames are numbered without a gap or a repeat");
                self.last = id;
                return Some(data);
            }
            self.stream = None;
        }
    }

    /// The network cuts the stream.
    pub(crate) fn cut(&mut self) {
        self.stream = None;
    }

    /// Listens until the session has ended, answering nothing.
    pub(crate) async fn listen_silently(&mut self) -> Vec<ServerFrame> {
        let mut stream = self.stream(self.last).await.expect("a stream");
        let mut frames = Vec::new();
        while let Some(event) = within("an event or the end", stream.next()).await {
            frames.push(serde_json::from_str(&event.data).expect("a frame"));
        }
        frames
    }
}
