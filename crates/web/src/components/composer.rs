//! Composer of messages. It never locks: what is written while there is no connection waits its turn.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use madang_client::{Enter, Event};
use madang_protocol::RefusalCode;
use web_sys::HtmlTextAreaElement;

use crate::ime::{self, Act, Ime};
use crate::page::Page;
use crate::strings::Strings;
use crate::{client, drafts, ime_events, routes, scroll, shell};

use super::{anew, clicked, icons, reacting, words};

/// From so few characters left on, they are counted.
const COUNT_FROM: i64 = 200;

/// The form that posts to the room on screen.
#[component]
pub(super) fn Composer(page: Page) -> impl IntoView {
    let t = page.t;
    let field = page.composer;
    let ime = StoredValue::new(Ime::default());
    let left = RwSignal::new(None);
    let gone = move || page.view.with(|view| view.gone);
    let send = move || {
        if let (Some(field), false) = (field.get_untracked(), untrack(gone)) {
            post(page, &field, left);
        }
    };
    let react = move |event: ime::Event, cause: &web_sys::Event| {
        if !page.alive.get_untracked() {
            return;
        }
        let act = ime.try_update_value(|ime| ime.on(event)).unwrap_or(Act::Pass);
        ime_events::act(act, cause, send);
    };
    let keydown = move |event: KeyboardEvent| {
        if !command(page, &event) {
            react(ime::Event::Key(ime_events::key(page.enter.get_untracked(), &event)), &event);
        }
    };
    let submit = move |event: SubmitEvent| {
        if !page.alive.get_untracked() {
            return;
        }
        event.prevent_default();
        if ime.with_value(Ime::is_composing) {
            finish_syllable(field);
        }
        send();
    };
    keep_drafts(page, left);
    view! {
        <form class="composer" method="post" action=reacting(move || format!("{}/post", routes::room(&page.room.get()))) on:submit=submit>
            <input type="hidden" name="cmid" value=page.form.cmid.to_string() />
            {anew(move || page.replying.get().map(|(_, name)| replying(page, (t.replying_to)(&name))))}
            {anew(move || page.view.with(|view| view.gone && view.loaded).then(|| closed(page.t)))}
            <div class="composer-box">
                <textarea
                    id="composer-text"
                    class="composer-text"
                    name="body"
                    rows="1"
                    required
                    readonly=reacting(gone)
                    dir="auto"
                    autocomplete="off"
                    enterkeyhint=reacting(move || if page.enter.get() == Enter::Always { "send" } else { "enter" })
                    placeholder=t.placeholder
                    aria-label=reacting(move || page.title.with(|room| (t.composer)(room)))
                    aria-describedby="composer-count"
                    node_ref=field
                    on:input=move |_| {
                        if let Some(field) = field.get_untracked() {
                            typed(page, &field, left);
                        }
                    }
                    on:keydown=keydown
                    on:beforeinput=move |event| {
                        if ime_events::breaks_line(&event) {
                            react(ime::Event::LineBreak, &event);
                        }
                    }
                    on:keyup=move |event| {
                        if ime_events::key(page.enter.get_untracked(), &event).enter {
                            react(ime::Event::Released, &event);
                        }
                    }
                    on:compositionstart=move |event| react(ime::Event::Composing, &event)
                    on:compositionend=move |event| react(ime_events::composed(&event), &event)
                    on:blur=move |event| react(ime::Event::Left, &event)
                ></textarea>
                // Pressing it must not take the focus from the text, or a phone's keyboard would fold away.
                <button
                    class="send"
                    type="submit"
                    aria-label=t.send
                    title=t.send
                    on:mousedown=move |event| event.prevent_default()
                >
                    {icons::send()}
                </button>
            </div>
            <p id="composer-count" class="composer-count" class:problem=reacting(move || left.get().is_some_and(|left| left < 0)) aria-live="polite">
                {words(move || left.get().filter(|left| *left <= COUNT_FROM).map(t.chars_left).unwrap_or_default())}
            </p>
        </form>
    }
}

/// Says that the room on screen is no more: what was written in it can be read and copied, and nothing sent.
fn closed(t: &'static Strings) -> impl IntoView {
    view! {
        <div class="notice" role="alert">
            <p>{t.closed}</p>
            <a class="button small" href="/r/lobby">
                {t.to_lobby}
            </a>
        </div>
    }
}

fn replying(page: Page, words: String) -> impl IntoView {
    view! {
        <div class="replying">
            {icons::reply()} <span class="replying-words">{words}</span>
            <button
                class="icon-button quiet"
                type="button"
                aria-label=page.t.cancel
                on:click=clicked(move |_| page.replying.set(None))
            >
                {icons::close()}
            </button>
        </div>
    }
}

/// The keys that are no text: ↑ in an empty box edits the last own message, Esc gives up a reply.
fn command(page: Page, event: &KeyboardEvent) -> bool {
    if event.is_composing() {
        return false;
    }
    let empty = page.composer.get_untracked().is_some_and(|field| field.value().is_empty());
    match event.key().as_str() {
        "ArrowUp" if empty => {
            let last = client::with(|model| model.last_own(model.room())).flatten();
            if last.is_some() {
                event.prevent_default();
                page.editing.set(last);
            }
            last.is_some()
        }
        "Escape" if page.replying.with_untracked(Option::is_some) => {
            page.replying.set(None);
            true
        }
        _ => false,
    }
}

/// Posts the text in the box, if it may be posted, and empties it.
fn post(page: Page, field: &HtmlTextAreaElement, left: RwSignal<Option<i64>>) {
    let typed = field.value();
    let body = typed.trim_end();
    match client::with(|model| model.check_body(body)) {
        Some(Err(RefusalCode::Empty)) | None => return,
        // Too long: the count says so. It stays in the box.
        Some(Err(_)) => return count(page, body, left),
        Some(Ok(())) => {}
    }
    let room = page.room_now();
    let reply_to = page.replying.get_untracked().map(|(seq, _)| seq);
    page.dispatch(Event::Post {
        room: room.clone(),
        cmid: shell::new_cmid(),
        body: body.to_owned(),
        reply_to,
    });
    write(page, field, "", left);
    drafts::save(&room, "");
    page.replying.set(None);
    scroll::to_latest(page);
}

/// After each change by the person.
fn typed(page: Page, field: &HtmlTextAreaElement, left: RwSignal<Option<i64>>) {
    let text = field.value();
    let room = page.room_now();
    drafts::save(&room, &text);
    grow(field);
    count(page, &text, left);
    if !text.is_empty() {
        page.dispatch(Event::Typed { room });
    }
}

fn write(page: Page, field: &HtmlTextAreaElement, text: &str, left: RwSignal<Option<i64>>) {
    field.set_value(text);
    grow(field);
    count(page, text, left);
}

fn count(page: Page, text: &str, left: RwSignal<Option<i64>>) {
    let most = i64::from(page.body_chars.get_untracked());
    left.set((most != 0).then(|| most - text.chars().count() as i64));
}

/// Makes the box as high as its text, for browsers whose `field-sizing` does not; the styles bound it.
fn grow(field: &HtmlTextAreaElement) {
    let style = web_sys::HtmlElement::style(field);
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", field.scroll_height()));
}

/// Ends a composition before the box is emptied: what is being composed would return into it.
fn finish_syllable(field: NodeRef<html::Textarea>) {
    if let Some(field) = field.get_untracked() {
        let _ = field.blur();
        let _ = field.focus();
    }
}

/// Shows the person's own draft of each room.
fn keep_drafts(page: Page, left: RwSignal<Option<i64>>) {
    Effect::new(move |before: Option<bool>| {
        let (room, known) = (page.room.get(), page.alive.get() && page.you.with(Option::is_some));
        let Some(field) = page.composer.get() else { return known };
        // Text typed before the page came alive, or before it knew who types, counts as typed.
        if before != Some(true) && !field.value().is_empty() {
            typed(page, &field, left);
            return known;
        }
        let shown = drafts::known(&room);
        if field.value() != shown {
            write(page, &field, &shown, left);
        }
        drafts::load(&room.clone(), move |text| {
            // Whoever wrote on meanwhile, or left, keeps what they have.
            if page.room_now() == room && field.value() == shown {
                write(page, &field, &text, left);
            }
        });
        known
    });
}
