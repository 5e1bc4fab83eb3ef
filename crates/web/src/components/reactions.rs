//! Reactions to a message: a chip for each emoji, and a few emoji to choose from. Without a script they are the buttons
//! of a form.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use madang_client::Event;
use madang_protocol::Seq;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::page::{Chip, MessageLine, Page};
use crate::{routes, shell};

use super::clicked;

/// Emoji to choose from.
const CHOICES: [&str; 6] = ["👍", "❤️", "😂", "🎉", "😮", "😢"];

/// Renders the chips of a message; or, in its actions, the emoji to choose from while `choosing`, which a choice ends. On
/// the page of one message they follow its chips, for a page without a script.
pub(super) fn reactions(
    page: Page,
    line: &MessageLine,
    choosing: Option<RwSignal<bool>>,
) -> Option<impl IntoView + use<>> {
    let seq = line.row.seq.filter(|_| line.row.body.is_some())?;
    let (mut chips, offers) = match choosing {
        Some(choosing) => (Vec::new(), choosing.get()),
        None => (line.chips.clone(), line.row.focus),
    };
    if offers {
        for emoji in CHOICES {
            let mine = line.chips.iter().any(|chip| chip.mine && chip.emoji == emoji);
            chips.push(Chip { emoji: emoji.to_owned(), count: 0, mine, title: String::new() });
        }
    }
    if chips.is_empty() {
        return None;
    }
    // The button after them leads to all emoji.
    chips.push(Chip { title: page.t.more_emoji.to_owned(), ..Chip::default() });
    let action = format!("{}/react", routes::message(&page.room_now(), seq));
    let buttons: Vec<_> = chips.into_iter().map(|chip| button(page, seq, chip, choosing)).collect();
    Some(view! {
        <form class="reactions" method="post" action=action translate="no">
            {buttons}
        </form>
    })
}

fn button(page: Page, seq: Seq, chip: Chip, choosing: Option<RwSignal<bool>>) -> impl IntoView + use<> {
    let Chip { emoji, count, mine, title } = chip;
    let named = !emoji.is_empty();
    let shown = if count == 0 { emoji.clone() } else { format!("{emoji} {count}") };
    let value = emoji.clone();
    let press = clicked(move |event| {
        if !page.alive.get_untracked() {
            return;
        }
        event.prevent_default();
        if !named {
            return page.picking.set(Some(seq));
        }
        if choosing.is_some() || (mine && count == 1) {
            focus_row(&event);
        }
        if let Some(choosing) = choosing {
            choosing.set(false);
        }
        let (room, cmid, emoji) = (page.room_now(), shell::new_cmid(), emoji.clone());
        page.dispatch(Event::React { room, cmid, seq, emoji, on: !mine });
    });
    view! {
        <button
            class=if named { "chip" } else { "all-emoji" }
            name=if mine { "unreact" } else { "react" }
            value=value
            title=title
            aria-pressed=named.then_some(if mine { "true" } else { "false" })
            on:click=press
        >
            {shown}
        </button>
    }
}

/// Gives the focus to the row of a button that goes away when it is pressed.
fn focus_row(event: &MouseEvent) {
    let button = event.current_target().map(JsCast::unchecked_into::<Element>);
    if let Some(row) = button.and_then(|button| button.closest(".message").ok().flatten()) {
        let _ = row.unchecked_into::<HtmlElement>().focus();
    }
}
