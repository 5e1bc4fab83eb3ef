//! Counts of events in some stories: they show whether the faults were there.

use std::fmt;
use std::ops::AddAssign;

macro_rules! tally {
    ($($(#[$doc:meta])* $name:ident: $words:literal),+ $(,)?) => {
        /// Counts over some stories.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)+
            }
        }

        impl fmt::Display for Counts {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let counts = [$(($words, self.$name)),+];
                for (index, (words, count)) in counts.iter().enumerate() {
                    let space = if index == 0 { "" } else { " " };
                    write!(f, "{space}{words}={count}")?;
                }
                Ok(())
            }
        }
    };
}

tally! {
    /// Stories.
    seeds: "seeds",
    /// Events.
    steps: "steps",
    /// Entries committed.
    writes: "writes",
    /// Writes that were answered as repeats of an earlier one.
    repeats: "repeats",
    /// Connections that reached the server.
    connections: "connections",
    /// Of these, not by WebSocket.
    fallbacks: "fallbacks",
    /// Connections cut.
    cuts: "cuts",
    /// Of these, not noticed by one side or both.
    half_open: "half_open",
    /// Connections that the server ended because nothing was received, or nothing taken.
    reaped: "reaped",
    /// Pauses of connections whose address used up a budget.
    pauses: "pauses",
    /// Queues dropped for slow readers.
    overflows: "overflows",
    /// Crashes of the server.
    crashes: "crashes",
    /// Of these, with a batch under way.
    torn: "torn",
    /// Orderly restarts.
    drains: "drains",
    /// Backups put back.
    restores: "restores",
    /// Entries that a restore lost.
    lost: "lost_by_restore",
    /// Batches that the disk refused.
    disk_errors: "disk_errors",
    /// Entries that the broker lost or put out of order.
    broker: "broker_faults",
    /// Frames lost on connections that went on.
    frames_lost: "frames_lost",
    /// Pages loaded anew.
    reloads: "reloads",
    /// Times that a tab took the lead from a frozen one.
    steals: "steals",
    /// Messages between tabs.
    told: "told",
    /// Clients that are not ours.
    strangers: "strangers",
    /// Devices asleep or without a network.
    absences: "absences",
    /// Pages of history that were ahead of their reader's stream.
    ahead: "pages_ahead",
    /// Reactions of one person beside another's of the same emoji.
    joined: "reactions_joined",
    /// Writes that changed nothing, and made no entry.
    idle_writes: "idle_writes",
    /// Rooms renamed.
    renames: "renames",
    /// Rooms closed.
    closings: "closings",
    /// Clocks that jumped.
    jumps: "clock_jumps",
    /// Snapshots sent.
    snapshots: "snapshots",
    /// Polls of something that had to wait for the store.
    waits: "waits",
    /// Entries sent.
    entries: "entries",
}
