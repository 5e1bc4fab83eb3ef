//! Programs with a token of their own: made and revoked.

use madang_protocol::{Person, UnixMs, UserId};
use rusqlite::params;

use super::batch::{Batch, Failure};
use super::cache;
use super::cache_update::CacheUpdate;
use super::rows::{self, RoomKey, StoredBot};
use super::{Bot, BotKind, MAX_BOTS, StoreError, lookalikes};

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
    let others = lookalikes::name(batch, key, &bot.person.name, bot.made_at)?;
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
    let markers = cache::markers(sql, key)?;
    let made = rows::bot(sql, &bot.person.id)?.ok_or(StoreError::UnknownUser)?;
    let bot = made.bot.clone();
    batch.note(CacheUpdate::Bot { made, markers });
    Ok((bot, others))
}

/// Takes a bot's token away, for ever. A bot that lost it earlier stays as it is.
pub(super) fn revoke(batch: &mut Batch<'_>, user: &UserId, at: UnixMs) -> Result<Bot, Failure> {
    let StoredBot { key, mut bot, .. } = rows::bot(batch.sql, user)?.ok_or(StoreError::UnknownUser)?;
    if bot.revoked_at.is_none() {
        bot.revoked_at = Some(at);
        bot.target = None;
        batch.sql.prepare_cached("DELETE FROM webhooks WHERE bot = ?1")?.execute([key])?;
        batch
            .sql
            .prepare_cached("UPDATE bots SET revoked_at = ?2 WHERE user = ?1")?
            .execute(params![key, at])?;
        batch.note(CacheUpdate::Revoked { user: user.clone(), at });
    }
    Ok(bot)
}

fn number(kind: BotKind) -> i64 {
    match kind {
        BotKind::Token => 1,
        BotKind::Hook => 2,
        BotKind::Outgoing => 3,
    }
}
