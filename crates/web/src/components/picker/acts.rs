//! Reactions of the picker to its reader.

use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use leptos::task::{spawn_local, tick};
use madang_client::Event;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, Storage};

use crate::emoji::{Emoji, Section, groups, moved, recent, search, used};
use crate::ime::{self, Act, Ime, Key};
use crate::page::{MessageLine, Page, RowItem};
use crate::scroll::top_within;
use crate::strings::PickerStrings;
use crate::{ime_events, shell};

use super::Picker;
use super::cells::{closest, columns, position, reveal};

/// Key in `localStorage` of the emoji that were used last.
const RECENT: &str = "madang.emoji";

/// Number of Unicode's groups.
const GROUPS: usize = 9;

impl Picker {
    /// The emoji at a position.
    pub(super) fn at(self, at: Option<usize>) -> Option<Emoji> {
        self.shown.with_untracked(|shown| shown.iter().flat_map(|section| &section.emoji).nth(at?).copied())
    }

    /// Reads the row of the message.
    pub(super) fn row<T>(self, read: impl Fn(&RowItem, &MessageLine) -> T) -> Option<T> {
        let row = |item: &RowItem| {
            item.message
                .as_ref()?
                .with_untracked(|line| (line.row.seq == Some(self.seq)).then(|| read(item, line)))
        };
        self.page.rows.with_untracked(|rows| rows.iter().find_map(row))
    }

    /// Shows all emoji, unless something was searched for meanwhile, or the picker closed.
    pub(super) fn draw_all(self) {
        let typed = self.field.try_get_untracked().flatten().map(|field| field.value());
        if typed.is_some_and(|typed| typed.trim().is_empty()) {
            self.shown.set(beginning(self.w, self.korean));
            // The cells are new ones: the one that the reader is at is marked again.
            self.active.notify();
        }
    }

    /// Shows what the search box asks for.
    pub(super) fn look(self) {
        let Some(typed) = self.field.get_untracked().map(|field| field.value()) else { return };
        let composing = self.ime.with_value(Ime::is_composing);
        if typed.trim().is_empty() {
            self.shown.set(beginning(self.w, self.korean));
            self.found.set(String::new());
            return self.active.set(None);
        }
        let emoji = search(&typed, composing);
        let found = emoji.len();
        self.found.set(if found == 0 { self.w.nothing.to_owned() } else { (self.w.found)(found) });
        self.shown.set(vec![Section { name: self.w.results, emoji }]);
        self.active.set(Some(0).filter(|_| found > 0));
        self.scroll(|list| list.set_scroll_top(0));
    }

    pub(super) fn react(self, event: ime::Event, from: &web_sys::Event) {
        let act = self.ime.try_update_value(|ime| ime.on(event)).unwrap_or(Act::Pass);
        ime_events::act(act, from, move || self.choose(self.active.try_get_untracked().flatten()));
    }

    pub(super) fn keydown(self, event: &KeyboardEvent) {
        if closest(event, "button").is_some() {
            return;
        }
        let modified = event.shift_key() || event.ctrl_key() || event.alt_key() || event.meta_key();
        let key = Key { modified, ..ime_events::key(self.page.enter.get_untracked(), event) };
        match &*event.key() {
            // The input method's: it takes back what is being composed.
            "Escape" if key.composing || key.ime => event.prevent_default(),
            arrow if arrow.starts_with("Arrow") && !modified && !key.composing && !key.ime => {
                event.prevent_default();
                let to = self.shown.with_untracked(|shown| {
                    let lengths = shown.iter().map(|section| section.emoji.len());
                    moved(lengths, columns(shown), self.active.get_untracked(), arrow)
                });
                if let Some(to) = to {
                    self.active.set(Some(to));
                    self.scroll(|list| reveal(list, to));
                }
            }
            _ => self.react(ime::Event::Key(key), event),
        }
    }

    pub(super) fn press(self, event: &MouseEvent) {
        if let Some(option) = closest(event, "[role=option]") {
            return self.choose(position(&option));
        }
        if let Some(tab) = closest(event, "[data-group]") {
            return self.go_to(tab.get_attribute("data-group").and_then(|number| number.parse().ok()));
        }
        // The dialog has no edge of its own: what was pressed is the ground around it.
        let on_ground = event.target().is_some_and(|target| Some(&target) == event.current_target().as_ref());
        if on_ground {
            self.close();
        }
    }

    pub(super) fn point(self, event: &web_sys::Event) {
        let at = closest(event, "[role=option]").and_then(|option| position(&option));
        if at.is_some() && at != self.active.get_untracked() {
            self.active.set(at);
        }
    }

    /// Scrolls to a group; from the results of a search, back to all emoji.
    pub(super) fn go_to(self, group: Option<usize>) {
        if let (Some(group), Some(field)) = (group, self.field.get_untracked()) {
            field.set_value("");
            self.look();
            spawn_local(async move {
                tick().await;
                self.scroll(|list| {
                    let groups = list.query_selector_all("[role=group]").ok();
                    let at =
                        groups.as_ref().and_then(|groups| (groups.length() as usize).checked_sub(GROUPS));
                    let place = groups.zip(at).and_then(|(groups, at)| groups.item((at + group) as u32));
                    if let Some(place) = place {
                        list.set_scroll_top(
                            list.scroll_top() + top_within(list, place.unchecked_ref()) as i32,
                        );
                    }
                });
            });
        }
    }

    pub(super) fn scroll(self, scroll: impl FnOnce(&HtmlElement)) {
        if let Some(list) = self.list.try_get_untracked().flatten() {
            scroll(&list);
        }
    }

    /// Reacts with an emoji, or takes that back, as its chip would.
    pub(super) fn choose(self, at: Option<usize>) {
        let Some(emoji) = self.at(at) else { return };
        if let Some(storage) = storage() {
            // Where it cannot be kept, nothing is offered as used before.
            let _ = storage.set_item(RECENT, &used(&kept(&storage), emoji));
        }
        let mine = self.row(|_, line| line.chips.iter().any(|chip| chip.mine && chip.emoji == emoji.text));
        let (room, cmid, on) = (self.page.room_now(), shell::new_cmid(), !mine.unwrap_or_default());
        self.page.dispatch(Event::React { room, cmid, seq: self.seq, emoji: emoji.text.to_owned(), on });
        self.close();
        leave_actions(self.page);
    }

    /// Closes the dialog, which gives the focus back.
    pub(super) fn close(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
            dialog.close();
        }
    }
}

/// A choice ends the actions that it was made from: the row has the focus.
fn leave_actions(page: Page) {
    let button = document().active_element().filter(|button| matches!(button.closest(".tools"), Ok(Some(_))));
    if let Some(row) = button.and_then(|button| button.closest(".message").ok().flatten()) {
        page.active.set(None);
        page.hovered.set(None);
        spawn_local(async move {
            tick().await;
            let _ = row.unchecked_into::<HtmlElement>().focus();
        });
    }
}

/// All emoji, those that were used last first.
pub(super) fn beginning(w: &PickerStrings, korean: bool) -> Vec<Section> {
    let emoji = storage().map(|storage| recent(&kept(&storage))).unwrap_or_default();
    let recent = Some(Section { name: w.recent, emoji }).filter(|section| !section.emoji.is_empty());
    recent.into_iter().chain(groups(korean)).collect()
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn kept(storage: &Storage) -> String {
    storage.get_item(RECENT).ok().flatten().unwrap_or_default()
}
