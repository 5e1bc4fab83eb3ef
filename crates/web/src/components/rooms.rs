//! The rooms: a column beside the room, and a drawer over it on a phone.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use madang_client::RoomLine;

use crate::page::Page;
use crate::routes::{self, Place};
use crate::shell::{self, RequestError};
use crate::{client, navigation};

use super::logo::mark;
use super::{anew, icons, reacting, words, you};

/// The list of rooms. As a popover it opens and closes without a script, too; wide pages show it always.
#[component]
pub(super) fn Rooms(page: Page) -> impl IntoView {
    let t = page.t;
    view! {
        <nav id="rooms" class="rooms" popover="auto" aria-label=t.rooms>
            <div class="rooms-head">
                <a class="brand" href="/r/lobby" title=t.description>
                    {mark()}
                    <span class="brand-name" translate="no">"Madang"</span>
                    <span class="brand-hangul" lang="ko" translate="no">"마당"</span>
                </a>
                <button
                    class="icon-button drawer-close"
                    type="button"
                    popovertarget="rooms"
                    popovertargetaction="hide"
                    aria-label=t.close
                >
                    {icons::close()}
                </button>
            </div>
            <ul class="room-list">
                <For each=move || page.lines.get() key=|line| line.room.clone() let:line>
                    <li>{room_link(page, line)}</li>
                </For>
            </ul>
            <NewRoom page />
            <div class="rooms-foot">
                {you::button(page)}
            </div>
        </nav>
    }
}

fn room_link(page: Page, first: RoomLine) -> impl IntoView {
    let room = first.room.clone();
    let href = routes::room(&room);
    // A line that changes stays the same link: it may have the keyboard's focus.
    let line = Memo::new(move |_| {
        page.lines.with(|lines| lines.iter().find(|line| line.room == room).cloned()).unwrap_or(first.clone())
    });
    let unread = Memo::new(move |_| line.with(|line| line.unread));
    view! {
        <a
            class="room-link"
            class:unread=reacting(move || unread.get() != 0)
            href=href
            aria-current=reacting(move || line.with(|line| line.current.then(|| "page".to_owned())))
        >
            <span class="room-name" dir="auto">
                {words(move || line.with(|line| page.t.room(&line.room, &line.title)))}
            </span>
            {anew(move || match unread.get() {
                0 => None,
                unread => Some(badge(unread, (page.t.unread)(unread))),
            })}
        </a>
    }
}

fn badge(unread: u32, words: String) -> impl IntoView {
    view! {
        <span class="badge" aria-hidden="true" translate="no">
            {if unread >= 1000 { "999+".to_owned() } else { unread.to_string() }}
        </span>
        <span class="hidden">{words}</span>
    }
}

/// The form that opens a room.
#[component]
fn NewRoom(page: Page) -> impl IntoView {
    let t = page.t;
    let problem = RwSignal::new(String::new());
    let title = NodeRef::<leptos::html::Input>::new();
    let submit = move |event: SubmitEvent| {
        let (Some(shell), Some(input)) = (client::shell(), title.get_untracked()) else { return };
        event.prevent_default();
        leptos::task::spawn_local(async move {
            match shell::open_room(&shell, &input.value()).await {
                Ok(room) => {
                    input.set_value("");
                    problem.set(String::new());
                    if let Ok(Some(details)) = input.closest("details") {
                        let _ = details.remove_attribute("open");
                    }
                    navigation::go(page, Place { room, message: None });
                }
                Err(RequestError::Unreachable) => problem.set(t.unreachable.to_owned()),
                Err(RequestError::Refused(notice)) => problem.set((t.refused)(notice.code).to_owned()),
            }
        });
    };
    view! {
        <details class="new-room">
            <summary>{icons::plus()} <span>{t.open_room}</span></summary>
            <form method="post" action="/rooms" on:submit=submit>
                <input type="hidden" name="back" value=reacting(move || routes::room(&page.room.get())) />
                <label class="field">
                    <span class="field-label">{t.room_title}</span>
                    <input
                        class="input"
                        name="title"
                        required
                        maxlength="80"
                        autocomplete="off"
                        placeholder=t.room_title_example
                        node_ref=title
                    />
                </label>
                <p class="problem" role="alert">
                    {words(move || problem.get())}
                </p>
                <button class="button primary" type="submit">
                    {t.open}
                </button>
            </form>
        </details>
    }
}
