//! The servers that are measured.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{SERVER_CORE, broker, pinned};

/// Longest start of a broker: RabbitMQ takes its time on a busy machine.
const BROKER_START: Duration = Duration::from_secs(120);

/// Servers that are measured, in the table's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    Madang,
    /// Madang's plain protocol.
    Plain,
    /// Madang's STOMP protocol.
    Stomp,
    /// Debian's RabbitMQ, with Web-STOMP.
    RabbitMq,
    /// Debian's mosquitto: MQTT over a WebSocket.
    Mosquitto,
    /// NATS with JetStream, over a WebSocket.
    Nats,
    /// The npm package `ws` on Node.
    Ws,
    /// bun's own WebSocket server.
    Bun,
    /// No server: the kernel alone.
    Floor,
}

impl Contender {
    /// Returns the package of Debian that brings it.
    pub(crate) fn package(self) -> Option<&'static str> {
        match self {
            Self::RabbitMq => Some("rabbitmq-server"),
            Self::Mosquitto => Some("mosquitto"),
            _ => None,
        }
    }

    /// Returns the protocol for the load generator.
    pub(crate) fn speaks(self) -> &'static str {
        match self {
            Self::Madang => "madang",
            Self::Plain => "plain",
            Self::Stomp | Self::RabbitMq => "stomp",
            Self::Mosquitto => "mqtt",
            Self::Nats => "nats",
            Self::Ws | Self::Bun | Self::Floor => "raw",
        }
    }
}

/// Programs of the servers.
pub(crate) struct Programs {
    pub(crate) madang: PathBuf,
    /// Folder of the peers' scripts.
    pub(crate) peers: PathBuf,
    /// Missing where nobody is measured beside it.
    pub(crate) nats: Option<PathBuf>,
}

/// A server that was started here, and ends with this value.
pub(crate) struct Running {
    child: Child,
    /// A process that it needs beside it.
    beside: Option<Child>,
    data: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) contender: Contender,
    /// From the spawn to the first answer.
    pub(crate) started_in: Duration,
}

impl Running {
    /// Starts a server on its own core, with an empty data folder, and waits until it answers.
    pub(crate) fn start(contender: Contender, programs: &Programs, scratch: &Path) -> Result<Self> {
        let Programs { madang: program, peers, nats } = programs;
        let data = new_folder(scratch)?;
        let log = fs::File::create(scratch.join(format!("{contender:?}.log")))?;
        let mut broker = None;
        let mut command = match contender {
            Contender::RabbitMq => broker.insert(broker::rabbitmq(&data)?).take_command(),
            Contender::Nats => {
                let nats = nats.as_deref().context("NATS is not installed")?;
                broker.insert(broker::nats(nats, &data)?).take_command()
            }
            Contender::Floor => bail!("the floor is no server"),
            Contender::Mosquitto => broker.insert(broker::mosquitto(&data)?).take_command(),
            Contender::Madang | Contender::Plain | Contender::Stomp => {
                let mut command = pinned(SERVER_CORE, program);
                command.args(["serve", "--addr", "127.0.0.1:0", "--data"]).arg(&data);
                // The generator is one person at one address who does what a thousand do.
                command.args(["--post-rate", "0", "--frame-rate", "0", "--connections-per-address", "0"]);
                command.args(["--rooms-per-address", "0", "--rooms-per-person", "0"]);
                command
            }
            Contender::Ws => {
                let mut command = pinned(SERVER_CORE, Path::new("node"));
                command.arg("ws.js").current_dir(peers);
                command
            }
            Contender::Bun => {
                let mut command = pinned(SERVER_CORE, &peers.join("node_modules/.bin/bun"));
                command.arg("bun.js").current_dir(peers);
                command
            }
        };
        let start = Instant::now();
        let child = command.stdout(Stdio::piped()).stderr(log).spawn();
        let child =
            child.context("Cannot start `taskset` (of util-linux), which keeps server and load apart")?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut running =
            Self { child, beside: None, data, address: nowhere, contender, started_in: Duration::ZERO };
        match broker {
            Some(broker) => {
                running.address = broker.address;
                running.beside = broker.beside;
                running.wait_for_broker()?;
            }
            None => {
                running.address = running.read_address()?;
                while !answers(running.address)? {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
        running.started_in = start.elapsed();
        Ok(running)
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A broker does not report that it listens; it does, once somebody can connect.
    fn wait_for_broker(&mut self) -> Result<()> {
        let deadline = Instant::now() + BROKER_START;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{:?} ended before it listened ({status}); see its log.", self.contender);
            }
            if Instant::now() > deadline {
                bail!("{:?} does not listen after {BROKER_START:?}; see its log.", self.contender);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn read_address(&mut self) -> Result<SocketAddr> {
        // Borrowed, so that the pipe stays open: a server may say more.
        let output = self.child.stdout.as_mut().context("the server's output is not piped")?;
        for line in BufReader::new(output).lines() {
            if let Some((_, address)) = line?.split_once("listening on http://") {
                return address.trim().parse().with_context(|| format!("{address} is no address"));
            }
        }
        bail!(
            "{:?} ended before it listened; see {:?}.log beside its data folder.",
            self.contender,
            self.contender
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its data is thrown away with it: nothing needs a clean end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(beside) = &mut self.beside {
            let _ = beside.kill();
            let _ = beside.wait();
        }
        let _ = fs::remove_dir_all(&self.data);
    }
}

/// Makes an empty folder for data, on the disk of the build, not in /tmp, which may be memory: durable is to mean durable.
pub(crate) fn new_folder(scratch: &Path) -> Result<PathBuf> {
    let data = scratch.join("data");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    fs::create_dir_all(&data)?;
    Ok(data)
}

/// Returns true if the server answers a request. A peer that knows no /healthz answers with a refusal, and is up.
fn answers(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(head.starts_with(b"HTTP/1.1 ") && !head.ends_with(b"503"))
}
