//! Count of unread messages: the server's count, and what the stream brought since.
//!
//! A count means nothing without the head that it was made at: it may come before the entries that are in it, or
//! after some that are not. So the newest changes are kept, and those after a count's head are added to it.

use madang_protocol::Seq;

use super::{Room, UNREAD_MAX};

/// So many changes are kept for each room. A count that is older than all of them misses what fell out.
const CHANGES: usize = 256;

/// One entry that changed how many messages of others are not deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// The entry.
    pub(crate) at: Seq,
    /// The message that was posted, or taken back.
    pub(crate) message: Seq,
    pub(crate) posted: bool,
}

impl Room {
    /// Takes over what the server counted after the present read marker when `head` was the newest entry.
    pub(crate) fn count(&mut self, unread: u32, head: Seq) {
        let later = self.changes.iter().filter(|change| change.at > head && change.message > self.read);
        let unread = later.fold(unread, |unread, change| {
            if change.posted { unread.saturating_add(1) } else { unread.saturating_sub(1) }
        });
        self.unread = unread.min(UNREAD_MAX);
        self.counted = head.max(self.cursor.unwrap_or(0));
    }

    /// A message of somebody else was posted, or taken back, by the entry `at`.
    pub(crate) fn changed(&mut self, change: Change) {
        if self.changes.len() >= CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        if change.message <= self.read || change.at <= self.counted {
            return;
        }
        if change.posted {
            self.unread = (self.unread + 1).min(UNREAD_MAX);
        } else if self.unread < UNREAD_MAX {
            self.unread = self.unread.saturating_sub(1);
        }
    }
}
