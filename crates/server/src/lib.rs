//! The server of Madang. In reading order: `config` (the options), `app` (start and end), `accept` (the
//! accept loop), `http` (pages, forms, login, health), `connection` (one connection, over a WebSocket or over
//! HTTP), `session` (one conversation: frames in, frames out), `room` (the rules), `store` (the durable log),
//! `broker` (carries what was committed), `hub` (who follows what, and the fan-out).
//!
//! The way of a message: `connection` → `session` → `room` → `store` → `broker` → `hub` → the sessions' queues
//! → `connection`. One direction, no step back.

pub mod accept;
pub mod addresses;
pub mod app;
pub mod assets;
pub mod broker;
pub mod config;
pub mod connection;
pub mod drain;
pub mod encoded;
pub mod flights;
pub mod http;
pub mod hub;
pub mod metrics;
pub mod rate;
pub mod refusal;
pub mod room;
pub mod session;
pub mod simulation;
pub mod snapshots;
pub mod store;

pub use app::serve;
