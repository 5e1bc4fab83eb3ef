//! The loop of every connection, whatever carries it and whatever its client speaks. Each iteration writes all that is to be
//! sent, waits for one event, and does what follows from it. The simulation runs this same loop: time, order and
//! transport are given to it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use madang_protocol::CloseCode;
use tokio::task::coop;

use super::heartbeat::{Due, Heartbeat};
use super::scheduler::{Scheduler, Source, Timer};
use super::transport::{End, Incoming, Transport};
use crate::hub::{Queue, QueuedFrame, Taken};
use crate::protocols::{ClientProtocol, Context};
use crate::session::{MAX_PENDING, Outgoing, Session};

/// Bytes that a connection gathers before it lets them leave. Anything else that waits to be sent is shared with
/// others, or one answer.
const GATHERED: usize = 64 * 1024;

/// Longest pause of a connection: shorter than any peer waits for a sign of life. Milliseconds.
pub(super) const LONGEST_PAUSE_MS: u32 = 5_000;

/// Loop of one connection, from the first frame behind the handshake to the last.
pub struct ConnectionLoop<'a, P> {
    protocol: &'a mut P,
    session: Session,
    queue: Arc<Queue>,
    /// Like `out`, given back when it is empty: the next one finds memory that is warm.
    batch: Vec<QueuedFrame>,
    out: Vec<Outgoing>,
    heartbeat: Heartbeat,
    /// Nothing is received until its timer fires.
    receive_paused: bool,
    /// No replay goes on until its timer fires.
    replay_paused: bool,
}

/// One thing that is due.
enum Event {
    /// The queue had frames, which are in the batch, or something else to tell.
    Queue(Taken),
    /// A write was answered; its answer is in `out`.
    Answer,
    Timer(Timer),
    Incoming(Result<Incoming, End>),
    /// A room is behind, and may be read on.
    Replay,
}

impl<'a, P: ClientProtocol> ConnectionLoop<'a, P> {
    /// Begins with what the protocol's handshake has made, and a ping each `heartbeat`.
    pub fn new(protocol: &'a mut P, session: Session, out: Vec<Outgoing>, heartbeat: Duration) -> Self {
        let heartbeat = protocol.heartbeat(heartbeat);
        Self {
            protocol,
            queue: session.queue(),
            session,
            batch: Vec::new(),
            out,
            heartbeat,
            receive_paused: false,
            replay_paused: false,
        }
    }

    /// Runs until the connection ends, and returns why.
    pub async fn run(&mut self, transport: &mut impl Transport, scheduler: &mut impl Scheduler) -> End {
        scheduler.set(Timer::Heartbeat, self.heartbeat.first());
        let end = loop {
            if let Err(end) = self.iterate(transport, scheduler).await {
                break end;
            }
        };
        self.protocol.on_end(&mut self.session);
        end
    }

    async fn iterate(
        &mut self,
        transport: &mut impl Transport,
        scheduler: &mut impl Scheduler,
    ) -> Result<(), End> {
        self.write(transport).await?;
        let event = self.wait(transport, scheduler).await;
        self.step(event, transport, scheduler).await
    }

    /// Writes all that is to be sent, with as few system calls as the transport allows.
    async fn write(&mut self, transport: &mut impl Transport) -> Result<(), End> {
        if !self.out.is_empty() {
            self.session.rooms().metrics().frames_out.inc_by(self.out.len() as u64);
            for outgoing in self.out.drain(..) {
                self.protocol.encode(outgoing, &mut self.session, transport)?;
                if transport.output_bytes() >= GATHERED {
                    transport.flush().await?;
                }
            }
            self.out = Vec::new();
        }
        if transport.has_output() { transport.flush().await } else { Ok(()) }
    }

    /// Waits for one event. Decides nothing but which sources are looked at, by [`ConnectionLoop::wants`].
    async fn wait(&mut self, transport: &mut impl Transport, scheduler: &mut impl Scheduler) -> Event {
        let mut next = pin!(transport.next());
        poll_fn(|context| {
            // A connection that always has something to do lets others have their turn.
            let turn = ready!(coop::poll_proceed(context));
            for source in scheduler.order() {
                if !self.wants(source) {
                    continue;
                }
                let event = match source {
                    Source::Queue => self.queue.poll_take(&mut self.batch, context).map(Event::Queue),
                    Source::Answers => {
                        self.session.poll_settled(&mut self.out, context).map(|()| Event::Answer)
                    }
                    Source::Timers => scheduler.poll_timer(context).map(Event::Timer),
                    Source::Transport => next.as_mut().poll(context).map(Event::Incoming),
                    Source::Replay => Poll::Ready(Event::Replay),
                };
                if event.is_ready() {
                    turn.made_progress();
                    return event;
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Returns true if an event of this source could be taken now. At [`MAX_PENDING`] writes under way nothing more is
    /// received.
    fn wants(&self, source: Source) -> bool {
        match source {
            Source::Queue | Source::Timers => true,
            Source::Answers => self.session.pending() > 0,
            Source::Transport => !self.receive_paused && self.session.pending() < MAX_PENDING,
            Source::Replay => !self.replay_paused && self.session.is_behind(),
        }
    }

    /// Does what follows from an event; it may wait for the store. Then it does so on the heap: a connection that has
    /// nothing to do keeps no room for that.
    async fn step(
        &mut self,
        event: Event,
        transport: &mut impl Transport,
        scheduler: &mut impl Scheduler,
    ) -> Result<(), End> {
        match event {
            Event::Queue(Taken::Frames) => {
                self.out.reserve(self.batch.len());
                self.session.deliver(&mut self.batch, &mut self.out);
                self.batch = Vec::new();
            }
            Event::Queue(Taken::Overflowed) => Box::pin(self.session.recover(&mut self.out)).await,
            Event::Queue(Taken::Close(code)) => return Err(End::Close(code)),
            Event::Answer => {}
            Event::Timer(Timer::Heartbeat) => return self.beat(transport, scheduler),
            Event::Timer(Timer::Receive) => {
                // What the peer sent meanwhile, signs of life among it, was not received.
                self.heartbeat.received(true);
                self.receive_paused = false;
            }
            Event::Timer(Timer::Replay) => self.replay_paused = false,
            Event::Incoming(incoming) => {
                Box::pin(self.receive(incoming?, transport, scheduler)).await?;
                let pause = self.session.take_receive_pause();
                self.receive_paused = set_pause(Timer::Receive, pause, scheduler);
            }
            Event::Replay => {
                Box::pin(self.session.catch_up(scheduler.now(), &mut self.out)).await;
                let pause = self.session.take_replay_pause();
                self.replay_paused = set_pause(Timer::Replay, pause, scheduler);
            }
        }
        Ok(())
    }

    /// Passes what came from the peer to the protocol. A bare sign of life counts as a frame: a flood is a flood. How
    /// a stream is cut means nothing: there the protocol counts what is in it.
    async fn receive(
        &mut self,
        incoming: Incoming,
        transport: &mut impl Transport,
        scheduler: &mut impl Scheduler,
    ) -> Result<(), End> {
        self.heartbeat.received(!matches!(incoming, Incoming::Life));
        if let Some(later) = self.heartbeat.answered() {
            scheduler.delay(Timer::Heartbeat, later);
        }
        self.session.rooms().metrics().frames_in.inc();
        let now = scheduler.now();
        if !transport.is_stream() {
            self.session.admit(now).map_err(End::Close)?;
        }
        let context = Context { session: &mut self.session, transport, out: &mut self.out, now };
        self.protocol.on_incoming(incoming, context).await
    }

    /// Does what the heartbeat has due. A peer that is not listened to cannot be dead.
    fn beat(&mut self, transport: &mut impl Transport, scheduler: &mut impl Scheduler) -> Result<(), End> {
        self.queue.release();
        let (due, next) = self.heartbeat.beat();
        scheduler.set(Timer::Heartbeat, next);
        match due {
            Due::Ping => {
                let now = scheduler.now();
                let context = Context { session: &mut self.session, transport, out: &mut self.out, now };
                self.protocol.ping(context);
            }
            Due::Keepalive => self.protocol.keepalive(transport),
            Due::Dead if !self.receive_paused => return Err(End::Close(CloseCode::NO_PONG)),
            Due::Nothing | Due::Dead => {}
        }
        Ok(())
    }
}

/// Sets the timer for a pause of so many milliseconds, at most [`LONGEST_PAUSE_MS`]. Returns false for 0: no pause.
fn set_pause(timer: Timer, ms: u32, scheduler: &mut impl Scheduler) -> bool {
    if ms > 0 {
        scheduler.set(timer, Duration::from_millis(ms.min(LONGEST_PAUSE_MS).into()));
    }
    ms > 0
}
