//! How ids, entries and messages stand in the database.

use std::str::FromStr;

use madang_protocol::{Cmid, Entry, Headers, Message, Person, RoomId, Seq, What};
use rusqlite::Row;
use rusqlite::types::Type;

/// `kind` of an entry.
pub(super) mod kind {
    pub(in crate::store) const OPENED: i64 = 1;
    pub(in crate::store) const POSTED: i64 = 2;
    pub(in crate::store) const EDITED: i64 = 3;
    pub(in crate::store) const DELETED: i64 = 4;
    pub(in crate::store) const RENAMED: i64 = 5;
    pub(in crate::store) const CLOSED: i64 = 6;
}

const SEQ_BITS: u32 = 40;

/// The greatest seq that a pos can hold: a trillion.
pub(super) const SEQ_MAX: Seq = (1 << SEQ_BITS) - 1;

/// A room's integer key in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoomKey(pub(super) i64);

impl RoomKey {
    /// The pos of the entry `seq`. A seq beyond [`SEQ_MAX`], which only a client invents, is taken for it:
    /// no entry stands there.
    pub(super) fn pos(self, seq: Seq) -> i64 {
        (self.0 << SEQ_BITS) | seq.min(SEQ_MAX).cast_signed()
    }

    /// The room of the entry at `pos`.
    pub(super) fn of(pos: i64) -> Self {
        Self(pos >> SEQ_BITS)
    }
}

/// The seq of the entry at `pos`.
pub(super) fn seq_of(pos: i64) -> Seq {
    pos.cast_unsigned() & SEQ_MAX
}

/// A seq in a column of its own.
pub(super) fn seq_from_column(column: i64) -> Seq {
    column.max(0).cast_unsigned()
}

/// An id in the column `index`.
pub(super) fn id<T>(row: &Row<'_>, index: usize) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(index)?.as_str()?;
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error)))
}

fn cmid(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Cmid>> {
    let bytes: Option<[u8; 16]> = row.get(index)?;
    Ok(bytes.map(|bytes| Cmid(u128::from_be_bytes(bytes))))
}

/// A message's headers as they stand in their column. Nothing is made, nor kept, of none.
pub(super) fn headers_column(headers: &Headers) -> Option<String> {
    if headers.is_empty() { None } else { serde_json::to_string(headers).ok() }
}

fn headers(row: &Row<'_>, index: usize) -> rusqlite::Result<Headers> {
    let Some(json) = row.get_ref(index)?.as_str_or_null()? else { return Ok(Headers::default()) };
    serde_json::from_str(json)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error)))
}

/// The columns of [`person`], from `users u`.
pub(super) const PERSON_COLUMNS: &str = "u.id, u.name, u.initial, u.alike, u.bot";

/// A person, from [`PERSON_COLUMNS`] that begin at `first`.
pub(super) fn person(row: &Row<'_>, first: usize) -> rusqlite::Result<Person> {
    Ok(Person {
        id: id(row, first)?,
        name: row.get(first + 1)?,
        initial: row.get(first + 2)?,
        alike: row.get(first + 3)?,
        bot: row.get(first + 4)?,
    })
}

/// The columns of [`entry`] before [`PERSON_COLUMNS`], from `entries e JOIN users u`.
pub(super) const ENTRY_COLUMNS: &str = "e.pos, e.at, e.cmid, e.kind, e.target, e.body, e.headers";

/// An entry and its author, from [`ENTRY_COLUMNS`].
pub(super) fn entry(row: &Row<'_>, room: &RoomId) -> rusqlite::Result<super::Committed> {
    let target = row.get::<_, Option<i64>>(4)?.map(seq_of);
    let text = || row.get::<_, Option<String>>(5).map(Option::unwrap_or_default);
    let author = person(row, 7)?;
    let what = match (row.get(3)?, target) {
        (kind::OPENED, _) => What::Opened { title: text()? },
        (kind::POSTED, reply_to) => What::Posted { body: text()?, reply_to, headers: headers(row, 6)? },
        (kind::EDITED, Some(seq)) => What::Edited { seq, body: text()? },
        (kind::DELETED, Some(seq)) => What::Deleted { seq },
        (kind::RENAMED, _) => What::Renamed { title: text()? },
        (kind::CLOSED, _) => What::Closed {},
        (other, _) => return Err(rusqlite::Error::IntegralValueOutOfRange(3, other)),
    };
    let entry = Entry {
        room: room.clone(),
        seq: seq_of(row.get(0)?),
        at: row.get(1)?,
        by: author.id.clone(),
        cmid: cmid(row, 2)?,
        what,
    };
    Ok(super::Committed { entry, author })
}

/// The columns of [`message`] before [`PERSON_COLUMNS`], from `messages m JOIN entries e JOIN users u`.
pub(super) const MESSAGE_COLUMNS: &str =
    "m.pos, e.at, e.cmid, e.target, m.edited_at, m.deleted, coalesce(m.body, e.body), e.headers";

/// A message and its author, from [`MESSAGE_COLUMNS`].
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<(Message, Person)> {
    let author = person(row, 8)?;
    let deleted: bool = row.get(5)?;
    let message = Message {
        seq: seq_of(row.get(0)?),
        at: row.get(1)?,
        by: author.id.clone(),
        cmid: cmid(row, 2)?,
        body: if deleted { None } else { Some(row.get(6)?) },
        reply_to: row.get::<_, Option<i64>>(3)?.map(seq_of),
        edited_at: row.get(4)?,
        headers: headers(row, 7)?,
    };
    Ok((message, author))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pos_orders_by_room_then_seq_and_gives_both_back() {
        let (one, two) = (RoomKey(1), RoomKey(2));
        assert!(one.pos(SEQ_MAX) < two.pos(0));
        assert!(two.pos(7) < two.pos(8));
        assert_eq!((RoomKey::of(two.pos(9)), seq_of(two.pos(9))), (two, 9));
    }

    #[test]
    fn an_invented_seq_stays_inside_its_room() {
        assert_eq!(RoomKey(1).pos(u64::MAX), RoomKey(1).pos(SEQ_MAX));
        assert_eq!(RoomKey::of(RoomKey(1).pos(u64::MAX)), RoomKey(1));
    }
}
