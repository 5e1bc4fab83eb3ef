//! The fold of a log to its messages, by other means than the product's own: server and client share that one, so that
//! neither would show what is wrong in it.

use madang_protocol::{Entry, EntryKind, Headers, Message, Reactions, Seq, UnixMs, UserId};

use crate::{Check, broken};

/// The messages of one room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projection {
    messages: Vec<Projected>,
}

/// A message with all states that it went through, the one that was posted first.
#[derive(Clone, Debug)]
pub(crate) struct Projected {
    pub(crate) posted: Entry,
    pub(crate) states: Vec<State>,
}

/// A message as an entry left it.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The entry.
    pub(crate) since: Seq,
    /// The text; `None`: deleted.
    pub(crate) body: Option<String>,
    edited_at: Option<UnixMs>,
    /// Each emoji with those who reacted with it; the earliest first, of both.
    pub(crate) reactions: Vec<(String, Vec<UserId>)>,
}

/// A message as it stood at some head of its room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing<'p> {
    pub(crate) message: &'p Projected,
    pub(crate) state: &'p State,
}

impl Projection {
    /// Takes in the next entry. Errors: it changes nothing.
    pub(crate) fn enter(&mut self, entry: &Entry) -> Check {
        let Some(about) = entry.about() else { return Ok(()) };
        if let EntryKind::Posted { body, .. } = &entry.what {
            let state =
                State { since: entry.seq, body: Some(body.clone()), edited_at: None, reactions: Vec::new() };
            self.messages.push(Projected { posted: entry.clone(), states: vec![state] });
            return Ok(());
        }
        let words = || format!("entry {} of {} changes nothing: {:?}", entry.seq, entry.room, entry.what);
        let Some(message) = self.messages.iter_mut().find(|message| message.posted.seq == about) else {
            return broken(words());
        };
        match message.states.last().and_then(|state| state.after(entry)) {
            Some(state) => message.states.push(state),
            None => return broken(words()),
        }
        Ok(())
    }

    /// Returns the messages as they stood at `head`, in their order.
    pub(crate) fn at(&self, head: Seq) -> Vec<Standing<'_>> {
        let standing = |message| Projected::at(message, head).map(|state| Standing { message, state });
        self.messages.iter().map_while(standing).collect()
    }

    /// Returns the message of this number.
    pub(crate) fn message(&self, seq: Seq) -> Option<&Projected> {
        self.messages.iter().find(|message| message.posted.seq == seq)
    }
}

impl Projected {
    fn at(&self, head: Seq) -> Option<&State> {
        self.states.iter().rfind(|state| state.since <= head)
    }

    /// Returns true if somebody has reacted with this emoji.
    pub(crate) fn has_emoji(&self, emoji: &str) -> bool {
        self.states.last().is_some_and(|state| state.reactions.iter().any(|(known, _)| known == emoji))
    }

    /// Returns true if `body` ever was the text; an empty one is what is left of a deleted text.
    pub(crate) fn had_body(&self, body: Option<&str>) -> bool {
        let body = body.filter(|body| !body.is_empty());
        self.states.iter().any(|state| state.body.as_deref() == body)
    }
}

impl State {
    /// Returns the state that the entry leaves, or `None` if it changes nothing.
    fn after(&self, entry: &Entry) -> Option<Self> {
        self.body.as_ref()?;
        let mut state = Self { since: entry.seq, ..self.clone() };
        let of = |emoji: &String| self.reactions.iter().position(|(known, _)| known == emoji);
        let has = |at: usize| self.reactions[at].1.contains(&entry.by);
        match &entry.what {
            EntryKind::Edited { body, .. } => {
                (state.body, state.edited_at) = (Some(body.clone()), Some(entry.at));
            }
            EntryKind::Deleted { .. } => (state.body, state.reactions) = (None, Vec::new()),
            EntryKind::Reacted { emoji, .. } => match of(emoji) {
                Some(at) if has(at) => return None,
                Some(at) => state.reactions[at].1.push(entry.by.clone()),
                None => state.reactions.push((emoji.clone(), vec![entry.by.clone()])),
            },
            EntryKind::Unreacted { emoji, .. } => {
                let at = of(emoji).filter(|at| has(*at))?;
                let by = &mut state.reactions[at].1;
                let place = by.iter().position(|by| *by == entry.by)?;
                by.remove(place);
                if by.is_empty() {
                    state.reactions.remove(at);
                }
            }
            _ => return None,
        }
        Some(state)
    }

    /// Returns true if these are its reactions, but for those of `besides`.
    pub(crate) fn has_reactions(&self, shown: &Reactions, besides: Option<&UserId>) -> bool {
        let shown = shown.iter().map(|reaction| (&reaction.emoji, &reaction.by));
        let due = self.reactions.iter().map(|(emoji, by)| (emoji, by));
        reactions_of_others(shown, besides) == reactions_of_others(due, besides)
    }
}

fn reactions_of_others<'r>(
    reactions: impl Iterator<Item = (&'r String, &'r Vec<UserId>)>,
    you: Option<&UserId>,
) -> Vec<(&'r str, Vec<&'r UserId>)> {
    let of = |by: &'r Vec<UserId>| by.iter().filter(|by| Some(*by) != you).collect::<Vec<_>>();
    reactions.map(|(emoji, by)| (emoji.as_str(), of(by))).filter(|(_, by)| !by.is_empty()).collect()
}

impl Standing<'_> {
    pub(crate) fn seq(&self) -> Seq {
        self.message.posted.seq
    }

    /// Returns true if the message counts as unread for `user` after `read`.
    pub(crate) fn is_unread(&self, read: Seq, user: &UserId) -> bool {
        self.seq() > read && self.message.posted.by != *user && self.state.body.is_some()
    }

    /// Returns true if `message` is this one.
    pub(crate) fn is(&self, message: &Message) -> bool {
        let Message { seq, at, by, cmid, body, reply_to, edited_at, reactions, headers } = message;
        let (posted, state) = (&self.message.posted, self.state);
        let EntryKind::Posted { reply_to: answered, headers: sent, .. } = &posted.what else { return false };
        let sent = if state.body.is_some() { sent.clone() } else { Headers::default() };
        (*seq, *at, by, *cmid) == (posted.seq, posted.at, &posted.by, posted.cmid)
            && (body.as_deref(), edited_at) == (state.body.as_deref(), &state.edited_at)
            && (reply_to, headers) == (answered, &sent)
            && state.has_reactions(reactions, None)
    }
}
