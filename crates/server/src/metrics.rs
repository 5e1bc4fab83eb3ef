//! Counters of the server, in Prometheus' text form at `/metrics`.

use std::sync::Arc;

use madang_protocol::{CloseCode, RefusalCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::refusal;

/// The counters; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    connections: Family<CarrierLabel, Gauge>,
    /// Sessions: connections after their hello.
    pub sessions: Gauge,
    /// Frames from clients.
    pub frames_in: Counter,
    /// Frames to clients.
    pub frames_out: Counter,
    /// Frames that were compressed, each once for all who receive it.
    pub frames_compressed: Counter,
    /// Entries that were committed to the log for somebody's write.
    pub writes: Counter,
    /// Frames that were dropped because a reader is slow; it reads them on from the log.
    pub dropped: Counter,
    /// Reads of the log for readers who were behind what the hub holds.
    pub replays: Counter,
    /// Bytes of answers that wait for sockets.
    pub unsent: Gauge,
    /// Reads of the database: everything that was not in memory.
    pub store_reads: Counter,
    /// Bytes that the disk of the database has free.
    pub disk_available: Gauge,
    /// Use of the storage, in percent.
    pub storage_used: Gauge,
    /// Pages that were rendered; all others were answered with a page that had been.
    pub rendered: Counter,
    /// Pages that a browser drew anew, because their HTML did not arrive as it was sent.
    pub redrawn: Counter,
    refused: Family<CodeLabel, Counter>,
    closed: Family<CodeLabel, Counter>,
    rejected: Family<CodeLabel, Counter>,
    over_budget: Family<BudgetLabel, Counter>,
    stomp_errors: Family<CodeLabel, Counter>,
    opened: Family<ProtocolLabel, Counter>,
    ended: Family<ProtocolLabel, Counter>,
    registry: Arc<Registry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BudgetLabel {
    budget: String,
}

/// Transports of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A WebSocket.
    WebSocket,
    /// STOMP on a bare TCP stream.
    StompTcp,
    /// Posts and an event stream.
    Events,
    /// An event stream alone: the API's.
    Stream,
    /// Posts and polls; also a session over HTTP that nobody has read from yet.
    Poll,
}

impl Carrier {
    /// As in labels and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::StompTcp => "stomp_tcp",
            Self::Events => "events",
            Self::Stream => "stream",
            Self::Poll => "poll",
        }
    }
}

/// An open connection in the counters, until it is dropped.
#[derive(Debug)]
pub struct OpenConnection {
    connections: Family<CarrierLabel, Gauge>,
    carrier: Carrier,
}

impl OpenConnection {
    /// Returns the present transport.
    pub fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// It is carried by something else from now on.
    pub fn becomes(&mut self, carrier: Carrier) {
        if carrier != self.carrier {
            self.gauge().dec();
            self.carrier = carrier;
            self.gauge().inc();
        }
    }

    fn gauge(&self) -> impl std::ops::Deref<Target = Gauge> {
        self.connections.get_or_create(&CarrierLabel { transport: self.carrier.name() })
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.gauge().dec();
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CarrierLabel {
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProtocolLabel {
    protocol: &'static str,
    /// The label's name before, for one version.
    door: &'static str,
}

impl ProtocolLabel {
    fn new(protocol: &'static str) -> Self {
        Self { protocol, door: protocol }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("madang");
        let metrics = Self {
            connections: Family::default(),
            sessions: Gauge::default(),
            frames_in: Counter::default(),
            frames_out: Counter::default(),
            frames_compressed: Counter::default(),
            writes: Counter::default(),
            dropped: Counter::default(),
            replays: Counter::default(),
            unsent: Gauge::default(),
            store_reads: Counter::default(),
            disk_available: Gauge::default(),
            storage_used: Gauge::default(),
            rendered: Counter::default(),
            redrawn: Counter::default(),
            refused: Family::default(),
            closed: Family::default(),
            rejected: Family::default(),
            over_budget: Family::default(),
            stomp_errors: Family::default(),
            opened: Family::default(),
            ended: Family::default(),
            registry: Arc::default(),
        };
        registry.register("connections", "Open connections, by transport", metrics.connections.clone());
        registry.register("sessions", "Connections that said hello", metrics.sessions.clone());
        registry.register("frames_in", "Frames from clients", metrics.frames_in.clone());
        registry.register("frames_out", "Frames to clients", metrics.frames_out.clone());
        let compressed = "Frames compressed, each once for all who receive it";
        registry.register("frames_compressed", compressed, metrics.frames_compressed.clone());
        registry.register("writes", "Durable writes", metrics.writes.clone());
        registry.register("dropped", "Frames dropped for slow readers", metrics.dropped.clone());
        registry.register("replays", "Reads of the log for readers behind", metrics.replays.clone());
        registry.register("unsent_bytes", "Bytes of answers that wait for sockets", metrics.unsent.clone());
        registry.register("store_reads", "Reads of the database", metrics.store_reads.clone());
        let free = "Bytes that the disk of the database has free";
        registry.register("disk_available_bytes", free, metrics.disk_available.clone());
        let used = "How full the storage is: the disk without its reserve, or the database's bound, whichever is more";
        registry.register("storage_used_percent", used, metrics.storage_used.clone());
        let rendered = "Pages rendered; others were answered with a page that had been";
        registry.register("pages_rendered", rendered, metrics.rendered.clone());
        let redrawn = "Pages drawn anew by a browser, as their HTML was changed on its way";
        registry.register("pages_redrawn", redrawn, metrics.redrawn.clone());
        registry.register("refused", "Refused frames, by reason", metrics.refused.clone());
        registry.register("closed", "Connections that the server closed, by code", metrics.closed.clone());
        let told = "STOMP clients that were told in ERROR what was wrong, by reason";
        registry.register("stomp_errors", told, metrics.stomp_errors.clone());
        registry.register("opened", "Conversations begun, by protocol", metrics.opened.clone());
        registry.register("ended", "Conversations ended, by protocol", metrics.ended.clone());
        registry.register(
            "rejected",
            "Requests rejected before they are served, by reason",
            metrics.rejected.clone(),
        );
        let told = "What was refused because a budget is used up, by budget";
        registry.register("over_budget", told, metrics.over_budget.clone());
        Self { registry: Arc::new(registry), ..metrics }
    }
}

impl Metrics {
    /// Counts a connection while it is open.
    pub fn connection(&self, carrier: Carrier) -> OpenConnection {
        let open = OpenConnection { connections: self.connections.clone(), carrier };
        open.gauge().inc();
        open
    }

    /// A frame was refused.
    pub fn refused(&self, code: RefusalCode) {
        self.refused.get_or_create(&CodeLabel { code: refusal::name(code) }).inc();
    }

    /// A conversation has begun over this protocol.
    pub fn opened(&self, protocol: &'static str) {
        self.opened.get_or_create(&ProtocolLabel::new(protocol)).inc();
    }

    /// A conversation has ended over this protocol.
    pub fn ended(&self, protocol: &'static str) {
        self.ended.get_or_create(&ProtocolLabel::new(protocol)).inc();
    }

    /// The server closed a connection.
    pub fn closed(&self, code: CloseCode) {
        self.closed.get_or_create(&CodeLabel { code: code.0.to_string() }).inc();
    }

    /// A request was turned away before it became a connection.
    pub fn rejected(&self, reason: &str) {
        self.rejected.get_or_create(&CodeLabel { code: reason.into() }).inc();
    }

    /// A budget of an address or a person is used up.
    pub fn over_budget(&self, budget: &str) {
        self.over_budget.get_or_create(&BudgetLabel { budget: budget.into() }).inc();
    }

    /// A STOMP client got an ERROR.
    pub fn stomp_error(&self, reason: &str) {
        self.stomp_errors.get_or_create(&CodeLabel { code: reason.into() }).inc();
    }

    /// Everything, as Prometheus reads it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
