//! The way to a server that runs: a Unix socket in its data folder, for the folder's owner alone. An order and its
//! outcome are one line of JSON each.

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::executor::CommandExecutor;
use super::{AdminCommand, Outcome, PAUSE, now};

/// The socket's name in the folder, and the one under which it is made.
const NAME: &str = "madang.sock";
const FRESH: &str = "madang.sock.new";

/// Longest path that a socket's address holds everywhere, in bytes.
const PATH_BYTES: usize = 100;

/// Longest order. Bytes: some thousand rooms.
const ORDER_BYTES: u64 = 64 * 1024;

/// Longest outcome. Bytes: a list of all bots there may be, each limited to some rooms.
const OUTCOME_BYTES: u64 = 16 * 1024 * 1024;

/// Time for an order to come, and for its outcome to be read. A full disk answers within it, too.
const EXCHANGE: Duration = Duration::from_secs(10);

/// Socket at which a server takes commands. Its file goes with it.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl AdminSocket {
    /// Opens the socket in `data`, which this process holds: one that is there already is of a process that was
    /// killed.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        let (path, fresh) = (data.join(NAME), data.join(FRESH));
        gone(&fresh)?;
        let listener = with_short(data, FRESH, |path| UnixListener::bind(path))?;
        let path_of = fresh.clone();
        let made = move || {
            std::fs::set_permissions(&path_of, std::fs::Permissions::from_mode(0o600))?;
            let owner = std::fs::metadata(&path_of)?.uid();
            // Takes its name once it is closed to others, and the place of what was left behind.
            std::fs::rename(&path_of, &path)?;
            Ok(Self { listener, path, owner })
        };
        made().inspect_err(|_| drop(gone(&fresh)))
    }

    /// Takes orders, one at a time, until the server stops. An order that is under way then is carried out all the
    /// same, but maybe not answered.
    pub(crate) async fn serve(self, executor: CommandExecutor, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.serve_commands(&executor) => {}
        }
    }

    async fn serve_commands(&self, executor: &CommandExecutor) {
        loop {
            let served = match self.listener.accept().await {
                Ok((stream, _)) if self.is_trusted(&stream) => {
                    timeout(EXCHANGE, answer(stream, executor)).await
                }
                // Its rights keep others out; this is for whoever came before they were set.
                Ok(_) => Ok(Err(ErrorKind::PermissionDenied.into())),
                Err(error) => {
                    sleep(PAUSE).await;
                    Ok(Err(error))
                }
            };
            match served {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "an order on the command line was not understood"),
                Err(_) => {
                    tracing::warn!("an order on the command line did not come, or was not read, in time")
                }
            }
        }
    }

    /// Returns true if the other end is the server's own user, or root.
    fn is_trusted(&self, stream: &UnixStream) -> bool {
        stream.peer_cred().is_ok_and(|peer| peer.uid() == self.owner || peer.uid() == 0)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        drop(gone(&self.path));
    }
}

async fn answer(stream: UnixStream, executor: &CommandExecutor) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let line = line(read, ORDER_BYTES).await?;
    let outcome = match serde_json::from_str::<AdminCommand>(&line) {
        Ok(order) => executor.execute(&order, now()).await,
        Err(error) => {
            let message = format!("The server is of another version, and does not know this order: {error}.");
            Outcome::Refused { message }
        }
    };
    let mut answer = serde_json::to_vec(&outcome)?;
    answer.push(b'\n');
    write.write_all(&answer).await?;
    write.shutdown().await
}

/// Sends the command to the server of this folder; `None` if there is no server.
pub(super) async fn ask(data: &Path, order: &AdminCommand) -> anyhow::Result<Option<Outcome>> {
    let connect = with_short(data, NAME, |path| std::os::unix::net::UnixStream::connect(path));
    let stream = match connect {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => {
            let socket = data.join(NAME);
            return Err(error)
                .with_context(|| format!("the server's socket {} cannot be used", socket.display()));
        }
    };
    stream.set_nonblocking(true)?;
    let mut stream = UnixStream::from_std(stream)?;
    let answer = timeout(EXCHANGE + Duration::from_secs(1), async {
        let mut order = serde_json::to_vec(order)?;
        order.push(b'\n');
        stream.write_all(&order).await?;
        line(stream, OUTCOME_BYTES).await
    });
    let answer = answer.await.context("the server does not answer")?.context("the server broke off")?;
    Ok(Some(serde_json::from_str(&answer).context("the server is of another version")?))
}

/// The first line of what comes.
async fn line(from: impl tokio::io::AsyncRead + Unpin, most: u64) -> Result<String> {
    let mut line = String::new();
    BufReader::new(from.take(most)).read_line(&mut line).await?;
    if line.ends_with('\n') { Ok(line) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Calls `with` with a path to `name` in `data` that fits into a socket's address: a long one goes by the open
/// folder, where the system offers that.
fn with_short<T>(data: &Path, name: &str, with: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let path = data.join(name);
    if path.as_os_str().len() <= PATH_BYTES {
        return with(&path);
    }
    let folder = File::open(data)?;
    let open_files = Path::new("/proc/self/fd");
    if !open_files.is_dir() {
        return Err(Error::new(ErrorKind::InvalidInput, "the folder's path is too long for a socket"));
    }
    with(&open_files.join(folder.as_raw_fd().to_string()).join(name))
}

fn gone(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
