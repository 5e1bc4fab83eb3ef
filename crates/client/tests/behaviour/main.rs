//! The client as its server and its person see it: events in, effects out, and what is on screen.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod alone;
mod browser;
mod clocks;
mod convergence;
mod epochs;
mod ladder;
mod paging;
mod reading;
mod reconnecting;
mod rows;
mod server;
mod tabs;
mod tabs_converge;
mod traps;
mod world;
mod writing;
