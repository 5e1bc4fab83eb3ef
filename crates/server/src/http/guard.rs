//! The outermost layer: refuses a request whose head cannot be believed, before any route sees it.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::accept::head::Head;

/// Answers what is wrong with a head, and ends a connection on which nothing further can be understood.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let head = request.extensions().get::<Head>().copied().unwrap_or_default();
    let mut response = match head.fault {
        Some(fault) => {
            if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
                tracing::debug!(address = %peer.ip(), ?fault, "a request is refused by its head");
            }
            fault.status_and_text().into_response()
        }
        None => next.run(request).await,
    };
    let is_last = head.is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS;
    if head.fault.is_some() || is_last {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
