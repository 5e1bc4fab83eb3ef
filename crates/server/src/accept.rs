//! The accept loop. `axum::serve` gives no way to bound the time and size of a request's head, so that a
//! client could hold half a request for ever; this loop does.

pub(crate) mod forwarded;
mod framing;
pub(crate) mod head;
mod http1;
mod http2;
pub(crate) mod http_stream;
mod secure;
pub mod silent;
pub(crate) mod stomp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::http::unsent_body::Hangup;
use crate::http::{self, redirect};
use crate::io::Io;
use crate::state::App;
use crate::webhooks::address::is_public;

use silent::Silent;

/// The answer to a connection that is one too many for its address.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n\
    Content-Type: text/plain\r\nContent-Length: 49\r\n\r\nThere are too many connections from this address.";

/// Pause after a failed accept: out of file descriptors, trying at once would fail again.
const PAUSE: Duration = Duration::from_millis(100);

/// Kinds of listeners, by what connections to it may use.
#[derive(Clone)]
pub(crate) enum Serves {
    /// Everything, in clear.
    Clear(Router),
    /// Everything, under TLS; a client in clear is redirected to https at this port.
    Secure(Router, Arc<ServerConfig>, u16),
    /// The way to https at this port.
    Redirects(u16),
}

impl Serves {
    /// Returns the scheme of its address.
    pub(crate) fn scheme(&self) -> &'static str {
        match self {
            Self::Clear(_) | Self::Redirects(_) => "http",
            Self::Secure(..) => "https",
        }
    }
}

/// Connections accepted between two pauses, counting only those that displaced an older one of their address.
const DISPLACED_PER_PAUSE: u32 = 4;

/// Pause of the accept loop, so that an address that reconnects as fast as it is cut off does not take the whole
/// processor. Other new connections wait some tenths of a second at most.
const DISPLACED_PAUSE: Duration = Duration::from_millis(1);

/// Bad ends of a connection by which HTTP came.
enum BadEnd {
    /// Not a request's head, or not a whole one in time.
    Head,
    /// Its peer did not take what it was sent.
    Unread,
    Broken(hyper::Error),
}

/// Accepts until the server stops.
pub(crate) async fn run(listener: TcpListener, serves: Serves, app: App) {
    let mut displaced = 0;
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // All come through a trusted proxy; the places of its requests are their clients'.
                let by_proxy = forwarded::is_trusted(&app.config.trusted_proxies, peer.ip());
                let place = if by_proxy { None } else { app.streams.admit(peer.ip()) };
                if place.is_none() && !by_proxy {
                    one_too_many(&stream, peer, &serves, &app);
                    continue;
                }
                // Here, so that the oldest is who came first.
                let silent = app.silents.begin((!by_proxy).then(|| peer.ip().into()));
                let has_displaced = silent.has_displaced();
                let connection = connection(stream, peer, serves.clone(), app.clone(), silent);
                app.connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
                if has_displaced {
                    displaced = (displaced + 1) % DISPLACED_PER_PAUSE;
                    if displaced == 0 {
                        tokio::time::sleep(DISPLACED_PAUSE).await;
                    }
                }
            }
            Err(error) => no_more(&app, &error).await,
        }
    }
}

/// Makes room after a failed accept, mostly for want of files: connections without a request yet are dropped.
async fn no_more(app: &App, error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    app.silents.drop_oldest();
    tokio::time::sleep(PAUSE).await;
}

/// Serves a connection, unless it has to make room before it asks for anything.
async fn connection(tcp: TcpStream, peer: SocketAddr, serves: Serves, app: App, silent: Silent) {
    let silent = Arc::new(silent);
    let served = async {
        if sends_something(&tcp, &app).await {
            // On the heap: a connection that never sends anything costs no room for what is made for others.
            Box::pin(begin(tcp, peer, serves, app.clone(), silent.clone())).await;
        }
    };
    tokio::select! {
        () = served => {}
        () = silent.dropped() => http::rejection::reject(&app, peer.ip(), "silent"),
    }
}

/// Returns true once the peer has sent something, or has closed: in every protocol it sends first. False if it takes
/// too long, or the server takes no further request.
async fn sends_something(tcp: &TcpStream, app: &App) -> bool {
    tokio::select! {
        readable = timeout(app.config.hello_timeout(), tcp.readable()) => matches!(readable, Ok(Ok(()))),
        () = app.last_call.cancelled() => false,
    }
}

/// Refuses it where that is possible before a request.
fn one_too_many(tcp: &TcpStream, peer: SocketAddr, serves: &Serves, app: &App) {
    http::rejection::reject(app, peer.ip(), "tcp");
    if !matches!(serves, Serves::Secure(..)) {
        // Into an empty buffer. A client that sent a request already may not see it: unread bytes end the connection at
        // once.
        let _ = tcp.try_write(TOO_MANY);
    }
}

async fn begin(tcp: TcpStream, peer: SocketAddr, serves: Serves, app: App, silent: Arc<Silent>) {
    // Small frames must not wait for each other; a failure here only makes them wait.
    let _ = tcp.set_nodelay(true);
    // Under TLS the certificate holds the name.
    let holds_host = matches!(serves, Serves::Clear(_)) && is_near(&app, tcp.local_addr().ok(), peer);
    let below_and_above = match serves {
        Serves::Clear(router) => Some((Io::Plain(tcp), router)),
        Serves::Secure(router, config, https) => {
            Box::pin(secure::begin(tcp, peer, config, https, router, &app)).await
        }
        Serves::Redirects(https) => tcp.local_addr().ok().map(|here| {
            let target = redirect::Target { here, https };
            (Io::Plain(tcp), redirect::router(target))
        }),
    };
    if let Some((io, router)) = below_and_above {
        requests(io, peer, router, holds_host, silent, app).await;
    }
}

/// Returns true for a connection that a browser in a private network can make, and strangers cannot: there a foreign
/// site may have given its own name this server's address. A trusted proxy knows whom it forwards.
fn is_near(app: &App, here: Option<SocketAddr>, peer: SocketAddr) -> bool {
    let listens = app.config.addr.ip().to_canonical();
    let is_private = !listens.is_unspecified() && !is_public(listens);
    let is_loopback = here.is_some_and(|here| here.ip().to_canonical().is_loopback());
    (is_private || is_loopback) && !forwarded::is_trusted(&app.config.trusted_proxies, peer.ip())
}

/// Says once that all who come through what seems to be a proxy share the limits of its address.
fn warn_of_unnamed_proxy(app: &App, headers: &HeaderMap, peer: SocketAddr) {
    let address = peer.ip();
    let is_one = forwarded::is_unnamed_proxy(headers, peer, &app.config.trusted_proxies);
    if is_one && app.told.is_first(&("an unnamed proxy", address)) {
        tracing::warn!(
            %address,
            "a proxy says for whom it asks, and is not believed: all who come through it share the limits of one \
             address; name it with --trusted-proxy {address}"
        );
    }
}

/// Answers what is asked, until an upgrade or the end. `holds_host`: only for the names that are this server's.
async fn requests(io: Io, peer: SocketAddr, router: Router, holds_host: bool, silent: Arc<Silent>, app: App) {
    let (secure, shared) = (io.is_secure(), app.clone());
    let dropped = CancellationToken::new();
    let hangup = Hangup(dropped.clone());
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        silent.asked();
        let near = forwarded::is_near(request.headers(), request.version(), peer);
        request.extensions_mut().insert(near);
        // Before the rest: what is believed of a head may depend on any other part of it.
        let mut head = head::check(&mut request);
        let trusted = &shared.config.trusted_proxies;
        warn_of_unnamed_proxy(&shared, request.headers(), peer);
        let client = forwarded::settle(request.headers_mut(), peer, secure, trusted);
        if holds_host {
            head.fault = head.fault.or_else(|| head::unknown_host(request.headers(), &shared));
        }
        request.extensions_mut().insert(head);
        request.extensions_mut().insert(ConnectInfo(client));
        request.extensions_mut().insert(hangup.clone());
        request.map(axum::body::Body::new)
    });
    let result = if io.is_http2() {
        Box::pin(http2::serve(io, service, &app, &dropped)).await
    } else {
        http1::serve(io, service, &app, dropped).await
    };
    match result {
        Err(BadEnd::Head) => http::rejection::reject(&app, peer.ip(), "head"),
        Err(BadEnd::Unread) => http::rejection::reject(&app, peer.ip(), "unread"),
        Err(BadEnd::Broken(error)) => tracing::debug!(%peer, %error, "a connection ended badly"),
        Ok(()) => {}
    }
}
