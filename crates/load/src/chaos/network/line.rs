//! State of a client's line: what it lets through at the moment.

use std::time::Duration;

use tokio::sync::watch;

/// Flow of bytes over a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// At once.
    #[default]
    Free,
    /// Not at all; connections stay open on both sides.
    Stalled,
    /// So many bytes a second.
    Slow(u32),
}

/// Ways to cut a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cut {
    /// With an end on both sides.
    #[default]
    Closed,
    /// With a reset.
    Reset,
}

/// Permanent conditions of a line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions {
    /// `Upgrade` is answered with 403.
    pub blocks_upgrades: bool,
    /// An answer is passed on when it is complete.
    pub buffers_answers: bool,
    /// No connection lives longer.
    pub life: Option<Duration>,
}

/// The state of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkState {
    /// Its permanent conditions.
    conditions: Conditions,
    /// Its present conditions.
    pub(super) now: Conditions,
    pub(super) flow: Flow,
    /// Counts the cuts.
    pub(super) cuts: u64,
    pub(super) cut: Cut,
}

/// One client's line.
#[derive(Debug)]
pub struct Line {
    state: watch::Sender<LinkState>,
}

impl Default for Line {
    fn default() -> Self {
        Self { state: watch::Sender::new(LinkState::default()) }
    }
}

impl Line {
    /// Sets the permanent conditions of the line.
    pub fn conditions(&self, conditions: Conditions) {
        self.state.send_modify(|state| (state.conditions, state.now) = (conditions, conditions));
    }

    /// Nothing happens to it any more, but for a rung that it makes impossible.
    pub fn calm(&self) {
        self.state.send_modify(|state| {
            state.conditions.life = None;
            (state.now, state.flow) = (state.conditions, Flow::Free);
        });
    }

    /// Sets the flow of bytes from now on.
    pub fn flow(&self, flow: Flow) {
        self.state.send_modify(|state| state.flow = flow);
    }

    /// Cuts every connection of the line.
    pub fn cut(&self, reset: bool) {
        self.state.send_modify(|state| {
            state.cuts += 1;
            state.cut = if reset { Cut::Reset } else { Cut::Closed };
        });
    }

    /// Answers `Upgrade` with 403 for a while, or as it is used to again.
    pub fn block_upgrades(&self, blocks: bool) {
        self.state
            .send_modify(|state| state.now.blocks_upgrades = blocks || state.conditions.blocks_upgrades);
    }

    /// Holds answers back until they are complete for a while, or as it is used to again.
    pub fn buffer_answers(&self, buffers: bool) {
        self.state
            .send_modify(|state| state.now.buffers_answers = buffers || state.conditions.buffers_answers);
    }

    pub(super) fn watch(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }
}
