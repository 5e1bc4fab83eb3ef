//! The transports of madang.v1.

/// A transport, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    WebSocket,
    Events,
    Poll,
}

impl Over {
    /// All of them: what holds on one must hold on each.
    pub(crate) const ALL: [Self; 3] = [Self::WebSocket, Self::Events, Self::Poll];

    /// Those over plain HTTP.
    pub(crate) const HTTP: [Self; 2] = [Self::Events, Self::Poll];

    /// As in the server's counters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Events => "events",
            Self::Poll => "poll",
        }
    }
}
