//! Actions on a message. Only the row that is pointed at, focused or pressed has them.

use std::time::Duration;

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::page::{MessageLine, Page};
use crate::routes;

use super::panels::fetch_picker_ahead;
use super::reactions::reactions;
use super::{clicked, focus_soon, icons, reacting};

/// The actions for the message of `line`.
#[component]
pub(super) fn Tools(page: Page, line: RwSignal<MessageLine>) -> impl IntoView {
    let (t, now) = (page.t, line);
    line.with_untracked(|line| {
        let seq = line.row.seq?;
        line.row.body.as_ref()?;
        fetch_picker_ahead();
        let (mine, name) = (line.row.mine, line.name.clone());
        let path = routes::message(&page.room_now(), seq);
        let href = path.clone();
        let reply = move |_| {
            page.replying.set(Some((seq, name.clone())));
            if let Some(composer) = page.composer.get_untracked() {
                let _ = composer.focus();
            }
        };
        let choosing = RwSignal::new(false);
        let offered = reacting(move || now.with_untracked(|line| reactions(page, line, Some(choosing))));
        let own = mine.then(|| {
            view! {
                <button class="tool" type="button" title=t.edit aria-label=t.edit on:click=clicked(move |_| page.editing.set(Some(seq)))>
                    {icons::edit()}
                </button>
                <button
                    class="tool danger"
                    type="button"
                    title=t.delete
                    aria-label=t.delete
                    on:click=clicked(move |_| page.deleting.set(Some(seq)))
                >
                    {icons::bin()}
                </button>
            }
        });
        Some(view! {
            <div class="tools" role="group" aria-label=t.actions>
                <button class="tool" type="button" title=t.reply aria-label=t.reply on:click=clicked(reply)>
                    {icons::reply()}
                </button>
                <a class="tool" title=t.copy_link aria-label=t.copy_link href=href on:click=clicked(move |event| copy(page, &path, &event))>
                    {icons::link()}
                </a>
                {own} {offered}
                <button
                    class="tool"
                    type="button"
                    title=t.react
                    aria-label=t.react
                    aria-expanded=reacting(move || choosing.get().to_string())
                    on:click=clicked(move |event| choose(choosing, &event))
                >
                    {icons::smile()}
                </button>
            </div>
        })
    })
}

/// Shows the emoji to choose from in place of the other actions, with the focus on the first; or these again.
fn choose(choosing: RwSignal<bool>, event: &MouseEvent) {
    choosing.update(|choosing| *choosing = !*choosing);
    let button = event.current_target().map(JsCast::unchecked_into::<Element>);
    focus_soon(button.and_then(|button| button.parent_element()), ".chip");
}

/// Copies the permanent link. Where a page may not write to the clipboard (plain HTTP from another machine),
/// the click follows the link, and it stands in the address bar.
fn copy(page: Page, path: &str, event: &MouseEvent) {
    if !window().is_secure_context() {
        return;
    }
    event.prevent_default();
    let origin = window().location().origin().unwrap_or_default();
    let written = window().navigator().clipboard().write_text(&format!("{origin}{path}"));
    spawn_local(async move {
        if wasm_bindgen_futures::JsFuture::from(written).await.is_ok() {
            say(page, page.t.link_copied);
        }
    });
}

/// Shows a short confirmation.
fn say(page: Page, words: &'static str) {
    page.said.set(words.to_owned());
    set_timeout(move || page.said.set(String::new()), Duration::from_secs(3));
}
