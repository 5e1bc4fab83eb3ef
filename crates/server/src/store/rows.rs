//! Rows of ids, entries and messages in the database.

use std::str::FromStr;

use madang_protocol::{Cmid, Entry, EntryKind, Headers, Message, Person, RoomId, Seq, UserId};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use super::{Bot, BotKind, StoreError, Target};

/// Declares the numbers that stand for an entry's kind in the database, both ways.
macro_rules! kinds {
    ($($name:ident = $number:literal,)*) => {
        #[derive(Clone, Copy)]
        enum Kind {
            $($name = $number,)*
        }

        impl Kind {
            fn from_column(number: i64) -> rusqlite::Result<Self> {
                match number {
                    $($number => Ok(Self::$name),)*
                    other => Err(rusqlite::Error::IntegralValueOutOfRange(3, other)),
                }
            }
        }
    };
}

kinds! {
    Opened = 1,
    Posted = 2,
    Edited = 3,
    Deleted = 4,
    Renamed = 5,
    Closed = 6,
    Reacted = 7,
    Unreacted = 8,
}

const SEQ_BITS: u32 = 40;

/// The greatest seq that a pos can hold: a trillion.
pub(super) const SEQ_MAX: Seq = (1 << SEQ_BITS) - 1;

/// A room's integer key in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoomKey(pub(super) i64);

impl RoomKey {
    /// The pos of the entry `seq`. A seq beyond [`SEQ_MAX`], which only a client invents, is taken for it:
    /// no entry is there.
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

/// A message's headers as they are in their column. Nothing is made, nor kept, of none.
fn headers_column(headers: &Headers) -> Option<String> {
    if headers.is_empty() { None } else { serde_json::to_string(headers).ok() }
}

/// Writes the row of an entry whose author has the key `by`.
pub(super) fn insert_entry(sql: &Connection, room: RoomKey, by: i64, entry: &Entry) -> rusqlite::Result<()> {
    let what = &entry.what;
    let kind = match what {
        EntryKind::Opened { .. } => Kind::Opened,
        EntryKind::Posted { .. } => Kind::Posted,
        EntryKind::Edited { .. } => Kind::Edited,
        EntryKind::Deleted { .. } => Kind::Deleted,
        EntryKind::Renamed { .. } => Kind::Renamed,
        EntryKind::Closed {} => Kind::Closed,
        EntryKind::Reacted { .. } => Kind::Reacted,
        EntryKind::Unreacted { .. } => Kind::Unreacted,
        // Of a newer server alone, and never written.
        EntryKind::Unknown => return Err(rusqlite::Error::InvalidQuery),
    };
    let cmid = entry.cmid.map(|cmid| cmid.0.to_be_bytes());
    let target = what.target().or(what.reply_to()).map(|seq| room.pos(seq));
    let headers = what.headers().and_then(headers_column);
    sql.prepare_cached(
        "INSERT INTO entries (pos, at, by, cmid, kind, target, body, headers)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        room.pos(entry.seq),
        entry.at,
        by,
        cmid,
        kind as i64,
        target,
        what.text(),
        headers
    ])?;
    Ok(())
}

/// A column of JSON; nothing stands for the default.
fn json<T: DeserializeOwned + Default>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let Some(json) = row.get_ref(index)?.as_str_or_null()? else { return Ok(T::default()) };
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
    let changed = || target.ok_or(rusqlite::Error::InvalidColumnType(4, "target".into(), Type::Null));
    let what = match Kind::from_column(row.get(3)?)? {
        Kind::Opened => EntryKind::Opened { title: text()? },
        Kind::Posted => EntryKind::Posted { body: text()?, reply_to: target, headers: json(row, 6)? },
        Kind::Edited => EntryKind::Edited { seq: changed()?, body: text()? },
        Kind::Deleted => EntryKind::Deleted { seq: changed()? },
        Kind::Renamed => EntryKind::Renamed { title: text()? },
        Kind::Closed => EntryKind::Closed {},
        Kind::Reacted => EntryKind::Reacted { seq: changed()?, emoji: text()? },
        Kind::Unreacted => EntryKind::Unreacted { seq: changed()?, emoji: text()? },
    };
    let entry = Entry {
        room: room.clone(),
        seq: seq_of(row.get(0)?),
        at: row.get(1)?,
        by: author.id.clone(),
        cmid: cmid(row, 2)?,
        what,
    };
    Ok(super::Committed::new(entry, author))
}

/// The columns of [`message`] before [`PERSON_COLUMNS`], from `messages m JOIN entries e JOIN users u`.
pub(super) const MESSAGE_COLUMNS: &str =
    "m.pos, e.at, e.cmid, e.target, m.edited_at, m.deleted, coalesce(m.body, e.body), e.headers, m.reactions";

/// A message and its author, from [`MESSAGE_COLUMNS`].
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<(Message, Person)> {
    let author = person(row, 9)?;
    let deleted: bool = row.get(5)?;
    let message = Message {
        seq: seq_of(row.get(0)?),
        at: row.get(1)?,
        by: author.id.clone(),
        cmid: cmid(row, 2)?,
        body: if deleted { None } else { Some(row.get_ref(6)?.as_str()?.into()) },
        reply_to: row.get::<_, Option<i64>>(3)?.map(seq_of),
        edited_at: row.get(4)?,
        headers: json(row, 7)?,
        reactions: json(row, 8)?,
    };
    Ok((message, author))
}

/// Returns the message `seq`, unless it is unknown or deleted.
pub(super) fn undeleted_message(
    sql: &Connection,
    room: RoomKey,
    seq: Seq,
) -> rusqlite::Result<Option<Message>> {
    sql.prepare_cached(&format!(
        "SELECT {MESSAGE_COLUMNS}, {PERSON_COLUMNS} FROM messages m
         JOIN entries e ON e.pos = m.pos JOIN users u ON u.key = m.by WHERE m.pos = ?1 AND NOT m.deleted"
    ))?
    .query_row([room.pos(seq)], message)
    .optional()
    .map(|found| found.map(|(message, _)| message))
}

/// Updates the row of a message that the entry `by` changed. With a deleted one go all texts that it ever had, and its headers.
pub(super) fn update_message(
    sql: &Connection,
    room: RoomKey,
    message: &Message,
    by: Seq,
) -> rusqlite::Result<()> {
    let pos = room.pos(message.seq);
    // The text as posted stays in its entry alone.
    let body = message.edited_at.and(message.body.as_deref());
    let reactions = Some(&message.reactions).filter(|reactions| !reactions.is_empty());
    let reactions = reactions.and_then(|reactions| serde_json::to_string(reactions).ok());
    sql.prepare_cached(
        "UPDATE messages SET body = ?2, edited_at = ?3, deleted = ?4, changed = ?5, reactions = ?6 WHERE pos = ?1",
    )?
    .execute(params![pos, body, message.edited_at, message.is_deleted(), by.cast_signed(), reactions])?;
    if message.is_deleted() {
        sql.prepare_cached("UPDATE entries SET body = '', headers = NULL WHERE pos = ?1")?.execute([pos])?;
        sql.prepare_cached("UPDATE entries SET body = '' WHERE kind = ?2 AND target = ?1")?
            .execute([pos, Kind::Edited as i64])?;
    }
    Ok(())
}

/// Key of a reader without one: nobody's messages are theirs.
pub(super) const NO_KEY: i64 = -1;

/// A bot as the database has it.
pub(super) struct StoredBot {
    pub(super) key: i64,
    pub(super) token_hash: [u8; 32],
    pub(super) bot: Bot,
}

/// Bots, as [`bot_row`] reads them.
const BOTS: &str = "SELECT u.id, u.name, u.initial, u.alike, u.bot, b.user, b.token_hash, b.kind, b.limited,
         b.made_at, b.revoked_at, w.url, w.key
     FROM bots b JOIN users u ON u.key = b.user LEFT JOIN webhooks w ON w.bot = b.user";

/// Every bot, revoked ones too.
pub(super) fn bots(sql: &Connection) -> rusqlite::Result<Vec<StoredBot>> {
    let mut statement = sql.prepare(&format!("{BOTS} ORDER BY b.user"))?;
    let bots = statement.query_map([], bot_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    bots.into_iter().map(|bot| with_rooms(sql, bot)).collect()
}

/// The bot with this id.
pub(super) fn bot(sql: &Connection, user: &UserId) -> rusqlite::Result<Option<StoredBot>> {
    let mut statement = sql.prepare_cached(&format!("{BOTS} WHERE u.id = ?1"))?;
    let found = statement.query_row([user.as_str()], bot_row).optional()?;
    found.map(|bot| with_rooms(sql, bot)).transpose()
}

/// The bot; that it is limited, its rooms will tell.
fn bot_row(row: &Row<'_>) -> rusqlite::Result<StoredBot> {
    let limited: bool = row.get(8)?;
    let bot = Bot {
        person: person(row, 0)?,
        kind: match row.get::<_, i64>(7)? {
            2 => BotKind::Hook,
            3 => BotKind::Outgoing,
            _ => BotKind::Token,
        },
        rooms: limited.then(Vec::new),
        target: match row.get(11)? {
            Some(url) => Some(Target { url, key: row.get(12)? }),
            None => None,
        },
        made_at: row.get(9)?,
        revoked_at: row.get(10)?,
    };
    Ok(StoredBot { key: row.get(5)?, token_hash: row.get(6)?, bot })
}

fn with_rooms(sql: &Connection, mut stored: StoredBot) -> rusqlite::Result<StoredBot> {
    if let Some(rooms) = &mut stored.bot.rooms {
        let mut statement = sql.prepare_cached(
            "SELECT r.id FROM bot_rooms b JOIN rooms r ON r.key = b.room WHERE b.bot = ?1 ORDER BY r.id",
        )?;
        *rooms = statement
            .query_map([stored.key], |row| id(row, 0))?
            .collect::<rusqlite::Result<Vec<RoomId>>>()?;
    }
    Ok(stored)
}

/// A [`StoreError`] that SQLite's errors turn into by `?`.
pub(super) struct ReadError(pub(super) StoreError);

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self(StoreError::Unavailable(error.to_string()))
    }
}

/// Runs a read against one state of the database.
pub(super) fn in_one_state<T>(
    sql: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let state = sql.unchecked_transaction()?;
    let result = read(&state)?;
    state.finish()?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pos_orders_by_room_then_seq() {
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
