//! Parts of a running server, shared by every connection. They point down; their users are above.

use std::sync::Arc;

use madang_protocol::{CloseCode, UnixMs};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::silent::Silents;
use crate::budgets::Budgets;
use crate::clock::{self, Times};
use crate::config::Serve;
use crate::connection::http_sessions::HttpSessions;
use crate::connection_limit::ConnectionLimit;
use crate::http::rendered::Pages;
use crate::log_once::LogOnce;
use crate::metrics::Metrics;
use crate::rate_limit::Rate;
use crate::reconnect_delay::ReconnectDelay;
use crate::room::Rooms;
use crate::store::Store;
use crate::unsent::Unsent;

/// Parts that every connection shares; cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts.
#[derive(Debug)]
pub struct Parts {
    /// The options.
    pub config: Serve,
    /// The durable log.
    pub store: Store,
    /// The rules over it.
    pub rooms: Rooms,
    /// Counters of the server.
    pub metrics: Metrics,
    /// Connections by address.
    pub connection_limit: ConnectionLimit,
    /// TCP connections by address on which HTTP is spoken, those of trusted proxies not among them.
    pub streams: ConnectionLimit,
    /// TCP connections on which nothing was asked yet.
    pub silents: Silents,
    /// Requests under way by address.
    pub requests: ConnectionLimit,
    /// Rate limits of addresses.
    pub budgets: Budgets,
    /// Answers that are not read yet.
    pub unsent: Unsent,
    /// Causes in requests that are logged once.
    pub told: LogOnce,
    /// The pages.
    pub(crate) pages: Pages,
    /// The sessions over HTTP.
    pub http_sessions: HttpSessions,
    /// Source of the time.
    pub(crate) times: Times,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
    /// Cancelled when it takes no further request on connections that it has.
    pub last_call: CancellationToken,
    /// Return times for clients that are disconnected.
    pub reconnect_delay: ReconnectDelay,
    /// The connections that are to end before the server does.
    pub connections: TaskTracker,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// A server of these parts.
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The steady time.
    pub fn now(&self) -> UnixMs {
        self.times.now()
    }

    /// The wall clock's time.
    pub fn wall(&self) -> UnixMs {
        clock::wall()
    }

    /// A random number for spreading things out.
    pub fn random(&self) -> u32 {
        getrandom::u32().unwrap_or_default()
    }

    /// Returns the return time for a client that is closed with `code`. Milliseconds.
    pub fn back_after(&self, code: CloseCode) -> u32 {
        self.reconnect_delay.after(code, self.random())
    }

    /// Returns the rate limit of a session's frames: the option's rate, and four times as many at once.
    pub fn frame_rate(&self) -> Rate {
        Rate { per_second: self.config.frame_rate, burst: self.config.frame_rate.saturating_mul(4) }
    }
}
