//! Rate limits of writes, reads and frames: the person's own rate, and the budget of their address.

use std::sync::PoisonError;

use madang_protocol::{UnixMs, UserId};

use super::Rooms;
use crate::access::{Actor, Kind};
use crate::budgets::Budgets;
use crate::network::Network;
use crate::rate_limit::{Bucket, Rate};
use crate::refusal::Refusal;
use crate::store::ANSWER_BYTES;

/// People whose rate is remembered. Full buckets are forgotten beyond it.
const BUCKETS: usize = 10_000;

/// Frames that a connection's beginning counts as: it costs about as much.
const OPENING_FRAMES: u64 = 10;

/// An answer that was paid for before its size is known. One that is never given stays paid for.
#[derive(Debug)]
#[must_use]
pub struct ReadReservation {
    payer: Option<Budgets>,
    from: Network,
}

impl ReadReservation {
    /// Gives back what the answer did not carry.
    pub fn end(self, bytes: usize) {
        if let Some(budgets) = self.payer {
            budgets.give_back_read(self.from, ANSWER_BYTES.saturating_sub(bytes));
        }
    }
}

impl Rooms {
    /// A write of so many bytes, out of the person's rate and the address's budget. A bot pays for itself alone.
    pub(super) fn take_token(&self, actor: &Actor, bytes: usize, now: UnixMs) -> Result<(), Refusal> {
        self.take_tokens(actor, 1, &[bytes], now)
    }

    /// Several writes at once, which cost `tokens` of the person's rate; all of them, or none.
    pub(super) fn take_tokens(
        &self,
        actor: &Actor,
        tokens: usize,
        bytes: &[usize],
        now: UnixMs,
    ) -> Result<(), Refusal> {
        self.take_own_tokens(&actor.person, tokens, now)?;
        if self.is_bot(&actor.person) {
            return Ok(());
        }
        self.take_newcomer(actor, now)?;
        bytes.iter().try_for_each(|bytes| self.0.budgets.write(actor.from, *bytes, now))
    }

    pub(super) fn take_mark(&self, actor: &Actor, now: UnixMs) -> Result<(), Refusal> {
        if self.is_bot(&actor.person) {
            return Ok(());
        }
        self.take_newcomer(actor, now)?;
        self.0.budgets.mark(actor.from, now)
    }

    /// Takes what one answer may carry out of the budget of a reader's address. A bot pays for itself alone.
    ///
    /// # Errors
    /// Their address has read more than its budget allows.
    pub fn begin_read(&self, reader: &Actor, now: UnixMs) -> Result<ReadReservation, Refusal> {
        let payer = (!self.is_bot(&reader.person)).then(|| self.0.budgets.clone());
        if let Some(budgets) = &payer {
            budgets.read(reader.from, ANSWER_BYTES, now)?;
        }
        Ok(ReadReservation { payer, from: reader.from })
    }

    /// Returns true for a bot, which takes nothing from its address's budgets.
    pub fn is_bot(&self, user: &UserId) -> bool {
        self.0.access.kind(user) == Kind::Bot
    }

    /// Counts a frame of a person. Returns for how many milliseconds nothing more is to be read from them.
    pub fn count_frame(&self, from: Network, now: UnixMs) -> u32 {
        self.0.budgets.frames(from, 1, now)
    }

    /// Counts a connection that begins, by a person or by somebody who is not known yet. Returns for how many milliseconds
    /// it has to wait.
    pub fn count_opening(&self, by: Option<&UserId>, from: Network, now: UnixMs) -> u32 {
        if by.is_some_and(|by| self.is_bot(by)) {
            0
        } else {
            self.0.budgets.frames(from, OPENING_FRAMES, now)
        }
    }

    /// The first write of a newcomer leaves rows behind, for which their address pays, once: further writes may follow
    /// before the first is committed.
    fn take_newcomer(&self, actor: &Actor, now: UnixMs) -> Result<(), Refusal> {
        let Some(newcomer) = self.0.store.newcomer(&actor.person) else { return Ok(()) };
        newcomer.pay_once(|| self.0.budgets.newcomer(actor.from, now))
    }

    fn take_own_tokens(&self, user: &UserId, count: usize, now: UnixMs) -> Result<(), Refusal> {
        let rate = Rate { per_second: self.0.limits.post_rate, burst: self.0.limits.post_burst };
        if rate.per_second == 0 {
            return Ok(());
        }
        let mut buckets = self.0.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS {
            buckets.retain(|_, bucket| !bucket.is_full(rate, now));
        }
        let bucket = buckets.entry(user.clone()).or_insert_with(|| Bucket::full(rate, now));
        bucket.take_all(rate, count, now).map_err(Refusal::too_fast)
    }
}
