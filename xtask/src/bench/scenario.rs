//! Scenarios: how the load generator is called, and what is taken from its answer.

use std::path::Path;

use super::SERVER_CORE;
use super::contender::Contender::{self, Bun, Madang, Mosquitto, Plain, RabbitMq, Stomp, Ws};
use super::contender::Running;

/// One call of the load generator.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) contenders: &'static [Contender],
    call: &'static [&'static str],
    length: fn(Length) -> &'static [&'static str],
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

/// In the order in which they run.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "paced, 1 → 1,000 at 20/s",
        contenders: ALL,
        call: &["fanout", "--receivers", "1000", "--writers", "1", "--rate", "20"],
        length: seconds,
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
        name: "idle, 10,000 connections",
        contenders: ALL,
        call: &["idle", "--connections", "10000"],
        // Whole heartbeats of Madang, or it depends on when it begins.
        length: |length| {
            if length == Length::Quick { &["--seconds", "25"] } else { &["--seconds", "50"] }
        },
        metrics: &[
            metric("idle: memory per connection, KiB", "/bytes_per_connection", 1.0 / 1024.0),
            metric("idle: server CPU per connection and second, µs", "/cpu_us_per_second", 1.0),
        ],
    },
    Scenario {
        name: "joins, 2,000 come",
        contenders: ALL,
        call: &["joins", "--clients", "2000"],
        length: |length| if length == Length::Quick { &["--rounds", "1"] } else { &["--rounds", "5"] },
        metrics: &[
            metric("a join: server CPU, µs", "/cpu_us_per_join", 1.0),
            metric("a join: latency p50, ms", "/join_p50_ms", 1.0),
            metric("a join: latency p99, ms", "/join_p99_ms", 1.0),
        ],
    },
    posts("posts, 1 writer", &["posts", "--writers", "1"], &[posts_metric("durable posts/s, 1 writer")]),
    posts("posts, 32 writers", &["posts", "--writers", "32"], &[posts_metric("durable posts/s, 32 writers")]),
    posts(
        "posts, 256 writers",
        &["posts", "--writers", "256"],
        &[posts_metric("durable posts/s, 256 writers")],
    ),
    Scenario {
        name: "stalled, 10 of 1,000",
        contenders: &[Madang],
        call: &["stalled", "--readers", "1000", "--stalled", "10"],
        length: |length| if length == Length::Quick { &["--rounds", "1"] } else { &["--rounds", "3"] },
        metrics: &[
            metric("all read: latency p99, ms", "/all_read/p99_us", 1e-3),
            metric("1 % stalled: the others' latency p99, ms", "/some_stall/p99_us", 1e-3),
            metric("1 % stalled: the others' p99 ÷ all read", "/p99_ratio", 1.0),
            metric("1 % stalled: memory for each, KB", "/bytes_per_stalled", 1e-3),
        ],
    },
    Scenario {
        name: "storm, 5,000 come back",
        contenders: &[Madang],
        call: STORM,
        length: |length| if length == Length::Quick { &["--clients", "1000"] } else { &[] },
        metrics: &[
            metric("storm: half are live after, ms", "/live_p50_ms", 1.0),
            metric("storm: 99 % are live after, ms", "/live_p99_ms", 1.0),
            metric("storm: all are live after, ms", "/live_max_ms", 1.0),
            metric("storm: reads of the database", "/store_reads", 1.0),
        ],
    },
    Scenario {
        name: "page, first visit",
        contenders: &[Madang],
        call: &["page"],
        length: |_| &[],
        metrics: &[
            metric("wasm, KB of brotli", "/wasm_bytes", 1e-3),
            metric("first visit, KB of brotli", "/bytes", 1e-3),
        ],
    },
];

/// It kills its server and starts it again, so it starts one of its own.
const STORM: &[&str] = &["storm"];

const fn posts(name: &'static str, call: &'static [&'static str], metrics: &'static [Metric]) -> Scenario {
    Scenario { name, contenders: &[Madang], call, length: seconds, metrics }
}

const fn posts_metric(name: &'static str) -> Metric {
    metric(name, "/acknowledged_per_second", 1.0)
}

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
            let speaks = server.contender.speaks().to_owned();
            arguments.extend([
                "--speaks".to_owned(),
                speaks,
                "--server-pid".to_owned(),
                server.pid().to_string(),
            ]);
        }
        arguments
    }
}
