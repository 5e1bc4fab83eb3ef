//! Drives a chat server hard and checks what came out: many receivers, paced or saturated writers, idle
//! crowds, and at the end the promise itself: nothing lost, doubled or reordered.
//!
//! In reading order: [`engine`] runs writers against receivers, [`stalled`] does with some who do not read, [`idle`] only holds
//! connections, [`joins`] opens them, [`storm`] lets all come back at once, [`day`] lets people read, write, come and go, [`flood`] lets one address do what strangers do, [`page`] weighs the first visit, [`floor`] does the same without a server, [`chaos`] breaks what can be broken around the server, [`power_cut`] takes its disk what was not synced. [`history`] is the checker. Below them: [`stats`] counts, [`socket`] connects, `protocol` speaks what is not `madang.v1`,
//! [`mark`] is the mark in a generated message, [`process`] reads the server's CPU and memory.
//!
//! Everything runs on one thread: the generator has one core, the server the other.

pub mod chaos;
pub mod day;
pub mod engine;
pub mod flood;
pub mod floor;
pub mod history;
pub mod idle;
pub mod joins;
pub mod mark;
pub mod page;
pub mod power_cut;
pub mod process;
mod protocol;
mod receiver;
mod rooms;
pub mod socket;
pub mod stalled;
pub mod stats;
pub mod storm;
mod writer;
