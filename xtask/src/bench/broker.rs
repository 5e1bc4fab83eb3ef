//! The brokers that stand beside Madang's protocols, as Debian packages them: children of the bench on free ports of
//! loopback, with a folder that is thrown away. The machine's own brokers, if it runs some, are left alone.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{GENERATOR_CORE, SERVER_CORE, pinned};
use crate::project::Project;
use crate::setup::apt;
use crate::step::step;

/// Debian's own start script, without the wrapper that changes to the system's user.
const RABBITMQ: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const MOSQUITTO: &str = "/usr/sbin/mosquitto";
const EPMD: &str = "/usr/bin/epmd";

/// A broker that is about to start.
pub(super) struct Broker {
    pub(super) command: Command,
    /// Address that it will listen on.
    pub(super) address: SocketAddr,
    /// A process that it needs beside it; ends with it.
    pub(super) beside: Option<Child>,
}

impl Broker {
    /// The command, of which one is left that does nothing.
    pub(super) fn take_command(&mut self) -> Command {
        std::mem::replace(&mut self.command, Command::new("true"))
    }
}

/// Installs the missing packages of these. Services of a package are not started.
pub(super) fn ensure(project: &Project, wanted: &[&str]) -> Result<()> {
    let missing: Vec<&str> = [("rabbitmq-server", RABBITMQ), ("mosquitto", MOSQUITTO)]
        .into_iter()
        .filter(|(package, program)| wanted.contains(package) && !Path::new(program).exists())
        .map(|(package, _)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !apt::is_there() {
        bail!("Madang is measured beside Debian's brokers; there is no apt-get here.");
    }
    step(&format!("install {}", missing.join(", ")), || apt::install_unstarted(project, &missing))
}

/// NATS with one store on disk, which syncs each message before it acknowledges it.
pub(super) fn nats(program: &Path, folder: &Path) -> Result<Broker> {
    let [address, unused] = free_ports()?;
    let config = folder.join("nats.conf");
    let text = format!(
        "server_name: bench\n\
         listen: \"127.0.0.1:{}\"\n\
         ping_interval: \"1h\"\n\
         websocket {{ listen: \"127.0.0.1:{}\", no_tls: true }}\n\
         jetstream {{ store_dir: \"{}\", sync_interval: always }}\n",
        unused.port(),
        address.port(),
        folder.join("jetstream").display(),
    );
    fs::write(&config, text)?;
    let mut command = pinned(SERVER_CORE, program);
    command.arg("--config").arg(config);
    Ok(Broker { command, address, beside: None })
}

/// Mosquitto: MQTT over a WebSocket, at most once, nothing kept.
pub(super) fn mosquitto(folder: &Path) -> Result<Broker> {
    let [address, unused] = free_ports()?;
    let config = folder.join("mosquitto.conf");
    // Some versions do not start without a listener of plain MQTT.
    let text = format!(
        "listener {} 127.0.0.1\n\
         listener {} 127.0.0.1\n\
         protocol websockets\n\
         socket_domain ipv4\n\
         allow_anonymous true\n\
         persistence false\n\
         set_tcp_nodelay true\n",
        unused.port(),
        address.port(),
    );
    fs::write(&config, text)?;
    let mut command = pinned(SERVER_CORE, Path::new(MOSQUITTO));
    command.arg("-c").arg(config);
    Ok(Broker { command, address, beside: None })
}

/// RabbitMQ with nothing but Web-STOMP.
pub(super) fn rabbitmq(folder: &Path) -> Result<Broker> {
    let [address, names, peers] = free_ports()?;
    let config = folder.join("rabbitmq.conf");
    let text = format!(
        "listeners.tcp = none\n\
         stomp.listeners.tcp = none\n\
         stomp.default_user = guest\n\
         stomp.default_pass = guest\n\
         web_stomp.tcp.ip = 127.0.0.1\n\
         web_stomp.tcp.port = {}\n\
         web_stomp.ws_path = /stomp\n\
         web_stomp.ws_opts.idle_timeout = 3600000\n\
         log.file = false\n\
         log.console = true\n\
         log.console.level = warning\n",
        address.port(),
    );
    fs::write(&config, text)?;
    let plugins = folder.join("enabled_plugins");
    fs::write(&plugins, "[rabbitmq_web_stomp].\n")?;
    // Its own register of names: otherwise the first to start leaves one behind for the whole machine.
    let epmd = pinned(GENERATOR_CORE, Path::new(EPMD))
        .args(["-port", &names.port().to_string(), "-address", "127.0.0.1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("Cannot start epmd, which RabbitMQ needs")?;
    let mut command = pinned(SERVER_CORE, Path::new(RABBITMQ));
    command
        .env("HOME", folder)
        .env("ERL_EPMD_PORT", names.port().to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_NODENAME", "bench@localhost")
        .env("RABBITMQ_DIST_PORT", peers.port().to_string())
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
        .env("RABBITMQ_CONFIG_FILE", config)
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
        .env("RABBITMQ_MNESIA_BASE", made(folder.join("mnesia"))?)
        .env("RABBITMQ_LOG_BASE", made(folder.join("log"))?)
        // The script becomes the broker then, whose CPU is to be measured, and does not stand over it.
        .env("RUNNING_UNDER_SYSTEMD", "1");
    Ok(Broker { command, address, beside: Some(epmd) })
}

/// Ports that were free a moment ago: these programs take no port 0.
fn free_ports<const N: usize>() -> Result<[SocketAddr; N]> {
    // All held until all are known, so that they differ.
    let held = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    let addresses = held.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
    addresses.try_into().map_err(|_| anyhow::anyhow!("ports went missing"))
}

fn made(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
