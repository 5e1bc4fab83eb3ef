//! From room to room without loading a page.
//!
//! All pages are one page: a room, with or without a message in focus. A router's routes, matching and outlets
//! would cost about a fifth of the wasm budget to say that; these are the few lines that remain.

use leptos::ev;
use leptos::prelude::*;
use madang_client::Event;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement, HtmlElement};

use crate::page::Page;
use crate::routes::{self, Place};

/// Follows links to rooms and messages, and the browser's back and forward.
pub(crate) fn start(page: Page) {
    let clicks = window_event_listener(ev::click, move |event| {
        if let Some(place) = followed(&event) {
            event.prevent_default();
            go(page, place);
        }
    });
    let moves = window_event_listener(ev::popstate, move |_| {
        if let Some(place) = here() {
            page.dispatch(Event::OpenRoom { room: place.room, around: place.message });
        }
    });
    on_cleanup(move || {
        clicks.remove();
        moves.remove();
    });
}

/// Shows `place`, as a step that the browser's back button takes back.
pub(crate) fn go(page: Page, place: Place) {
    let path = match place.message {
        Some(seq) => routes::message(&place.room, seq),
        None => routes::room(&place.room),
    };
    if let Ok(history) = window().history() {
        // It fails only for another origin's address, and after thousands of steps in a few seconds.
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&path));
    }
    let to_room = place.message.is_none();
    page.dispatch(Event::OpenRoom { room: place.room, around: place.message });
    close_popovers();
    // Where there is a keyboard, one goes on writing there. On a phone it would cover half of the room.
    let keyboard = window().match_media("(hover: hover)").ok().flatten().is_some_and(|media| media.matches());
    if let (true, Some(composer)) = (keyboard && to_room, page.composer.get_untracked()) {
        let _ = composer.focus();
    }
}

/// The place that the address bar names.
pub(crate) fn here() -> Option<Place> {
    routes::place(&window().location().pathname().ok()?)
}

/// Closes whatever lies above the page: the drawer, the people, the settings.
pub(crate) fn close_popovers() {
    let Ok(open) = document().query_selector_all(":popover-open") else { return };
    for at in 0..open.length() {
        if let Some(popover) = open.item(at).and_then(|node| node.dyn_into::<HtmlElement>().ok()) {
            let _ = popover.hide_popover();
        }
    }
}

/// The place that a click leads to, if it is one of ours and meant for this tab.
fn followed(event: &web_sys::MouseEvent) -> Option<Place> {
    let elsewhere = event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key();
    if event.default_prevented() || event.button() != 0 || elsewhere {
        return None;
    }
    let link = event.target()?.dyn_into::<Element>().ok()?.closest("a[href]").ok()??;
    let link: HtmlAnchorElement = link.dyn_into().ok()?;
    let ours = link.target().is_empty() && link.origin() == window().location().origin().ok()?;
    // A fragment leads to a place on this page: the browser's own way moves the focus there, too.
    if !ours || !link.search().is_empty() || !link.hash().is_empty() {
        return None;
    }
    routes::place(&link.pathname())
}
