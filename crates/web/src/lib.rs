//! Madang's page: Leptos views over the client core.
//!
//! The server renders [`document`] (feature `ssr`); the browser brings the same views to life in `hydrate`, and
//! the client-only build draws them by itself. Whichever it is, the views are the same: only this file and the
//! edge in `shell` know where they run.
//!
//! Reading order: `page` (the signals that views read, kept in step with the client's model), `components`
//! (the views), `client` (the running client behind them), `hydration` and `steps` (how it begins), `scroll`, `navigation`;
//! `emoji`, `links`, `ime`, `time`, `routes` and `strings` are pure.

mod client;
mod closure_view;
mod components;
#[cfg(feature = "ssr")]
mod document;
mod drafts;
mod emoji;
mod hydration;
mod ime;
mod ime_events;
mod links;
mod lost;
mod navigation;
mod page;
mod parts;
mod people;
mod preview;
mod routes;
mod rowkey;
mod scroll;
#[cfg(feature = "ssr")]
mod shape;
mod shell;
mod steps;
mod strings;
mod time;

#[cfg(feature = "ssr")]
pub use document::{Assets, document};
pub use people::{guest_name, hue};

#[cfg(feature = "ssr")]
pub use shape::stamped;

#[cfg(any(feature = "hydrate", feature = "csr"))]
mod start;

#[cfg(feature = "hydrate")]
pub use start::{hydrate, redraw, step};

#[cfg(feature = "csr")]
pub use start::draw;
