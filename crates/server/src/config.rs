//! The command line, which is also the environment: each option reads `MADANG_…` too.

mod admin_cli;
mod budgets;
mod metrics;
mod moderation;
mod network;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use madang_protocol::Limits;

use crate::store::Reserve;

pub use admin_cli::{Folder, Token, TokenOrder, Webhook, WebhookOrder};
pub use budgets::Address;
pub use metrics::Metrics;
pub use moderation::{Message, MessageOrder, Room, RoomOrder, Whom};
pub use tls::Tls;

/// Madang (마당): a self-hosted real-time chat. One program, its database inside.
#[derive(Debug, Parser)]
#[command(name = "madang", version, about, max_term_width = 100)]
pub struct Cli {
    /// Command to run; `serve` if missing, as cargo-leptos starts the program.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Returns the command to run, `serve` if none was given.
    pub fn what(self) -> Command {
        self.command.unwrap_or_else(|| Self::parse_from(["madang", "serve"]).what())
    }
}

/// Commands of `madang`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the chat until Ctrl-C or SIGTERM.
    ///
    /// The database is made in the data folder on the first start. To keep a backup, stop the server and copy
    /// that folder. One that is put back is recognised, so that what clients have seen since does not mislead them.
    Serve(Box<Serve>),
    /// Tokens of bots: programs that post and read under a name of their own.
    Token(Token),
    /// Webhooks: other programs that post to a room, or hear what happens in it, by an address.
    Webhook(Webhook),
    /// Rooms: list, close, rename.
    Room(Room),
    /// Messages: delete.
    Message(Message),
    /// Ban a person, or everybody who comes from an address. Their open connections end at once.
    Ban(Whom),
    /// Let a person or an address in again.
    Unban(Whom),
    /// List who is banned, one a line, the oldest ban first.
    Bans(Folder),
}

/// Options of `madang serve`. In each limit, 0 means none.
#[derive(Args, Clone, Debug)]
#[command(next_line_help = false)]
pub struct Serve {
    /// Address and port to listen on; port 0 takes a free one and prints it.
    #[arg(long, env = "MADANG_ADDR", default_value = "127.0.0.1:3000", value_name = "IP:PORT")]
    pub addr: SocketAddr,

    /// Address and port for STOMP on bare TCP, such as 127.0.0.1:61613; without it there is none. Over WebSocket
    /// STOMP is always spoken, at /stomp.
    #[arg(long, env = "MADANG_STOMP_ADDR", value_name = "IP:PORT")]
    pub stomp_addr: Option<SocketAddr>,

    /// Another path where WebSockets speak STOMP, for clients whose URL is fixed. May be repeated.
    #[arg(long = "stomp-path", env = "MADANG_STOMP_PATH", value_delimiter = ',', value_name = "PATH")]
    #[arg(value_parser = path)]
    pub stomp_paths: Vec<String>,

    /// Folder of the database; made if missing.
    #[arg(long, env = "MADANG_DATA", default_value = "./data", value_name = "DIR")]
    pub data: PathBuf,

    /// Another site whose pages may connect and post, such as `https://chat.example.org`. The server's own
    /// address, as the browser sends it in Host, is always allowed. May be repeated.
    #[arg(long = "origin", env = "MADANG_ORIGIN", value_delimiter = ',', value_name = "URL")]
    pub origins: Vec<String>,

    /// A name under which people reach this server, such as `chat.lan`. Where it listens on this machine or in a
    /// private network alone, in clear and behind no trusted proxy, it answers to no other names than its addresses,
    /// `localhost` and these: a web site could else give its own name your server's address, and read along. May be
    /// repeated.
    #[arg(long = "host", env = "MADANG_HOST", value_delimiter = ',', value_name = "NAME")]
    #[arg(value_parser = host)]
    pub hosts: Vec<String>,

    /// A proxy in front of this server, by its address or network. Its X-Forwarded-For, -Proto and -Host are believed;
    /// those of anybody else are not. May be repeated.
    #[arg(long = "trusted-proxy", env = "MADANG_TRUSTED_PROXY", value_delimiter = ',', value_name = "CIDR")]
    #[arg(value_parser = network::parse)]
    pub trusted_proxies: Vec<IpNet>,

    /// Give cookies the attribute Secure: set it when people reach the server by https only, through a proxy that
    /// is not named. Whoever is known to come by https gets it anyway.
    #[arg(long, env = "MADANG_SECURE_COOKIES")]
    pub secure_cookies: bool,

    /// Longest message, in characters.
    #[arg(long, env = "MADANG_MAX_BODY", default_value_t = 8_000, value_name = "CHARS")]
    pub max_body: u32,

    /// Posts, edits and deletes per person and second, in the long run.
    #[arg(long, env = "MADANG_POST_RATE", default_value_t = 10, value_name = "N")]
    pub post_rate: u32,

    /// Posts, edits and deletes that a person may make at once.
    #[arg(long, env = "MADANG_POST_BURST", default_value_t = 30, value_name = "N")]
    pub post_burst: u32,

    /// Frames of any kind per connection and second, in the long run; four times as many at once.
    #[arg(long, env = "MADANG_FRAME_RATE", default_value_t = 100, value_name = "N")]
    pub frame_rate: u32,

    /// Largest frame from a client, in bytes.
    #[arg(long, env = "MADANG_MAX_FRAME", default_value_t = 65_536, value_name = "BYTES")]
    pub max_frame: u32,

    /// Compress no WebSocket, event stream, poll or answer of the API, whatever clients take: it saves bytes on the way,
    /// and costs time of the processor.
    #[arg(long, env = "MADANG_NO_COMPRESSION")]
    pub no_compression: bool,

    /// Connections from one address, each session over plain HTTP among them.
    #[arg(long, env = "MADANG_CONNECTIONS_PER_ADDRESS", default_value_t = 256, value_name = "N")]
    pub connections_per_address: u32,

    /// Everybody of one address.
    #[command(flatten)]
    pub address: Address,

    /// Answers that wait for sockets whose clients do not read, of all together, in MiB. Beyond it the connection that
    /// keeps the most waiting is dropped, of the address whose connections keep the most.
    #[arg(long, env = "MADANG_MAX_UNSENT", default_value_t = 64, value_name = "MIB")]
    pub max_unsent: u32,

    /// Rooms that one session may watch.
    #[arg(long, env = "MADANG_MAX_ROOMS_WATCHED", default_value_t = 500, value_name = "N")]
    pub max_rooms_watched: u32,

    /// Hours after which a room is removed in which nobody ever wrote.
    #[arg(long, env = "MADANG_UNUSED_ROOMS", default_value_t = 24, value_name = "HOURS")]
    pub unused_rooms: u32,

    /// Seconds between signs of life on an open connection; an answer is awaited for 10 s.
    #[arg(long, env = "MADANG_HEARTBEAT", default_value_t = 25, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub heartbeat: u32,

    /// Seconds that a new connection has for its first frame, and a request for its head and for what it posts.
    #[arg(long, env = "MADANG_HELLO_TIMEOUT", default_value_t = 10, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub hello_timeout: u32,

    /// Largest size of the database, in MiB; what would go beyond it is refused like on a full disk.
    #[arg(long, env = "MADANG_MAX_DATABASE", default_value_t = 0, value_name = "MIB")]
    pub max_database: u32,

    /// Space to keep free on the disk of the database, in MiB; below it nothing is written, as on a full disk, and
    /// reading goes on. Without it 5 % of the disk, at most 1024.
    #[arg(long, env = "MADANG_DISK_RESERVE", value_name = "MIB")]
    pub disk_reserve: Option<u32>,

    /// A host that outgoing webhooks may go to although it is in a private network or on this machine, as it stands in
    /// their address. May be repeated.
    #[arg(long = "webhook-allow", env = "MADANG_WEBHOOK_ALLOW", value_delimiter = ',', value_name = "HOST")]
    pub webhook_allow: Vec<String>,

    /// Access to the counters.
    #[command(flatten)]
    pub metrics: Metrics,

    /// https and wss.
    #[command(flatten)]
    pub tls: Tls,

    /// Level of the log: error, warn, info, debug, or a filter such as madang_server=debug.
    #[arg(long, env = "MADANG_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// Seconds in which a line of the log that is repeated is written once, and then summed up. At most ten different
    /// lines of one cause are written in it.
    #[arg(long, env = "MADANG_LOG_WINDOW", default_value_t = 10, value_name = "SECONDS")]
    pub log_window: u32,
}

impl Serve {
    /// The limits that `welcome` sends to clients.
    pub fn limits(&self) -> Limits {
        Limits {
            frame_bytes: self.max_frame,
            body_chars: self.max_body,
            post_rate: self.post_rate,
            post_burst: self.post_burst,
            rooms: self.max_rooms_watched,
            ..Limits::default()
        }
    }

    /// Time in which repeats are summed in the log.
    pub fn log_window(&self) -> Duration {
        Duration::from_secs(self.log_window.into())
    }

    /// Returns the space to keep free on the disk.
    pub fn reserve(&self) -> Reserve {
        let bytes = |mib: u32| Reserve::Bytes(u64::from(mib) * 1024 * 1024);
        self.disk_reserve.map_or(Reserve::Usual, bytes)
    }

    /// Bytes of answers that may wait for sockets; 0 for any number.
    pub fn max_unsent(&self) -> usize {
        usize::try_from(self.max_unsent).unwrap_or(usize::MAX).saturating_mul(1024 * 1024)
    }

    /// Time between pings.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat.into())
    }

    /// Time for the first frame of a connection and for the head of a request.
    pub fn hello_timeout(&self) -> Duration {
        Duration::from_secs(self.hello_timeout.into())
    }
}

/// A path as it stands in a request.
fn path(text: &str) -> Result<String, &'static str> {
    let plain =
        text.starts_with('/') && !text.contains(|c: char| c.is_whitespace() || matches!(c, '?' | '#'));
    if plain { Ok(text.into()) } else { Err("a path begins with / and has no query") }
}

/// A name as it stands in a request, without a port.
fn host(text: &str) -> Result<String, &'static str> {
    let is_name = crate::http::host::is_plain(text) && !text.contains(':');
    if is_name { Ok(text.to_ascii_lowercase()) } else { Err("a name, without a scheme or a port") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve() -> Serve {
        match Cli::parse_from(["madang", "serve"]).what() {
            Command::Serve(serve) => *serve,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_defaults_are_the_documented_limits() {
        let serve = serve();
        assert_eq!(serve.limits(), Limits::default());
        assert_eq!(serve.heartbeat(), Duration::from_secs(25));
        assert_eq!(serve.connections_per_address, 256);
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
