//! Nickname, language, colours and keys. A popover with plain forms: it works before and without a script.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use madang_client::{Enter, Event, Locale, Theme};
use madang_protocol::RoomId;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::page::PlainForm;
use crate::people::PersonLine;
use crate::shell::{self, RequestError};
use crate::strings::Strings;
use crate::{client, routes};

use super::{icons, reacting, words};

/// Contents of the settings' popover. Without a script, one goes back from them to `room`.
pub(super) fn settings(
    t: &'static Strings,
    room: RwSignal<RoomId>,
    you: RwSignal<Option<PersonLine>>,
    form: PlainForm,
    enter: RwSignal<Enter>,
) -> impl IntoView {
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
        {name_form(t, room, you)} {look(t, room, form, enter)}
    }
}

fn name_form(
    t: &'static Strings,
    room: RwSignal<RoomId>,
    you: RwSignal<Option<PersonLine>>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let (answer, refused) = (RwSignal::new(String::new()), RwSignal::new(false));
    // An attribute, which browsers show as long as nobody typed: it follows what they are called elsewhere.
    let nickname = move || you.with(|you| you.as_ref().map(|you| you.nickname.to_string()));
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
            <input type="hidden" name="back" value=reacting(move || routes::room(&room.get())) />
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
fn look(
    t: &'static Strings,
    room: RwSignal<RoomId>,
    form: PlainForm,
    enter: RwSignal<Enter>,
) -> impl IntoView {
    let (language, theme) = (form.language.map_or("auto", Locale::as_str), form.theme.as_str());
    let keys = enter.get_untracked().as_str();
    let change = move |event: web_sys::Event| {
        let Some(field) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
            return;
        };
        match (&*field.name(), field.form()) {
            ("theme", _) => wear(&field.value()),
            ("enter", _) => {
                enter.set(Enter::from_value(&field.value()).unwrap_or_default());
                keep("enter", field.value());
            }
            (_, Some(form)) => drop(form.submit()),
            _ => {}
        }
    };
    view! {
        <form class="settings-part" method="post" action="/settings" on:change=change>
            <input type="hidden" name="back" value=reacting(move || routes::room(&room.get())) />
            <fieldset class="choice">
                <legend class="field-label">{t.language}</legend>
                {option("locale", "auto", language, t.automatic, None)}
                {option("locale", "en", language, "English", Some("en"))}
                {option("locale", "ko", language, "한국어", Some("ko"))}
            </fieldset>
            <fieldset class="choice">
                <legend class="field-label">{t.theme}</legend>
                {option("theme", "auto", theme, t.automatic, None)}
                {option("theme", "light", theme, t.light, None)}
                {option("theme", "dark", theme, t.dark, None)}
            </fieldset>
            <fieldset class="choice">
                <legend class="field-label">{t.enter}</legend>
                {option("enter", "auto", keys, t.automatic, None)}
                {option("enter", "always", keys, t.enter_sends, None)}
                {option("enter", "never", keys, t.enter_breaks, None)}
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
fn wear(value: &str) {
    let Some(theme) = Theme::from_value(value) else { return };
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme.as_str());
    }
    client::dispatch(Event::ThemeChosen(theme));
    keep("theme", value.to_owned());
}

fn keep(name: &'static str, value: String) {
    leptos::task::spawn_local(async move {
        // It is in force here; if it cannot be kept now, the next visit begins without it.
        let _ = shell::save_setting(name, &value).await;
    });
}
