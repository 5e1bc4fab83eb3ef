//! What a client's line lets through at the moment.

use std::time::Duration;

use tokio::sync::watch;

/// How bytes pass.
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

/// How a connection is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cut {
    /// With an end on both sides.
    #[default]
    Closed,
    /// With a reset.
    Reset,
}

/// The state of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sky {
    pub(super) flow: Flow,
    /// `Upgrade` is answered with 403.
    pub(super) blocks_upgrades: bool,
    /// An answer is passed on when it is complete.
    pub(super) buffers_answers: bool,
    /// No connection lives longer.
    pub(super) life: Option<Duration>,
    /// Counts the cuts.
    pub(super) cuts: u64,
    pub(super) cut: Cut,
}

/// One client's line.
#[derive(Debug)]
pub struct Line {
    sky: watch::Sender<Sky>,
}

impl Default for Line {
    fn default() -> Self {
        Self { sky: watch::Sender::new(Sky::default()) }
    }
}

impl Line {
    /// How bytes pass from now on.
    pub fn flow(&self, flow: Flow) {
        self.sky.send_modify(|sky| sky.flow = flow);
    }

    /// Cuts every connection of the line.
    pub fn cut(&self, reset: bool) {
        self.sky.send_modify(|sky| {
            sky.cuts += 1;
            sky.cut = if reset { Cut::Reset } else { Cut::Closed };
        });
    }

    /// Whether `Upgrade` is answered with 403 from now on.
    pub fn block_upgrades(&self, blocks: bool) {
        self.sky.send_modify(|sky| sky.blocks_upgrades = blocks);
    }

    /// Whether an answer is held back until it is complete, from now on.
    pub fn buffer_answers(&self, buffers: bool) {
        self.sky.send_modify(|sky| sky.buffers_answers = buffers);
    }

    /// No connection opened from now on lives longer than this.
    pub fn limit_life(&self, life: Option<Duration>) {
        self.sky.send_modify(|sky| sky.life = life);
    }

    pub(super) fn watch(&self) -> watch::Receiver<Sky> {
        self.sky.subscribe()
    }
}
