//! From a text box's events to [`crate::ime`], and back.

use std::time::Duration;

use leptos::prelude::{set_timeout, window};
use madang_client::Enter;
use web_sys::{CompositionEvent, InputEvent, KeyboardEvent};

use crate::ime::{Act, Event, Key};

/// The keyCode of a key that the input method took.
const IME_KEY: u32 = 229;

/// A `keydown` or `keyup`, where Enter does what `choice` says.
pub(crate) fn key(choice: Enter, event: &KeyboardEvent) -> Key {
    let ime = event.key_code() == IME_KEY;
    // With an input method, `key` is "Process" or "Unidentified", and only `code` tells.
    let enter = event.key() == "Enter" || (ime && matches!(event.code().as_str(), "Enter" | "NumpadEnter"));
    // With Ctrl it sends where it breaks the line by itself, so that a keyboard never needs the button.
    let command = event.ctrl_key() || event.meta_key();
    Key {
        enter,
        modified: event.shift_key() || event.alt_key() || command != (enter && !sends(choice)),
        composing: event.is_composing(),
        ime,
        repeat: event.repeat(),
    }
}

/// Returns true if Enter sends, as it was chosen. By itself it does but on a touch screen without a mouse, whose
/// keyboard has no Shift to hold: there it makes a line, and the button sends.
fn sends(choice: Enter) -> bool {
    match choice {
        Enter::Always => true,
        Enter::Never => false,
        Enter::Auto => {
            let media = window().match_media("(pointer: coarse) and (hover: none)");
            !media.ok().flatten().is_some_and(|media| media.matches())
        }
    }
}

/// Returns true if a `beforeinput` would break the line.
pub(crate) fn breaks_line(event: &InputEvent) -> bool {
    matches!(event.input_type().as_str(), "insertLineBreak" | "insertParagraph")
}

/// A `compositionend`.
pub(crate) fn composed(event: &CompositionEvent) -> Event {
    let hangul = event.data().and_then(|text| text.chars().next_back()).is_some_and(|last| {
        matches!(last, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}')
    });
    Event::Composed { hangul }
}

/// Does what was decided about `event`.
pub(crate) fn act(act: Act, event: &web_sys::Event, send: impl Fn() + 'static) {
    match act {
        Act::Pass => {}
        Act::Swallow => event.prevent_default(),
        Act::Send => {
            event.prevent_default();
            send();
        }
        Act::SendSoon => set_timeout(send, Duration::ZERO),
    }
}
