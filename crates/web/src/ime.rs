//! One press of Enter is one whole message, with a Korean keyboard too.
//!
//! While a syllable is being composed, the browser may report the Enter that ends the composition before
//! `compositionend` (Chromium, Firefox) or after it (Safari). Sending on the keydown would send without the last
//! syllable and leave it behind in the box; ignoring the keydown would cost a second press. So an Enter during
//! composition is remembered, and acted upon once, when the composition has ended and the text is whole.
//!
//! Pure: the composer feeds it the events and does what it returns.

/// Events of the composer's text box, in the browser's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// `compositionstart` or `compositionupdate`.
    Composing,
    /// `compositionend`.
    Composed {
        /// The text that was composed is Hangul: its Enter ends the message. In other scripts it picks a
        /// candidate, and the person goes on.
        hangul: bool,
    },
    /// `keydown`.
    Key(Key),
    /// `beforeinput` that would break the line. Some browsers carry out the Enter that ended a composition
    /// without a keydown of its own.
    LineBreak,
    /// `keyup` of Enter: the press is over.
    Released,
    /// `blur`: the composition, if any, is over, and a remembered Enter is not meant any more.
    Left,
}

/// A `keydown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// It is Enter, by `key` or, where the input method hides that, by `code`.
    pub(crate) enter: bool,
    /// Shift, Alt, Ctrl or Meta is held: no sending.
    pub(crate) modified: bool,
    /// The event's `isComposing`.
    pub(crate) composing: bool,
    /// The event's `keyCode` is 229: the input method took the key.
    pub(crate) ime: bool,
    /// The key is held down and repeats.
    pub(crate) repeat: bool,
}

/// Actions of the composer about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing; the browser goes on.
    Pass,
    /// Prevent the browser's own action: no line break, no second message.
    Swallow,
    /// Send the text in the box now, and prevent the browser's own action.
    Send,
    /// Send once the browser has written the composed text: in a task of its own, after this event.
    SendSoon,
}

/// The state between events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ime {
    composing: bool,
    /// Enter was pressed during the composition.
    wanted: bool,
    /// This press has sent already; whatever else the browser makes of it is swallowed.
    sent: bool,
    /// The composition that just ended was not Hangul; Safari still reports the Enter that ended it.
    picked: bool,
}

impl Ime {
    /// Takes one event.
    pub(crate) fn on(&mut self, event: Event) -> Act {
        match event {
            Event::Composing => {
                *self = Self { composing: true, wanted: self.wanted, ..Self::default() };
                Act::Pass
            }
            Event::Composed { hangul } => {
                self.composing = false;
                self.picked = !hangul;
                self.sent = std::mem::take(&mut self.wanted) && hangul;
                if self.sent { Act::SendSoon } else { Act::Pass }
            }
            Event::Key(key) => self.on_key(key),
            Event::LineBreak if self.wanted || self.sent => Act::Swallow,
            Event::LineBreak => Act::Pass,
            Event::Released => {
                self.sent = false;
                self.picked = false;
                Act::Pass
            }
            Event::Left => {
                *self = Self::default();
                Act::Pass
            }
        }
    }

    /// Returns true while a syllable is being composed: the text box must not be written to.
    pub(crate) fn is_composing(&self) -> bool {
        self.composing
    }

    fn on_key(&mut self, key: Key) -> Act {
        if !key.enter || key.modified {
            // The person went on typing.
            *self = Self { composing: self.composing, ..Self::default() };
            return Act::Pass;
        }
        if self.composing || key.composing {
            // `isComposing` without a start: the page came alive in the middle of a syllable.
            self.composing = true;
            self.wanted = true;
            return Act::Pass;
        }
        if std::mem::take(&mut self.sent) || key.repeat {
            return Act::Swallow;
        }
        if std::mem::take(&mut self.picked) && key.ime {
            return Act::Pass;
        }
        // Safari says 229 here, but the composition has ended and the text is whole. This is the press.
        self.sent = key.ime;
        Act::Send
    }
}

#[cfg(test)]
mod tests {
    use super::Event::{Composing, LineBreak, Released};
    use super::*;

    const COMPOSED: Event = Event::Composed { hangul: true };
    const PICKED: Event = Event::Composed { hangul: false };
    const PRESS: Key = Key { enter: true, modified: false, composing: false, ime: false, repeat: false };
    const ENTER: Event = Event::Key(PRESS);
    const ENTER_COMPOSING: Event = Event::Key(Key { composing: true, ime: true, ..PRESS });
    const ENTER_229: Event = Event::Key(Key { ime: true, ..PRESS });
    const LETTER: Event = Event::Key(Key { enter: false, ime: true, ..PRESS });
    const LETTER_COMPOSING: Event = Event::Key(Key { enter: false, composing: true, ime: true, ..PRESS });

    fn acts(trace: &[Event]) -> Vec<Act> {
        let mut ime = Ime::default();
        trace.iter().map(|event| ime.on(*event)).filter(|act| *act != Act::Pass).collect()
    }

    #[test]
    fn a_plain_enter_sends_at_once() {
        assert_eq!(acts(&[ENTER, Released, ENTER, Released]), [Act::Send, Act::Send]);
    }

    #[test]
    fn shift_enter_breaks_line_during_composition_too() {
        let shift = Event::Key(Key { modified: true, ..PRESS });
        let shift_composing = Event::Key(Key { modified: true, composing: true, ime: true, ..PRESS });
        assert_eq!(acts(&[shift, LineBreak, Released]), []);
        assert_eq!(acts(&[LETTER, Composing, shift_composing, COMPOSED, LineBreak, Released]), []);
    }

    /// Chromium on Windows: 229 with `isComposing`, then the composition ends, then keyup.
    #[test]
    fn chromium_sends_once_when_the_composition_has_ended() {
        assert_eq!(
            acts(&[LETTER, Composing, Composing, ENTER_COMPOSING, COMPOSED, Released]),
            [Act::SendSoon]
        );
    }

    /// Chromium with ibus on Linux: the input method commits, and hands Enter on as a keydown of its own.
    #[test]
    fn second_keydown_of_one_press_is_swallowed() {
        let trace = [LETTER, Composing, ENTER_COMPOSING, COMPOSED, ENTER, Released];
        assert_eq!(acts(&trace), [Act::SendSoon, Act::Swallow]);
    }

    /// Chromium on macOS: the line break follows the composition without a keydown.
    #[test]
    fn line_break_of_same_press_is_swallowed() {
        let trace = [LETTER, Composing, ENTER_COMPOSING, COMPOSED, LineBreak, Released];
        assert_eq!(acts(&trace), [Act::SendSoon, Act::Swallow]);
        let trace = [LETTER, Composing, ENTER_COMPOSING, LineBreak, COMPOSED, Released];
        assert_eq!(acts(&trace), [Act::Swallow, Act::SendSoon]);
    }

    /// Firefox: `Process` keydowns with `isComposing` for each letter and for the Enter.
    #[test]
    fn firefox_sends_once_when_the_composition_has_ended() {
        let trace =
            [LETTER_COMPOSING, Composing, LETTER_COMPOSING, Composing, ENTER_COMPOSING, COMPOSED, Released];
        assert_eq!(acts(&trace), [Act::SendSoon]);
    }

    /// Safari: `compositionend` first, then a keydown with keyCode 229 and without `isComposing`.
    #[test]
    fn safari_sends_on_the_keydown_after_the_composition() {
        assert_eq!(acts(&[LETTER, Composing, Composing, COMPOSED, ENTER_229, Released]), [Act::Send]);
        let with_break = [LETTER, Composing, COMPOSED, ENTER_229, LineBreak, Released];
        assert_eq!(acts(&with_break), [Act::Send, Act::Swallow]);
    }

    #[test]
    fn next_press_sends_the_next_message() {
        let one = [LETTER, Composing, ENTER_COMPOSING, COMPOSED, Released];
        let two: Vec<Event> = [one.as_slice(), &one, &[ENTER, Released]].concat();
        assert_eq!(acts(&two), [Act::SendSoon, Act::SendSoon, Act::Send]);
    }

    #[test]
    fn a_composition_that_ends_by_itself_sends_nothing() {
        assert_eq!(acts(&[LETTER, Composing, COMPOSED, LETTER, Composing, COMPOSED]), []);
    }

    #[test]
    fn an_enter_before_more_typing_is_forgotten() {
        assert_eq!(acts(&[Composing, ENTER_COMPOSING, LETTER_COMPOSING, Composing, COMPOSED]), []);
    }

    /// Japanese and Chinese: Enter picks the candidate, and only the next one sends.
    #[test]
    fn an_enter_that_picks_a_candidate_sends_nothing() {
        assert_eq!(acts(&[LETTER, Composing, ENTER_COMPOSING, PICKED, Released]), []);
        assert_eq!(acts(&[LETTER, Composing, PICKED, ENTER_229, Released, ENTER]), [Act::Send]);
    }

    #[test]
    fn leaving_the_box_forgets_a_remembered_enter() {
        assert_eq!(acts(&[Composing, ENTER_COMPOSING, Event::Left, COMPOSED]), []);
    }

    #[test]
    fn page_may_hydrate_in_middle_of_syllable() {
        assert_eq!(acts(&[ENTER_COMPOSING, COMPOSED, Released]), [Act::SendSoon]);
    }

    #[test]
    fn a_held_enter_sends_one_message() {
        let held = Event::Key(Key { repeat: true, ..PRESS });
        assert_eq!(acts(&[ENTER, held, held, Released]), [Act::Send, Act::Swallow, Act::Swallow]);
    }
}
