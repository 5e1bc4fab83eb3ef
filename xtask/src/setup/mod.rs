//! Needs of the tasks from the machine, one file for each need.

pub(crate) mod apt;
pub(crate) mod autobahn;
pub(crate) mod browser;
pub(crate) mod curl;
pub(crate) mod debian;
pub(crate) mod engines;
pub(crate) mod leptos;
pub(crate) mod node;
pub(crate) mod python;
pub(crate) mod wasm;

/// The target of everything that runs in the browser.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
