//! The server, as its clients meet it: the real program on a free port, spoken to over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod closing;
mod disk;
mod doors;
mod form_refusals;
mod handshake;
mod harness;
mod hostile;
mod hostile_frames;
mod hostile_requests;
mod idempotency;
mod limits;
mod pages;
mod people;
mod plain;
mod pressure;
mod proxies;
mod refusals;
mod restart;
mod resuming;
mod resuming_under_load;
mod rt_ending;
mod rt_fetching;
mod rt_talking;
mod storm;
mod talking;
mod tls;
mod tls_hostile;
mod tls_start;
mod tokens;
mod tokens_scope;
mod traps_holding;
mod traps_reading;
