//! The button that opens the settings, with the name and the avatar of the reader.

use leptos::prelude::*;

use crate::page::Page;
use crate::people::hue;

use super::{icons, words};

/// The button that opens the settings: it shows who one is.
pub(super) fn button(page: Page) -> impl IntoView {
    let name = move || page.you.get().map(|you| you.name.to_string()).unwrap_or_default();
    let initial = move || page.you.get().map(|you| you.initial()).unwrap_or_default();
    let hue = page.you.with_untracked(|you| you.as_ref().map(|you| hue(&you.id)));
    view! {
        <button class="you" type="button" popovertarget="settings">
            <span class="avatar" data-hue=hue aria-hidden="true" translate="no">
                {words(initial)}
            </span>
            <span class="you-name" dir="auto" translate="no">
                {words(name)}
            </span>
            <span class="hidden">{page.t.settings}</span>
            {icons::settings()}
        </button>
    }
}
