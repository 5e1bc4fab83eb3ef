//! Command line of `madang-load`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use madang_load::chaos::network::Fault;
use madang_load::flood::Scenario;
use madang_load::socket::{Protocol, Target};

/// Drives a chat server hard, measures it, and checks that nothing was lost, doubled or reordered.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) run: Run,
}

#[derive(Subcommand)]
pub(crate) enum Run {
    /// Every message to many receivers, at a rate or as fast as the slowest receiver takes them.
    Fanout {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        time: Time,
        /// Rooms, over which receivers and writers are spread evenly.
        #[arg(long, default_value_t = 1)]
        rooms: u32,
        /// Connections that watch a room.
        #[arg(long, default_value_t = 1_000)]
        receivers: u32,
        /// Connections that post.
        #[arg(long, default_value_t = 1)]
        writers: u32,
        /// Messages a second, all writers together; 0 for as many as it takes.
        #[arg(long, default_value_t = 20)]
        rate: u32,
        /// Messages of each writer on their way at once, when saturated.
        #[arg(long, default_value_t = 16)]
        window: usize,
    },
    /// Durable posts: each writer posts, waits for `done`, and posts again. One receiver checks the log of each room.
    Posts {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        time: Time,
        /// Rooms, over which the writers are spread evenly.
        #[arg(long, default_value_t = 1)]
        rooms: u32,
        /// Connections that post.
        #[arg(long, default_value_t = 32)]
        writers: u32,
        /// Bytes of a message's text, in place of those of its frame.
        #[arg(long)]
        body_bytes: Option<usize>,
        /// Let each writer follow its room, and be checked, too.
        #[arg(long)]
        follow: bool,
    },
    /// A mixed day: most people only read, some write, come and go, or look up history. Nothing is lost for any.
    Day {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        time: Time,
        /// People, spread evenly over the rooms.
        #[arg(long, default_value_t = 500)]
        people: u32,
        /// Rooms.
        #[arg(long, default_value_t = 40)]
        rooms: u32,
        /// Decides what everybody does when.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Connections that only watch the lobby: memory and CPU of the server for each.
    Idle {
        #[command(flatten)]
        server: Server,
        /// Connections to open.
        #[arg(long, default_value_t = 5_000)]
        connections: u32,
        /// Seconds to wait before weighing.
        #[arg(long, default_value_t = 2.0)]
        settle: f64,
        /// Seconds in which its CPU is measured.
        #[arg(long, default_value_t = 50.0)]
        seconds: f64,
    },
    /// People who come: CPU of the server for each, until they have the lobby's snapshot.
    Joins {
        #[command(flatten)]
        server: Server,
        /// Connections of a round.
        #[arg(long, default_value_t = 2_000)]
        clients: u32,
        /// Rounds; all leave after each.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Messages in the lobby.
        #[arg(long, default_value_t = 50)]
        messages: u32,
    },
    /// A server that dies under its clients and starts again: how soon they are live.
    Storm {
        /// The program `madang`.
        #[arg(long)]
        program: PathBuf,
        /// The CPUs that the server is kept to, as `taskset` takes them.
        #[arg(long)]
        server_core: Option<String>,
        /// Clients that watch the lobby.
        #[arg(long, default_value_t = 5_000)]
        clients: usize,
        /// Seconds between the server's death and its next start.
        #[arg(long, default_value_t = 1.0)]
        down: f64,
    },
    /// A room in which some do not read, in every other turn: what the others notice.
    Stalled {
        #[command(flatten)]
        server: Server,
        /// Readers of the lobby.
        #[arg(long, default_value_t = 1_000)]
        readers: u32,
        /// So many of them stall.
        #[arg(long, default_value_t = 10)]
        stalled: u32,
        /// Messages a second.
        #[arg(long, default_value_t = 25)]
        rate: u32,
        /// Bytes of a message's frame; enough for a stalled reader's queue to reach its bound.
        #[arg(long, default_value_t = 7_000)]
        frame_bytes: usize,
        /// Turns of each kind.
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// Seconds measured in each turn.
        #[arg(long, default_value_t = 6.0)]
        turn: f64,
        /// The server's option of the same name: MiB that may wait for all readers.
        #[arg(long, default_value_t = 64)]
        max_unsent: u32,
    },
    /// Measures what the first visit loads, compressed.
    Page {
        /// Address of the server.
        #[arg(long)]
        addr: SocketAddr,
        /// The page to visit.
        #[arg(long, default_value = "/r/lobby")]
        path: String,
    },
    /// The kernel's floor beside the figures: what the machine does at best, without a server.
    Floor {
        #[command(subcommand)]
        floor: Floor,
        /// Seconds.
        #[arg(long, default_value_t = 5.0, global = true)]
        seconds: f64,
        /// CPU of the thread that is measured.
        #[arg(long, global = true)]
        core: Option<usize>,
    },
    /// One address does one thing as fast as it is answered, while members post: what they notice, and what it leaves.
    Flood {
        /// Address of the server.
        #[arg(long)]
        addr: SocketAddr,
        /// The server's process, whose memory is measured.
        #[arg(long)]
        server_pid: u32,
        /// The server's data folder, whose rows and bytes are measured.
        #[arg(long)]
        data: PathBuf,
        /// Attack to play
        #[arg(long, value_enum)]
        scenario: Scenario,
        /// Connections of the address at once.
        #[arg(long, default_value_t = 32)]
        connections: u32,
        /// Members who post, from another address, each four times a second.
        #[arg(long, default_value_t = 8)]
        members: u32,
        /// Turns of both.
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// Seconds of each turn measured without the flood, and again with it.
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
    },
    /// Attacks as one address, and reports how often it was answered: the other process of a flood.
    #[command(hide = true)]
    Attack {
        /// Address of the server.
        #[arg(long)]
        addr: SocketAddr,
        /// Attack to play
        #[arg(long, value_enum)]
        scenario: Scenario,
        /// Connections at once.
        #[arg(long)]
        connections: u32,
        /// Seconds.
        #[arg(long)]
        seconds: f64,
    },
    /// Starts a server, breaks everything around it, and judges: the last line counts the broken promises.
    Chaos {
        /// The program `madang`.
        #[arg(long)]
        program: PathBuf,
        /// Minutes of faults.
        #[arg(long, default_value_t = 1.0)]
        minutes: f64,
        /// Decides what happens when.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Clients.
        #[arg(long, default_value_t = 200)]
        clients: usize,
        /// Rooms.
        #[arg(long, default_value_t = 4)]
        rooms: usize,
        /// Let the network break what TCP promises: the checker must notice.
        #[arg(long, value_enum)]
        sabotage: Option<Fault>,
    },
    /// Records a run with strace, and starts the server on what a disk may keep of it after many cuts of the power.
    PowerCut {
        /// The program `madang`.
        #[arg(long)]
        program: PathBuf,
        /// Moments at which the power goes.
        #[arg(long, default_value_t = 200)]
        cuts: usize,
        /// People who post at a time.
        #[arg(long, default_value_t = 6)]
        writers: usize,
        /// Posts of each.
        #[arg(long, default_value_t = 700)]
        posts: usize,
        /// Decides when, and what is left of what was not synced.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Let the disk ignore syncs: the check must notice.
        #[arg(long)]
        ignore_syncs: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Floor {
    /// One bare send of 200 bytes for each delivery.
    Sends {
        /// Sockets.
        #[arg(long, default_value_t = 1_000)]
        receivers: u32,
        /// Sockets that each message is sent to, in turn; all if it is not given.
        #[arg(long)]
        at_once: Option<u32>,
        /// Messages a second.
        #[arg(long, default_value_t = 20)]
        rate: u32,
    },
    /// One write of 200 bytes and one `fdatasync`, over and over.
    Syncs {
        /// Folder on the disk to measure.
        #[arg(long)]
        folder: PathBuf,
    },
    /// Commits of bare SQLite.
    Posts {
        /// Folder on the disk to measure; it has no database of an earlier call.
        #[arg(long)]
        folder: PathBuf,
        /// Rows of each commit.
        #[arg(long, default_value_t = 1)]
        batch: u32,
    },
}

#[derive(Args)]
pub(crate) struct Server {
    /// Address of the server.
    #[arg(long)]
    pub(crate) addr: SocketAddr,
    /// Protocol that it speaks.
    #[arg(long, value_enum, default_value_t = Protocol::Madang)]
    pub(crate) speaks: Protocol,
    /// The server's process, whose CPU and memory are measured.
    #[arg(long)]
    pub(crate) server_pid: Option<u32>,
}

#[derive(Args)]
pub(crate) struct Time {
    /// Seconds that are not measured.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) warm_up: f64,
    /// Seconds that are.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Bytes of a message's frame at the receivers.
    #[arg(long, default_value_t = 200)]
    pub(crate) frame_bytes: usize,
}

impl Server {
    /// The server, for the generator.
    pub(crate) fn target(&self) -> Target {
        Target { address: self.addr, speaks: self.speaks }
    }

    /// Its process.
    ///
    /// # Errors
    /// If it was not named.
    pub(crate) fn process(&self) -> Result<u32> {
        self.server_pid.context("--server-pid names the process to measure")
    }
}
