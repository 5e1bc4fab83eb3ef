//! The server of Madang. In reading order: `config` (the options), `serve` (start and end) over `state` (what all share), `accept` (the
//! accept loop) with `tls` (the certificate) and `io` (the bytes, in clear or not), `http` (pages, forms, login,
//! health), `connection` (one connection, over a WebSocket or over HTTP), `doors` (what each kind of client speaks),
//! `session` (one conversation: requests in, answers out), `room` (the rules) with `budgets` (how much an address may), `store` (the durable log),
//! `broker` (carries what was committed), `hub` (who follows what, and the fan-out).
//!
//! The way of a message: `connection` → `doors` → `session` → `room` → `store` → `broker` → `hub` → the sessions' queues
//! → `doors` → `connection`. One direction, no step back.

pub mod accept;
pub mod addresses;
pub mod admin;
mod asker;
pub mod assets;
mod auth;
pub mod broker;
pub mod budgets;
pub mod clock;
pub mod config;
pub mod connection;
pub mod cursor;
pub mod doors;
pub mod drain;
pub mod encoded;
pub mod flights;
mod guests;
pub mod http;
pub mod hub;
pub mod idempotency;
mod io;
pub mod log;
pub mod metrics;
pub mod once;
mod open_files;
mod outgoing;
pub mod rate;
pub mod refusal;
pub mod returns;
pub mod room;
mod serve;
pub mod session;
pub mod simulation;
pub mod snapshots;
pub mod state;
pub mod store;
pub mod text;
mod tls;
pub mod unsent;
mod upkeep;

pub use serve::serve;
