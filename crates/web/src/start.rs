//! How the page begins in a browser.

use leptos::prelude::*;
use madang_client::{Locale, Model, Theme};
use madang_protocol::RoomId;
use wasm_bindgen::JsCast;
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
    let model = fresh();
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("lang", model.locale().as_str());
        let _ = root.set_attribute("data-theme", model.theme().as_str());
    }
    leptos::mount::mount_to_body(|| view! { <App fresh /> });
}

/// A page that knows nothing yet but its address, and what the browser and the person prefer.
fn fresh() -> Model {
    let room = navigation::here().map_or_else(RoomId::lobby, |place| place.room);
    let locale = cookie("madang_locale").or_else(|| window().navigator().language());
    let locale = locale.and_then(|tag| Locale::from_tag(&tag)).unwrap_or_default();
    let theme = cookie("madang_theme").and_then(|value| Theme::from_value(&value)).unwrap_or_default();
    Model::new(room, locale, theme)
}

/// A choice that the server keeps in a cookie.
fn cookie(name: &str) -> Option<String> {
    let cookies = document().dyn_into::<web_sys::HtmlDocument>().ok()?.cookie().ok()?;
    cookies.split("; ").find_map(|cookie| Some(cookie.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}
