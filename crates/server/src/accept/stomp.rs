//! The accept loop of STOMP on bare TCP.

use std::net::SocketAddr;
use std::time::Duration;

use madang_protocol::CloseCode;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use super::no_more;
use crate::connection;
use crate::connection::peer::Peer;
use crate::connection::tcp::Tcp;
use crate::metrics::Carrier;
use crate::protocols::Stomp;
use crate::state::App;

/// A peer that is gone without a word is found by the kernel after so long, and a few tries: not every client
/// agrees on heart-beats.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Accepts until the server stops.
pub(crate) async fn run(listener: TcpListener, app: App) {
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                app.connections.spawn(connection(stream, peer, app.clone()));
            }
            Err(error) => no_more(&app, &error).await,
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: App) {
    // Small frames must not wait for each other; a failure here only makes them wait.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
    let address = peer.ip();
    let account = app.unsent.account(address, None);
    let (transport, protocol) = (Tcp::new(stream, account), Stomp::new(app.clone(), None));
    let Some(_place) = app.connection_limit.admit(address) else {
        return connection::turn_away(&app, transport, protocol, address, CloseCode::OVER_LIMIT).await;
    };
    let _counted = app.metrics.connection(Carrier::StompTcp);
    let peer = Box::new(Peer { you: None, expected: None, address });
    connection::run(&app, transport, protocol, peer).await;
}
