//! A connection that goes one way: an answer whose body has no end. The client sends nothing; that it takes what it
//! is sent is its sign of life.
//!
//! Bound: one piece of text that waits to be taken, and what the session sent meanwhile, which is no more than one
//! turn of the loop. A client that takes nothing for 10 s has stalled.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use madang_protocol::CloseCode;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::transport::{End, Incoming, Transport};
use crate::encoded::Encoded;
use crate::metrics::Carrier;
use crate::unsent::Account;

/// A client that takes nothing for so long has stalled.
const STALL: Duration = Duration::from_secs(10);

/// The connection's side.
pub(crate) struct Streamed {
    taken: mpsc::Sender<String>,
    out: String,
    /// A sign of life was asked for: it is there once everything that was sent is taken.
    asked: bool,
    /// Bytes of the piece that was given last, which may not have left yet.
    given: usize,
    account: Account,
}

impl Streamed {
    /// A transport, and the body that it fills.
    pub(crate) fn open(
        account: Account,
    ) -> (Self, impl Stream<Item = Result<String, Infallible>> + Send + 'static) {
        let (taken, given) = mpsc::channel(1);
        let body = stream::unfold(given, async |mut given: mpsc::Receiver<String>| {
            given.recv().await.map(|text| (Ok(text), given))
        });
        (Self { taken, out: String::new(), asked: false, given: 0, account }, Box::pin(body))
    }
}

impl Transport for Streamed {
    fn carrier(&self) -> Carrier {
        Carrier::Stream
    }

    async fn next(&mut self) -> Result<Incoming, End> {
        if self.asked {
            // There is room again once the body has taken what was sent.
            let room = self.taken.reserve().await.map(drop);
            room.map_err(|_| End::Gone)?;
            self.asked = false;
            return Ok(Incoming::Life);
        }
        self.taken.closed().await;
        Err(End::Gone)
    }

    fn text(&mut self, frame: Encoded) {
        self.out.push_str(&frame);
    }

    fn ping(&mut self) {
        self.out.push_str(":\n\n");
        self.asked = true;
    }

    fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    fn output_bytes(&self) -> usize {
        self.out.len()
    }

    async fn flush(&mut self) -> Result<(), End> {
        if self.taken.capacity() == 0 {
            self.account.hold(self.given + self.out.len());
        }
        let room = tokio::select! {
            () = self.account.dropped() => return Err(End::Close(CloseCode::STALLED)),
            room = timeout(STALL, self.taken.reserve()) => room,
        };
        match room {
            Ok(Ok(room)) => {
                self.given = self.out.len();
                room.send(std::mem::take(&mut self.out));
                self.account.hold(0);
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Close(CloseCode::STALLED)),
        }
    }

    async fn close(&mut self, _: CloseCode, _: &'static str) {
        if self.has_output() && !self.account.is_dropped() {
            let _ = self.flush().await;
        }
    }

    async fn acknowledge_close(&mut self) {}
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::time::Instant;

    use super::*;

    fn account() -> Account {
        let unsent = crate::unsent::Unsent::new(0, Default::default());
        unsent.account(std::net::Ipv4Addr::LOCALHOST.into(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn idle_reader_stalls_after_ten_seconds() {
        let (mut transport, mut body) = Streamed::open(account());
        transport.text("one".into());
        transport.flush().await.unwrap();
        transport.text("two".into());
        let begin = Instant::now();
        assert_eq!(transport.flush().await, Err(End::Close(CloseCode::STALLED)));
        assert_eq!(begin.elapsed(), STALL);
        assert_eq!(body.next().await, Some(Ok("one".to_owned())));
        transport.flush().await.unwrap();
        assert_eq!(body.next().await, Some(Ok("two".to_owned())), "and what waited is not lost");
    }

    #[tokio::test]
    async fn sign_of_life_counts_once_taken() {
        let (mut transport, mut body) = Streamed::open(account());
        transport.ping();
        transport.flush().await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(10), transport.next()).await;
        assert!(early.is_err(), "nobody has taken it");
        assert_eq!(body.next().await, Some(Ok(":\n\n".to_owned())));
        assert!(matches!(transport.next().await, Ok(Incoming::Life)));
    }

    #[tokio::test]
    async fn a_body_that_is_dropped_ends_the_connection() {
        let (mut transport, body) = Streamed::open(account());
        drop(body);
        assert!(matches!(transport.next().await, Err(End::Gone)));
        transport.text("one".into());
        assert_eq!(transport.flush().await, Err(End::Gone));
    }
}
