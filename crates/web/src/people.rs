//! People as the page names and colours them.

use std::sync::Arc;

use madang_client::Model;
use madang_protocol::{SYSTEM_USER, UserId};

use crate::strings::Strings;

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
}

impl PersonLine {
    pub(crate) fn new(model: &Model, id: &UserId, t: &Strings) -> Self {
        Self {
            id: id.clone(),
            name: shown_name(model, id, t),
            nickname: model.name(id).unwrap_or_default().into(),
            you: model.is_you(id),
        }
    }

    /// What the avatar shows: the first letter of the nickname, or the last of a guest's tag.
    pub(crate) fn initial(&self) -> String {
        let guest = self.nickname.is_empty() && self.id.as_str() != SYSTEM_USER;
        let letter = if guest { self.name.chars().next_back() } else { self.name.chars().next() };
        letter.map(|letter| letter.to_uppercase().collect()).unwrap_or_default()
    }
}

/// The nickname, or what stands for it.
pub(crate) fn shown_name(model: &Model, user: &UserId, t: &Strings) -> Arc<str> {
    match model.name(user) {
        _ if user.as_str() == SYSTEM_USER => t.keeper.into(),
        Some(name) => name.into(),
        None => (t.guest)(tag(user)).into(),
    }
}

/// The end of an id, by which guests without a nickname are told apart.
pub fn tag(user: &UserId) -> &str {
    let id = user.as_str();
    id.get(id.len().saturating_sub(4)..).unwrap_or(id)
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
        PersonLine { id: id.parse().unwrap(), name: name.into(), nickname: nickname.into(), you: false }
    }

    #[test]
    fn an_avatar_shows_one_letter() {
        assert_eq!(person("a", "민수", "민수").initial(), "민");
        assert_eq!(person("a", "ada", "ada").initial(), "A");
        assert_eq!(person("ax3k9", "Guest x3k9", "").initial(), "9");
        assert_eq!(person(SYSTEM_USER, "마당지기", "").initial(), "마");
    }

    #[test]
    fn colours_are_steady_and_spread() {
        let hues: std::collections::BTreeSet<u32> =
            (0..64).map(|n| hue(&format!("user{n}").parse().unwrap())).collect();
        assert_eq!(hues.len() as u32, HUES);
    }
}
