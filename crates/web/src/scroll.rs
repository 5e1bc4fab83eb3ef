//! The timeline never moves under the reader.
//!
//! The log is a column in reverse with one child: the browser itself begins at its bottom, before any script
//! runs, and stays there while rows are added or the composer grows. `scrollTop` is 0 at the bottom and
//! negative above it. A reader who scrolled up keeps the row before their eyes: its place is measured before
//! the rows change, and restored after it, whatever the browser's own scroll anchoring did meanwhile.

use leptos::prelude::*;
use madang_client::{Event, RoomView};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::client;
use crate::page::Page;

/// As near to the bottom as counts as being there. CSS pixels.
const NEAR_PX: i32 = 72;

/// Messages are loaded when the reader comes this close to the end of the window, in heights of the log.
const AHEAD: i32 = 2;

/// Place that the reader looks at.
enum Place {
    /// The bottom: they follow.
    Bottom,
    /// A row, and its distance below the log's top.
    Row(Element, f64),
    /// Nothing to hold on to.
    Anywhere,
}

/// Shows the message that a link named, unless the reader is somewhere already: browsers do it by themselves, but
/// not while something else has the focus, and perhaps not before the page is alive.
pub(crate) fn start(page: Page) {
    let view = page.view.get_untracked();
    if let Some(log) = page.log.get_untracked().filter(|log| view.focus.is_some() && log.scroll_top() == 0) {
        show(&log, &view);
    }
}

/// Changes the rows and keeps the reader's place; if the rows are `replaced` as a whole, shows the bottom, or
/// the message that a link named. A reader at the bottom follows if the rows before the change `ended` with the
/// newest message: at the end of an older stretch, following would load page after page under their eyes.
pub(crate) fn keep_place(page: Page, replaced: bool, ended: bool, change: impl FnOnce()) {
    let log = page.log.get_untracked();
    let place = match &log {
        Some(log) if !replaced => place(log, ended),
        _ => Place::Anywhere,
    };
    change();
    if log.is_none() {
        return;
    }
    leptos::task::spawn_local(async move {
        // The rows' effects run first: they were woken first.
        leptos::task::tick().await;
        if let Some(log) = page.log.get_untracked() {
            restore(&log, place);
            settle(page, replaced);
        }
    });
}

/// After the rows, the box or the reader moved: shows what was asked for, loads what is near, and reports the
/// client where the reader is.
pub(crate) fn settle(page: Page, replaced: bool) {
    let Some(log) = page.log.get_untracked() else { return };
    let view = page.view.get_untracked();
    if replaced {
        show(&log, &view);
    }
    let height = log.client_height();
    let below = -log.scroll_top();
    let above = log.scroll_height() - height - below;
    let room = page.room_now();
    if view.before && !view.loading_before && above < height * AHEAD {
        client::dispatch(Event::Older { room: room.clone() });
    }
    if view.after && !view.loading_after && below < height * AHEAD {
        client::dispatch(Event::Newer { room: room.clone() });
    }
    let at_bottom = below <= NEAR_PX && !view.after && view.loaded;
    if page.at_bottom.get_untracked() != at_bottom {
        page.at_bottom.set(at_bottom);
    }
    let told = Some((room.clone(), at_bottom));
    if page.told.get_value() != told {
        page.told.set_value(told);
        client::dispatch(Event::AtBottom { room, at_bottom });
    }
}

/// Goes to the newest message.
pub(crate) fn to_latest(page: Page) {
    if page.view.with_untracked(|view| view.after) {
        client::dispatch(Event::Latest { room: page.room_now() });
    }
    if let Some(log) = page.log.get_untracked() {
        log.set_scroll_top(0);
        settle(page, false);
    }
}

fn show(log: &HtmlElement, view: &RoomView) {
    let focus =
        view.focus.and_then(|seq| log.query_selector(&format!("[data-seq=\"{seq}\"]")).ok().flatten());
    match focus {
        Some(row) => {
            let top = top_within(log, &row);
            let margin = f64::from(log.client_height()) / 3.0;
            log.set_scroll_top(log.scroll_top() + (top - margin) as i32);
        }
        None => log.set_scroll_top(0),
    }
}

fn place(log: &HtmlElement, ended: bool) -> Place {
    if ended && -log.scroll_top() <= NEAR_PX {
        return Place::Bottom;
    }
    let Ok(rows) = log.query_selector_all(".message") else { return Place::Anywhere };
    let rows = (0..rows.length()).filter_map(|at| rows.item(at)?.dyn_into::<Element>().ok());
    for row in rows {
        let top = top_within(log, &row);
        if top + f64::from(row.client_height()) > 0.0 {
            return Place::Row(row, top);
        }
    }
    Place::Anywhere
}

fn restore(log: &HtmlElement, place: Place) {
    match place {
        Place::Bottom => log.set_scroll_top(0),
        Place::Row(row, top) if row.is_connected() => {
            let moved = (top_within(log, &row) - top).round() as i32;
            if moved != 0 {
                log.set_scroll_top(log.scroll_top() + moved);
            }
        }
        Place::Row(..) | Place::Anywhere => {}
    }
}

/// Pixels from the top edge of a scrolled box to an element in it.
pub(crate) fn top_within(log: &HtmlElement, row: &Element) -> f64 {
    row.get_bounding_client_rect().top() - log.get_bounding_client_rect().top()
}
