//! Carries the frames of one connection: a task of its own, dropped with the page that opened it. Here the WebSocket;
//! the lower rungs are in `rungs`.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use madang_client::{Conn, Transport};
use madang_protocol::{ClientFrame, SUBPROTOCOL};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};

use super::channel::{ABNORMAL, Mailbox, News, Order, Orders};
use super::rungs;
use crate::chaos::network::{address_of, connect_from};
use crate::chaos::route::{Route, login_of};
use crate::socket::text;

/// An open or opening connection; dropping it is a page that goes away.
#[derive(Debug)]
pub(super) struct Carrier {
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

/// The wait for the other side's close frame.
const FAREWELL: Duration = Duration::from_secs(3);

impl Carrier {
    /// Opens one.
    pub(super) fn open(conn: Conn, transport: Transport, route: Route, mailbox: Mailbox) -> Self {
        let (orders, taken) = mpsc::unbounded_channel();
        let task = spawn_local(async move {
            let code = match transport {
                Transport::WebSocket => websocket(conn, route, &mailbox, taken).await,
                Transport::EventSource | Transport::Poll => {
                    rungs::carry(conn, transport, route, &mailbox, taken).await
                }
                Transport::Tab => Ok(ABNORMAL),
            };
            let code = code.unwrap_or(ABNORMAL);
            // Nobody listens when the page is gone.
            let _ = mailbox.send((conn, News::Closed(code))).await;
        });
        Self { orders, task }
    }

    /// Sends a frame, if it still can.
    pub(super) fn send(&self, frame: ClientFrame) {
        let _ = self.orders.send(Order::Send(frame));
    }

    /// Shows the server that it is still read.
    pub(super) fn sign_of_life(&self) {
        let _ = self.orders.send(Order::SignOfLife);
    }

    /// Ends it; `Closed` is still reported.
    pub(super) fn close(&self) {
        let _ = self.orders.send(Order::Close);
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn websocket(conn: Conn, route: Route, mailbox: &Mailbox, mut orders: Orders) -> Result<u16> {
    let stream = connect_from(address_of(route.client), route.address).await?;
    let mut request = format!("ws://{}/ws", route.address).into_client_request()?;
    request.headers_mut().extend(route.headers()?);
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    let (mut socket, answer) = tokio_tungstenite::client_async(request, stream).await?;
    if let Some(login) = login_of(answer.headers()) {
        mailbox.send((conn, News::Login(login))).await?;
    }
    mailbox.send((conn, News::Opened)).await?;
    loop {
        tokio::select! {
            order = orders.recv() => match order.context("the page is gone")? {
                Order::Send(frame) => socket.send(text(&frame)?).await?,
                Order::SignOfLife => {}
                Order::Close => {
                    socket.close(None).await?;
                    let ended = async { while let Some(Ok(_)) = socket.next().await {} };
                    // A peer that does not answer is not waited for.
                    let _ = timeout(FAREWELL, ended).await;
                    return Ok(ABNORMAL);
                }
            },
            message = socket.next() => match message.context("closed without a close frame")?? {
                Message::Text(frame) => mailbox.send((conn, News::Frame(frame.to_string()))).await?,
                Message::Close(close) => return Ok(close.map_or(1005, |close| close.code.into())),
                _ => {}
            },
        }
    }
}
