//! The server: placeholder.

pub mod store;
