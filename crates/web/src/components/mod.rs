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
mod marks;
mod message;
mod panels;
mod people;
mod picker;
mod reactions;
mod rooms;
mod settings;
mod text;
mod timeline;
mod tools;
mod welcome;
mod words;
mod you;

use leptos::ev::MouseEvent;
use leptos::task::{spawn_local, tick};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

pub(crate) use app::App;
pub(crate) use panels::fetch_ahead;
use words::{anew, words};

/// A text or an attribute that reacts. All of one kind of value have one type: each type costs the page the code
/// that renders it anew, and closures have a type each.
type Reacting<T> = Box<dyn Fn() -> T + Send + Sync>;

fn reacting<T>(read: impl Fn() -> T + Send + Sync + 'static) -> Reacting<T> {
    Box::new(read)
}

/// Handler of a click; of one type, for the same reason.
type Clicked = Box<dyn FnMut(MouseEvent)>;

fn clicked(then: impl FnMut(MouseEvent) + 'static) -> Clicked {
    Box::new(then)
}

/// Gives the focus to the first element of `selector` in `place`, once what changed just now is drawn.
fn focus_soon(place: Option<Element>, selector: &'static str) {
    spawn_local(async move {
        tick().await;
        let found = place.and_then(|place| place.query_selector(selector).ok().flatten());
        if let Some(found) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
            let _ = found.focus();
        }
    });
}
