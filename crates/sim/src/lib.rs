//! A deterministic simulation: the real client core against the real session, room, hub and store code, over a
//! network, disks and clocks that are moved by hand.
//!
//! A seed makes a story, a list of scenes at their times (`scenes`). `World` plays it: one loop over a queue of
//! events, on one thread, with every choice taken from the seed. A model of the log (`model`) checks after
//! each step whether a promise was broken: on the wire (`wire`), in the log (`writer`), on the screens
//! (`screen`), and in the end, when all have settled (`ending`). A seed that fails is shrunk to a short story.
//!
//! The whole crate is a test, and may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod apply;
mod browser;
mod changes;
mod client;
mod connection;
mod counts;
mod device;
mod ending;
mod event_loop;
mod foreign_client;
pub mod fuzz;
mod link;
mod model;
mod node;
mod pipe;
mod poll;
mod projection;
mod rng;
mod scenario;
mod scenes;
mod screen;
mod server;
mod shrink;
mod tabs;
mod wire;
mod world;
mod writer;

use std::fmt;

use madang_protocol::UnixMs;

pub use counts::Counts;
pub use scenario::Scene;
pub use scenes::scenes;
pub use shrink::{Story, shrink, tell};
pub use world::{Run, play};

/// Devices of a story: their people's ids, the story's name of each page, and the browser that it is in. A person may
/// have several browsers, and a browser several tabs.
pub(crate) const DEVICES: [(&str, &str, usize); 5] = [
    ("ada", "Ada's tab", 0),
    ("ada", "Ada's other tab", 0),
    ("ada", "Ada's phone", 1),
    ("bora", "Bora", 2),
    ("chae", "Chae", 3),
];

/// Browsers.
pub(crate) const BROWSERS: usize = 4;

/// The rooms.
pub(crate) const ROOMS: [&str; 3] = ["lobby", "yard", "well"];

/// Time at which the story begins, by the server's clock.
pub(crate) const BEGIN: UnixMs = 1_800_000_000_000;

/// A promise was broken: how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The outcome of a check.
pub(crate) type Check<T = ()> = Result<T, Broken>;

pub(crate) fn broken<T>(words: impl Into<String>) -> Check<T> {
    Err(Broken(words.into()))
}
