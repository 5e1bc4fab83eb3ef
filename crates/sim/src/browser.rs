//! One browser, and what goes between its tabs.

use std::collections::{BTreeMap, VecDeque};

use madang_client::{TabId, TabMessage, Write};
use madang_protocol::Cmid;

/// State that the tabs of a browser share.
#[derive(Debug, Default)]
pub(crate) struct Browser {
    /// Writes kept over a reload.
    pub(crate) storage: BTreeMap<Cmid, Write>,
    /// The browser cannot tell its tabs of each other.
    pub(crate) lonely: bool,
    /// The page that holds the lock, and those that wait for it.
    pub(crate) leader: Option<Page>,
    pub(crate) waiting: VecDeque<Page>,
}

/// A page in a tab: the tab's device, and which of its pages.
pub(crate) type Page = (usize, u32);

/// A message to a tab: its sender, the message, and the number of the log that it is about.
pub(crate) type Told = (TabId, TabMessage, usize);
