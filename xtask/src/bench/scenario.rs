//! Scenarios: how the load generator is called, and what is taken from its answer.

use std::path::Path;

use super::SERVER_CORE;
use super::contender::Contender::{self, Bun, Madang, Mosquitto, Nats, Plain, RabbitMq, Stomp, Ws};
use super::contender::Running;

/// One call of the load generator.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) contenders: &'static [Contender],
    call: &'static [&'static str],
    length: fn(Length) -> &'static [&'static str],
    /// Call of the generator's `floor` that does the same without a server; empty if nothing does.
    pub(crate) floor: &'static [&'static str],
    pub(crate) metrics: &'static [Metric],
}

/// One line of the table.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    /// Pointer into the load generator's answer.
    pub(crate) pointer: &'static str,
    pub(crate) scale: f64,
}

/// Duration of each run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Quick,
    Full,
}

/// The metric that every start of a server adds to, in milliseconds.
pub(crate) const START_UP: &str = "start-up, ms";

/// The paced scenario's median latency, in milliseconds.
pub(crate) const PACED_P50: &str = "20/s: latency p50, ms";

/// Time between two paced messages. A contender that takes longer for one has the next already waiting.
pub(crate) const PACED_INTERVAL_MS: f64 = 50.0;

const ALL: &[Contender] = &[Madang, Ws, Bun];

/// The same message through each protocol, and through the brokers whose protocols some of them speak.
pub(crate) const PROTOCOLS: &[Contender] = &[Madang, Plain, Stomp, RabbitMq, Mosquitto];

/// Prefix of the protocols' metrics.
pub(crate) const PROTOCOLS_PREFIX: &str = "protocols: ";

/// Metric by which the protocols are compared.
pub(crate) const PROTOCOLS_CPU: &str = "protocols: server CPU per delivery, µs";

const fn metric(name: &'static str, pointer: &'static str, scale: f64) -> Metric {
    Metric { name, pointer, scale }
}

/// Prefix of the durable posts' metrics.
pub(crate) const POSTS_PREFIX: &str = "posts: ";

/// Servers that keep what they acknowledge.
const DURABLE: &[Contender] = &[Madang, Nats, RabbitMq];

/// Durable posts with these options of the load generator.
macro_rules! posts {
    ($label:literal, $contenders:expr, [$($option:literal),*], $batch:literal) => {
        Scenario {
            name: concat!("posts, ", $label),
            contenders: $contenders,
            call: &["posts", "--body-bytes", "200", $($option),*],
            length: seconds,
            floor: &["posts", "--batch", $batch],
            metrics: &[
                metric(concat!("posts: ", $label, ": a second"), "/acknowledged_per_second", 1.0),
                metric(concat!("posts: ", $label, ": server CPU of each, µs"), "/server_cpu_us_per_post", 1.0),
                metric(concat!("posts: ", $label, ": latency p50, ms"), "/acknowledgement/p50_us", 1e-3),
                metric(concat!("posts: ", $label, ": latency p99, ms"), "/acknowledgement/p99_us", 1e-3),
            ],
        }
    };
}

/// In the order in which they run.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "paced, 1 → 1,000 at 20/s",
        contenders: ALL,
        call: &["fanout", "--receivers", "1000", "--writers", "1", "--rate", "20"],
        length: seconds,
        floor: &["sends"],
        metrics: &[
            metric("20/s: server CPU per delivery, µs", "/server_cpu_us_per_delivery", 1.0),
            metric("20/s: deliveries per CPU second", "/deliveries_per_cpu_second", 1.0),
            metric(PACED_P50, "/delivery/p50_us", 1e-3),
            metric("20/s: latency p99, ms", "/delivery/p99_us", 1e-3),
        ],
    },
    Scenario {
        name: "protocols, 1 → 1,000 at 20/s",
        contenders: PROTOCOLS,
        call: &["fanout", "--receivers", "1000", "--writers", "1", "--rate", "20"],
        length: seconds,
        floor: &["sends"],
        metrics: &[
            metric(PROTOCOLS_CPU, "/server_cpu_us_per_delivery", 1.0),
            metric("protocols: deliveries per CPU second", "/deliveries_per_cpu_second", 1.0),
            metric("protocols: bytes of a frame", "/bytes_per_frame", 1.0),
            metric("protocols: latency p50, ms", "/delivery/p50_us", 1e-3),
            metric("protocols: latency p99, ms", "/delivery/p99_us", 1e-3),
        ],
    },
    Scenario {
        name: "saturated, 16 writers → 1,000",
        contenders: ALL,
        call: &["fanout", "--receivers", "1000", "--writers", "16", "--rate", "0", "--window", "16"],
        length: seconds,
        floor: &[],
        metrics: &[
            metric("saturated: server CPU per delivery, µs", "/server_cpu_us_per_delivery", 1.0),
            metric("saturated: deliveries per CPU second", "/deliveries_per_cpu_second", 1.0),
            metric("saturated: deliveries per second", "/deliveries_per_second", 1.0),
            metric("saturated: latency p50, ms", "/delivery/p50_us", 1e-3),
            metric("saturated: latency p99, ms", "/delivery/p99_us", 1e-3),
            metric("saturated: generator busy, %", "/generator_busy", 100.0),
        ],
    },
    Scenario {
        name: "rooms, 200 of 10 at 2/s each",
        contenders: ALL,
        call: &["fanout", "--rooms", "200", "--receivers", "2000", "--writers", "200", "--rate", "400"],
        length: seconds,
        floor: &["sends", "--receivers", "2000", "--at-once", "10", "--rate", "400"],
        metrics: &[
            metric("200 rooms: server CPU per delivery, µs", "/server_cpu_us_per_delivery", 1.0),
            metric("200 rooms: deliveries per CPU second", "/deliveries_per_cpu_second", 1.0),
            metric("200 rooms: latency p50, ms", "/delivery/p50_us", 1e-3),
            metric("200 rooms: latency p99, ms", "/delivery/p99_us", 1e-3),
        ],
    },
    Scenario {
        name: "idle, 10,000 connections",
        contenders: ALL,
        call: &["idle", "--connections", "10000"],
        // Whole heartbeats of Madang, or it depends on when it begins.
        length: |length| {
            if length == Length::Quick { &["--seconds", "25"] } else { &["--seconds", "50"] }
        },
        floor: &[],
        metrics: &[
            metric("idle: memory per connection, KiB", "/bytes_per_connection", 1.0 / 1024.0),
            metric("idle: memory after all left ÷ before", "/left_ratio", 1.0),
            metric("idle: server CPU per connection and second, µs", "/cpu_us_per_second", 1.0),
        ],
    },
    Scenario {
        name: "joins, 2,000 come",
        contenders: ALL,
        call: &["joins", "--clients", "2000"],
        length: |length| if length == Length::Quick { &["--rounds", "1"] } else { &["--rounds", "5"] },
        floor: &[],
        metrics: &[
            metric("a join: server CPU, µs", "/cpu_us_per_join", 1.0),
            metric("a join: latency p50, ms", "/join_p50_ms", 1.0),
            metric("a join: latency p99, ms", "/join_p99_ms", 1.0),
        ],
    },
    posts!("1 writer", DURABLE, ["--writers", "1"], "1"),
    posts!("32 writers", DURABLE, ["--writers", "32"], "32"),
    posts!("256 writers", DURABLE, ["--writers", "256"], "256"),
    posts!("1,024 writers", DURABLE, ["--writers", "1024"], "1024"),
    posts!("256 writers in 50 rooms", &[Madang], ["--writers", "256", "--rooms", "50"], "256"),
    posts!("256 writers who follow", &[Madang], ["--writers", "256", "--follow"], "256"),
    Scenario {
        name: "syncs of the disk",
        contenders: &[],
        call: &[],
        length: |_| &[],
        floor: &["syncs"],
        metrics: &[
            metric("posts: write and fdatasync alone: a second", "/acknowledged_per_second", 1.0),
            metric("posts: write and fdatasync alone: latency p99, ms", "/acknowledgement/p99_us", 1e-3),
        ],
    },
    Scenario {
        name: "day, 500 people in 40 rooms",
        contenders: &[Madang],
        call: &["day", "--people", "500", "--rooms", "40"],
        length: |length| {
            if length == Length::Quick { &["--seconds", "20"] } else { &["--seconds", "60"] }
        },
        floor: &[],
        metrics: &[
            metric("mixed day: server CPU for a person and minute, ms", "/cpu_ms_per_person_minute", 1.0),
            metric("mixed day: server CPU per delivery, µs", "/server_cpu_us_per_delivery", 1.0),
            metric("mixed day: a post's latency p50, ms", "/acknowledgement/p50_us", 1e-3),
            metric("mixed day: a post's latency p99, ms", "/acknowledgement/p99_us", 1e-3),
        ],
    },
    Scenario {
        name: "stalled, 10 of 1,000",
        contenders: &[Madang],
        call: &["stalled", "--readers", "1000", "--stalled", "10"],
        length: |length| if length == Length::Quick { &["--rounds", "1"] } else { &["--rounds", "3"] },
        floor: &[],
        metrics: &[
            metric("all read: latency p99, ms", "/all_read/p99_us", 1e-3),
            metric("1 % stalled: the others' latency p99, ms", "/some_stall/p99_us", 1e-3),
            metric("1 % stalled: the others' p99 ÷ all read", "/p99_ratio", 1.0),
            metric("1 % stalled: memory for each, KB", "/bytes_per_stalled", 1e-3),
        ],
    },
    Scenario {
        name: "stalled, 1,000 of 1,100",
        contenders: &[Madang],
        call: &["stalled", "--readers", "1100", "--stalled", "1000", "--rounds", "1"],
        length: |_| &[],
        floor: &[],
        metrics: &[
            metric("1,000 stalled: memory of all, MB", "/bytes_of_all", 1e-6),
            metric("1,000 stalled: memory ÷ bound", "/share_of_bound", 1.0),
            metric("1,000 stalled: the others' latency p99, ms", "/some_stall/p99_us", 1e-3),
        ],
    },
    Scenario {
        name: "storm, 5,000 come back",
        contenders: &[Madang],
        call: STORM,
        length: |length| if length == Length::Quick { &["--clients", "1000"] } else { &[] },
        floor: &[],
        metrics: &[
            metric("storm: half are live after, ms", "/live_p50_ms", 1.0),
            metric("storm: 99 % are live after, ms", "/live_p99_ms", 1.0),
            metric("storm: all are live after, ms", "/live_max_ms", 1.0),
            metric("storm: memory after all left ÷ before", "/left_ratio", 1.0),
            metric("storm: reads of the database", "/store_reads", 1.0),
        ],
    },
    Scenario {
        name: "page, first visit",
        contenders: &[Madang],
        call: &["page"],
        length: |_| &[],
        floor: &[],
        metrics: &[
            metric("wasm, KB of brotli", "/wasm_bytes", 1e-3),
            metric("first visit, KB of brotli", "/bytes", 1e-3),
        ],
    },
];

/// It kills its server and starts it again, so it starts one of its own.
const STORM: &[&str] = &["storm"];

fn seconds(length: Length) -> &'static [&'static str] {
    match length {
        Length::Quick => &["--warm-up", "1", "--seconds", "3"],
        Length::Full => &["--warm-up", "3", "--seconds", "8"],
    }
}

impl Scenario {
    /// The load generator's command line against `server`, which runs `program`.
    pub(crate) fn arguments(&self, server: &Running, program: &Path, length: Length) -> Vec<String> {
        let fixed = self.call.iter().chain((self.length)(length)).map(|word| (*word).to_owned());
        let mut arguments: Vec<String> = fixed.collect();
        if self.call == STORM {
            let program = program.to_string_lossy().into_owned();
            arguments.extend([
                "--program".to_owned(),
                program,
                "--server-core".to_owned(),
                SERVER_CORE.to_owned(),
            ]);
            return arguments;
        }
        arguments.extend(["--addr".to_owned(), server.address.to_string()]);
        // The page is asked for over HTTP alone.
        if self.call != ["page"] {
            let speaks = match server.contender {
                RabbitMq if self.call.starts_with(&["posts"]) => "queue",
                contender => contender.speaks(),
            };
            let speaks = speaks.to_owned();
            arguments.extend([
                "--speaks".to_owned(),
                speaks,
                "--server-pid".to_owned(),
                server.pid().to_string(),
            ]);
        }
        arguments
    }

    /// The load generator's command line for the floor, on the server's core, with data in `folder`.
    pub(crate) fn floor_arguments(&self, folder: &Path, length: Length) -> Vec<String> {
        let fixed = ["floor"].iter().chain(self.floor).map(|word| (*word).to_owned());
        let mut arguments: Vec<String> = fixed.collect();
        let seconds = if length == Length::Quick { "3" } else { "8" };
        arguments.extend(["--core", SERVER_CORE, "--seconds", seconds].map(str::to_owned));
        if self.floor.first() != Some(&"sends") {
            arguments.extend(["--folder".to_owned(), folder.to_string_lossy().into_owned()]);
        }
        arguments
    }
}
