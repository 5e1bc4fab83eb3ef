//! HTTP/2 (RFC 9113), where TLS agreed on it: pages, API and event streams of a browser share one connection, so that
//! its limit of six for a server holds nobody up. WebSockets stay with HTTP/1.1.
//!
//! Bounds: so many requests of a connection at a time, each with a small buffer; a connection that asks for nothing
//! ends after the time that a request has for its head, and one that takes nothing of what it asked for has stalled.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt, service_fn};

use super::http_stream::{HttpStream, STALL};
use super::{BadEnd, head};
use crate::http::compression::is_event_stream;
use crate::io::Io;
use crate::state::App;

/// Most requests of a connection that are answered at a time: what RFC 9113, 6.5.2, calls the least that is useful.
const REQUESTS: u32 = 100;

/// Bytes of an answer that wait in the connection, of one request.
const UNSENT: usize = 32 * 1024;

/// Bytes of a body that a client may send before they are read, of one request and of all.
const UNREAD: u32 = 64 * 1024;
const ALL_UNREAD: u32 = 256 * 1024;

/// Interval of pings to a peer, and the time that it has for an answer: a dead one is noticed while a stream is open.
const PING: Duration = Duration::from_secs(25);
const PONG: Duration = Duration::from_secs(10);

/// Answers the requests of a connection until it ends, or `dropped` is cancelled: here too, for what its peer does not
/// take.
pub(super) async fn serve<S>(io: Io, service: S, app: &App, dropped: &CancellationToken) -> Result<(), BadEnd>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let stream = HttpStream::of_http2(io, dropped.clone());
    let progress = Arc::new(Progress::default());
    let followed = service_fn({
        let progress = progress.clone();
        move |request| {
            let answering = Answering::new(progress.clone());
            let answer = service.clone().oneshot(request);
            async move { answer.await.map(|answer| answering.follow(answer)) }
        }
    });
    let connection = http2::Builder::new(Tracked(app.connections.clone()))
        .timer(TokioTimer::new())
        .max_concurrent_streams(REQUESTS)
        .max_header_list_size(u32::try_from(head::BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(UNSENT)
        .initial_stream_window_size(UNREAD)
        .initial_connection_window_size(ALL_UNREAD)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(followed));
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return result.map_err(BadEnd::Broken),
        () = dropped.cancelled() => return Err(BadEnd::Unread),
        () = progress.stalled() => return Err(BadEnd::Unread),
        () = app.last_call.cancelled() => {}
        () = progress.idle(app.config.hello_timeout()) => {}
    }
    // Answers what is under way, takes no further request.
    connection.as_mut().graceful_shutdown();
    timeout(STALL, connection).await.unwrap_or(Ok(())).map_err(BadEnd::Broken)
}

/// Spawns what a connection answers where the end of the server waits for it.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tracked {
    fn execute(&self, work: F) {
        self.0.spawn(work);
    }
}

/// Progress of a connection's answers.
#[derive(Debug, Default)]
struct Progress {
    /// Requests that were ever made.
    asked: AtomicUsize,
    /// Requests whose answers have not left.
    answering: AtomicUsize,
    /// Answers among them that are there, and only wait to be taken.
    waiting: AtomicUsize,
    /// Pieces of those that were taken.
    taken: AtomicUsize,
}

impl Progress {
    /// Waits until nothing was asked and nothing was to be answered for `time`, or up to twice as long.
    async fn idle(&self, time: Duration) {
        let mut before = None;
        loop {
            let is_quiet = self.answering.load(Relaxed) == 0;
            let asked = is_quiet.then(|| self.asked.load(Relaxed));
            if is_quiet && before == asked {
                return;
            }
            before = asked;
            sleep(time).await;
        }
    }

    /// Waits until answers wait of which nothing was taken for [`STALL`], or up to twice as long.
    async fn stalled(&self) {
        let mut before = None;
        loop {
            let is_waiting = self.waiting.load(Relaxed) > 0;
            let taken = is_waiting.then(|| self.taken.load(Relaxed));
            if is_waiting && before == taken {
                return;
            }
            before = taken;
            sleep(STALL).await;
        }
    }
}

/// A request, until its answer has left.
struct Answering {
    progress: Arc<Progress>,
    is_waiting: bool,
}

impl Answering {
    fn new(progress: Arc<Progress>) -> Self {
        progress.asked.fetch_add(1, Relaxed);
        progress.answering.fetch_add(1, Relaxed);
        Self { progress, is_waiting: false }
    }

    /// Returns the answer, which is followed until it has left. The pauses of an event stream are the server's own.
    fn follow(mut self, answer: Response<Body>) -> Response<Followed> {
        self.is_waiting = !is_event_stream(answer.headers());
        if self.is_waiting {
            self.progress.waiting.fetch_add(1, Relaxed);
        }
        answer.map(|body| Followed { body, answering: self })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.progress.answering.fetch_sub(1, Relaxed);
        if self.is_waiting {
            self.progress.waiting.fetch_sub(1, Relaxed);
        }
    }
}

/// A body that tells when its pieces are taken.
struct Followed {
    body: Body,
    answering: Answering,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_ready() {
            self.answering.progress.taken.fetch_add(1, Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::CONTENT_TYPE;
    use tokio::time::Instant;

    use super::*;

    fn answer(kind: &'static str) -> Response<Body> {
        Response::builder().header(CONTENT_TYPE, kind).body(Body::from("text")).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn connection_is_idle_without_requests() {
        let progress = Arc::new(Progress::default());
        let begin = Instant::now();
        progress.idle(STALL).await;
        assert_eq!(begin.elapsed(), STALL);

        let answering = Answering::new(progress.clone());
        assert!(timeout(10 * STALL, progress.idle(STALL)).await.is_err(), "one is being answered");
        drop(answering.follow(answer("text/event-stream")));
        progress.idle(STALL).await;
    }

    #[tokio::test(start_paused = true)]
    async fn answer_that_is_not_taken_stalls() {
        let progress = Arc::new(Progress::default());
        let page = Answering::new(progress.clone()).follow(answer("text/html"));
        let begin = Instant::now();
        progress.stalled().await;
        assert_eq!(begin.elapsed(), STALL);
        drop(page);
        assert!(timeout(10 * STALL, progress.stalled()).await.is_err(), "it has left");
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_that_is_taken_gives_more_time() {
        let progress = Arc::new(Progress::default());
        let mut page = Answering::new(progress.clone()).follow(answer("text/html"));
        let stalled = tokio::spawn({
            let progress = progress.clone();
            async move { progress.stalled().await }
        });
        sleep(STALL / 2).await;
        let taken = std::future::poll_fn(|context| Pin::new(page.body_mut()).poll_frame(context)).await;
        assert!(taken.is_some());
        let begin = Instant::now();
        stalled.await.unwrap();
        assert_eq!(begin.elapsed(), STALL + STALL / 2, "from the next look at it");
    }

    #[tokio::test(start_paused = true)]
    async fn event_stream_may_be_silent() {
        let progress = Arc::new(Progress::default());
        let _stream = Answering::new(progress.clone()).follow(answer("text/event-stream"));
        assert!(timeout(10 * STALL, progress.stalled()).await.is_err());
    }
}
