//! HTTP/1.1 (RFC 9112) of one connection, until an upgrade or the end.

use std::convert::Infallible;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::http_stream::HttpStream;
use super::{BadEnd, head};
use crate::io::Io;
use crate::state::App;

/// Most headers of a request.
const HEADERS: usize = 100;

/// Answers one request after another. A write that waits ends the connection once `dropped` is cancelled.
pub(super) async fn serve<S>(io: Io, service: S, app: &App, dropped: CancellationToken) -> Result<(), BadEnd>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let hung_up = dropped.clone();
    let (stream, asked) = HttpStream::of_http1(io, dropped);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.config.hello_timeout())
        .max_buf_size(head::BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = app.last_call.cancelled() => {
            // Answers what is under way, takes no further request.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    result.map_err(|error| match error {
        // A connection on which nothing is asked any more times out too, and harms nobody.
        error if error.is_parse() || (error.is_timeout() && asked.load(Ordering::Relaxed)) => BadEnd::Head,
        _ if hung_up.is_cancelled() => BadEnd::Unread,
        error => BadEnd::Broken(error),
    })
}
