//! The beginning of a connection where TLS is spoken. It has the time that a request has for its head, and holds
//! nothing but its own socket until it is over.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http::{self, redirect};
use crate::io::Io;
use crate::state::App;

/// The first byte of TLS: a handshake record. No request in clear begins so.
const HANDSHAKE: u8 = 0x16;

/// Beginning of a connection.
enum Begun {
    Secure(Io),
    /// With a request in clear.
    Clear(TcpStream),
    /// It ended before its first byte.
    Silent,
}

/// Returns what is below HTTP and what is above it, once the peer has shown which protocol it uses; `None` if it did
/// not in time, or badly.
pub(super) async fn begin(
    tcp: TcpStream,
    peer: SocketAddr,
    secure: Arc<ServerConfig>,
    https: u16,
    router: Router,
    app: &App,
) -> Option<(Io, Router)> {
    let here = tcp.local_addr().ok()?;
    let begun = tokio::select! {
        begun = timeout(app.config.hello_timeout(), begun(tcp, secure)) => begun,
        () = app.last_call.cancelled() => return None,
    };
    match begun {
        Ok(Ok(Begun::Secure(io))) => Some((io, router)),
        Ok(Ok(Begun::Clear(tcp))) => {
            Some((Io::Plain(tcp), redirect::router(redirect::Target { here, https })))
        }
        Ok(Ok(Begun::Silent)) => None,
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "a handshake of TLS failed");
            http::rejection::reject(app, peer.ip(), "tls");
            None
        }
        Err(_) => {
            http::rejection::reject(app, peer.ip(), "tls");
            None
        }
    }
}

async fn begun(tcp: TcpStream, secure: Arc<ServerConfig>) -> io::Result<Begun> {
    let mut first = [0];
    if tcp.peek(&mut first).await? == 0 {
        return Ok(Begun::Silent);
    }
    match first {
        [HANDSHAKE] => Io::secure(tcp, secure).await.map(Begun::Secure),
        _ => Ok(Begun::Clear(tcp)),
    }
}
