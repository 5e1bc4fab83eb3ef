//! The emoji picker: a dialog with a search box and a grid of all emoji. A part of the page of its own.
//!
//! The focus stays in the search box, and what the arrow keys lead to is told by `aria-activedescendant`.

mod acts;
mod cells;

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use madang_client::Locale;
use madang_protocol::Seq;
use wasm_bindgen::JsCast;

use crate::emoji::{Emoji, Section, groups};
use crate::ime::{self, Ime};
use crate::page::Page;
use crate::strings::{PickerStrings, picker_strings};
use crate::{ime_events, rowkey};

use super::{anew, clicked, icons, reacting, words};
use acts::beginning;
use cells::{id, mark, show};

/// Emoji that are drawn when it opens: about as many as are in view. All of them take many times as long.
const AT_ONCE: usize = 64;

/// State of one opened picker; a handle that is passed around by copy.
#[derive(Clone, Copy)]
struct Picker {
    page: Page,
    w: &'static PickerStrings,
    korean: bool,
    seq: Seq,
    shown: RwSignal<Vec<Section>>,
    /// Position in `shown` that Enter chooses.
    active: RwSignal<Option<usize>>,
    /// Number of emoji found, in words; empty if nothing was searched for.
    found: RwSignal<String>,
    ime: StoredValue<Ime>,
    dialog: NodeRef<html::Dialog>,
    field: NodeRef<html::Input>,
    list: NodeRef<html::Div>,
}

/// The dialog, while an emoji for `page.picking` is being chosen.
pub(super) fn picker(page: Page) -> impl IntoView {
    anew(move || page.picking.get().map(|seq| opened(page, seq)))
}

fn opened(page: Page, seq: Seq) -> impl IntoView {
    let korean = page.language == Locale::Ko.as_str();
    let w = picker_strings(if korean { Locale::Ko } else { Locale::En });
    let picker = Picker {
        page,
        w,
        korean,
        seq,
        shown: RwSignal::new(in_view(beginning(w, korean))),
        active: RwSignal::new(None),
        found: RwSignal::default(),
        ime: StoredValue::default(),
        dialog: NodeRef::new(),
        field: NodeRef::new(),
        list: NodeRef::new(),
    };
    Effect::new(move |_| {
        if let Some(dialog) = picker.dialog.get() {
            show(&dialog, seq);
            // The rest follows the first picture.
            request_animation_frame(move || set_timeout(move || picker.draw_all(), Duration::ZERO));
        }
    });
    Effect::new(move |before: Option<Option<usize>>| {
        let now = picker.active.get();
        mark(before.flatten(), "false");
        mark(now, "true");
        now
    });
    let key = picker.row(|item, _| rowkey::text(item.key));
    view! {
        // Of its row while it is open: the row keeps its actions, and the focus finds back to them.
        <dialog
            class="picker"
            aria-label=w.title
            data-key=key
            node_ref=picker.dialog
            on:close=move |_| page.picking.set(None)
            on:click=clicked(move |event| picker.press(&event))
            on:keydown=move |event| picker.keydown(&event)
            on:pointermove=move |event| picker.point(event.unchecked_ref())
        >
            {head(picker)}
            <p class="picker-found" role="status">
                {words(move || picker.found.get())}
            </p>
            {list(picker)}
            <p class="picker-name" aria-hidden="true">
                {words(move || {
                    picker.at(picker.active.get()).map(|emoji| emoji.name(korean).to_owned()).unwrap_or_default()
                })}
            </p>
        </dialog>
    }
}

/// The first emoji of these sections.
fn in_view(mut sections: Vec<Section>) -> Vec<Section> {
    let mut left = AT_ONCE;
    sections.retain_mut(|section| {
        section.emoji.truncate(left);
        left -= section.emoji.len();
        !section.emoji.is_empty()
    });
    sections
}

/// The search box, and a button for each group.
fn head(picker: Picker) -> impl IntoView {
    let w = picker.w;
    let tabs = groups(picker.korean).into_iter().enumerate().map(|(number, group)| {
        let emoji = group.emoji.first().map(|emoji| emoji.text);
        view! {
            <button class="picker-tab" type="button" data-group=number.to_string() title=group.name aria-label=group.name>
                {emoji}
            </button>
        }
    });
    view! {
        <div class="picker-head">
            <input
                class="input"
                type="text"
                role="combobox"
                aria-label=w.search
                aria-expanded="true"
                aria-controls="picker-list"
                aria-autocomplete="list"
                aria-activedescendant=reacting(move || picker.active.get().map(id))
                placeholder=w.search
                inputmode="search"
                enterkeyhint="done"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                dir="auto"
                node_ref=picker.field
                on:input=move |_| picker.look()
                on:compositionstart=move |event| picker.react(ime::Event::Composing, &event)
                on:compositionend=move |event| {
                    picker.react(ime_events::composed(&event), &event);
                    picker.look();
                }
                on:keyup=move |event| {
                    if ime_events::key(picker.page.enter.get_untracked(), &event).enter {
                        picker.react(ime::Event::Released, &event);
                    }
                }
                on:blur=move |event| picker.react(ime::Event::Left, &event)
            />
            <button class="icon-button" type="button" aria-label=picker.page.t.close on:click=clicked(move |_| picker.close())>
                {icons::close()}
            </button>
        </div>
        <div class="picker-tabs" role="group" aria-label=w.groups translate="no">
            {tabs.collect_view()}
        </div>
    }
}

/// The emoji in their sections, numbered through.
fn list(picker: Picker) -> impl IntoView {
    // Without a keyboard, the one on the screen would cover half of them.
    let touched = window().match_media("(hover: none)").ok().flatten().is_some_and(|media| media.matches());
    let sections = move |shown: &Vec<Section>| {
        let mut next = 0..;
        let mut cell = |emoji: &Emoji| {
            let id = next.next().map(id);
            view! {
                <div role="option" id=id aria-selected="false" aria-label=emoji.name(picker.korean)>
                    {emoji.text}
                </div>
            }
        };
        let section = |section: &Section| {
            let cells = section.emoji.iter().map(&mut cell).collect_view();
            view! {
                <div role="group" aria-label=section.name>
                    {cells}
                </div>
            }
        };
        shown.iter().map(section).collect_view()
    };
    view! {
        <div
            id="picker-list"
            class="picker-list"
            role="listbox"
            tabindex="-1"
            autofocus=touched
            aria-label=picker.w.title
            aria-activedescendant=reacting(move || picker.active.get().map(id))
            translate="no"
            node_ref=picker.list
        >
            {anew(move || picker.shown.with(sections))}
        </div>
    }
}
