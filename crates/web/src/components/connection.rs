//! The connection: in words when it is in trouble, and in attributes always.

use std::time::Duration;

use leptos::prelude::*;
use madang_client::{Event, LinkView};
use madang_protocol::{CloseCode, RefusalCode};

use crate::page::Page;
use crate::shell;
use crate::strings::Strings;

use super::{clicked, reacting, words};

/// State of the connection. Quiet while all is well, and for the first seconds of trouble.
#[component]
pub(super) fn Connection(page: Page) -> impl IntoView {
    let t = page.t;
    let in_trouble = Memo::new(move |_| page.link.with(|link| link.trouble || link.ended.is_some()));
    let seconds = seconds_to_retry(page, in_trouble);
    let sentences = move || {
        let sentence = page.link.with(|link| sentence(link, t));
        match page.unsent.get() {
            0 => sentence.to_owned(),
            count => format!("{sentence} {}", (t.waiting)(count)),
        }
    };
    view! {
        <div
            class="connection"
            class:shown=reacting(move || in_trouble.get())
            data-ready-state=reacting(move || page.link.with(|link| link.ready_state.as_str().to_owned()))
            data-transport=reacting(move || page.link.with(|link| link.transport.as_str().to_owned()))
            data-connected=reacting(move || page.link.with(|link| link.connected.to_string()))
            data-retry-at=reacting(move || page.link.with(|link| link.retry_at.map(|at| at.to_string())))
            data-waiting=reacting(move || page.unsent.get().to_string())
        >
            <p class="connection-words" role="status">
                {words(move || if in_trouble.get() { sentences() } else { String::new() })}
            </p>
            {move || {
                in_trouble
                    .get()
                    .then(|| {
                        view! {
                            // Outside of the status: a countdown would be read out each second.
                            <span class="connection-retry" aria-hidden="true">
                                {words(move || seconds.get().map(t.retry_in).unwrap_or_default())}
                            </span>
                            <button
                                class="button small"
                                type="button"
                                on:click=clicked(move |_| page.dispatch(Event::Reconnect))
                            >
                                {t.retry_now}
                            </button>
                        }
                    })
            }}
        </div>
    }
}

fn sentence(link: &LinkView, t: &Strings) -> &'static str {
    if let Some(code) = link.ended {
        ended(code, t)
    } else if link.offline {
        t.offline
    } else if link.retry_at.is_some() {
        t.lost
    } else {
        t.connecting
    }
}

/// Returns why the server does not want this page back.
fn ended(code: CloseCode, t: &Strings) -> &'static str {
    match code {
        CloseCode::BANNED => t.banned,
        CloseCode::OVER_LIMIT => t.over_limit,
        CloseCode::LOGIN_GONE => (t.refused)(RefusalCode::UnknownLogin),
        CloseCode::PROTOCOL_ERROR => (t.refused)(RefusalCode::BadFrame),
        _ => t.ended,
    }
}

/// The seconds to the next attempt, counted down while they are shown.
fn seconds_to_retry(page: Page, in_trouble: Memo<bool>) -> RwSignal<Option<i64>> {
    let seconds = RwSignal::new(None);
    let look = move || {
        let retry_at = page.link.with_untracked(|link| link.retry_at);
        seconds.set(retry_at.map(|at| (at - shell::now() + 999).max(0) / 1000).filter(|left| *left > 0));
    };
    Effect::new(move |ticking: Option<Option<IntervalHandle>>| {
        if let Some(Some(ticking)) = ticking {
            ticking.clear();
        }
        page.link.track();
        if !in_trouble.get() {
            return None;
        }
        look();
        set_interval_with_handle(look, Duration::from_secs(1)).ok()
    });
    seconds
}
