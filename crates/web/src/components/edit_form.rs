//! A message as a form. Without a script it is a page of its own, which can delete the message, too.

use std::sync::Arc;

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use madang_client::Event;
use madang_protocol::Seq;

use crate::ime::{self, Act, Ime};
use crate::page::Page;
use crate::{client, ime_events, routes, shell};

use super::clicked;

/// The form for the text of a message of one's own. `over`: it takes the place of one that the server rendered.
pub(super) fn edit_form(page: Page, seq: Seq, body: Option<Arc<str>>, over: bool) -> impl IntoView {
    let t = page.t;
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let address = routes::message(&page.room_now(), seq);
    let (save_to, delete_at) = (format!("{address}/edit"), format!("{address}/delete"));
    // The server's rendering does not escape what stands in a text area; in the browser it is a text node.
    let plain = !page.alive.get_untracked();
    let inside = if plain { escaped(&body) } else { body.clone() };
    let field = NodeRef::<html::Textarea>::new();
    let ime = StoredValue::new(Ime::default());
    let done = move || {
        page.editing.set(None);
        if let Some(composer) = page.composer.get_untracked() {
            let _ = composer.focus();
        }
    };
    let save = move || {
        let Some(text) = field.get_untracked().map(|field| field.value()) else { return };
        let unchanged =
            client::with(|model| model.body(model.room(), seq)).flatten().as_deref() == Some(text.as_str());
        if !unchanged {
            page.dispatch(Event::Edit { room: page.room_now(), cmid: shell::new_cmid(), seq, body: text });
        }
        done();
    };
    let react = move |event: ime::Event, prevent: &web_sys::Event| {
        let act = ime.try_update_value(|ime| ime.on(event)).unwrap_or(Act::Pass);
        ime_events::act(act, prevent, save);
    };
    let keydown = move |event: KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            event.prevent_default();
            return done();
        }
        react(ime::Event::Key(ime_events::key(page.enter.get_untracked(), &event)), &event);
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        save();
    };
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            // Text that was typed already stays; so does the place where it is being typed.
            let _ = field.set_default_value(&body);
            if over && document().active_element().is_some_and(|active| active.tag_name() != "BODY") {
                return;
            }
            let _ = field.focus();
            let end = field.value().encode_utf16().count() as u32;
            let _ = field.set_selection_range(end, end);
        }
    });
    view! {
        <form class="edit-form" method="post" action=save_to on:submit=submit>
            <input type="hidden" name="cmid" value=page.form.cmid.to_string() />
            <textarea
                class="input edit-text"
                name="body"
                rows="2"
                aria-label=t.edit_label
                dir="auto"
                enterkeyhint="done"
                node_ref=field
                on:keydown=keydown
                on:beforeinput=move |event| {
                    if ime_events::breaks_line(&event) {
                        react(ime::Event::LineBreak, &event);
                    }
                }
                on:keyup=move |event| {
                    if ime_events::key(page.enter.get_untracked(), &event).enter {
                        react(ime::Event::Released, &event);
                    }
                }
                on:compositionstart=move |event| react(ime::Event::Composing, &event)
                on:compositionend=move |event| react(ime_events::composed(&event), &event)
                on:blur=move |event| react(ime::Event::Left, &event)
            >
                {inside}
            </textarea>
            <div class="edit-buttons">
                <button class="button primary small" type="submit">
                    {t.save}
                </button>
                <a
                    class="button small"
                    href=address
                    on:click=clicked(move |event| {
                        event.prevent_default();
                        done();
                    })
                >
                    {t.cancel}
                </a>
                <span class="hint if-alive">{t.edit_hint}</span>
            </div>
        </form>
        {plain.then(|| {
            view! {
                <form class="edit-delete" method="post" action=delete_at>
                    <input type="hidden" name="cmid" value=page.form.cmid.to_string() />
                    <button class="button small danger" type="submit">
                        {t.delete}
                    </button>
                    <span class="hint">{t.delete_text}</span>
                </form>
            }
        })}
    }
}

/// `text` as it is written inside of a text area, whose first line end does not count.
fn escaped(text: &str) -> String {
    format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_text_area() {
        assert_eq!(escaped("</textarea><b>&amp;"), "\n&lt;/textarea>&lt;b>&amp;amp;");
    }
}
