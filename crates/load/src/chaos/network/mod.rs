//! The network between the clients and the server: a proxy of plain TCP with enough HTTP sense to know an
//! upgrade and a stream of events. Each client has a line of its own, known by its loopback address, and each
//! line its own trouble.

mod line;
mod pipe;
mod sabotage;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::spawn_local;

pub use line::{Conditions, Flow, Line};
pub use sabotage::{Fault, Sabotage};

/// See the module.
#[derive(Debug)]
pub struct Network {
    /// Address that clients connect to.
    pub address: SocketAddr,
    server: SocketAddr,
    lines: RefCell<HashMap<IpAddr, Rc<Line>>>,
    sabotage: Option<Rc<Sabotage>>,
}

impl Network {
    /// Opens the proxy before the server at `server`. `sabotage` shows that the checker notices.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn open(server: SocketAddr, sabotage: Option<Sabotage>) -> Result<Rc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let network =
            Rc::new(Self { address, server, lines: RefCell::default(), sabotage: sabotage.map(Rc::new) });
        spawn_local(accept(listener, Rc::clone(&network)));
        Ok(network)
    }

    /// The line of client `number`.
    pub fn line(&self, number: usize) -> Rc<Line> {
        self.line_of(address_of(number))
    }

    fn line_of(&self, ip: IpAddr) -> Rc<Line> {
        Rc::clone(self.lines.borrow_mut().entry(ip).or_default())
    }
}

/// Returns the address that client `number` connects from: the server counts connections by address.
pub(super) fn address_of(number: usize) -> IpAddr {
    // 127.1.0.0 up to 127.255.255.255: no client of the machine's own.
    let [_, b, c, d] = u32::try_from(number).unwrap_or_default().to_be_bytes();
    Ipv4Addr::new(127, b.saturating_add(1), c, d.max(1)).into()
}

/// Connects to `to` from one of loopback's many addresses.
///
/// # Errors
/// If there is nobody.
pub(super) async fn connect_from(from: IpAddr, to: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    let stream = socket.connect(to).await.with_context(|| format!("connecting to {to} from {from}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn accept(listener: TcpListener, network: Rc<Network>) {
    loop {
        // Out of file descriptors, say: the client sees its connection wait.
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let (network, line) = (Rc::clone(&network), network.line_of(peer.ip()));
        spawn_local(async move {
            // The client notices a failure by the closed connection.
            let _ = pipe::carry(stream, peer.ip(), network.server, &line, network.sabotage.clone()).await;
        });
    }
}
