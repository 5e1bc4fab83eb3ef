//! The timeline of a room: a window of rows, what stands at its ends, and the way back to the newest.

use leptos::either::EitherOf3;
use leptos::ev::{FocusEvent, KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use madang_client::RowKey;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget, HtmlElement};

use crate::client;
use crate::page::{Page, RowItem};
use crate::rowkey;
use crate::scroll;
use crate::steps::stepwise;
use crate::time::iso_day;

use super::message::message;
use super::{anew, clicked, focus_soon, icons, logo, reacting, words};

/// The log of the room on screen.
#[component]
pub(super) fn Timeline(page: Page) -> impl IntoView {
    let t = page.t;
    let label = reacting(move || page.title.with(|room| (t.messages)(room)));
    let busy =
        reacting(move || page.view.with(|view| (view.loading_before || view.loading_after).to_string()));
    view! {
        <div class="log-frame">
            <div
                class="log"
                role="log"
                aria-live="polite"
                aria-label=label
                aria-busy=busy
                tabindex="0"
                node_ref=page.log
                on:scroll=move |_| {
                    if page.alive.get_untracked() {
                        scroll::settle(page, false);
                    }
                }
                on:keydown=move |event| walk(&event)
                on:pointerover=move |event| touch(page, event.unchecked_ref(), Touch::Over)
                on:pointerleave=move |_| page.hovered.set(None)
                on:focusout=move |event| leave(page, &event)
                on:focusin=move |event| touch(page, event.unchecked_ref(), Touch::Focus)
                on:click=clicked(move |event| touch(page, &event, Touch::Press))
            >
                <div class="rows">
                    {top(page)}
                    <For each=move || page.rows.get() key=|item| (item.look, item.key) let:item>
                        {stepwise(move || row(page, item))}
                    </For>
                    {bottom(page)}
                </div>
            </div>
            {nothing(page)} {jump(page)}
        </div>
        <p class="typing" aria-live="polite">
            {words(move || page.typing.get())}
        </p>
    }
}

fn row(page: Page, item: RowItem) -> impl IntoView {
    match (item.key, item.message) {
        (key, Some(line)) => EitherOf3::C(message(page, key, line)),
        (RowKey::Day(day), None) => EitherOf3::A(view! {
            <div class="day">
                <time class="day-name" datetime=iso_day(day)>
                    {words(move || client::day_name(page.clock, day, page.t))}
                </time>
            </div>
        }),
        _ => EitherOf3::B(view! {
            <div class="new-line">
                <span>{page.t.new}</span>
            </div>
        }),
    }
}

/// Above the oldest row: the way to older ones, or the beginning.
fn top(page: Page) -> impl IntoView {
    let t = page.t;
    let state = Memo::new(move |_| {
        let (before, loading, loaded) =
            page.view.with(|view| (view.before, view.loading_before, view.loaded));
        (before, loading, loaded && page.rows.with(|rows| !rows.is_empty()))
    });
    anew(move || match state.get() {
        (true, loading, _) if page.alive.get() => {
            EitherOf3::A(view! { <p class="end">{if loading { t.loading } else { "" }}</p> })
        }
        (true, ..) => EitherOf3::B(plain_link(page, "before", page.rows.with(|rows| oldest(rows)), t.older)),
        (false, _, true) => EitherOf3::A(view! { <p class="end">{t.beginning}</p> }),
        (false, _, false) => EitherOf3::C(()),
    })
}

/// Below the newest row of a window that is not the newest.
fn bottom(page: Page) -> impl IntoView {
    let t = page.t;
    let state = Memo::new(move |_| page.view.with(|view| (view.after, view.loading_after)));
    anew(move || match (state.get(), page.alive.get()) {
        ((true, loading), true) => {
            EitherOf3::A(view! { <p class="end">{if loading { t.loading } else { "" }}</p> })
        }
        ((true, _), false) => {
            EitherOf3::B(plain_link(page, "after", page.rows.with(|rows| oldest(rows.iter().rev())), t.newer))
        }
        ((false, _), _) => EitherOf3::C(()),
    })
}

/// A link that pages without a script.
fn plain_link(page: Page, direction: &str, from: Option<u64>, words: &'static str) -> impl IntoView {
    let href = from.map(|seq| format!("/r/{}?{direction}={seq}", page.room_now()));
    view! {
        <p class="end">
            <a class="button small" href=href>
                {words}
            </a>
        </p>
    }
}

/// The first seq of some rows.
fn oldest<'a>(rows: impl IntoIterator<Item = &'a RowItem>) -> Option<u64> {
    rows.into_iter().find_map(|item| item.message.as_ref()?.with_untracked(|line| line.row.seq))
}

/// In place of the rows: the quiet courtyard, or the word that there is no such room.
fn nothing(page: Page) -> impl IntoView {
    let t = page.t;
    let state = Memo::new(move |_| {
        let (gone, loaded) = page.view.with(|view| (view.gone, view.loaded));
        (gone, loaded, page.rows.with(Vec::is_empty))
    });
    anew(move || match state.get() {
        // One that was closed on screen: the composer says so.
        (true, true, _) => EitherOf3::C(None),
        (true, false, _) => EitherOf3::A(view! {
            <div class="nothing">
                {logo::courtyard()} <h2>{t.gone_title}</h2> <p>{t.gone_text}</p>
                <a class="button" href="/r/lobby">
                    {t.to_lobby}
                </a>
            </div>
        }),
        (false, true, true) => EitherOf3::B(view! {
            <div class="nothing">{logo::courtyard()} <h2>{t.empty_title}</h2> <p>{t.empty_text}</p></div>
        }),
        (false, loaded, _) => EitherOf3::C((!loaded).then(|| view! { <p class="nothing">{t.loading}</p> })),
    })
}

/// The way back to the newest message, with the count of those received meanwhile.
fn jump(page: Page) -> impl IntoView {
    let t = page.t;
    let away = Memo::new(move |_| {
        page.alive.get() && !page.at_bottom.get() && page.view.with(|view| view.loaded && !view.gone)
    });
    let label = move || match page.view.with(|view| view.fresh) {
        0 => t.latest.to_owned(),
        fresh => (t.fresh)(fresh),
    };
    // The button stays while it is wanted: it may have the focus.
    move || {
        away.get().then(|| {
            view! {
                <button class="jump" type="button" on:click=clicked(move |_| scroll::to_latest(page))>
                    {icons::down()} <span>{words(label)}</span>
                </button>
            }
        })
    }
}

/// Gestures on a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Touch {
    Over,
    Focus,
    Press,
}

/// Shows the actions of the row that is pointed at, focused or pressed. One listener serves all rows.
fn touch(page: Page, event: &MouseEvent, touch: Touch) {
    if !page.alive.get_untracked() {
        return;
    }
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let row = target.closest("[data-key]").ok().flatten();
    let key = row.as_ref().and_then(|row| rowkey::parse(&row.get_attribute("data-key")?));
    let more = target.closest(".more").ok().flatten().is_some();
    match touch {
        // A finger passes over rows as it scrolls.
        Touch::Over if is_finger(event) => {}
        Touch::Over => show_actions(page.hovered, key),
        // The actions take the place of this link: it must not vanish under the focus.
        Touch::Focus if more => {}
        Touch::Focus => show_actions(page.active, key),
        Touch::Press if more => {
            event.prevent_default();
            show_actions(page.active, key);
            focus_soon(row, ".tool");
        }
        Touch::Press => {}
    }
}

/// Hides the actions of the row that loses the focus. Not if another place in a row gets it: the actions may be
/// that place, and would be gone before they had it. And not for the link that they replace.
fn leave(page: Page, event: &FocusEvent) {
    let element = |target: Option<EventTarget>| target.and_then(|target| target.dyn_into::<Element>().ok());
    let to_row =
        element(event.related_target()).is_some_and(|to| matches!(to.closest("[data-key]"), Ok(Some(_))));
    let from_link = element(event.target()).is_some_and(|from| from.class_list().contains("more"));
    if !to_row && !from_link {
        page.active.set(None);
    }
}

fn show_actions(whose: RwSignal<Option<RowKey>>, key: Option<RowKey>) {
    if whose.get_untracked() != key {
        whose.set(key);
    }
}

fn is_finger(event: &MouseEvent) -> bool {
    event.dyn_ref::<web_sys::PointerEvent>().is_some_and(|event| event.pointer_type() == "touch")
}

/// The arrow keys walk over the messages while the log, or a message in it, has the focus.
fn walk(event: &KeyboardEvent) {
    if event.alt_key() || event.ctrl_key() || event.meta_key() || event.shift_key() {
        return;
    }
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let on_log = target.class_list().contains("log");
    if !on_log && !target.class_list().contains("message") {
        return;
    }
    let Ok(Some(log)) = target.closest(".log") else { return };
    let Ok(rows) = log.query_selector_all(".message") else { return };
    let at = (0..rows.length()).find(|at| rows.item(*at).is_some_and(|row| row.is_same_node(Some(&target))));
    let last = rows.length().checked_sub(1);
    let to = match (event.key().as_str(), at) {
        ("ArrowUp", Some(at)) => at.checked_sub(1),
        ("ArrowUp", None) | ("End", _) => last,
        ("ArrowDown", Some(at)) => Some(at + 1).filter(|at| Some(*at) <= last),
        ("Home", _) => last.map(|_| 0),
        _ => return,
    };
    if let Some(row) = to.and_then(|to| rows.item(to)).and_then(|row| row.dyn_into::<HtmlElement>().ok()) {
        event.prevent_default();
        let _ = row.focus();
    }
}
