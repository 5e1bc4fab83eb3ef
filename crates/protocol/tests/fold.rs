//! Properties of the one fold from a log to messages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use madang_protocol::{Cmid, Entry, EntryKind, Message, RoomId, Seq, UserId};
use proptest::prelude::*;

fn emoji() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["👍".to_owned(), "🎉".to_owned()])
}

/// A kind of entry; small numbers, so that they meet.
fn kind() -> impl Strategy<Value = EntryKind> {
    let (seq, body) = (1..8_u64, "[a-c]{1,3}");
    prop_oneof![
        4 => (body, proptest::option::of(seq.clone())).prop_map(|(body, reply_to)| EntryKind::posted(body, reply_to)),
        4 => (seq.clone(), body).prop_map(|(seq, body)| EntryKind::Edited { seq, body }),
        1 => seq.clone().prop_map(|seq| EntryKind::Deleted { seq }),
        1 => body.prop_map(|title| EntryKind::Renamed { title }),
        4 => (seq.clone(), emoji()).prop_map(|(seq, emoji)| EntryKind::Reacted { seq, emoji }),
        2 => (seq, emoji()).prop_map(|(seq, emoji)| EntryKind::Unreacted { seq, emoji }),
        1 => Just(EntryKind::Unknown),
    ]
}

fn log() -> impl Strategy<Value = Vec<Entry>> {
    let people: Vec<UserId> = ["ann", "bo"].map(|id| id.parse().unwrap()).into();
    let entry = (kind(), proptest::sample::select(people));
    proptest::collection::vec(entry, 0..30).prop_map(|entries| {
        let entries = entries.into_iter().zip(1..);
        let entry = |((what, by), seq): ((EntryKind, UserId), Seq)| {
            let cmid = Some(Cmid(seq.into()));
            Entry { room: RoomId::lobby(), seq, at: seq.cast_signed() * 10, by, cmid, what }
        };
        entries.map(entry).collect()
    })
}

/// Applies entries to messages that were folded before.
fn go_on(mut messages: Vec<Message>, entries: &[Entry]) -> Vec<Message> {
    for entry in entries {
        if messages.last().is_none_or(|last| last.seq < entry.seq) {
            messages.extend(Message::from_posted(entry));
        }
        messages.iter_mut().for_each(|message| _ = message.apply(entry));
    }
    messages
}

proptest! {
    #[test]
    fn snapshot_and_later_entries_make_whole_log(log in log(), at in 0..30_usize) {
        let (before, after) = log.split_at(at.min(log.len()));
        prop_assert_eq!(go_on(Message::fold(before), after), Message::fold(&log));
    }

    #[test]
    fn message_is_what_its_entries_left(log in log()) {
        let messages = Message::fold(&log);
        let posts: Vec<&Entry> = log.iter().filter(|e| matches!(e.what, EntryKind::Posted { .. })).collect();
        prop_assert_eq!(messages.iter().map(|m| m.seq).collect::<Vec<_>>(), posts.iter().map(|e| e.seq).collect::<Vec<_>>());
        for (message, post) in messages.iter().zip(posts) {
            let later: Vec<&Entry> = log.iter().filter(|e| e.seq > post.seq && e.about() == Some(post.seq)).collect();
            let end = later.iter().position(|e| matches!(e.what, EntryKind::Deleted { .. }));
            let edit = later[..end.unwrap_or(later.len())].iter().rev().find(|e| matches!(e.what, EntryKind::Edited { .. }));
            prop_assert_eq!(message.is_deleted(), end.is_some());
            prop_assert_eq!(message.edited_at, edit.map(|edit| edit.at));
            let text = edit.map_or(post.what.text(), |edit| edit.what.text());
            prop_assert_eq!(message.body.as_deref(), end.is_none().then_some(text));
            let stands = |emoji: &str, by: &UserId| {
                let theirs = later.iter().filter(|e| e.by == *by && e.what.text() == emoji);
                let mut made = theirs.filter(|e| matches!(e.what.name(), Some("reacted" | "unreacted")));
                end.is_none() && made.next_back().is_some_and(|e| e.what.name() == Some("reacted"))
            };
            for (emoji, by) in [("👍", "ann"), ("👍", "bo"), ("🎉", "ann"), ("🎉", "bo")] {
                let by = by.parse().unwrap();
                prop_assert_eq!(message.reactions.has(emoji, &by), stands(emoji, &by));
            }
            prop_assert!(message.reactions.iter().all(|reaction| !reaction.by.is_empty()));
            prop_assert_eq!((message.at, &message.by, message.cmid), (post.at, &post.by, post.cmid));
        }
    }
}
