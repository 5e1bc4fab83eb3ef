//! A WebSocket that is tried beside a lower rung: at once when that one holds, and then every minute.

use madang_protocol::{RoomId, UnixMs};

use super::{Link, OPENING_MS, Transport, jitter};
use crate::{Conn, Effect, Roll};

/// After a trial that failed. The wait is longer by a random part, so that not all who fell together try together.
const TRIAL_EVERY_MS: i64 = 60_000;
const TRIAL_JITTER_MS: i64 = 10_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Trial {
    socket: Option<Socket>,
    /// Time of the next try.
    at: Option<UnixMs>,
}

#[derive(Clone, Debug)]
struct Socket {
    conn: Conn,
    /// Time at which it counts as failed.
    until: UnixMs,
    /// The rooms that its `hello` named.
    resumed: Vec<RoomId>,
}

impl Trial {
    pub(super) fn wake(&self) -> Option<UnixMs> {
        self.socket.as_ref().map(|socket| socket.until).or(self.at)
    }

    pub(super) fn shift(&mut self, by: i64) {
        self.at.iter_mut().for_each(|at| *at += by);
        self.socket.iter_mut().for_each(|socket| socket.until += by);
    }
}

impl Link {
    /// Returns true if `conn` is the WebSocket under trial.
    pub(crate) fn is_trial(&self, conn: Conn) -> bool {
        self.trial.socket.as_ref().is_some_and(|socket| socket.conn == conn)
    }

    /// The socket under trial is open, and was sent a `hello` that named these rooms.
    pub(crate) fn trial_greets(&mut self, resumed: Vec<RoomId>) {
        if let Some(socket) = &mut self.trial.socket {
            socket.resumed = resumed;
        }
    }

    /// The socket under trial was welcomed: it is the connection now. Returns the rooms that it resumes.
    pub(crate) fn trial_won(&mut self, now: UnixMs, effects: &mut Vec<Effect>) -> Vec<RoomId> {
        let Some(Socket { conn, resumed, .. }) = self.trial.socket.take() else { return Vec::new() };
        effects.push(Effect::Close { conn: self.conn });
        self.trial = Trial::default();
        self.begin(conn, Transport::WebSocket, now);
        self.opened(now);
        resumed
    }

    /// The trial failed; the present connection does not notice.
    pub(crate) fn trial_failed(&mut self, roll: Roll, now: UnixMs) {
        self.trial.socket = None;
        self.trial.at = Some(now + TRIAL_EVERY_MS + jitter(TRIAL_JITTER_MS, roll));
    }

    /// Tries now.
    pub(super) fn try_websocket(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        self.drop_trial(effects);
        self.conns += 1;
        let conn = self.conns;
        self.trial =
            Trial { socket: Some(Socket { conn, until: now + OPENING_MS, resumed: Vec::new() }), at: None };
        effects.push(Effect::Connect { conn, transport: Transport::WebSocket });
    }

    /// Ends a trial that is under way, and plans no other.
    pub(super) fn drop_trial(&mut self, effects: &mut Vec<Effect>) {
        let socket = std::mem::take(&mut self.trial).socket;
        effects.extend(socket.map(|Socket { conn, .. }| Effect::Close { conn }));
    }

    /// A trial, or its end, is due.
    pub(super) fn trial_woke(&mut self, roll: Roll, now: UnixMs, effects: &mut Vec<Effect>) {
        if let Some(Socket { conn, until, .. }) = self.trial.socket
            && until <= now
        {
            effects.push(Effect::Close { conn });
            self.trial_failed(roll, now);
        } else if self.trial.at.is_some_and(|at| at <= now) {
            self.try_websocket(now, effects);
        }
    }
}
