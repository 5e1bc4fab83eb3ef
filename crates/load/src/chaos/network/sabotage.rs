//! A network that breaks what TCP promises, to show that the checker notices: it loses, doubles or swaps a
//! frame on a WebSocket.

use std::cell::Cell;
use std::rc::Rc;

/// Harm done to every 50th `entry` frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// It is lost.
    Lose,
    /// It comes twice.
    Double,
    /// It comes after the next frame.
    Swap,
}

const EVERY: u64 = 50;

/// See the module.
#[derive(Debug)]
pub struct Sabotage {
    fault: Fault,
    entries: Cell<u64>,
}

impl Sabotage {
    /// A network that commits `fault`.
    pub fn new(fault: Fault) -> Self {
        Self { fault, entries: Cell::new(0) }
    }

    /// Returns true if this entry is the one to harm.
    fn strikes(&self) -> bool {
        self.entries.set(self.entries.get() + 1);
        self.entries.get().is_multiple_of(EVERY)
    }
}

/// One connection's bytes from the server, taken apart into frames.
pub(super) struct Saboteur {
    sabotage: Rc<Sabotage>,
    /// True once the answer's head is over.
    upgraded: bool,
    pending: Vec<u8>,
    /// A frame that comes after the next one.
    late: Vec<u8>,
}

impl Saboteur {
    pub(super) fn new(sabotage: Rc<Sabotage>) -> Self {
        Self { sabotage, upgraded: false, pending: Vec::new(), late: Vec::new() }
    }

    /// Returns the bytes to pass on for `bytes`.
    pub(super) fn alter(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.pending.extend_from_slice(bytes);
        let mut out = Vec::new();
        if !self.upgraded {
            let Some(end) = memchr::memmem::find(&self.pending, b"\r\n\r\n") else { return out };
            out.extend(self.pending.drain(..end + 4));
            self.upgraded = true;
        }
        while let Some(length) = frame_length(&self.pending).filter(|length| *length <= self.pending.len()) {
            let frame: Vec<u8> = self.pending.drain(..length).collect();
            let strikes =
                memchr::memmem::find(&frame, br#"{"t":"entry""#).is_some() && self.sabotage.strikes();
            match self.sabotage.fault {
                Fault::Lose if strikes => {}
                Fault::Double if strikes => {
                    out.extend_from_slice(&frame);
                    out.extend(frame);
                }
                Fault::Swap if strikes => self.late.extend(frame),
                _ => {
                    out.extend(frame);
                    out.append(&mut self.late);
                }
            }
        }
        out
    }
}

/// The length of the unmasked frame that `bytes` begin with (RFC 6455, 5.2), once that is known.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let number = |range: std::ops::Range<usize>| {
        let digits = bytes.get(range)?;
        Some(digits.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    match bytes.get(1)? & 0x7f {
        126 => Some(4 + number(2..4)?),
        127 => Some(10 + number(2..10)?),
        short => Some(2 + usize::from(short)),
    }
}
