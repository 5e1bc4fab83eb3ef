//! The program, started on a free port with a folder of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{Certificate, PATIENCE, Pipe, To, Trust, ask, until};

/// A running server. It ends with this value; its log is shown if the test fails.
pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// Address for STOMP on bare TCP.
    pub(crate) stomp: Option<SocketAddr>,
    folder: Arc<TempDir>,
    options: Vec<String>,
    /// Certificates that its clients trust, if it speaks TLS.
    trust: Option<Trust>,
    lines: Mutex<Receiver<String>>,
    stderr: Stderr,
}

/// A server that ended instead of serving.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

impl Server {
    /// A server with its defaults.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A server with these options.
    pub(crate) fn with(options: &[&str]) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Self::on(folder, options).expect("the server starts")
    }

    /// A server over a folder that is somebody else's to remove.
    pub(crate) fn over(data: &Path) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        Self::at(data, folder, Vec::new()).expect("the server starts")
    }

    /// A server under TLS, with a certificate of its own and these options.
    pub(crate) fn secure(options: &[&str]) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let certificate = Certificate::new();
        let mut all = certificate.write(folder.path()).to_vec();
        all.extend(options.iter().map(|option| (*option).to_owned()));
        let mut server = Self::on(folder, all).expect("the server starts");
        server.trust = Some(certificate.trusted());
        server
    }

    /// Returns the outcome of a start with these options, without any defaults.
    pub(crate) fn attempt(options: &[&str]) -> Ended {
        let mut child = command().args(options).spawn().expect("the program starts");
        let stderr = Stderr::of(&mut child);
        let status = wait(&mut child);
        Ended { status, stderr: stderr.all() }
    }

    /// A second server over the same folder, while this one runs or after it ended.
    pub(crate) fn second(&self, options: &[&str]) -> Result<Self, Ended> {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut second = Self::on(self.folder.clone(), options)?;
        second.trust = self.trust.clone();
        Ok(second)
    }

    fn on(folder: Arc<TempDir>, options: Vec<String>) -> Result<Self, Ended> {
        Self::at(&folder.path().join("data"), folder.clone(), options)
    }

    /// A server with these options, on a system that trusts the certificates in this file.
    pub(crate) fn trusting(certificates: &Path, options: &[&str]) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut command = command();
        command.env("SSL_CERT_FILE", certificates);
        Self::begin(command, &folder.path().join("data"), folder.clone(), options).expect("the server starts")
    }

    /// A server as `cargo leptos watch` starts it, which announces builds at this port.
    pub(crate) fn watched(reload_port: u16) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let mut command = command();
        command.env("LEPTOS_WATCH", "true").env("LEPTOS_RELOAD_PORT", reload_port.to_string());
        Self::begin(command, &folder.path().join("data"), folder.clone(), Vec::new())
            .expect("the server starts")
    }

    fn at(data: &Path, folder: Arc<TempDir>, options: Vec<String>) -> Result<Self, Ended> {
        Self::begin(command(), data, folder, options)
    }

    fn begin(
        mut command: Command,
        data: &Path,
        folder: Arc<TempDir>,
        options: Vec<String>,
    ) -> Result<Self, Ended> {
        let mut child = command
            .args(["--addr", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(&options)
            .spawn()
            .expect("the program starts");
        let stderr = Stderr::of(&mut child);
        let lines = lines(&mut child);
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                let scheme =
                    if options.iter().any(|option| option == "--tls-cert") { "https" } else { "http" };
                let addr = address(&line, "listening", scheme);
                let spoken = options.iter().any(|option| option == "--stomp-addr");
                let next = || lines.recv_timeout(PATIENCE).expect("a line for it");
                let stomp = spoken.then(|| address(&next(), "listening", "stomp"));
                let lines = Mutex::new(lines);
                Ok(Self { child, addr, stomp, folder, options, trust: None, lines, stderr })
            }
            Err(_) => {
                let status = wait(&mut child);
                Err(Ended { status, stderr: stderr.all() })
            }
        }
    }

    /// Returns the address of its listener that redirects to https.
    pub(crate) fn redirector(&self) -> SocketAddr {
        let line = self.lines.lock().unwrap().recv_timeout(PATIENCE).expect("another line");
        address(&line, "redirecting", "http")
    }

    /// Returns the address of its listener for metrics.
    pub(crate) fn counting(&self) -> SocketAddr {
        let line = self.lines.lock().unwrap().recv_timeout(PATIENCE).expect("another line");
        address(&line, "counting", "http")
    }

    /// Returns the certificates that its clients trust; it speaks TLS.
    pub(crate) fn trust(&self) -> Trust {
        self.trust.clone().expect("it speaks TLS")
    }

    /// A connection, secured if it has to be.
    pub(crate) async fn connect(&self) -> Pipe {
        self.reach().await.expect("a connection")
    }

    /// Makes what the server speaks of a connection to it. None if it does not.
    pub(crate) async fn wrap(&self, tcp: TcpStream) -> Option<Pipe> {
        match &self.trust {
            Some(trust) => Some(Box::new(trust.wrap(tcp).await?)),
            None => Some(Box::new(tcp)),
        }
    }

    /// Its folder, in which that of the database is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the database.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Ends the process as a power cut would, without any farewell.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Starts again over the same folder with the same options, on another port.
    pub(crate) fn start_again(&mut self) {
        let options: Vec<String> = self.options.clone();
        self.start_again_with(&options.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// As [`Server::start_again`], with these options instead.
    pub(crate) fn start_again_with(&mut self, options: &[&str]) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let again = self.second(options).expect("the server starts again");
        // The old server ends here.
        drop(std::mem::replace(self, again));
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its short name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until("the server's end", async || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        })
        .await;
        status.expect("an end")
    }

    /// Returns its log so far.
    pub(crate) fn log(&self) -> String {
        self.stderr.so_far()
    }

    /// A counter or gauge of `/metrics`, by its whole name with labels; 0 if it is not there yet.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = ask(self, "GET", "/metrics", &[], "").await.body;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().expect("a number"))
    }

    /// Open connections, whatever carries them.
    pub(crate) async fn connections(&self) -> u64 {
        let mut count = 0;
        for transport in ["websocket", "stomp_tcp", "events", "stream", "poll"] {
            count += self.metric(&format!(r#"madang_connections{{transport="{transport}"}}"#)).await;
        }
        count
    }

    /// Returns how often the log has this. A refusal is logged once, and not in a loop.
    pub(crate) fn told(&self, what: &str) -> usize {
        self.log().matches(what).count()
    }

    /// Open sockets of the process: a connection that is not let go stays among them.
    #[cfg(target_os = "linux")]
    pub(crate) fn open_sockets(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("a process");
        let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Resident memory in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// Waits until a request was turned away for this reason so often, as the counters and the log agree.
    pub(crate) async fn has_rejected(&self, reason: &str, times: u64) {
        let metric = format!(r#"madang_rejected_total{{code="{reason}"}}"#);
        self.has_told(&metric, &format!(r#"a request is turned away reason="{reason}""#), times).await;
    }

    /// Waits until connections were closed with this code so often, as the counters and the log agree.
    pub(crate) async fn has_closed(&self, code: u16, times: u64) {
        let metric = format!(r#"madang_closed_total{{code="{code}"}}"#);
        self.has_told(&metric, &format!("a connection is closed code={code} "), times).await;
    }

    async fn has_told(&self, metric: &str, line: &str, times: u64) {
        until(&format!("{times} × {line}"), async || {
            self.metric(metric).await >= times && self.told(line) as u64 >= times
        })
        .await;
        assert_eq!(self.metric(metric).await, times, "{metric}");
        assert_eq!(self.told(line) as u64, times, "each is told once: {}", self.log());
    }
}

impl To for &Server {
    fn host(&self) -> SocketAddr {
        self.addr
    }

    async fn reach(&self) -> Option<Pipe> {
        let tcp = TcpStream::connect(self.addr).await.ok()?;
        tcp.set_nodelay(true).ok()?;
        self.wrap(tcp).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}---", self.stderr.so_far());
        }
    }
}

/// `madang serve` in an empty environment, so that nobody's MADANG_… gets in; each line of its log is written, for who
/// counts them.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_madang"));
    command.arg("serve").env_clear().env("MADANG_LOG_WINDOW", "0").current_dir(elsewhere());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Not the checkout: the program must run from any folder.
fn elsewhere() -> &'static Path {
    Path::new("/")
}

/// Returns the address in the line.
fn address(line: &str, what: &str, scheme: &str) -> SocketAddr {
    let prefix = format!("{what} on {scheme}://");
    let addr = line.trim().strip_prefix(&prefix).unwrap_or_else(|| panic!("{line}"));
    addr.parse().expect("an address")
}

/// Receives the lines of its standard output.
fn lines(child: &mut Child) -> Receiver<String> {
    let (line_sender, line_receiver) = channel();
    let out = child.stdout.take().expect("its output");
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            // Where nobody waits for it any more, the pipe must not fill up.
            let _ = line_sender.send(line);
        }
    });
    line_receiver
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let _ = child.kill();
    panic!("the server neither serves nor ends");
}

/// Standard error of a child, collected by a thread.
struct Stderr {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Stderr {
    fn of(child: &mut Child) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let mut pipe = child.stderr.take().expect("its errors");
        let sink = text.clone();
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(bytes @ 1..) = pipe.read(&mut chunk) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..bytes]));
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Everything, once the child has ended.
    fn all(mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}
