//! State for the views: signals, kept in step with the client's model.
//!
//! The model is not itself reactive. After each change [`Page::sync`] and [`Page::sync_rows`] compare what a view
//! shows with what it should show, and set the signals that differ: a message that was edited touches its own row
//! and no other.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use madang_client::{
    Enter, Event, LinkView, Locale, MessageRow, Model, Notice, PageData, RoomLine, RoomView, Row, RowKey,
    Theme, timeline, utc_day,
};
use madang_protocol::{Cmid, Reaction, RoomId, Seq, UnixMs, UserId};

use crate::people::{Marks, PersonLine, shown_name};
use crate::strings::{Strings, strings};
use crate::{client, lost};

/// One row of the timeline on the page.
#[derive(Clone)]
pub(crate) struct RowItem {
    /// Rows of two rooms may have the same key: this tells the rooms apart.
    pub(crate) look: u32,
    pub(crate) key: RowKey,
    /// Message of the row; a divider shows its key.
    pub(crate) message: Option<ArcRwSignal<MessageLine>>,
}

/// The model's row with the names that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MessageLine {
    pub(crate) row: MessageRow,
    /// The author's name, and what their avatar shows.
    pub(crate) name: Arc<str>,
    pub(crate) initial: Arc<str>,
    pub(crate) marks: Marks,
    /// The name of whom it answers.
    pub(crate) reply_name: Option<Arc<str>>,
    /// Reactions to it, the earliest emoji first.
    pub(crate) chips: Vec<Chip>,
}

/// An emoji below a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chip {
    pub(crate) emoji: String,
    /// Number of those who reacted with it.
    pub(crate) count: usize,
    /// True if this person is among those who reacted with it.
    pub(crate) mine: bool,
    /// Names of those who reacted with it.
    pub(crate) title: String,
}

/// Names in the title of a chip; the others are only counted.
const CHIP_NAMES: usize = 10;

fn chip(model: &Model, reaction: &Reaction, t: &Strings) -> Chip {
    let (mut title, mut mine, mut named) = (String::new(), false, 0);
    for by in &reaction.by {
        let you = model.is_you(by);
        mine |= you;
        if named < CHIP_NAMES && (you || model.person(by).is_some()) {
            title.push_str(if named == 0 { "" } else { ", " });
            title.push_str(&shown_name(model, by, t));
            named += 1;
        }
    }
    let count = reaction.by.len();
    if count > named {
        title.push_str(" +");
        title.push_str(&(count - named).to_string());
    }
    Chip { emoji: reaction.emoji.clone(), count, mine, title }
}

impl MessageLine {
    fn new(model: &Model, row: MessageRow, t: &Strings) -> Self {
        let author = PersonLine::new(model, &row.by, t);
        let answered = row.reply.as_ref().and_then(|reply| reply.by.as_ref());
        let reply_name = answered.map(|by| shown_name(model, by, t));
        let chips = row.reactions.iter().map(|reaction| chip(model, reaction, t)).collect();
        let (initial, name, marks) = (author.initial().into(), author.name, author.marks);
        Self { row, initial, name, marks, reply_name, chips }
    }
}

/// Fields of a plain form on the server's page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainForm {
    /// The id of the write that it makes, however often it is sent.
    pub(crate) cmid: Cmid,
    /// The language that was chosen; `None`: the browser's.
    pub(crate) language: Option<Locale>,
    pub(crate) theme: Theme,
}

/// Change of the rows, due after that of the rest of the page.
#[derive(Clone, Copy)]
pub(crate) struct RowsChange {
    /// The rows are others as a whole.
    pub(crate) replaced: bool,
    /// The rows before ended with the newest message.
    pub(crate) ended: bool,
    /// See [`RowItem::look`].
    pub(crate) look: u32,
}

/// The page's state; a handle that is passed around by copy.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) t: &'static Strings,
    pub(crate) language: &'static str,
    pub(crate) form: PlainForm,
    /// True if the browser runs this page: until then, forms are plain and times are UTC.
    pub(crate) alive: RwSignal<bool>,
    /// Counts up when the reader's clock is known, and when their day changes. See [`client::time`].
    pub(crate) clock: RwSignal<u32>,

    pub(crate) room: RwSignal<RoomId>,
    /// Its title, as it is shown.
    pub(crate) title: RwSignal<String>,
    pub(crate) view: RwSignal<RoomView>,
    pub(crate) rows: RwSignal<Vec<RowItem>>,
    pub(crate) lines: RwSignal<Vec<RoomLine>>,
    pub(crate) you: RwSignal<Option<PersonLine>>,
    pub(crate) here: RwSignal<Vec<PersonLine>>,
    /// Sentence about those who type.
    pub(crate) typing: RwSignal<String>,
    pub(crate) unread: RwSignal<u32>,
    pub(crate) unsent: RwSignal<u32>,
    pub(crate) link: RwSignal<LinkView>,
    pub(crate) notice: RwSignal<Option<Notice>>,
    pub(crate) body_chars: RwSignal<u32>,
    /// Choice of what Enter does.
    pub(crate) enter: RwSignal<Enter>,

    /// The rows that show their actions: the one that was focused or pressed, and the one under the pointer.
    pub(crate) active: RwSignal<Option<RowKey>>,
    pub(crate) hovered: RwSignal<Option<RowKey>>,
    /// The message that is shown as a form.
    pub(crate) editing: RwSignal<Option<Seq>>,
    /// The message that is about to be deleted.
    pub(crate) deleting: RwSignal<Option<Seq>>,
    /// The message that an emoji is being chosen for.
    pub(crate) picking: RwSignal<Option<Seq>>,
    /// The message that the composer answers, and its author's name.
    pub(crate) replying: RwSignal<Option<(Seq, Arc<str>)>>,
    /// A short confirmation.
    pub(crate) said: RwSignal<String>,
    /// True if the newest row is in view.
    pub(crate) at_bottom: RwSignal<bool>,
    /// Position of the reader that the client was last sent: the room, and whether at its bottom.
    pub(crate) told: StoredValue<Option<(RoomId, bool)>>,
    /// The scrolled box around the timeline.
    pub(crate) log: NodeRef<html::Div>,
    pub(crate) composer: NodeRef<html::Textarea>,
}

impl Page {
    /// The page as `model` has it. `data` is what the server rendered it from, if it did.
    pub(crate) fn new(model: &Model, data: Option<&PageData>) -> Self {
        let t = strings(model.locale());
        let room = model.room().clone();
        let view = model.room_view(&room).unwrap_or_else(nothing_known);
        let page = Self {
            t,
            language: model.locale().as_str(),
            form: PlainForm {
                cmid: data.map_or(Cmid(0), |data| data.cmid),
                language: data.filter(|data| data.locale_chosen).map(|data| data.locale),
                theme: model.theme(),
            },
            alive: RwSignal::new(false),
            clock: RwSignal::new(0),
            here: RwSignal::new(here(model, &view, t)),
            typing: RwSignal::default(),
            rows: RwSignal::new(Vec::new()),
            title: RwSignal::new(t.room(&room, &view.title)),
            room: RwSignal::new(room),
            view: RwSignal::new(view),
            lines: RwSignal::new(model.room_lines()),
            you: RwSignal::new(you(model, t)),
            unread: RwSignal::new(model.unread()),
            unsent: RwSignal::new(model.unsent() as u32),
            link: RwSignal::new(model.link()),
            notice: RwSignal::new(model.notice().cloned()),
            body_chars: RwSignal::new(model.limits().body_chars),
            enter: RwSignal::new(model.enter()),
            active: RwSignal::new(None),
            hovered: RwSignal::new(None),
            editing: RwSignal::new(data.and_then(|data| data.editing)),
            deleting: RwSignal::new(None),
            picking: RwSignal::new(None),
            replying: RwSignal::new(None),
            said: RwSignal::default(),
            at_bottom: RwSignal::new(true),
            told: StoredValue::new(None),
            log: NodeRef::new(),
            composer: NodeRef::new(),
        };
        page.sync_rows(model, 0);
        page
    }

    /// Shows what changed in the model, except the rows: [`Page::sync_rows`] follows.
    pub(crate) fn sync(self, model: &Model) -> RowsChange {
        let room = model.room().clone();
        let view = model.room_view(&room).unwrap_or_else(nothing_known);
        let moved = self.room.with_untracked(|old| *old != room);
        let (resets, ended) = self.view.with_untracked(|old| (old.resets, !old.after));
        let replaced = moved || resets != view.resets;
        let look = self.rows.with_untracked(|rows| rows.first().map_or(0, |row| row.look));
        if moved {
            self.leave_room();
        }
        set(self.title, self.t.room(&room, &view.title));
        set(self.room, room);
        set(self.here, here(model, &view, self.t));
        let typing: Vec<String> =
            view.typing.iter().map(|who| shown_name(model, who, self.t).to_string()).collect();
        set(self.typing, (self.t.typing)(&typing));
        set(self.view, view);
        set(self.lines, model.room_lines());
        set(self.you, you(model, self.t));
        set(self.unread, model.unread());
        set(self.unsent, model.unsent() as u32);
        set(self.link, model.link());
        set(self.notice, model.notice().cloned());
        set(self.body_chars, model.limits().body_chars);
        RowsChange { replaced, ended, look: if moved { look.wrapping_add(1) } else { look } }
    }

    /// Brings the rows up to date; rows that stay keep their signal.
    pub(crate) fn sync_rows(self, model: &Model, look: u32) {
        let day: &dyn Fn(UnixMs) -> i32 = if self.alive.get_untracked() { &client::day } else { &utc_day };
        let before = self.rows.get_untracked();
        // Rows rarely change their order: what is looked for next mostly stands behind what was found last.
        let mut known = before.iter().filter(|item| item.look == look).cycle();
        let many = before.len();
        let rows: Vec<RowItem> = timeline(model, model.room(), day)
            .into_iter()
            .map(|row| {
                let key = row.key();
                let Row::Message(row) = row else { return RowItem { look, key, message: None } };
                let line = MessageLine::new(model, row, self.t);
                let item = known.by_ref().take(many).find(|item| item.key == key);
                let message = match item.and_then(|item| item.message.clone()) {
                    Some(message) => {
                        if message.with_untracked(|old| *old != line) {
                            message.set(line);
                        }
                        message
                    }
                    None => ArcRwSignal::new(line),
                };
                RowItem { look, key, message: Some(message) }
            })
            .collect();
        let same = before.len() == rows.len()
            && before.iter().zip(&rows).all(|(old, new)| (old.look, old.key) == (new.look, new.key));
        if !same {
            let newest = rows.iter().rev().find(|row| row.message.is_some()).map(|row| row.key);
            let known = |key: &RowKey| before.iter().any(|row| row.key == *key);
            self.rows.set(rows);
            if let Some(added) = newest.filter(|key| self.alive.get_untracked() && !known(key)) {
                let wanted = move || self.rows.with_untracked(|rows| rows.iter().any(|row| row.key == added));
                lost::look_for(added, wanted);
            }
        }
    }

    /// Resets the state of the room that was on screen.
    fn leave_room(self) {
        self.active.set(None);
        self.hovered.set(None);
        self.editing.set(None);
        self.deleting.set(None);
        self.picking.set(None);
        self.replying.set(None);
    }

    /// Reports an event; nothing happens before the page is alive.
    pub(crate) fn dispatch(self, event: Event) {
        client::dispatch(event);
    }

    /// The room on screen, outside of any reaction.
    pub(crate) fn room_now(self) -> RoomId {
        self.room.get_untracked()
    }
}

fn set<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

fn here(model: &Model, view: &RoomView, t: &Strings) -> Vec<PersonLine> {
    view.here.iter().map(|who| PersonLine::new(model, who, t)).collect()
}

fn you(model: &Model, t: &Strings) -> Option<PersonLine> {
    model.you().map(|you| PersonLine::new(model, &you.id, t))
}

/// A room before the first word from the server.
fn nothing_known() -> RoomView {
    RoomView {
        title: "".into(),
        loaded: false,
        gone: false,
        before: false,
        after: false,
        loading_before: false,
        loading_after: false,
        fresh: 0,
        focus: None,
        here: Vec::<UserId>::new(),
        here_count: 0,
        typing: Vec::new(),
        resets: 0,
    }
}
