//! The page, by what it shows.

#![expect(unreachable_pub, reason = "the component macro makes public what it makes")]

mod app;
mod composer;
mod connection;
mod delete_dialog;
mod edit_form;
mod header;
mod icons;
mod logo;
mod message;
mod people;
mod rooms;
mod settings;
mod text;
mod timeline;
mod tools;
mod welcome;

pub(crate) use app::App;
