//! How the page begins in a browser.

use leptos::prelude::*;
use madang_client::{Locale, Model, Theme};
use madang_protocol::RoomId;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::components::App;
use crate::navigation;

/// Brings the server's page to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(|| view! { <App fresh /> });
}

/// Draws the page where no server rendered it.
#[cfg(feature = "csr")]
#[wasm_bindgen(start)]
pub fn draw() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(|| view! { <App fresh /> });
}

/// A page that knows nothing yet but its address and the browser's language.
fn fresh() -> Model {
    let room = navigation::here().map_or_else(RoomId::lobby, |place| place.room);
    let language = window().navigator().language().unwrap_or_default();
    Model::new(room, Locale::from_tag(&language).unwrap_or_default(), Theme::Auto)
}
