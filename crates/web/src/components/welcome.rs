//! Notices that the page shows once: to a newcomer, and after a refusal.

use leptos::prelude::*;
use madang_client::Event;

use crate::page::Page;

use super::{anew, clicked, icons};

/// Tells a newcomer who they are here, and invites them to choose a name.
#[component]
pub(super) fn Welcome(page: Page) -> impl IntoView {
    let t = page.t;
    let dismissed = RwSignal::new(false);
    let guest = move || page.you.get().filter(|you| you.nickname.is_empty() && !dismissed.get());
    anew(move || {
        guest().map(|you| {
            view! {
                <div class="welcome">
                    <p>{(t.newcomer)(&you.name)}</p>
                    <button class="button small" type="button" popovertarget="settings">
                        {t.choose_name}
                    </button>
                    <button
                        class="icon-button quiet if-alive"
                        type="button"
                        aria-label=t.dismiss
                        on:click=clicked(move |_| dismissed.set(true))
                    >
                        {icons::close()}
                    </button>
                </div>
            }
        })
    })
}

/// Tells what was refused.
#[component]
pub(super) fn Notice(page: Page) -> impl IntoView {
    let t = page.t;
    view! {
        <div class="notice-place" role="alert">
            {anew(move || {
                page.notice
                    .get()
                    .map(|notice| {
                        let known = (t.refused)(notice.code);
                        let sentence = if known.is_empty() { notice.message } else { known.to_owned() };
                        view! {
                            <div class="notice">
                                <p>{sentence}</p>
                                <button
                                    class="icon-button quiet if-alive"
                                    type="button"
                                    aria-label=t.dismiss
                                    on:click=clicked(move |_| page.dispatch(Event::NoticeDismissed))
                                >
                                    {icons::close()}
                                </button>
                            </div>
                        }
                    })
            })}
        </div>
    }
}
