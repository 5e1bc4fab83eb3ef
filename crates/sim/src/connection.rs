//! One connection, as the server has it: the program's own handshake and loop, polled by hand.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use madang_protocol::{CloseCode, Person, UserId};
use madang_server::connection::connection_loop::ConnectionLoop;
use madang_server::connection::peer::Peer;
use madang_server::connection::scheduler::{Scheduler, Timer};
use madang_server::connection::transport::{End, Transport};
use madang_server::protocols::{ClientProtocol, Handshake, Madang};
use madang_server::rate_limit::Rate;
use madang_server::room::Rooms;
use madang_server::session::SessionOptions;
use tokio_util::sync::CancellationToken;

use crate::link::LinkId;
use crate::pipe::Pipe;
use crate::scenario::Ms;
use crate::wire::Wire;

/// Between two pings. Shorter than the server's own, so that stories are short.
pub(crate) const HEARTBEAT: Ms = 8_000;

/// One connection of the server.
pub(crate) struct Connection {
    pub(crate) link: LinkId,
    pub(crate) device: usize,
    pub(crate) pipe: Pipe,
    pub(crate) wire: Wire,
    /// A turn is due.
    pub(crate) turning: bool,
    task: Pin<Box<dyn Future<Output = End>>>,
    woken: Arc<Woken>,
}

/// Notes that a task is to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connection {
    /// A connection of `user` from `browser`, whose first frame is waited for.
    pub(crate) fn new(
        (link, device, browser): (LinkId, usize, usize),
        user: UserId,
        rooms: Rooms,
        stop: CancellationToken,
        pipe: Pipe,
    ) -> Self {
        let wire = Wire::new(user.clone());
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, browser as u8));
        let peer = Peer { you: Some(Person::new(user, "")), expected: None, address };
        let task = Box::pin(serve(rooms, peer, stop, pipe.clone()));
        Self { link, device, pipe, wire, turning: false, task, woken: Arc::default() }
    }

    /// Lets the task go on, with at most one event. Returns why it ended, if it has.
    pub(crate) fn poll(&mut self) -> Option<End> {
        {
            let mut state = self.pipe.state();
            (state.may_look, state.looks_again, state.is_idle) = (true, false, false);
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(end) => Some(end),
            Poll::Pending => None,
        }
    }

    /// Returns true once for each time that the task was woken.
    pub(crate) fn was_woken(&self) -> bool {
        self.woken.0.swap(false, Ordering::Relaxed)
    }
}

async fn serve(rooms: Rooms, peer: Peer, stop: CancellationToken, pipe: Pipe) -> End {
    let options = SessionOptions {
        from: peer.address.into(),
        frame_rate: Rate { per_second: 100, burst: 400 },
        heartbeat_ms: HEARTBEAT as u32,
    };
    let heartbeat = Duration::from_millis(HEARTBEAT);
    let (mut protocol, mut transport, mut scheduler) = (Madang, pipe.clone(), pipe);
    scheduler.set(Timer::Heartbeat, heartbeat);
    let (transport, scheduler) = (&mut transport, &mut scheduler);
    let handshake = Handshake { rooms: &rooms, peer, options, stop: &stop, transport, scheduler };
    let end = match protocol.open(handshake).await {
        Ok((session, out)) => {
            ConnectionLoop::new(&mut protocol, session, out, heartbeat).run(transport, scheduler).await
        }
        Err(end) => end,
    };
    if let End::Close(code) = end {
        let away = matches!(code, CloseCode::RESTART | CloseCode::MOVING);
        let retry_after_ms = if away { transport.state().chance.between(500, 3_000) as u32 } else { 0 };
        protocol.on_close(code, retry_after_ms, transport);
        transport.close(code, "").await;
    }
    end
}
