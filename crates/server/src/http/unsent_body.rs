//! Bodies of long answers, handed to their connection piece by piece: what it has not taken yet is counted among the
//! server's unsent bytes, and not kept in memory once it was sent.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::CancellationToken;

use crate::state::App;
use crate::unsent::{Account, UNCOUNTED};

/// Most bytes of one piece.
const PIECE: usize = 16 * 1024;

/// Ends the HTTP connection that a request came by.
#[derive(Clone, Debug)]
pub(crate) struct Hangup(pub(crate) CancellationToken);

/// Counts an answer of known length until it was taken.
pub(super) async fn counted(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let hangup = request.extensions().get::<Hangup>().cloned();
    let response = next.run(request).await;
    let Some(Hangup(hangup)) = hangup else { return response };
    match response.body().size_hint().exact() {
        Some(length) if length > UNCOUNTED as u64 => {}
        _ => return response,
    }
    let (parts, body) = response.into_parts();
    // All of it is in memory already: its length is known.
    let rest = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut account = app.unsent.account(peer.ip(), Some(hangup));
    account.hold(rest.len());
    Response::from_parts(parts, Body::new(Pieces { rest, account }))
}

struct Pieces {
    rest: Bytes,
    account: Account,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { rest, account } = self.get_mut();
        if rest.is_empty() {
            return Poll::Ready(None);
        }
        // A copy, so that what waits in the connection does not keep the whole.
        let piece = Bytes::copy_from_slice(&rest.split_to(rest.len().min(PIECE)));
        account.hold(rest.len());
        if rest.is_empty() {
            *rest = Bytes::new();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
