//! Settings, the list of people, the form and the dialog of a message: a part of the page of its own; the emoji picker is
//! another one. The server renders what a page without a script needs of them, and the part takes its place.

use std::any::Any;
use std::cell::Cell;
use std::mem::forget;
use std::sync::Arc;
use std::time::Duration;

use leptos::ev::{self, SubmitEvent};
use leptos::html;
use leptos::mount::mount_to_renderer;
use leptos::prelude::*;
use leptos::task::spawn_local;
use madang_protocol::Seq;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlFormElement};

use crate::page::Page;
use crate::parts::{later, part, take_over};

use super::delete_dialog::delete_dialog;
use super::edit_form::edit_form;
use super::people::people;
use super::settings::settings;

/// Marks an element that the part draws: empty until it has drawn.
const DRAWN: &str = "data-part";
const LOADING: &str = "[data-part='']";

/// Action of a form that was sent before the part had drawn.
const HELD: &str = "data-held";

/// Time from a page that is alive to the fetch of what nobody asked for yet.
const AHEAD: Duration = Duration::from_secs(2);

/// Pages where the list of people stands beside the room, as in `layout.css`.
const WIDE: &str = "(min-width: 70rem)";

/// How long the word stays that the part did not load.
const SAID: Duration = Duration::from_secs(10);

/// Contents of the parts.
#[derive(Clone)]
enum Panel {
    Settings,
    People,
    Delete,
    Edit(Seq, Option<Arc<str>>),
    Picker,
}

/// A drawn panel; dropping it takes it off the page.
type Drawn = Box<dyn Any>;

part! {
    fetch_panels,
    fn panels(panel: Panel, page: Page, place: Element) -> Drawn {
        let over = take_over(&place);
        match panel {
            Panel::Settings => Box::new(mount_to_renderer(&place, move || settings(page.t, page.room, page.you, page.form, page.enter))) as Drawn,
            Panel::People => Box::new(mount_to_renderer(&place, move || people(page.t, page.here, page.view))),
            Panel::Delete => Box::new(mount_to_renderer(&place, move || delete_dialog(page.t, page.room, page.deleting))),
            Panel::Edit(seq, body) => Box::new(mount_to_renderer(&place, move || edit_form(page, seq, body, over))),
            // A part of its own.
            Panel::Picker => Box::new(()),
        }
    }
}

part! {
    fetch_picker,
    fn picker(page: Page, place: Element) -> Drawn {
        Box::new(mount_to_renderer(&place, move || super::picker::picker(page))) as Drawn
    }
}

/// Fetches the panels ahead, once the page is alive and the room has had its turn.
pub(crate) fn fetch_ahead() {
    let fetch = || spawn_local(async { drop(fetch_panels().await) });
    set_timeout(move || request_idle_callback(fetch), AHEAD);
}

/// Fetches the emoji picker, once: whoever sees a message's actions may be about to open it. If it does not load, opening it
/// tries again, and says so.
pub(super) fn fetch_picker_ahead() {
    thread_local! {
        static ASKED: Cell<bool> = const { Cell::new(false) };
    }
    if !ASKED.replace(true) {
        spawn_local(async { drop(fetch_picker().await) });
    }
}

/// The popover of the settings.
#[component]
pub(super) fn SettingsPlace(page: Page) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let place = place
            .get()
            .filter(|place| page.alive.get() && place.matches(":popover-open").unwrap_or_default());
        open(page, Panel::Settings, place, forget);
    });
    view! {
        <div
            id="settings"
            class="settings"
            popover="auto"
            role="dialog"
            aria-labelledby="settings-title"
            node_ref=place
            on:beforetoggle=move |_: web_sys::Event| open(page, Panel::Settings, place.get_untracked(), forget)
            on:submit=move |event| hold(&event)
        >
            {later(move || settings(page.t, page.room, page.you, page.form, page.enter))}
        </div>
    }
}

/// The list of people: beside the room on wide pages, so it is drawn as soon as the part is there; elsewhere when it opens.
#[component]
pub(super) fn PeoplePlace(page: Page) -> impl IntoView {
    let place = NodeRef::<html::Aside>::new();
    let draw = move || open(page, Panel::People, place.get_untracked(), forget);
    let beside = move || {
        if window().match_media(WIDE).ok().flatten().is_some_and(|wide| wide.matches()) {
            draw();
        }
    };
    Effect::new(move |_| {
        if page.alive.get() {
            set_timeout(beside, Duration::ZERO);
            let resized = window_event_listener(ev::resize, move |_| beside());
            on_cleanup(move || resized.remove());
        }
    });
    view! {
        <aside
            id="people"
            class="people"
            popover="auto"
            aria-labelledby="people-title"
            node_ref=place
            on:beforetoggle=move |_: web_sys::Event| draw()
        >
            {later(move || people(page.t, page.here, page.view))}
        </aside>
    }
}

/// Where the question stands before a message is deleted, and where an emoji for one is chosen. A page without a script
/// has forms for both.
#[component]
pub(super) fn MessagePlaces(page: Page) -> impl IntoView {
    let place = move |panel: Panel, asked: RwSignal<Option<Seq>>| {
        let place = NodeRef::<html::Div>::new();
        Effect::new(move |_| {
            if asked.get().is_some() {
                open(page, panel.clone(), place.get_untracked(), forget);
            }
        });
        view! { <div node_ref=place></div> }
    };
    (place(Panel::Delete, page.deleting), place(Panel::Picker, page.picking))
}

/// Where a message is shown as a form.
pub(super) fn edit_place(page: Page, seq: Seq, body: Option<Arc<str>>) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    let panel = Panel::Edit(seq, body.clone());
    Effect::new(move |_| {
        if page.alive.get() {
            // Of this effect, which ends with the row; what is drawn later is taken off at once.
            let kept = StoredValue::new_local(None);
            open(page, panel.clone(), place.get(), move |drawn| drop(kept.try_set_value(Some(drawn))));
        }
    });
    view! {
        <div class="edit" node_ref=place on:submit=move |event| hold(&event)>
            {later(move || edit_form(page, seq, body, false))}
        </div>
    }
}

/// Lets a part draw into an element, and gives what is drawn to `keep`. If it does not load, the page says so, and
/// what the server rendered there stays in use.
fn open(page: Page, panel: Panel, place: Option<impl Into<Element>>, keep: impl FnOnce(Drawn) + 'static) {
    if let Some(place) = place.map(Into::into) {
        draw(page, panel, place, Box::new(keep));
    }
}

/// See [`open`]; compiled once for all kinds of elements.
fn draw(page: Page, panel: Panel, place: Element, keep: Box<dyn FnOnce(Drawn)>) {
    if !page.alive.get_untracked() || place.has_attribute(DRAWN) {
        return;
    }
    let _ = place.set_attribute(DRAWN, "");
    spawn_local(async move {
        let drawn = match panel {
            Panel::Picker => picker(page, place.clone()).await,
            panel => panels(panel, page, place.clone()).await,
        };
        match drawn {
            Ok(drawn) => {
                let _ = place.set_attribute(DRAWN, "drawn");
                keep(drawn);
            }
            Err(_) => {
                let _ = place.remove_attribute(DRAWN);
                missing(page, &place);
            }
        }
        release(place);
    });
}

/// Holds a form back that is sent while the part is on its way.
fn hold(event: &SubmitEvent) {
    let form = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let place = form.as_ref().and_then(|form| form.closest(LOADING).ok().flatten());
    if let (Some(form), Some(place)) = (form, place) {
        event.prevent_default();
        let _ = place.set_attribute(HELD, &form.get_attribute("action").unwrap_or_default());
    }
}

/// Sends the form that was held back: by the part, or without it as the plain form that it is.
fn release(place: Element) {
    let Some(action) = place.get_attribute(HELD) else { return };
    let _ = place.remove_attribute(HELD);
    let send = move || {
        let form = place.query_selector(&format!("form[action='{action}']")).ok().flatten();
        if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
            let _ = form.request_submit();
        }
    };
    set_timeout(send, Duration::ZERO);
}

/// Says that the part did not load.
fn missing(page: Page, place: &Element) {
    if place.first_element_child().is_none() {
        page.editing.set(None);
        page.deleting.set(None);
        page.picking.set(None);
    }
    page.said.set(page.t.part_missing.to_owned());
    set_timeout(move || page.said.set(String::new()), SAID);
}
