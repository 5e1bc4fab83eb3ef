//! The server of Madang. In reading order: `config` (the options), `serve` (start and end) over `state` (what all share), `accept` (the
//! accept loop) with `tls` (the certificate) and `io` (the bytes, in clear or not), `http` (pages, forms, login,
//! health), `connection` (one connection, over a WebSocket or over HTTP; its loop is `connection_loop`), `protocols` (what each kind of client speaks),
//! `session` (one conversation: requests in, answers out), `access` (who may do what), `room` (the rules) with `budgets` (how much an address may), `store` (the durable log),
//! `broker` (carries what was committed), `hub` (who follows what, and the fan-out).
//!
//! The way of a message: `connection` → `protocols` → `session` → `room` → `store` → `broker` → `hub` → the sessions' queues
//! → `protocols` → `connection`. One direction, no step back.

pub mod accept;
pub mod access;
pub mod admin;
mod asker;
pub mod assets;
mod auth;
pub mod broker;
pub mod budgets;
pub mod clock;
pub mod config;
pub mod connection;
pub mod connection_limit;
pub mod cursor;
mod deflate;
pub mod drain;
pub mod encoded;
mod guests;
pub mod http;
pub mod hub;
pub mod idempotency;
mod io;
pub mod log;
pub mod log_once;
pub mod metrics;
pub mod network;
mod open_files;
pub mod protocols;
pub mod rate_limit;
pub mod reconnect_delay;
pub mod refusal;
pub mod room;
mod serve;
pub mod session;
pub mod simulation;
pub mod single_flight;
pub mod snapshot_cache;
pub mod state;
pub mod store;
pub mod text;
mod tls;
pub mod unsent;
mod upkeep;
mod webhooks;

pub use serve::serve;
