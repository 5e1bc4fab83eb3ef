//! One message.

use std::sync::Arc;

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use madang_client::{Event, Failure, MessageRow, Reply, RowKey, SendState};
use madang_protocol::Cmid;

use crate::page::{MessageLine, Page};
use crate::people::hue;
use crate::preview::{first_line, is_high};
use crate::time::iso;
use crate::{client, routes, rowkey};

use super::marks::marks;
use super::panels::edit_place;
use super::reactions::reactions;
use super::text::text;
use super::tools::Tools;
use super::{anew, clicked, icons, reacting, words};

/// The row of a message. It is made once; each part that can change reacts by itself.
pub(super) fn message(page: Page, key: RowKey, line: ArcRwSignal<MessageLine>) -> impl IntoView {
    let line: RwSignal<MessageLine> = line.into();
    let (by, focus) = line.with_untracked(|line| (line.row.by.clone(), line.row.focus));
    let look = hue(&by);
    let at = move || line.with(|line| line.row.at);
    let seq = Memo::new(move |_| line.with(|line| line.row.seq));
    let body = Memo::new(move |_| line.with(|line| (line.row.body.clone(), line.row.edited)));
    let answered = Memo::new(move |_| line.with(|line| (line.row.reply.clone(), line.reply_name.clone())));
    let state = Memo::new(move |_| line.with(|line| line.row.state.clone()));
    let editing = Memo::new(move |_| page.editing.get().filter(|edited| seq.get() == Some(*edited)));
    let beside = Memo::new(move |_| line.with(|line| line.marks));
    let active = Memo::new(move |_| [page.active.get(), page.hovered.get()].contains(&Some(key)));
    view! {
        <article
            class=reacting(move || line.with(|line| class(&line.row)))
            tabindex="-1"
            autofocus=focus
            data-key=rowkey::text(key)
            data-seq=reacting(move || seq.get().map(|seq| seq.to_string()))
        >
            <span class="avatar" data-hue=look aria-hidden="true" translate="no">
                {words(move || line.with(|line| line.initial.to_string()))}
            </span>
            <span class="who">
                <span class="author" dir="auto" translate="no">
                    {words(move || line.with(|line| line.name.to_string()))}
                </span>
                {anew(move || marks(page.t, &by, beside.get()))}
            </span>
            <a class="stamp" href=reacting(move || address(page, seq.get())) tabindex=reacting(move || roving(page))>
                <time datetime=reacting(move || iso(at())) translate="no">{words(move || client::time(page.clock, at()))}</time>
            </a>
            {anew(move || answered.with(|(reply, name)| Some(quote(page, reply.as_ref()?, name.as_ref()))))}
            {anew(move || match editing.get() {
                Some(seq) => Either::Left(edit_place(page, seq, body.get_untracked().0)),
                None => Either::Right(body.with(|(body, edited)| said(page, body.as_ref(), *edited))),
            })}
            // Not anew: a chip may have the focus.
            {reacting(move || line.with(|line| reactions(page, line, None)))}
            {anew(move || state.with(|state| status(page, state)))}
            {move || match active.get() && editing.get().is_none() {
                true => Either::Left(view! { <Tools page line /> }),
                false => Either::Right(more(page, line)),
            }}
        </article>
    }
}

/// With a script, the arrow keys walk over the messages, and Tab does not stop at each.
fn roving(page: Page) -> Option<String> {
    page.alive.get().then(|| "-1".to_owned())
}

fn class(row: &MessageRow) -> String {
    let mut class = String::from("message");
    let marks = [
        (row.starts_group, " starts"),
        (row.mine, " mine"),
        (row.focus, " focused"),
        (row.body.is_none(), " deleted"),
        (matches!(row.state, SendState::Pending { .. }), " pending"),
        (matches!(row.state, SendState::Failed { .. }), " failed"),
    ];
    marks.iter().filter(|(is, _)| *is).for_each(|(_, name)| class.push_str(name));
    class
}

fn address(page: Page, seq: Option<u64>) -> Option<String> {
    seq.map(|seq| routes::message(&page.room_now(), seq))
}

/// The message that this one answers, as a link to it.
fn quote(page: Page, reply: &Reply, name: Option<&Arc<str>>) -> impl IntoView + use<> {
    let name = name.map(ToString::to_string);
    let words = match (&reply.by, &reply.body) {
        (Some(_), Some(body)) => first_line(body).to_owned(),
        (Some(_), None) => page.t.deleted.to_owned(),
        (None, _) => page.t.reply_unknown.to_owned(),
    };
    view! {
        <a class="quote" href=address(page, Some(reply.seq))>
            {icons::reply()} <span class="quote-name" dir="auto" translate="no">
                {name}
            </span> " " <span class="quote-text" dir="auto">
                {words}
            </span>
        </a>
    }
}

/// The text, or its placeholder.
fn said(page: Page, body: Option<&Arc<str>>, edited: bool) -> impl IntoView + use<> {
    match body {
        Some(body) => Either::Left(view! {
            <div class="text" dir="auto">
                {text(body)}
                {edited.then(|| view! { <span class="edited">{page.t.edited}</span> })}
            </div>
            {is_high(body).then(|| view! {
                <label class="unfold">
                    <input type="checkbox" autocomplete="off" />
                    <span>{page.t.show_all}</span>
                    // Its label stays: its checked state is what tells that all is shown.
                    <span aria-hidden="true">{page.t.show_less}</span>
                </label>
            })}
        }),
        None => Either::Right(view! { <p class="text gone">{page.t.deleted}</p> }),
    }
}

/// Renders the state of sending, and what can be done if it got stuck.
fn status(page: Page, state: &SendState) -> impl IntoView + use<> {
    match state {
        SendState::Sent => EitherOf3::A(()),
        SendState::Pending { .. } => EitherOf3::B(view! { <p class="status">{page.t.pending}</p> }),
        SendState::Failed { cmid, failure } => EitherOf3::C(failed(page, *cmid, failure)),
    }
}

fn failed(page: Page, cmid: Cmid, failure: &Failure) -> impl IntoView + use<> {
    let t = page.t;
    let known = (t.refused)(failure.code);
    let why = if known.is_empty() { failure.message.clone() } else { known.to_owned() };
    view! {
        <div class="status problem">
            <span>{t.failed} " " {why}</span>
            <button class="button small" type="button" on:click=clicked(move |_| page.dispatch(Event::Retry { cmid }))>
                {t.retry}
            </button>
            <button class="button small" type="button" on:click=clicked(move |_| page.dispatch(Event::Discard { cmid }))>
                {t.discard}
            </button>
        </div>
    }
}

/// The way to a message's actions for fingers and for keyboards. Without a script it leads to the form to edit
/// or delete it, where that is allowed, and otherwise to the message.
fn more(page: Page, line: RwSignal<MessageLine>) -> impl IntoView {
    let link = line.with(|line| {
        let seq = line.row.seq?;
        line.row.body.as_ref()?;
        let message = routes::message(&page.room_now(), seq);
        Some(if line.row.mine { format!("{message}/edit") } else { message })
    })?;
    Some(view! {
        <a class="more" href=link aria-label=page.t.actions tabindex=reacting(move || roving(page))>
            {icons::more()}
        </a>
    })
}
