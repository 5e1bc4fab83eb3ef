//! The server under chaos: the program as it ships, one folder and one port over all of its lives.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A start reads the rooms' heads, and has the whole machine against it.
const START: Duration = Duration::from_secs(30);

/// A server that was asked to end does so by then, or the drain does not work. Twice the promise: machines are
/// slow, and what is looked for is a server that never ends.
const END: Duration = Duration::from_secs(20);

/// See the module. It is killed when this value goes.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    command: Vec<OsString>,
    folder: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts `program` with an empty database in `folder`, on a free port of loopback.
    ///
    /// # Errors
    /// If it does not report in time that it listens.
    pub async fn start(program: &Path, folder: &Path, options: &[&str]) -> Result<Self> {
        Self::start_on(None, program, folder, options).await
    }

    /// Starts it on these CPUs alone, as `taskset` takes them.
    ///
    /// # Errors
    /// If it does not report in time that it listens.
    pub async fn start_on(
        cpus: Option<&str>,
        program: &Path,
        folder: &Path,
        options: &[&str],
    ) -> Result<Self> {
        // `taskset` becomes the program: the child's id is the program's.
        let pinned = cpus.map(|cpus| ["taskset", "--cpu-list", cpus].map(OsString::from));
        Self::start_under(pinned.into_iter().flatten().collect(), program, folder, options).await
    }

    /// Starts it by a command that becomes the program, or starts it.
    ///
    /// # Errors
    /// If it does not report in time that it listens.
    pub async fn start_under(
        mut command: Vec<OsString>,
        program: &Path,
        folder: &Path,
        options: &[&str],
    ) -> Result<Self> {
        command.push(program.into());
        command.extend(["serve", "--log", "warn", "--data"].map(OsString::from));
        command.push(folder.join("data").into());
        command.extend(options.iter().map(OsString::from));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (child, address) = spawn(&command, folder, nowhere).await?;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        Ok(Self { program, command, folder, address, child })
    }

    /// Returns its address, in this life and in every later one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process of this life.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it without a word (SIGKILL).
    ///
    /// # Errors
    /// If it ended by itself before.
    pub async fn kill(&mut self) -> Result<()> {
        self.still_lives()?;
        self.child.kill().await.context("killing the server")
    }

    /// Ends the program (SIGKILL) under a command that started it and outlives it, and waits for that.
    ///
    /// # Errors
    /// If it ended by itself before, or the command fails to end.
    pub async fn kill_below(&mut self) -> Result<()> {
        self.still_lives()?;
        let above = self.child.id().context("the server has no process")?;
        let below = fs::read_to_string(format!("/proc/{above}/task/{above}/children"))?;
        let pid =
            below.trim().parse().ok().and_then(Pid::from_raw).context("nothing runs below the command")?;
        kill_process(pid, Signal::KILL)?;
        timeout(END, self.child.wait()).await.context("the command does not end")??;
        Ok(())
    }

    /// Stops its clock (SIGSTOP), or lets it go on (SIGCONT).
    ///
    /// # Errors
    /// If it ended by itself before.
    pub fn freeze(&mut self, frozen: bool) -> Result<()> {
        self.still_lives()?;
        self.signal(if frozen { Signal::STOP } else { Signal::CONT })
    }

    /// Asks it to end (SIGTERM), and waits for that; answers how long it took.
    ///
    /// # Errors
    /// If it ended by itself before, does not end in time, or reports a failure.
    pub async fn drain(&mut self) -> Result<Duration> {
        self.still_lives()?;
        let asked = tokio::time::Instant::now();
        self.signal(Signal::TERM)?;
        let status: ExitStatus =
            timeout(END, self.child.wait()).await.context("the server does not end")??;
        if !status.success() {
            bail!("the server was asked to end, and failed: {status}");
        }
        Ok(asked.elapsed())
    }

    /// Starts it again.
    ///
    /// # Errors
    /// If it does not report in time that it listens.
    pub async fn restart(&mut self) -> Result<()> {
        (self.child, _) = spawn(&self.command, &self.folder, self.address).await?;
        Ok(())
    }

    /// A token for a bot that may enter every room, made as an owner makes one.
    ///
    /// # Errors
    /// If the program refuses.
    pub fn make_token(&self, number: usize) -> Result<String> {
        let output = std::process::Command::new(&self.program)
            .args(["token", "create", "--name", &format!("bot {number}"), "--data"])
            .arg(self.folder.join("data"))
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            bail!("no token: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Returns lines that it should not have logged: those about a panic.
    pub fn panics(&self) -> Vec<String> {
        let log = fs::read_to_string(log(&self.folder)).unwrap_or_default();
        log.lines().filter(|line| line.contains("panicked")).map(str::to_owned).collect()
    }

    fn still_lives(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the server ended by itself: {status}\n{}", tail(&log(&self.folder))),
        }
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(kill_process(pid.context("the server has no process")?, signal)?)
    }
}

async fn spawn(command: &[OsString], folder: &Path, at: SocketAddr) -> Result<(Child, SocketAddr)> {
    let said = fs::OpenOptions::new().create(true).append(true).open(log(folder))?;
    let (program, options) = command.split_first().context("no program")?;
    let mut child = Command::new(program)
        .args(options)
        .args(["--addr", &at.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(said)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let output = child.stdout.take().context("the server's output is not piped")?;
    let mut lines = BufReader::new(output).lines();
    let address = async {
        while let Some(line) = lines.next_line().await? {
            if let Some((_, address)) = line.split_once("listening on http://") {
                return Ok(address.trim().parse()?);
            }
        }
        bail!("the server ended before it listened\n{}", tail(&log(folder)))
    };
    let address = timeout(START, address).await.context("the server does not start")??;
    Ok((child, address))
}

fn log(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.split_at(lines.len().saturating_sub(20)).1.join("\n")
}
