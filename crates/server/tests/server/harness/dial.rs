//! Connecting of a client.

use madang_protocol::{ResumePoint, RoomId, SUBPROTOCOL, Seq};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::link::Link;
use super::{Client, Over, Rt, Server, To, lobby, within};

/// A connection that is still to be made.
pub(crate) struct Dial<'a> {
    server: &'a Server,
    over: Over,
    cookie: String,
    token: Option<String>,
}

impl<'a> Dial<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, over: Over::WebSocket, cookie: String::new(), token: None }
    }

    /// Over this transport.
    pub(crate) fn over(self, over: Over) -> Self {
        Self { over, ..self }
    }

    /// As the person of this cookie.
    pub(crate) fn cookie(self, cookie: &str) -> Self {
        Self { cookie: cookie.into(), ..self }
    }

    /// As the bot of this token, over a WebSocket.
    pub(crate) fn token(self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Upgrades the connection, and sends nothing yet. Over plain HTTP there is nothing to be done before hello.
    /// None if the server is not there.
    pub(crate) async fn open(self, name: &'static str) -> Option<Client> {
        let Self { server, over, cookie, token } = self;
        let addr = server.addr;
        if over != Over::WebSocket {
            let rt = Rt::new(addr, over, cookie.clone());
            return Some(Client::new(name, Link::Http(Box::new(rt)), cookie));
        }
        let mut request = format!("ws://{addr}/ws").into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.append("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        headers.append("cookie", HeaderValue::try_from(&cookie).expect("a cookie"));
        if let Some(token) = token {
            headers.append("authorization", HeaderValue::try_from(format!("Bearer {token}")).expect("text"));
        }
        let stream = server.reach().await?;
        let upgraded = within("an upgrade", tokio_tungstenite::client_async(request, stream)).await;
        let (ws, answer) = upgraded.ok()?;
        let set = answer.headers().get("set-cookie").map(|set| set.to_str().expect("text"));
        let cookie = set.and_then(|set| set.split(';').next()).map_or(cookie, str::to_owned);
        Some(Client::new(name, Link::WebSocket(Box::new(ws)), cookie))
    }
}

impl Client {
    /// A newcomer after hello.
    pub(crate) async fn join(server: &Server, name: &'static str) -> Self {
        Self::join_over(server, name, Over::WebSocket).await
    }

    /// A newcomer after hello over this transport.
    pub(crate) async fn join_over(server: &Server, name: &'static str, over: Over) -> Self {
        let mut client = Dial::new(server).over(over).open(name).await.expect("a connection");
        client.hello(vec![], None, None).await;
        client
    }

    /// One more session of the person of `cookie`.
    pub(crate) async fn join_as(server: &Server, name: &'static str, cookie: &str) -> Self {
        let mut client = Dial::new(server).cookie(cookie).open(name).await.expect("a connection");
        client.hello(vec![], None, None).await;
        client
    }

    /// A person's new session that goes on from these cursors.
    pub(crate) async fn resume(server: &Server, old: &Client, cursors: &[(&RoomId, Seq)]) -> Self {
        Self::resume_over(server, old, cursors, Over::WebSocket).await
    }

    /// As [`Client::resume`], over this transport.
    pub(crate) async fn resume_over(
        server: &Server,
        old: &Client,
        cursors: &[(&RoomId, Seq)],
        over: Over,
    ) -> Self {
        let epoch = old.welcome().epoch.clone();
        let dial = Dial::new(server).over(over).cookie(&old.cookie);
        let mut client = dial.open(old.name).await.expect("a connection");
        let resume = cursors.iter().map(|(room, seq)| ResumePoint { room: (*room).clone(), seq: *seq });
        client.hello(resume.collect(), Some(epoch), None).await;
        client
    }
}

impl Server {
    /// It still takes newcomers and passes their messages on.
    pub(crate) async fn lives(&self) {
        let mut ann = Client::join(self, "a newcomer").await;
        ann.watch_now(&lobby()).await;
        let seq = ann.say("still here").await;
        assert_eq!(ann.next_entry(&lobby()).await.seq, seq);
    }
}
