//! A connection over HTTP, where no connection can be held open both ways: the client posts its frames, and
//! fetches the server's with a stream or with one request after another. Between the requests and the
//! connection's loop stands this session.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use madang_protocol::CloseCode;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tungstenite::Utf8Bytes;

use super::transport::{End, Incoming, Transport};
use super::unacked_frames::UnackedFrames;
use crate::encoded::Encoded;
use crate::metrics::{Carrier, OpenConnection};
use crate::unsent::{Account, UNCOUNTED};

/// A client that fetches nothing for so long, while it may not be sent more, has stalled.
const STALL: Duration = Duration::from_secs(10);

/// Posts that wait for the loop. Together with [`POSTS`] it bounds what a session holds of them: each has at
/// most as many bytes as a frame.
const INBOX: usize = 4;

/// Posts of one session under way at a time; one more is refused.
const POSTS: usize = 4;

/// The hash of a login's token: a session belongs to the login that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginKey(pub(crate) [u8; 32]);

/// Content of one post.
#[derive(Debug)]
pub(crate) enum PostedFrames {
    /// Frames, in their order; an empty list only shows that the client is alive.
    Frames(Vec<Utf8Bytes>),
    /// More than a frame may have.
    TooBig,
}

/// The session has ended, or what was asked for is not held any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Result of a read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Frames, and the number of the last of them.
    Frames(Vec<Encoded>, u64),
    /// A newer reader has taken over.
    Replaced,
    /// The session has ended, and everything was read.
    Over,
}

/// The side of the requests.
#[derive(Debug)]
pub(crate) struct HttpSession {
    login: LoginKey,
    inbox: mpsc::Sender<PostedFrames>,
    posts: Semaphore,
    state: Mutex<State>,
    /// Wakes readers: frames, an end, or another reader.
    changed: Notify,
    /// Wakes the loop that waits in a flush.
    fetched: Notify,
    /// The client has ended the session.
    left: CancellationToken,
}

#[derive(Debug)]
struct State {
    outbox: UnackedFrames,
    /// The number of the present reader.
    reader: u64,
    ended: bool,
    /// Counted until the loop has ended.
    counted: Option<OpenConnection>,
    account: Account,
}

impl State {
    /// Tells how much is held now, where that is worth it.
    fn tell(&mut self) {
        let bytes = self.outbox.bytes();
        self.account.hold(if bytes > UNCOUNTED { bytes } else { 0 });
    }
}

impl HttpSession {
    /// An HTTP session and the transport that it replaces. `first` is the first frame from the client.
    pub(crate) fn open(
        login: LoginKey,
        counted: OpenConnection,
        first: Utf8Bytes,
        mut account: Account,
    ) -> (Arc<Self>, HttpTransport) {
        let (inbox, parcels) = mpsc::channel(INBOX);
        let dropped = account.token();
        let outbox = UnackedFrames::default();
        let state = State { outbox, reader: 0, ended: false, counted: Some(counted), account };
        let http_session = Arc::new(Self {
            login,
            inbox,
            posts: Semaphore::new(POSTS),
            state: Mutex::new(state),
            changed: Notify::new(),
            fetched: Notify::new(),
            left: CancellationToken::new(),
        });
        let transport = HttpTransport {
            http_session: http_session.clone(),
            parcels,
            unpacked: VecDeque::from([first]),
            out: Vec::new(),
            out_bytes: 0,
            dropped,
        };
        (http_session, transport)
    }

    /// Returns true if it belongs to this login.
    pub(crate) fn is_of(&self, login: LoginKey) -> bool {
        self.login == login
    }

    /// A place for a post, if not too many are under way.
    pub(crate) fn admit_post(&self) -> Option<SemaphorePermit<'_>> {
        self.posts.try_acquire().ok()
    }

    /// Passes on what was posted, as soon as the session takes it.
    pub(crate) async fn post(&self, parcel: PostedFrames, acknowledged: Option<u64>) -> Result<(), Gone> {
        {
            let mut state = self.state();
            if state.ended {
                return Err(Gone);
            }
            if let Some(number) = acknowledged {
                state.outbox.acknowledge(number);
                state.tell();
                self.fetched.notify_one();
            }
        }
        self.inbox.send(parcel).await.map_err(|_| Gone)
    }

    /// Ends the session for its client.
    pub(crate) fn leave(&self) {
        self.left.cancel();
        self.end();
    }

    /// A new reader of the frames after the numbered one, which the client acknowledges so. It replaces the one
    /// before. A session whose frames are not all held any more cannot continue.
    pub(crate) fn read(self: &Arc<Self>, after: u64, carrier: Carrier) -> Result<Reader, Gone> {
        let number = {
            let mut state = self.state();
            if state.ended && state.outbox.newest() <= after {
                return Err(Gone);
            }
            if !state.outbox.holds_after(after) {
                drop(state);
                self.leave();
                return Err(Gone);
            }
            state.outbox.acknowledge(after);
            state.tell();
            if let Some(counted) = &mut state.counted {
                counted.becomes(carrier);
            }
            state.reader += 1;
            state.reader
        };
        self.changed.notify_waiters();
        self.fetched.notify_one();
        // A sign of life. If there is no place for it, posts are waiting, which are one too.
        let _ = self.inbox.try_send(PostedFrames::Frames(Vec::new()));
        Ok(Reader { http_session: self.clone(), number, after, carrier })
    }

    fn end(&self) {
        self.state().ended = true;
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that fetches frames.
#[derive(Debug)]
pub(crate) struct Reader {
    http_session: Arc<HttpSession>,
    number: u64,
    after: u64,
    carrier: Carrier,
}

impl Reader {
    /// Waits for frames; at most so many bytes of them, but one at least. Cancel safe.
    pub(crate) async fn next(&mut self, bytes: usize) -> Received {
        let http_session = self.http_session.clone();
        loop {
            // Made before the look, so that nothing that happens after it is missed.
            let changed = http_session.changed.notified();
            if let Some(received) = self.look(bytes) {
                break received;
            }
            changed.await;
        }
    }

    /// Waits until there is something to be got; that is left to [`Reader::next`].
    pub(crate) async fn ready(&self) {
        loop {
            let changed = self.http_session.changed.notified();
            {
                let state = self.http_session.state();
                if state.reader != self.number || state.ended || state.outbox.newest() > self.after {
                    return;
                }
            }
            changed.await;
        }
    }

    /// The number of the last frame that was got.
    pub(crate) fn after(&self) -> u64 {
        self.after
    }

    fn look(&mut self, bytes: usize) -> Option<Received> {
        let mut state = self.http_session.state();
        if state.reader != self.number {
            return Some(Received::Replaced);
        }
        // A reader's own frames are held until it has got them.
        let frames = state.outbox.fetch(self.after, bytes).unwrap_or_default();
        if self.carrier == Carrier::Events {
            state.outbox.forget();
            state.tell();
        }
        if frames.is_empty() {
            return state.ended.then_some(Received::Over);
        }
        drop(state);
        self.http_session.fetched.notify_one();
        self.after += frames.len() as u64;
        Some(Received::Frames(frames, self.after))
    }
}

/// The side of the connection's loop.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    http_session: Arc<HttpSession>,
    parcels: mpsc::Receiver<PostedFrames>,
    unpacked: VecDeque<Utf8Bytes>,
    out: Vec<Encoded>,
    out_bytes: usize,
    /// Too much waited in the whole server, and most of it here.
    dropped: CancellationToken,
}

impl HttpTransport {
    /// Puts what was added where readers find it.
    fn deliver(&mut self) {
        let out = std::mem::take(&mut self.out);
        self.out_bytes = 0;
        let mut state = self.http_session.state();
        out.into_iter().for_each(|frame| state.outbox.push(frame));
        state.tell();
        drop(state);
        self.http_session.changed.notify_waiters();
    }
}

impl Transport for HttpTransport {
    fn carrier(&self) -> Carrier {
        self.http_session.state().counted.as_ref().map_or(Carrier::Poll, OpenConnection::carrier)
    }

    async fn next(&mut self) -> Result<Incoming, End> {
        if let Some(frame) = self.unpacked.pop_front() {
            return Ok(Incoming::Text(frame));
        }
        let parcel = tokio::select! {
            () = self.http_session.left.cancelled() => return Err(End::Gone),
            () = self.dropped.cancelled() => return Err(End::Close(CloseCode::STALLED)),
            parcel = self.parcels.recv() => parcel,
        };
        match parcel {
            Some(PostedFrames::Frames(frames)) => {
                self.unpacked = frames.into();
                Ok(self.unpacked.pop_front().map_or(Incoming::Life, Incoming::Text))
            }
            Some(PostedFrames::TooBig) => Err(End::Close(CloseCode::TOO_BIG)),
            None => Err(End::Gone),
        }
    }

    fn text(&mut self, frame: Encoded) {
        self.out_bytes += frame.len();
        self.out.push(frame);
    }

    /// The frame that goes with each heartbeat is what the client answers.
    fn ping(&mut self) {}

    fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    fn output_bytes(&self) -> usize {
        self.out_bytes
    }

    async fn flush(&mut self) -> Result<(), End> {
        self.deliver();
        while self.http_session.state().outbox.is_crowded() {
            tokio::select! {
                () = self.http_session.left.cancelled() => return Err(End::Gone),
                () = self.dropped.cancelled() => return Err(End::Close(CloseCode::STALLED)),
                waited = timeout(STALL, self.http_session.fetched.notified()) => {
                    waited.map_err(|_| End::Close(CloseCode::STALLED))?;
                }
            }
        }
        Ok(())
    }

    async fn close(&mut self, _: CloseCode, _: &'static str) {
        if self.dropped.is_cancelled() {
            // Its readers find that it has ended.
            self.http_session.state().outbox = UnackedFrames::default();
            return self.http_session.end();
        }
        self.deliver();
        self.http_session.end();
        self.parcels.close();
        while !self.http_session.left.is_cancelled() && !self.http_session.state().outbox.is_fetched() {
            self.http_session.fetched.notified().await;
        }
    }

    async fn acknowledge_close(&mut self) {
        self.http_session.end();
    }
}

impl Drop for HttpTransport {
    fn drop(&mut self) {
        self.http_session.end();
        self.http_session.state().counted = None;
    }
}

#[cfg(test)]
mod tests;
