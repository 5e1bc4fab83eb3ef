//! Start of the page in a browser.

use leptos::prelude::*;
use madang_client::{Enter, Locale, Model, Theme};
use madang_protocol::RoomId;
#[cfg(feature = "hydrate")]
use madang_protocol::json;
use wasm_bindgen::JsCast;
#[cfg(feature = "hydrate")]
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::components::App;
#[cfg(feature = "hydrate")]
use crate::parts::{part, take_over};
use crate::{navigation, steps};

/// Brings the server's page to life. `start.js` calls it if the page arrived as the server sent it; on any other
/// it panics, and this instance of the wasm is of no use any more.
#[cfg(feature = "hydrate")]
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    if let Some(root) = root() {
        leptos::mount::hydrate_from(root, || view! { <App fresh /> }).forget();
    }
}

/// Goes on with bringing the page to life. False once it is.
#[cfg(feature = "hydrate")]
#[wasm_bindgen]
pub fn step() -> bool {
    steps::step()
}

/// Draws the same page anew from what the server handed over. Most pages arrive as they were sent, so this is a part of
/// its own. Errors: it did not load, and the page is as it was.
#[cfg(feature = "hydrate")]
#[wasm_bindgen]
pub async fn redraw() -> Result<(), JsValue> {
    console_error_panic_hook::set_once();
    let Some(root) = root() else { return Ok(()) };
    whole(root.into()).await.map_err(|_| "the part that draws the page did not load".into())
}

#[cfg(feature = "hydrate")]
part! {
    fetch_whole,
    fn whole(root: web_sys::Element) -> () {
        draw_whole(&root)
    }
}

#[cfg(feature = "hydrate")]
fn draw_whole(root: &web_sys::Element) {
    take_over(root);
    let app = || {
        // If that is missing or broken, the page begins with what its address says.
        if let Some(data) = handed() {
            provide_context(data);
        }
        view! { <App fresh /> }
    };
    // `mount_to` would warn of a page that is not made for this, wherever leptos is built unoptimised.
    leptos::mount::mount_to_renderer(root, app).forget();
}

/// Returns the data that the server handed over.
#[cfg(feature = "hydrate")]
fn handed() -> Option<madang_client::PageData> {
    let all = js_sys::Reflect::get(&window(), &"__RESOLVED_RESOURCES".into()).ok()?;
    json::read(&js_sys::Reflect::get_u32(&all, 0).ok()?.as_string()?).ok()
}

/// The element around the page: what others put beside it in the body is not ours.
#[cfg(feature = "hydrate")]
fn root() -> Option<web_sys::HtmlElement> {
    document().get_element_by_id("madang")?.dyn_into().ok()
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
    leptos::task::spawn_local(async {
        leptos::task::tick().await;
        while steps::step() {}
    });
}

/// A page that knows nothing yet but its address, and what the browser and the person prefer.
fn fresh() -> Model {
    let room = navigation::here().map_or_else(RoomId::lobby, |place| place.room);
    let locale = cookie("madang_locale").or_else(|| window().navigator().language());
    let locale = locale.and_then(|tag| Locale::from_tag(&tag)).unwrap_or_default();
    let theme = cookie("madang_theme").and_then(|value| Theme::from_value(&value)).unwrap_or_default();
    let enter = cookie("madang_enter").and_then(|value| Enter::from_value(&value)).unwrap_or_default();
    Model::new(room, locale, theme).with_enter(enter)
}

/// A choice that the server keeps in a cookie.
fn cookie(name: &str) -> Option<String> {
    let cookies = document().dyn_into::<web_sys::HtmlDocument>().ok()?.cookie().ok()?;
    cookies.split("; ").find_map(|cookie| Some(cookie.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}
