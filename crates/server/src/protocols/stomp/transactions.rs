//! Transactions: frames that wait for their COMMIT.
//!
//! Bounds: [`OPEN_MAX`] transactions of a connection, and in all of them [`FRAMES_MAX`] frames and [`BYTES_MAX`]
//! bytes of text and headers; the frame that passes one is an error.

use super::command::Acknowledgement;
use super::error::Reason;
use crate::room::Post;

const OPEN_MAX: usize = 16;
const FRAMES_MAX: usize = 256;
const BYTES_MAX: usize = 256 * 1024;

/// A frame of a transaction.
#[derive(Debug)]
pub(super) enum Step {
    Post(Post),
    Acknowledge(Acknowledgement),
}

/// Work of a COMMIT, all of it or nothing.
#[derive(Debug, Default)]
pub(super) struct OpenTransaction {
    pub(super) steps: Vec<Step>,
    /// The receipts of its frames, which are given when it is carried out.
    pub(super) receipts: Vec<String>,
}

/// A COMMIT that is being written: what it acknowledges counts once that is durable.
#[derive(Debug)]
pub(super) struct Committing {
    /// The number of its write.
    pub(super) write: u64,
    pub(super) acks: Vec<Acknowledgement>,
}

/// The open transactions of a connection.
#[derive(Debug, Default)]
pub(super) struct Transactions(Vec<(String, OpenTransaction)>);

impl Transactions {
    pub(super) fn begin(&mut self, name: String) -> Result<(), Reason> {
        if self.0.iter().any(|(open, _)| *open == name) {
            return Err(Reason::Transaction("this transaction has begun already"));
        }
        if self.0.len() >= OPEN_MAX {
            return Err(Reason::Transaction("too many transactions are open"));
        }
        self.0.push((name, OpenTransaction::default()));
        Ok(())
    }

    /// Adds a frame, with the receipt that it asks for.
    pub(super) fn add(&mut self, name: &str, step: Step, receipt: Option<String>) -> Result<(), Reason> {
        let steps = || self.0.iter().flat_map(|(_, held)| &held.steps);
        let bytes: usize = steps().map(Step::bytes).sum();
        if steps().count() >= FRAMES_MAX || bytes + step.bytes() > BYTES_MAX {
            return Err(Reason::Transaction("the transactions are too large"));
        }
        let (_, held) = self.0.iter_mut().find(|(open, _)| open == name).ok_or(UNKNOWN)?;
        held.steps.push(step);
        held.receipts.extend(receipt);
        Ok(())
    }

    /// Ends a transaction: what was in it, in order.
    pub(super) fn end(&mut self, name: &str) -> Result<OpenTransaction, Reason> {
        let at = self.0.iter().position(|(open, _)| open == name).ok_or(UNKNOWN)?;
        Ok(self.0.swap_remove(at).1)
    }
}

const UNKNOWN: Reason = Reason::Transaction("there is no such transaction");

impl Step {
    fn bytes(&self) -> usize {
        match self {
            Self::Post(post) => post.bytes(),
            Self::Acknowledge(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use madang_protocol::{Cmid, Headers, RoomId};

    use super::*;

    fn post(body: String) -> Step {
        Step::Post(Post { room: RoomId::lobby(), cmid: Cmid(1), body, headers: Headers::default() })
    }

    #[test]
    fn a_transaction_begins_once_and_ends_once() {
        let mut open = Transactions::default();
        assert!(open.add("a", post("x".into()), None).is_err());
        open.begin("a".into()).unwrap();
        open.begin("b".into()).unwrap();
        assert!(open.begin("a".into()).is_err());
        for body in ["1", "2"] {
            open.add("a", post(body.into()), None).unwrap();
        }
        let bodies: Vec<usize> = open.end("a").unwrap().steps.iter().map(Step::bytes).collect();
        assert_eq!(bodies, [1, 1]);
        assert!(open.end("a").is_err());
        open.begin("a".into()).unwrap();
        assert!(open.end("b").unwrap().steps.is_empty());
    }

    #[test]
    fn transactions_are_bounded_in_number_frames_bytes() {
        let mut open = Transactions::default();
        for n in 0..OPEN_MAX {
            open.begin(n.to_string()).unwrap();
        }
        assert!(open.begin("one more".into()).is_err());
        for n in 0..FRAMES_MAX {
            open.add(&(n % OPEN_MAX).to_string(), post("x".into()), None).unwrap();
        }
        assert!(open.add("0", post("x".into()), None).is_err());
        let mut open = Transactions::default();
        open.begin("a".into()).unwrap();
        open.add("a", post("x".repeat(BYTES_MAX)), None).unwrap();
        assert!(open.add("a", post("x".into()), None).is_err());
        open.end("a").unwrap();
        open.begin("a".into()).unwrap();
        open.add("a", post("x".into()), None).unwrap();
    }
}
