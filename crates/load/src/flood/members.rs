//! Members: they have written before, and write on, each at an ordinary person's rate.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use madang_protocol::{ClientFrame, Cmid, RoomId, ServerFrame};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep};

use crate::socket::{self, Protocol, Socket, Target};

/// From one post of a member to the next: below every rate limit.
const BETWEEN: Duration = Duration::from_millis(250);

/// Those who post, until the run ends.
pub(super) struct Members(Rc<RefCell<Histogram<u64>>>);

impl Members {
    /// Lets so many come in, and post from now on.
    pub(super) async fn join(address: SocketAddr, count: u32) -> Result<Self> {
        let latencies = Rc::new(RefCell::new(histogram()?));
        let target = Target { address, speaks: Protocol::Madang };
        for number in 0..count {
            let mut socket = socket::connect(target, "/ws", number as usize).await?;
            socket::hello(&mut socket).await?;
            let mut member = Member { socket, cmids: u128::from(number) << 64 | random() << 80 };
            member.post().await.context("a member cannot post")?;
            let latencies = latencies.clone();
            spawn_local(async move {
                // Not all at once, and not in step with anything.
                sleep(BETWEEN * number / count.max(1)).await;
                loop {
                    let took = member.post().await.unwrap_or(Duration::from_secs(600));
                    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    latencies.borrow_mut().saturating_record(micros);
                    sleep(BETWEEN.saturating_sub(took)).await;
                }
            });
        }
        Ok(Self(latencies))
    }

    /// Measures their posts for so long, into `latencies`.
    pub(super) async fn measure(&self, length: Duration, latencies: &mut Histogram<u64>) -> Result<()> {
        self.0.borrow_mut().reset();
        sleep(length).await;
        Ok(latencies.add(&*self.0.borrow())?)
    }
}

/// Returns an empty histogram of latencies, in microseconds.
pub(super) fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(600_000_000, 3)?)
}

struct Member {
    socket: Socket,
    cmids: u128,
}

impl Member {
    /// Posts; how long it took until it was durable.
    async fn post(&mut self) -> Result<Duration> {
        self.cmids += 1;
        let (room, cmid) = (RoomId::lobby(), Cmid(self.cmids));
        let body = "what members say to each other".to_owned();
        let began = Instant::now();
        socket::send(&mut self.socket, &ClientFrame::Post { room, cmid, body, reply_to: None }).await?;
        loop {
            match socket::next(&mut self.socket).await? {
                ServerFrame::Done { cmid: done, .. } if done == cmid => return Ok(began.elapsed()),
                ServerFrame::Refused { cmid: Some(refused), message, .. } if refused == cmid => {
                    bail!("a post was refused: {message}")
                }
                _ => {}
            }
        }
    }
}

fn random() -> u128 {
    u128::from(fastrand::u32(..))
}
