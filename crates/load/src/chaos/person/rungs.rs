//! The lower rungs of the ladder: frames go up by `POST`, and come down as server-sent events or by one long
//! poll after another.

use std::cell::Cell;
use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::BodyExt;
use hyper::header::HeaderName;
use hyper::{Method, StatusCode};
use madang_client::{Conn, Transport};
use madang_protocol::ClientFrame;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::channel::{ABNORMAL, Mailbox, News, Order, Orders};
use crate::chaos::checker::Broken;
use crate::chaos::events::Events;
use crate::chaos::http;
use crate::chaos::route::{Route, login_of};

/// Bytes of frames in one `POST`, below the server's bound for it.
const POST: usize = 60 * 1024;

/// A `GET` that fails is made again, so often in a row and after so long: what was missed is still held.
const RETRIES: u32 = 3;
const RETRY: Duration = Duration::from_millis(300);

/// "Your session is gone": come back with a new one.
const GONE: u16 = 4001;

/// End of one side of the carrier.
enum End {
    /// The page wants no more of it, or the network let it down.
    Closed,
    /// 410.
    Gone,
}

/// Carries until its end; answers the close code.
pub(super) async fn carry(
    conn: Conn,
    transport: Transport,
    mut route: Route,
    mailbox: &Mailbox,
    mut orders: Orders,
) -> Result<u16> {
    mailbox.send((conn, News::Opened)).await?;
    let hello = loop {
        match orders.recv().await.context("the page is gone")? {
            Order::Send(frame) => break serde_json::to_string(&frame)?,
            Order::SignOfLife => {}
            Order::Close => return Ok(ABNORMAL),
        }
    };
    let mut up = Up { route: &route, orders: &mut orders, waiting: VecDeque::new(), sign: false };
    let Some((status, headers, body)) = up.post("/rt", hello).await? else { return Ok(ABNORMAL) };
    if status != StatusCode::CREATED {
        return Ok(ABNORMAL);
    }
    let (waiting, sign) = (up.waiting, up.sign);
    if let Some(login) = login_of(&headers) {
        route.login = Some(login.clone());
        mailbox.send((conn, News::Login(login))).await?;
    }
    let session = serde_json::from_slice::<Created>(&body)?.session;
    mailbox.send((conn, News::Session(session.clone()))).await?;
    let ack = Cell::new(0);
    let mut up = Up { route: &route, orders: &mut orders, waiting, sign };
    let down = Down { conn, route: &route, session: &session, mailbox, ack: &ack };
    let end = tokio::select! {
        end = up.run(&session, &ack) => end,
        end = down.run(transport) => end,
    };
    Ok(match end? {
        End::Closed => ABNORMAL,
        End::Gone => GONE,
    })
}

#[derive(Deserialize)]
struct Created {
    session: String,
}

/// Client to server.
struct Up<'a> {
    route: &'a Route,
    orders: &'a mut Orders,
    waiting: VecDeque<ClientFrame>,
    /// A sign of life is due.
    sign: bool,
}

type Answer = (StatusCode, hyper::HeaderMap, bytes::Bytes);

impl Up<'_> {
    /// One `POST` at a time, with all that waits.
    async fn run(&mut self, session: &str, ack: &Cell<u64>) -> Result<End> {
        loop {
            while self.waiting.is_empty() && !self.sign {
                let order = self.orders.recv().await.context("the page is gone")?;
                if !self.take(order) {
                    return Ok(End::Closed);
                }
            }
            self.sign = false;
            let mut body = String::from("[");
            while let Some(frame) = self.waiting.front() {
                let frame = serde_json::to_string(frame)?;
                if body.len() > 1 && body.len() + frame.len() > POST {
                    break;
                }
                if body.len() > 1 {
                    body.push(',');
                }
                body.push_str(&frame);
                self.waiting.pop_front();
            }
            body.push(']');
            let path = format!("/rt/{session}?ack={}", ack.get());
            let Some((status, ..)) = self.post(&path, body).await? else { return Ok(End::Closed) };
            match status {
                StatusCode::NO_CONTENT => {}
                StatusCode::GONE => return Ok(End::Gone),
                _ => return Ok(End::Closed),
            }
        }
    }

    /// Posts, and takes orders meanwhile; nothing if one of them is to close.
    async fn post(&mut self, path: &str, body: String) -> Result<Option<Answer>> {
        let route = self.route;
        let answer = http::fetch(route, Method::POST, path, &[], body);
        tokio::pin!(answer);
        loop {
            tokio::select! {
                answer = &mut answer => return answer.map(Some),
                order = self.orders.recv() => {
                    if !self.take(order.context("the page is gone")?) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// False if it is to close.
    fn take(&mut self, order: Order) -> bool {
        match order {
            Order::Send(frame) => self.waiting.push_back(frame),
            Order::SignOfLife => self.sign = true,
            Order::Close => return false,
        }
        true
    }
}

/// Server to client.
struct Down<'a> {
    conn: Conn,
    route: &'a Route,
    session: &'a str,
    mailbox: &'a Mailbox,
    /// The last frame that came.
    ack: &'a Cell<u64>,
}

#[derive(Deserialize)]
struct Polled {
    ack: u64,
    frames: Vec<Value>,
}

impl Down<'_> {
    async fn run(&self, transport: Transport) -> Result<End> {
        let mut failures = 0;
        while failures < RETRIES {
            let before = self.ack.get();
            let answer = match transport {
                Transport::Poll => self.poll().await,
                _ => self.events().await,
            };
            match answer {
                Ok(StatusCode::OK) if transport == Transport::Poll => failures = 0,
                Ok(StatusCode::GONE) => return Ok(End::Gone),
                _ if self.ack.get() > before => failures = 0,
                _ => {
                    failures += 1;
                    sleep(RETRY).await;
                }
            }
        }
        Ok(End::Closed)
    }

    async fn poll(&self) -> Result<StatusCode> {
        let path = format!("/rt/{}/poll?ack={}", self.session, self.ack.get());
        let (status, _, body) = http::fetch(self.route, Method::GET, &path, &[], String::new()).await?;
        if status == StatusCode::OK {
            let polled: Polled = serde_json::from_slice(&body)?;
            let expected = self.ack.get() + polled.frames.len() as u64;
            if polled.ack != expected {
                self.wrong(Broken::Hole, format!("a poll ends at {} for {expected}", polled.ack)).await?;
            }
            for frame in polled.frames {
                self.ack.set(self.ack.get() + 1);
                self.mailbox.send((self.conn, News::Frame(frame.to_string()))).await?;
            }
        }
        Ok(status)
    }

    /// Reads one stream of events to its end.
    async fn events(&self) -> Result<StatusCode> {
        let last = (HeaderName::from_static("last-event-id"), self.ack.get().to_string());
        let path = format!("/rt/{}/events", self.session);
        let last = [last].into_iter().filter(|(_, number)| number != "0").collect::<Vec<_>>();
        let answer = http::ask(self.route, Method::GET, &path, &last, String::new()).await?;
        let status = answer.status();
        if status != StatusCode::OK {
            return Ok(status);
        }
        let (mut body, mut events) = (answer.into_body(), Events::default());
        while let Some(piece) = body.frame().await {
            let Ok(bytes) = piece?.into_data() else { continue };
            for (id, data) in events.take(&bytes) {
                self.event(id, data).await?;
            }
        }
        bail!("the stream ended")
    }

    async fn event(&self, id: u64, data: String) -> Result<()> {
        let expected = self.ack.get() + 1;
        if id != expected {
            let what = if id < expected { Broken::Doubled } else { Broken::Hole };
            self.wrong(what, format!("event {id} came for {expected}")).await?;
        }
        self.ack.set(id);
        Ok(self.mailbox.send((self.conn, News::Frame(data))).await?)
    }

    async fn wrong(&self, what: Broken, how: String) -> Result<()> {
        Ok(self.mailbox.send((self.conn, News::Wrong(what, how))).await?)
    }
}
