//! Every word of the page, in every language. A language that lacks one does not compile.
//!
//! A language is chosen once for the life of a page: choosing another one loads the page anew.

mod en;
mod ko;
mod picker;

use madang_client::Locale;
use madang_protocol::{LOBBY, RefusalCode, RoomId};

pub(crate) use picker::{PickerStrings, picker_strings};

/// The words of one language. A name is always given as it is shown; sentences are built so that they read
/// well whatever it ends in.
#[derive(Debug)]
pub(crate) struct Strings {
    // The frame.
    pub(crate) skip_to_composer: &'static str,
    pub(crate) description: &'static str,
    pub(crate) rooms: &'static str,
    pub(crate) unread: fn(u32) -> String,
    pub(crate) open_room: &'static str,
    pub(crate) room_title: &'static str,
    pub(crate) room_title_example: &'static str,
    pub(crate) open: &'static str,
    pub(crate) close: &'static str,
    pub(crate) cancel: &'static str,
    /// The room that always exists, in place of its title.
    pub(crate) lobby: &'static str,
    // People who are here.
    pub(crate) here: &'static str,
    pub(crate) here_count: fn(u32) -> String,
    pub(crate) more_people: fn(u32) -> String,
    pub(crate) nobody: &'static str,
    pub(crate) you: &'static str,
    pub(crate) guest: fn(&str) -> String,
    pub(crate) keeper: &'static str,
    /// Beside the end of an id.
    pub(crate) alike: &'static str,
    pub(crate) bot: &'static str,
    pub(crate) bot_title: &'static str,
    pub(crate) typing: fn(&[String]) -> String,
    // The timeline.
    pub(crate) messages: fn(&str) -> String,
    pub(crate) today: &'static str,
    pub(crate) yesterday: &'static str,
    pub(crate) day: fn(Day) -> String,
    pub(crate) new: &'static str,
    pub(crate) older: &'static str,
    pub(crate) newer: &'static str,
    pub(crate) loading: &'static str,
    pub(crate) beginning: &'static str,
    pub(crate) empty_title: &'static str,
    pub(crate) empty_text: &'static str,
    pub(crate) gone_title: &'static str,
    pub(crate) gone_text: &'static str,
    pub(crate) closed: &'static str,
    pub(crate) to_lobby: &'static str,
    pub(crate) latest: &'static str,
    pub(crate) fresh: fn(u32) -> String,
    // A message.
    pub(crate) edited: &'static str,
    /// Of a message that is too high to be shown whole.
    pub(crate) show_all: &'static str,
    pub(crate) show_less: &'static str,
    pub(crate) deleted: &'static str,
    pub(crate) pending: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) retry: &'static str,
    pub(crate) discard: &'static str,
    pub(crate) actions: &'static str,
    pub(crate) react: &'static str,
    pub(crate) more_emoji: &'static str,
    pub(crate) reply: &'static str,
    pub(crate) edit: &'static str,
    pub(crate) copy_link: &'static str,
    pub(crate) link_copied: &'static str,
    /// Of settings, forms and dialogs.
    pub(crate) part_missing: &'static str,
    pub(crate) delete: &'static str,
    pub(crate) delete_question: &'static str,
    pub(crate) delete_text: &'static str,
    pub(crate) replying_to: fn(&str) -> String,
    pub(crate) reply_unknown: &'static str,
    pub(crate) edit_label: &'static str,
    pub(crate) edit_hint: &'static str,
    pub(crate) save: &'static str,
    // The composer.
    pub(crate) composer: fn(&str) -> String,
    pub(crate) placeholder: &'static str,
    pub(crate) send: &'static str,
    pub(crate) chars_left: fn(i64) -> String,
    // The person.
    pub(crate) newcomer: fn(&str) -> String,
    pub(crate) choose_name: &'static str,
    pub(crate) settings: &'static str,
    pub(crate) nickname: &'static str,
    pub(crate) nickname_hint: &'static str,
    pub(crate) saved: &'static str,
    pub(crate) language: &'static str,
    pub(crate) theme: &'static str,
    pub(crate) automatic: &'static str,
    pub(crate) light: &'static str,
    pub(crate) dark: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) enter_sends: &'static str,
    pub(crate) enter_breaks: &'static str,
    pub(crate) enter_hint: &'static str,
    pub(crate) apply: &'static str,
    // The connection.
    pub(crate) connecting: &'static str,
    pub(crate) offline: &'static str,
    pub(crate) lost: &'static str,
    pub(crate) ended: &'static str,
    pub(crate) banned: &'static str,
    pub(crate) over_limit: &'static str,
    pub(crate) retry_in: fn(i64) -> String,
    pub(crate) retry_now: &'static str,
    pub(crate) waiting: fn(u32) -> String,
    pub(crate) unreachable: &'static str,
    pub(crate) dismiss: &'static str,
    pub(crate) refused: fn(RefusalCode) -> &'static str,
}

/// A day of the calendar, as a divider names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) year: i32,
    /// 1 to 12.
    pub(crate) month: usize,
    pub(crate) day: u32,
    /// 0 is Sunday.
    pub(crate) weekday: usize,
    /// True if the year goes without saying.
    pub(crate) this_year: bool,
}

impl Strings {
    /// A room's title, as it is shown.
    pub(crate) fn room(&self, room: &RoomId, title: &str) -> String {
        if room.as_str() == LOBBY { self.lobby.to_owned() } else { title.to_owned() }
    }
}

/// The words for `locale`.
pub(crate) fn strings(locale: Locale) -> &'static Strings {
    match locale {
        Locale::En => &en::EN,
        Locale::Ko => &ko::KO,
    }
}

/// The tab's title for a room.
pub(crate) fn tab_title(room: &str) -> String {
    if room.is_empty() { "Madang".to_owned() } else { format!("{room} · Madang") }
}

/// The `index`th of a list of names.
fn named(names: &[&'static str], index: usize) -> &'static str {
    names.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SATURDAY: Day = Day { year: 2026, month: 11, day: 21, weekday: 6, this_year: true };

    #[test]
    fn days_are_named_naturally() {
        assert_eq!((en::EN.day)(SATURDAY), "Saturday, November 21");
        assert_eq!((ko::KO.day)(SATURDAY), "11월 21일 토요일");
        let past = Day { this_year: false, ..SATURDAY };
        assert_eq!((en::EN.day)(past), "Saturday, November 21, 2026");
        assert_eq!((ko::KO.day)(past), "2026년 11월 21일 토요일");
    }

    #[test]
    fn typing_sentence_fits_one_two_and_many() {
        let names = ["Ada".to_owned(), "민수".to_owned(), "Bo".to_owned()];
        assert_eq!((en::EN.typing)(&names[..1]), "Ada is typing…");
        assert_eq!((en::EN.typing)(&names[..2]), "Ada and 민수 are typing…");
        assert_eq!((en::EN.typing)(&names), "Several people are typing…");
        assert_eq!((ko::KO.typing)(&names[..1]), "Ada 님이 입력하고 있어요…");
        assert_eq!((ko::KO.typing)(&names[..2]), "Ada 님과 민수 님이 입력하고 있어요…");
        assert_eq!((ko::KO.typing)(&names), "여러 명이 입력하고 있어요…");
        assert_eq!((ko::KO.typing)(&[]), "");
    }

    #[test]
    fn the_lobby_has_a_name_in_every_language() {
        assert_eq!(ko::KO.room(&RoomId::lobby(), "Lobby"), "로비");
        assert_eq!(ko::KO.room(&"a1".parse().unwrap(), "Lobby"), "Lobby");
    }

    #[test]
    fn counts_agree_with_their_nouns() {
        assert_eq!((en::EN.unread)(1), "1 unread message");
        assert_eq!((en::EN.unread)(1000), "1000 or more unread messages");
        assert_eq!((en::EN.waiting)(1), "1 message is waiting to be sent.");
        assert_eq!((en::EN.fresh)(2), "2 new messages");
        assert_eq!((ko::KO.here_count)(3), "3명");
    }
}
