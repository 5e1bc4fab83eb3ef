//! The two ways to fetch a session's frames.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream;
use madang_protocol::ProblemCode;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use crate::connection::http_session::{Gone, Reader, Received};
use crate::metrics::Carrier;
use crate::state::App;

use super::answer::{Refused, events as chunk, polled};
use super::{Acknowledged, find, refuse};

/// Longest wait of a poll: many proxies cut a request at 30 s.
const WAIT: Duration = Duration::from_secs(25);

/// A poll that has something waits so long for what comes with it: in a busy room a poll for each frame would be
/// most of the work.
const GATHER: Duration = Duration::from_millis(20);

/// Bytes of frames in one answer to a poll, and in one piece of a stream.
const POLL_BYTES: usize = 64 * 1024;
const CHUNK_BYTES: usize = 32 * 1024;

/// Frame that a stream resumes after.
#[derive(Debug, Deserialize)]
pub(super) struct From {
    after: Option<u64>,
}

/// Streams the frames as server-sent events, each with its number.
pub(super) async fn events(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(session): Path<String>,
    Query(From { after }): Query<From>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let http_session = find(&app, peer, &session, &headers)?;
    // The header is newer than the address, which an EventSource asks for again and again.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let reader = http_session.read(last.or(after).unwrap_or(0), Carrier::Events).map_err(gone)?;
    let kind = [(CONTENT_TYPE, "text/event-stream")];
    Ok((kind, Body::from_stream(stream(reader))).into_response())
}

/// The events, until the session ends or a newer reader takes over.
fn stream(reader: Reader) -> impl stream::Stream<Item = Result<String, Infallible>> {
    // Sent at once, it tells client and proxies that the stream is open; a stream that is cut is asked for
    // again after a second.
    let greeting = stream::once(std::future::ready("retry: 1000\n\n".to_owned()));
    let frames = stream::unfold(reader, async |mut reader| match reader.next(CHUNK_BYTES).await {
        Received::Frames(frames, last) => Some((chunk(&frames, last), reader)),
        Received::Replaced | Received::Over => None,
    });
    greeting.chain(frames).map(Ok)
}

/// Answers with the frames after the acknowledged one, as soon as there are some.
pub(super) async fn poll(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(session): Path<String>,
    Query(Acknowledged { ack }): Query<Acknowledged>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let http_session = find(&app, peer, &session, &headers)?;
    let reader = http_session.read(ack.unwrap_or(0), Carrier::Poll).map_err(gone)?;
    answer_in_time(&app, peer, reader).await
}

async fn answer_in_time(app: &App, peer: SocketAddr, mut reader: Reader) -> Result<Response, Refused> {
    match gathered(&mut reader).await {
        None => Ok(polled(&[], reader.after())),
        Some(Received::Frames(frames, last)) => Ok(polled(&frames, last)),
        Some(Received::Replaced) => Err(refuse(app, peer, ProblemCode::Replaced)),
        Some(Received::Over) => Err(gone(Gone)),
    }
}

/// Returns the answer to a poll; `None` if there was nothing for as long as it may wait.
async fn gathered(reader: &mut Reader) -> Option<Received> {
    timeout(WAIT, reader.ready()).await.ok()?;
    sleep(GATHER).await;
    Some(reader.next(POLL_BYTES).await)
}

fn gone(_: Gone) -> Refused {
    Refused(ProblemCode::SessionGone)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::connection::http_session::{HttpSession, LoginKey};
    use crate::metrics::Metrics;

    #[tokio::test(start_paused = true)]
    async fn a_poll_waits_25_seconds_and_no_longer() {
        let counted = Metrics::default().connection(Carrier::Poll);
        let unsent = crate::unsent::Unsent::new(0, Default::default());
        let account = unsent.account(std::net::Ipv4Addr::LOCALHOST.into(), None);
        let (http_session, _transport) =
            HttpSession::open(LoginKey([0; 32]), counted, "hello".into(), account);
        let mut reader = http_session.read(0, Carrier::Poll).unwrap();
        let begin = Instant::now();
        assert_eq!(gathered(&mut reader).await, None);
        assert_eq!(begin.elapsed(), Duration::from_secs(25));
        assert_eq!(reader.after(), 0);
    }
}
