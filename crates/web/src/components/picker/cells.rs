//! Cells of the grid in the document, and the dialog's place in the window.

use leptos::prelude::*;
use madang_protocol::Seq;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement};

use crate::emoji::Section;
use crate::scroll::top_within;

/// Pixels between the dialog, what it belongs to, and the edge of the window.
const GAP: i32 = 8;

pub(super) fn id(at: usize) -> String {
    format!("pick-{at}")
}

pub(super) fn position(option: &Element) -> Option<usize> {
    option.get_attribute("id")?.strip_prefix("pick-")?.parse().ok()
}

pub(super) fn option(at: usize) -> Option<Element> {
    document().get_element_by_id(&id(at))
}

pub(super) fn mark(at: Option<usize>, selected: &str) {
    if let Some(option) = at.and_then(option) {
        let _ = option.set_attribute("aria-selected", selected);
    }
}

pub(super) fn closest(event: &web_sys::Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok().flatten()
}

/// Number of emoji in a row, as the browser laid them out: read off the largest section.
pub(super) fn columns(shown: &[Section]) -> usize {
    let (mut largest, mut from, mut first) = (0, 0, 0);
    for section in shown {
        if section.emoji.len() > largest {
            (largest, first) = (section.emoji.len(), from);
        }
        from += section.emoji.len();
    }
    let top = |at| option(at).map(|option| option.get_bounding_client_rect().top());
    let row = top(first);
    (first..first + largest).take_while(|at| top(*at) == row).count()
}

/// Scrolls as far as it takes to show an option.
pub(super) fn reveal(list: &HtmlElement, at: usize) {
    if let Some(option) = option(at) {
        let top = top_within(list, &option) as i32;
        let hidden = (top + option.client_height() - list.client_height()).max(0);
        list.set_scroll_top(list.scroll_top() + hidden + top.min(0));
    }
}

/// Opens the dialog beside the button that has the focus, or the row of the message. On a phone the styles place it.
pub(super) fn show(dialog: &HtmlDialogElement, seq: Seq) {
    let button = document().active_element().filter(|active| active.tag_name() != "BODY");
    let row = || document().query_selector(&format!("[data-seq='{seq}']")).ok().flatten();
    let beside = button.or_else(row);
    // It fails only for a dialog that is open or out of the document.
    let _ = dialog.show_modal();
    let (Some(beside), Some(root)) = (beside, document().document_element()) else { return };
    let place = beside.get_bounding_client_rect();
    let above = place.top() as i32 - GAP - dialog.client_height();
    let below = place.bottom() as i32 + GAP;
    let lowest = root.client_height() - dialog.client_height() - GAP;
    let top = if below <= lowest || above < GAP { below.min(lowest).max(0) } else { above };
    let left = (place.left() as i32).min(root.client_width() - dialog.client_width() - GAP);
    let style = HtmlElement::style(dialog);
    for (name, pixels) in [("--top", top), ("--left", left.max(0))] {
        let _ = style.set_property(name, &format!("{pixels}px"));
    }
}
