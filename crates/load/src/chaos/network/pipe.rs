//! One connection through the proxy.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::connect_from;
use super::line::{Cut, Flow, Line, LinkState};
use super::sabotage::{Sabotage, Saboteur};

/// Largest head of a request.
const HEAD: usize = 16 * 1024;

/// Passed on at once.
const PIECE: usize = 4 * 1024;

/// A proxy that holds an answer back passes on what it has when it has this much.
const HELD: usize = 64 * 1024;

const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

const BAD_GATEWAY: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Carries one connection from its first byte to its end.
pub(super) async fn carry(
    mut client: TcpStream,
    from: IpAddr,
    server: SocketAddr,
    line: &Line,
    sabotage: Option<Rc<Sabotage>>,
) -> Result<()> {
    let mut state = line.watch();
    let cuts = state.borrow().cuts;
    let life = state.borrow().now.life;
    let cut = async {
        let mut state = line.watch();
        let by =
            async { state.wait_for(|state| state.cuts > cuts).await.map_or(Cut::Closed, |state| state.cut) };
        tokio::select! {
            cut = by => cut,
            () = end_of(life, line.watch()) => Cut::Closed,
        }
    };
    client.set_nodelay(true)?;
    let mut other = None;
    let cut = tokio::select! {
        carried = between(&mut client, &mut other, from, server, &mut state, sabotage) => return carried,
        cut = cut => cut,
    };
    if cut == Cut::Reset {
        for stream in [Some(client), other].into_iter().flatten() {
            // Unsent bytes are thrown away, and both sides get a reset.
            stream.set_zero_linger()?;
        }
    }
    Ok(())
}

/// The end of a connection's time, unless the line spares it meanwhile.
async fn end_of(life: Option<Duration>, state: watch::Receiver<LinkState>) {
    if let Some(life) = life {
        tokio::time::sleep(life).await;
        if state.borrow().now.life.is_some() {
            return;
        }
    }
    std::future::pending().await
}

async fn between(
    client: &mut TcpStream,
    other: &mut Option<TcpStream>,
    from: IpAddr,
    server: SocketAddr,
    state: &mut watch::Receiver<LinkState>,
    sabotage: Option<Rc<Sabotage>>,
) -> Result<()> {
    let head = head(client).await?;
    passable(state).await?;
    let asks = |what: &[u8]| memchr::memmem::find(&head.to_ascii_lowercase(), what).is_some();
    let upgrade = asks(b"\r\nupgrade: websocket");
    if upgrade && state.borrow().now.blocks_upgrades {
        return Ok(client.write_all(FORBIDDEN).await?);
    }
    let buffers = !upgrade && state.borrow().now.buffers_answers;
    let Ok(stream) = connect_from(from, server).await else {
        return Ok(client.write_all(BAD_GATEWAY).await?);
    };
    let server = other.insert(stream);
    server.write_all(&head).await?;
    let saboteur = sabotage.filter(|_| upgrade).map(Saboteur::new);
    let (client_read, client_write) = client.split();
    let (server_read, server_write) = server.split();
    tokio::try_join!(
        pump(client_read, server_write, state.clone(), false, None),
        pump(server_read, client_write, state.clone(), buffers, saboteur),
    )?;
    Ok(())
}

/// The request's head, and what came with it.
async fn head(client: &mut TcpStream) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if client.read_buf(&mut head).await? == 0 || head.len() > HEAD {
            bail!("no head");
        }
        if memchr::memmem::find(&head, b"\r\n\r\n").is_some() {
            return Ok(head);
        }
    }
}

async fn passable(state: &mut watch::Receiver<LinkState>) -> Result<Flow> {
    Ok(state.wait_for(|state| state.flow != Flow::Stalled).await?.flow)
}

/// Carries bytes in one direction until their end.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut state: watch::Receiver<LinkState>,
    buffers: bool,
    mut saboteur: Option<Saboteur>,
) -> Result<()> {
    let mut piece = vec![0; PIECE];
    let mut held = Vec::new();
    loop {
        passable(&mut state).await?;
        let read = from.read(&mut piece).await?;
        if read == 0 {
            passable(&mut state).await?;
            to.write_all(&held).await?;
            return Ok(to.shutdown().await?);
        }
        let bytes = piece.get(..read).unwrap_or_default();
        match &mut saboteur {
            Some(saboteur) => held.extend(saboteur.alter(bytes)),
            None => held.extend_from_slice(bytes),
        }
        // The line may have stalled while it waited for these bytes.
        if let Flow::Slow(rate) = passable(&mut state).await? {
            tokio::time::sleep(Duration::from_secs_f64(read as f64 / f64::from(rate.max(1)))).await;
        }
        if !buffers || held.len() >= HELD {
            to.write_all(&held).await?;
            held.clear();
        }
    }
}
