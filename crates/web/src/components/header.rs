//! The head of a room: its title, and who is here.

use leptos::prelude::*;

use crate::page::Page;

use super::{icons, reacting, words};

/// The head of the room on screen.
#[component]
pub(super) fn RoomHeader(page: Page) -> impl IntoView {
    let t = page.t;
    let others = move || page.lines.with(|lines| lines.iter().any(|line| line.unread != 0 && !line.current));
    let count = move || page.view.with(|view| view.here_count);
    view! {
        <header class="room-header">
            <button class="icon-button menu" class:unread=reacting(others) type="button" popovertarget="rooms" aria-label=t.rooms>
                {icons::menu()}
            </button>
            <h1 id="room-title" class="room-title">
                {words(move || page.title.get())}
            </h1>
            <button class="here-button" type="button" popovertarget="people">
                <span class="hidden">{t.here}</span>
                {icons::people()} <span class="here-count">{words(move || Some(count()).filter(|count| *count != 0).map(t.here_count).unwrap_or_default())}</span>
            </button>
        </header>
    }
}
