//! People who are here: a column beside the room on wide pages, otherwise a popover.

use leptos::prelude::*;

use crate::page::Page;
use crate::people::{PersonLine, hue};

use super::marks::marks;
use super::{anew, icons, words};

/// The people in the room on screen.
pub(super) fn people(page: Page) -> impl IntoView {
    let t = page.t;
    let unnamed = move || {
        let listed = page.here.with(Vec::len) as u32;
        page.view.with(|view| view.here_count).saturating_sub(listed)
    };
    view! {
        <div class="people-head">
            <h2 id="people-title" class="caption">
                {t.here}
            </h2>
            <button
                class="icon-button drawer-close"
                type="button"
                popovertarget="people"
                popovertargetaction="hide"
                aria-label=t.close
            >
                {icons::close()}
            </button>
        </div>
        <ul class="people-list">
            // Few, without a state of their own: simply drawn anew.
            {anew(move || {
                page.here
                    .get()
                    .into_iter()
                    .map(|person| view! { <li>{person_line(page, person)}</li> })
                    .collect_view()
            })}
        </ul>
        <p class="people-more">
            {words(move || match (unnamed(), page.here.with(Vec::is_empty)) {
                (0, true) => t.nobody.to_owned(),
                (0, false) => String::new(),
                (more, _) => (t.more_people)(more),
            })}
        </p>
    }
}

fn person_line(page: Page, person: PersonLine) -> impl IntoView {
    let initial = person.initial();
    view! {
        <span class="person">
            <span class="avatar" data-hue=hue(&person.id) aria-hidden="true" translate="no">
                {initial}
            </span>
            <span class="person-name" dir="auto" translate="no">
                {person.name.to_string()}
            </span>
            {marks(page, &person.id, person.marks)}
            {person.you.then(|| view! { <span class="person-you">{page.t.you}</span> })}
        </span>
    }
}
