//! Programs with a token of their own: made, revoked, and read into memory.

use madang_protocol::{Person, RoomId, UnixMs, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::batch::{Batch, Failure};
use super::directory::{self, News};
use super::rows::{self, RoomKey};
use super::{Bot, BotKind, MAX_BOTS, StoreError, Target, looks};

/// A bot as the database has it.
pub(super) struct StoredBot {
    pub(super) key: i64,
    pub(super) token_hash: [u8; 32],
    pub(super) bot: Bot,
}

/// Makes a bot with its token. To a newcomer nothing is new: its read markers stand at the heads.
pub(super) fn add(
    batch: &mut Batch<'_>,
    bot: Bot,
    token_hash: [u8; 32],
) -> Result<(Bot, Vec<Person>), Failure> {
    let rooms = match &bot.rooms {
        Some(rooms) => {
            let keys = rooms.iter().map(|room| batch.room(room).map(|found| found.key));
            keys.collect::<Result<Vec<RoomKey>, Failure>>()?
        }
        None => Vec::new(),
    };
    let sql = batch.sql;
    let (count, taken): (u32, bool) = sql
        .prepare_cached(
            "SELECT (SELECT count(*) FROM bots), exists (SELECT 1 FROM users WHERE id = ?1)
                 OR exists (SELECT 1 FROM bots WHERE token_hash = ?2)",
        )?
        .query_row(params![bot.person.id.as_str(), token_hash], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if taken {
        return Err(StoreError::Taken.into());
    }
    if count >= MAX_BOTS {
        return Err(StoreError::TooManyBots.into());
    }
    sql.prepare_cached("INSERT INTO users (id, made_at, bot) VALUES (?1, ?2, 1)")?
        .execute(params![bot.person.id.as_str(), bot.made_at])?;
    let key = sql.last_insert_rowid();
    let others = looks::name(batch, key, &bot.person.name, bot.made_at)?;
    sql.prepare_cached(
        "INSERT INTO bots (user, token_hash, kind, limited, made_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![key, token_hash, number(bot.kind), bot.rooms.is_some(), bot.made_at])?;
    if let Some(target) = &bot.target {
        sql.prepare_cached("INSERT INTO webhooks (bot, url, key) VALUES (?1, ?2, ?3)")?
            .execute(params![key, target.url, target.key])?;
    }
    for room in rooms {
        sql.prepare_cached("INSERT OR IGNORE INTO bot_rooms (bot, room) VALUES (?1, ?2)")?
            .execute([key, room.0])?;
    }
    sql.prepare_cached(
        "INSERT INTO read_markers (user, room, seq) SELECT ?1, key, head FROM rooms WHERE closed_at IS NULL",
    )?
    .execute([key])?;
    let markers = directory::markers(sql, key)?;
    let made = find(sql, &bot.person.id)?.ok_or(StoreError::UnknownUser)?;
    let bot = made.bot.clone();
    batch.note(News::Bot { made, markers });
    Ok((bot, others))
}

/// Takes a bot's token away, for ever. A bot that lost it earlier stays as it is.
pub(super) fn revoke(batch: &mut Batch<'_>, user: &UserId, at: UnixMs) -> Result<Bot, Failure> {
    let StoredBot { key, mut bot, .. } = find(batch.sql, user)?.ok_or(StoreError::UnknownUser)?;
    if bot.revoked_at.is_none() {
        bot.revoked_at = Some(at);
        bot.target = None;
        batch.sql.prepare_cached("DELETE FROM webhooks WHERE bot = ?1")?.execute([key])?;
        batch
            .sql
            .prepare_cached("UPDATE bots SET revoked_at = ?2 WHERE user = ?1")?
            .execute(params![key, at])?;
        batch.note(News::Revoked { user: user.clone(), at });
    }
    Ok(bot)
}

/// Every bot, revoked ones too.
pub(super) fn all(sql: &Connection) -> rusqlite::Result<Vec<StoredBot>> {
    let mut statement = sql.prepare(&format!("{SELECT} ORDER BY b.user"))?;
    let bots = statement.query_map([], row_of)?.collect::<rusqlite::Result<Vec<_>>>()?;
    bots.into_iter().map(|bot| with_rooms(sql, bot)).collect()
}

const SELECT: &str =
    "SELECT u.id, u.name, u.initial, u.alike, u.bot, b.user, b.token_hash, b.kind, b.limited,
         b.made_at, b.revoked_at, w.url, w.key
     FROM bots b JOIN users u ON u.key = b.user LEFT JOIN webhooks w ON w.bot = b.user";

fn find(sql: &Connection, user: &UserId) -> rusqlite::Result<Option<StoredBot>> {
    let mut statement = sql.prepare_cached(&format!("{SELECT} WHERE u.id = ?1"))?;
    let found = statement.query_row([user.as_str()], row_of).optional()?;
    found.map(|bot| with_rooms(sql, bot)).transpose()
}

/// The bot; that it is limited, its rooms will tell.
fn row_of(row: &Row<'_>) -> rusqlite::Result<StoredBot> {
    let limited: bool = row.get(8)?;
    let bot = Bot {
        person: rows::person(row, 0)?,
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
            .query_map([stored.key], |row| rows::id(row, 0))?
            .collect::<rusqlite::Result<Vec<RoomId>>>()?;
    }
    Ok(stored)
}

fn number(kind: BotKind) -> i64 {
    match kind {
        BotKind::Token => 1,
        BotKind::Hook => 2,
        BotKind::Outgoing => 3,
    }
}
