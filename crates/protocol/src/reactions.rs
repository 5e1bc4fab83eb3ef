//! Reactions to a message: which emoji, and by whom.

use serde::{Deserialize, Serialize};

use crate::{RefusalCode, UserId};

/// An emoji below a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji: one, as one character to the eye.
    pub emoji: String,
    /// The people who reacted with it, the earliest first; at least one.
    pub by: Vec<UserId>,
}

/// All reactions to a message, the earliest emoji first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reactions(Vec<Reaction>);

impl Reactions {
    /// Most different emoji below one message.
    pub const EMOJI: usize = 20;

    /// Most reactions to one message, of all emoji together: each stands in every snapshot that shows the message.
    pub const MAX: usize = 1_000;

    /// Returns true if nobody reacted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The emoji, the earliest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Reaction> {
        self.0.iter()
    }

    /// Returns true if `by` has reacted with `emoji`.
    pub fn has(&self, emoji: &str, by: &UserId) -> bool {
        self.of(emoji).is_some_and(|reaction| reaction.by.contains(by))
    }

    /// Checks whether there is room for one more reaction with `emoji`.
    ///
    /// # Errors
    /// [`RefusalCode::TooManyReactions`] beyond [`Reactions::EMOJI`] or [`Reactions::MAX`].
    pub fn check_room(&self, emoji: &str) -> Result<(), RefusalCode> {
        let all: usize = self.0.iter().map(|reaction| reaction.by.len()).sum();
        let fits = all < Self::MAX && (self.0.len() < Self::EMOJI || self.of(emoji).is_some());
        if fits { Ok(()) } else { Err(RefusalCode::TooManyReactions) }
    }

    /// Adds a reaction. Returns false if it was there.
    pub fn add(&mut self, emoji: &str, by: &UserId) -> bool {
        match self.0.iter_mut().find(|reaction| reaction.emoji == emoji) {
            Some(reaction) if reaction.by.contains(by) => return false,
            Some(reaction) => reaction.by.push(by.clone()),
            None => self.0.push(Reaction { emoji: emoji.to_owned(), by: vec![by.clone()] }),
        }
        true
    }

    /// Takes a reaction back. Returns false if it was not there.
    pub fn remove(&mut self, emoji: &str, by: &UserId) -> bool {
        if !self.has(emoji, by) {
            return false;
        }
        if let Some(reaction) = self.0.iter_mut().find(|reaction| reaction.emoji == emoji) {
            reaction.by.retain(|other| other != by);
        }
        self.0.retain(|reaction| !reaction.by.is_empty());
        true
    }

    /// Bytes of memory and, about, of JSON.
    pub fn bytes(&self) -> usize {
        let ids = |reaction: &Reaction| reaction.by.iter().map(|by| by.as_str().len() + 3).sum::<usize>();
        self.0.iter().map(|reaction| reaction.emoji.len() + 24 + ids(reaction)).sum()
    }

    fn of(&self, emoji: &str) -> Option<&Reaction> {
        self.0.iter().find(|reaction| reaction.emoji == emoji)
    }
}
