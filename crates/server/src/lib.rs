//! The server of Madang. In reading order: `config` (the options), `app` (start and end), `accept` (the
//! accept loop), `http` (pages, forms, login, health), `socket` (one WebSocket connection), `session` (one
//! conversation: frames in, frames out), `room` (the rules), `store` (the durable log), `broker` (carries what
//! was committed), `hub` (who follows what, and the fan-out).
//!
//! The way of a message: `socket` → `session` → `room` → `store` → `broker` → `hub` → the sessions' queues →
//! `socket`. One direction, no step back.

mod accept;
mod addresses;
mod app;
mod broker;
pub mod config;
mod encoded;
mod http;
mod hub;
mod metrics;
mod rate;
mod refusal;
mod room;
mod session;
mod socket;
pub mod store;

pub use app::serve;
mod assets { pub fn router() -> axum::Router { axum::Router::new() } }
