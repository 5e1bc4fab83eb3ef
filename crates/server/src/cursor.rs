//! Cursors as programs write them: a query's `after=`, `Last-Event-ID`, a header of STOMP.
//!
//! A cursor means something only under the epoch that it was given out in. A program keeps one string, so the
//! epoch stands in it, but only where it is needed: under the database's first epoch, which most never leave, a
//! cursor is the bare seq, `7`; once a backup was put back, it is `7@<epoch>`. So a cursor from before is told
//! from one of now, and is refused rather than read on from with a hole.

use madang_protocol::{Epoch, RefusalCode, Seq};

use crate::refusal::Refusal;

/// Codec of this server's cursors.
#[derive(Clone, Debug)]
pub struct Cursors {
    present: Epoch,
    first: Epoch,
}

/// Reasons why a cursor is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorError {
    /// It is none.
    Malformed,
    /// It is of another epoch, or ahead of the log: what follows it is unknown, and one begins anew.
    Unusable,
}

impl From<CursorError> for Refusal {
    fn from(error: CursorError) -> Self {
        match error {
            CursorError::Malformed => RefusalCode::BadFrame.into(),
            CursorError::Unusable => RefusalCode::UnusableCursor.into(),
        }
    }
}

impl Cursors {
    /// Cursors of a log in its `present` epoch, that began in its `first` one.
    pub fn new(present: Epoch, first: Epoch) -> Self {
        Self { present, first }
    }

    /// Returns the cursor behind the entry `seq`; 0 for before the first one.
    pub fn text(&self, seq: Seq) -> String {
        if self.present == self.first { seq.to_string() } else { format!("{seq}@{}", self.present) }
    }

    /// Returns the seq of a cursor in a room whose newest entry is `head`.
    ///
    /// # Errors
    /// The cursor is malformed, or of another epoch.
    pub fn read(&self, text: &str, head: Seq) -> Result<Seq, CursorError> {
        let (seq, epoch) = match text.split_once('@') {
            None => (text, self.first.clone()),
            Some((seq, epoch)) => (seq, epoch.parse().map_err(|_| CursorError::Malformed)?),
        };
        // Digits alone: a sign or a space is no part of a number here. Bounded, so that it fits a seq or is ahead.
        if seq.is_empty() || seq.len() > 40 || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CursorError::Malformed);
        }
        let seq = seq.parse().unwrap_or(Seq::MAX);
        if epoch == self.present && seq <= head { Ok(seq) } else { Err(CursorError::Unusable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursors(present: &str) -> Cursors {
        Cursors::new(present.parse().unwrap(), "first".parse().unwrap())
    }

    #[test]
    fn cursor_of_first_epoch_is_a_number() {
        let cursors = cursors("first");
        assert_eq!(cursors.text(7), "7");
        assert_eq!(cursors.read("7", 7), Ok(7));
        assert_eq!(cursors.read("0", 7), Ok(0));
        assert_eq!(cursors.read("7@first", 9), Ok(7));
    }

    #[test]
    fn restored_epoch_is_named_and_invalidates_older_cursors() {
        let cursors = cursors("second");
        assert_eq!(cursors.text(7), "7@second");
        assert_eq!(cursors.read("7@second", 7), Ok(7));
        for old in ["7", "0", "7@first", "7@third"] {
            assert_eq!(cursors.read(old, 7), Err(CursorError::Unusable), "{old}");
        }
    }

    #[test]
    fn a_cursor_ahead_of_the_log_is_unusable() {
        for ahead in ["8", "18446744073709551615", "18446744073709551616", "9999999999999999999999999999"] {
            assert_eq!(cursors("first").read(ahead, 7), Err(CursorError::Unusable), "{ahead}");
        }
    }

    #[test]
    fn nonsense_cursor_is_malformed() {
        let long = "9".repeat(41);
        for text in
            ["", " ", "+7", "-7", " 7", "7 ", "7.0", "0x7", "seven", "7@", "@first", "7@A", "7@a@b", &long]
        {
            assert_eq!(cursors("first").read(text, 7), Err(CursorError::Malformed), "{text:?}");
        }
    }
}
