//! Nickname, language, colours and keys. A popover with plain forms: it works before and without a script.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use madang_client::{Enter, Event, Locale, Theme};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::page::Page;
use crate::shell::{self, RequestError};
use crate::{client, routes};

use super::{icons, reacting, words};

/// Contents of the settings' popover.
pub(super) fn settings(page: Page) -> impl IntoView {
    let t = page.t;
    view! {
        <div class="settings-head">
            <h2 id="settings-title">{t.settings}</h2>
            <button
                class="icon-button"
                type="button"
                popovertarget="settings"
                popovertargetaction="hide"
                aria-label=t.close
            >
                {icons::close()}
            </button>
        </div>
        <NameForm page />
        <Look page />
    }
}

#[component]
fn NameForm(page: Page) -> impl IntoView {
    let t = page.t;
    let field = NodeRef::<html::Input>::new();
    let (answer, refused) = (RwSignal::new(String::new()), RwSignal::new(false));
    // An attribute, which browsers show as long as nobody typed: it follows what they are called elsewhere.
    let nickname = move || page.you.with(|you| you.as_ref().map(|you| you.nickname.to_string()));
    let submit = move |event: SubmitEvent| {
        let (Some(shell), Some(field)) = (client::shell(), field.get_untracked()) else { return };
        event.prevent_default();
        leptos::task::spawn_local(async move {
            let typed = field.value();
            let chosen = shell::choose_name(&shell, &typed).await;
            // The typed name is the name now, and counts as typed no longer.
            if let (Ok(()), Some(form), true) = (&chosen, field.form(), field.value() == typed) {
                form.reset();
            }
            refused.set(chosen.is_err());
            let words = match chosen {
                Ok(()) => t.saved,
                Err(RequestError::Unreachable) => t.unreachable,
                Err(RequestError::Refused(notice)) => (t.refused)(notice.code),
            };
            answer.set(words.to_owned());
        });
    };
    view! {
        <form class="settings-part" method="post" action="/me" on:submit=submit>
            <input type="hidden" name="back" value=reacting(move || routes::room(&page.room.get())) />
            <label class="field">
                <span class="field-label">{t.nickname}</span>
                <input
                    class="input"
                    name="name"
                    value=reacting(nickname)
                    required
                    maxlength="40"
                    dir="auto"
                    autocomplete="nickname"
                    aria-describedby="nickname-hint"
                    node_ref=field
                    on:input=move |_| answer.set(String::new())
                />
            </label>
            <p id="nickname-hint" class="hint">
                {t.nickname_hint}
            </p>
            <p class="answer" class:problem=reacting(move || refused.get()) role="status">
                {words(move || answer.get())}
            </p>
            <button class="button primary" type="submit">
                {t.save}
            </button>
        </form>
    }
}

/// Language, colours and what Enter does. With a script these change at once, and a language loads the page anew in it.
#[component]
fn Look(page: Page) -> impl IntoView {
    let t = page.t;
    let language = page.form.language.map_or("auto", Locale::as_str);
    let enter = page.enter.get_untracked().as_str();
    let change = move |event: web_sys::Event| {
        let Some(field) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
            return;
        };
        match (&*field.name(), field.form()) {
            ("theme", _) => wear(page, &field.value()),
            ("enter", _) => {
                page.enter.set(Enter::from_value(&field.value()).unwrap_or_default());
                keep("enter", field.value());
            }
            (_, Some(form)) => drop(form.submit()),
            _ => {}
        }
    };
    view! {
        <form class="settings-part" method="post" action="/settings" on:change=change>
            <input type="hidden" name="back" value=reacting(move || routes::room(&page.room.get())) />
            <fieldset class="choice">
                <legend class="field-label">{t.language}</legend>
                {option("locale", "auto", language, t.automatic, None)}
                {option("locale", "en", language, "English", Some("en"))}
                {option("locale", "ko", language, "한국어", Some("ko"))}
            </fieldset>
            <fieldset class="choice">
                <legend class="field-label">{t.theme}</legend>
                {option("theme", "auto", page.form.theme.as_str(), t.automatic, None)}
                {option("theme", "light", page.form.theme.as_str(), t.light, None)}
                {option("theme", "dark", page.form.theme.as_str(), t.dark, None)}
            </fieldset>
            <fieldset class="choice">
                <legend class="field-label">{t.enter}</legend>
                {option("enter", "auto", enter, t.automatic, None)}
                {option("enter", "always", enter, t.enter_sends, None)}
                {option("enter", "never", enter, t.enter_breaks, None)}
                <p class="hint">{t.enter_hint}</p>
            </fieldset>
            <button class="button plain-only" type="submit">
                {t.apply}
            </button>
        </form>
    }
}

fn option(
    name: &'static str,
    value: &'static str,
    chosen: &str,
    words: &'static str,
    lang: Option<&'static str>,
) -> impl IntoView + use<> {
    view! {
        <label class="option">
            <input type="radio" name=name value=value checked=value == chosen />
            <span lang=lang translate=lang.map(|_| "no")>{words}</span>
        </label>
    }
}

/// Shows the page in this theme, and keeps the choice.
fn wear(page: Page, value: &str) {
    let Some(theme) = Theme::from_value(value) else { return };
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme.as_str());
    }
    page.dispatch(Event::ThemeChosen(theme));
    keep("theme", value.to_owned());
}

fn keep(name: &'static str, value: String) {
    leptos::task::spawn_local(async move {
        // It is in force here; if it cannot be kept now, the next visit begins without it.
        let _ = shell::save_setting(name, &value).await;
    });
}
