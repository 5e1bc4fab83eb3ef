//! People as the page names and colours them.

use std::sync::Arc;

use madang_client::{Locale, Model};
use madang_protocol::{Person, SYSTEM_USER, UserId};

use crate::strings::{Strings, strings};

/// Colours that avatars are told apart by; as many as the styles have.
const HUES: u32 = 8;

/// A person in a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PersonLine {
    pub(crate) id: UserId,
    pub(crate) name: Arc<str>,
    /// The nickname as it was chosen; empty if none was.
    pub(crate) nickname: Arc<str>,
    pub(crate) you: bool,
    pub(crate) marks: Marks,
    /// Text of the avatar, where the server gives one.
    initial: Arc<str>,
}

/// Marks beside a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Somebody else's looks the same.
    pub(crate) alike: bool,
    pub(crate) bot: bool,
}

impl PersonLine {
    pub(crate) fn new(model: &Model, id: &UserId, t: &Strings) -> Self {
        let person = model.person(id);
        Self {
            id: id.clone(),
            name: called(person, id, t).into(),
            nickname: person.map(|person| person.name.as_str()).unwrap_or_default().into(),
            you: model.is_you(id),
            marks: person.map(|person| Marks { alike: person.alike, bot: person.bot }).unwrap_or_default(),
            initial: person.map(|person| person.initial.as_str()).unwrap_or_default().into(),
        }
    }

    /// Returns the text of the avatar: the first letter of the nickname, or the last of a guest's tag. Where that is
    /// not a single character, the server gives it.
    pub(crate) fn initial(&self) -> String {
        if !self.initial.is_empty() {
            return self.initial.to_string();
        }
        let guest = self.nickname.is_empty() && self.id.as_str() != SYSTEM_USER;
        let letter = if guest { self.name.chars().next_back() } else { self.name.chars().next() };
        letter.map(|letter| letter.to_uppercase().collect()).unwrap_or_default()
    }
}

/// The nickname or what stands for it, as a sentence has it: with the tag where somebody else's looks the same.
pub(crate) fn shown_name(model: &Model, user: &UserId, t: &Strings) -> Arc<str> {
    let person = model.person(user);
    let name = called(person, user, t);
    match person {
        Some(person) if person.alike => format!("{name} · {}", user.tag()).into(),
        _ => name.into(),
    }
}

fn called(person: Option<&Person>, user: &UserId, t: &Strings) -> String {
    match person {
        _ if user.as_str() == SYSTEM_USER => t.keeper.to_owned(),
        Some(person) if !person.name.is_empty() => person.name.clone(),
        _ => guest(user, t),
    }
}

/// Returns what somebody without a nickname is called in this language.
pub fn guest_name(user: &UserId, locale: Locale) -> String {
    guest(user, strings(locale))
}

fn guest(user: &UserId, t: &Strings) -> String {
    (t.guest)(user.tag())
}

/// The avatar's colour: always the same for the same person.
pub fn hue(user: &UserId) -> u32 {
    let hash = user
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 16)) % HUES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, name: &str, nickname: &str) -> PersonLine {
        let (marks, initial) = (Marks::default(), "".into());
        let id = id.parse().unwrap();
        PersonLine { id, name: name.into(), nickname: nickname.into(), you: false, marks, initial }
    }

    #[test]
    fn an_avatar_shows_one_letter() {
        assert_eq!(person("a", "민수", "민수").initial(), "민");
        assert_eq!(person("a", "ada", "ada").initial(), "A");
        assert_eq!(person("ax3k9", "Guest x3k9", "").initial(), "9");
        assert_eq!(person(SYSTEM_USER, "마당지기", "").initial(), "마");
        let family = PersonLine {
            initial: "👨‍👩‍👧".into(), ..person("a", "👨‍👩‍👧 Kim", "👨‍👩‍👧 Kim")
        };
        assert_eq!(family.initial(), "👨‍👩‍👧");
    }

    #[test]
    fn colours_are_steady_and_spread() {
        let hues: std::collections::BTreeSet<u32> =
            (0..64).map(|n| hue(&format!("user{n}").parse().unwrap())).collect();
        assert_eq!(hues.len() as u32, HUES);
    }
}
