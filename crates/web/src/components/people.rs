//! People who are here: a column beside the room on wide pages, otherwise a popover.

use leptos::prelude::*;
use madang_client::RoomView;

use crate::people::{PersonLine, hue};
use crate::strings::Strings;

use super::marks::marks;
use super::{anew, icons, words};

/// The people who are `here`, and how many more are in the room of `view`.
pub(super) fn people(
    t: &'static Strings,
    here: RwSignal<Vec<PersonLine>>,
    view: RwSignal<RoomView>,
) -> impl IntoView {
    let unnamed = move || {
        let listed = here.with(Vec::len) as u32;
        view.with(|view| view.here_count).saturating_sub(listed)
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
                here.get()
                    .into_iter()
                    .map(|person| view! { <li>{person_line(t, person)}</li> })
                    .collect_view()
            })}
        </ul>
        <p class="people-more">
            {words(move || match (unnamed(), here.with(Vec::is_empty)) {
                (0, true) => t.nobody.to_owned(),
                (0, false) => String::new(),
                (more, _) => (t.more_people)(more),
            })}
        </p>
    }
}

fn person_line(t: &'static Strings, person: PersonLine) -> impl IntoView {
    let initial = person.initial();
    view! {
        <span class="person">
            <span class="avatar" data-hue=hue(&person.id) aria-hidden="true" translate="no">
                {initial}
            </span>
            <span class="person-name" dir="auto" translate="no">
                {person.name.to_string()}
            </span>
            {marks(t, &person.id, person.marks)}
            {person.you.then(|| view! { <span class="person-you">{t.you}</span> })}
        </span>
    }
}
