//! Looks of a name. They are derived when the name is given, and kept beside it: a message costs nothing more.
//!
//! A name looks like another one if anybody whom this server knows has that one now, whether they are here or only
//! wrote here once.

use madang_protocol::{Person, UnixMs};
use rusqlite::{Connection, OptionalExtension, params};

use super::batch::{Batch, Failure};
use super::cache_update::CacheUpdate;
use super::rows::{self, PERSON_COLUMNS};
use crate::text;

/// The rules by which looks and initials are derived. Other rules (or Unicode tables) need another number: then all
/// are derived anew at the next start.
const RULES: &str = "1";

/// Derives what belongs to the names of all, if that was done by other rules or never.
pub(super) fn renew(sql: &Connection) -> rusqlite::Result<()> {
    let rules = "SELECT value FROM meta WHERE key = 'looks'";
    let known: Option<String> = sql.query_row(rules, [], |row| row.get(0)).optional()?;
    if known.as_deref() == Some(RULES) {
        return Ok(());
    }
    let all = sql.unchecked_transaction()?;
    let mut names = all.prepare("SELECT key, name FROM users WHERE name <> ''")?;
    let named = names.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    let mut update = all.prepare("UPDATE users SET look = ?2, initial = ?3 WHERE key = ?1")?;
    for person in named.collect::<rusqlite::Result<Vec<_>>>()? {
        update.execute(params![person.0, text::look(&person.1), text::initial(&person.1)])?;
    }
    all.execute(
        "UPDATE users SET alike = look <> 0 AND exists
             (SELECT 1 FROM users o WHERE o.look = users.look AND o.look <> 0 AND o.key <> users.key)
         WHERE name <> ''",
        [],
    )?;
    all.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('looks', ?1)", [RULES])?;
    drop((names, update));
    all.commit()
}

/// Gives a person a name, with what belongs to it. Returns the others with whom something else is shown from now on: at
/// most one who was alone with the new name, and one who is alone with the old one.
pub(super) fn name(batch: &mut Batch<'_>, key: i64, name: &str, at: UnixMs) -> Result<Vec<Person>, Failure> {
    let sql = batch.sql;
    let look = text::look(name);
    let old: u32 =
        sql.prepare_cached("SELECT look FROM users WHERE key = ?1")?.query_row([key], |row| row.get(0))?;
    let (left, met) =
        if old == look { Default::default() } else { (others(sql, old, key)?, others(sql, look, key)?) };
    sql.prepare_cached("UPDATE users SET name = ?2, look = ?3, initial = ?4 WHERE key = ?1")?
        .execute(params![key, name, look, text::initial(name)])?;
    if old != look {
        set_alike(sql, key, !met.is_empty())?;
    }
    let mut changed = Vec::new();
    for (group, alike) in [(left, false), (met, true)] {
        if let [alone] = group[..] {
            set_alike(sql, alone, alike)?;
            changed.push(tell(batch, alone, at)?);
        }
    }
    Ok(changed)
}

/// Notes that something else is shown with this person's name, or another name, and returns them as they are now.
pub(super) fn tell(batch: &mut Batch<'_>, key: i64, at: UnixMs) -> Result<Person, Failure> {
    batch
        .sql
        .prepare_cached("INSERT OR REPLACE INTO renames (user, at) VALUES (?1, ?2)")?
        .execute([key, at])?;
    let person = batch
        .sql
        .prepare_cached(&format!("SELECT {PERSON_COLUMNS} FROM users u WHERE u.key = ?1"))?
        .query_row([key], |row| rows::person(row, 0))?;
    batch.forget_author(&person.id);
    batch.note(CacheUpdate::Renamed { key, person: person.clone(), at });
    Ok(person)
}

/// One or two of those others who have this look.
fn others(sql: &Connection, look: u32, key: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement =
        sql.prepare_cached("SELECT key FROM users WHERE look = ?1 AND look <> 0 AND key <> ?2 LIMIT 2")?;
    statement.query_map(params![look, key], |row| row.get(0))?.collect()
}

fn set_alike(sql: &Connection, key: i64, alike: bool) -> rusqlite::Result<()> {
    sql.prepare_cached("UPDATE users SET alike = ?2 WHERE key = ?1")?.execute(params![key, alike]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::migrations;
    use super::*;

    fn shown(sql: &Connection) -> Vec<(String, String, bool)> {
        let mut statement = sql.prepare("SELECT name, initial, alike FROM users ORDER BY key").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn names_from_before_are_looked_at_once() {
        let sql = Connection::open_in_memory().unwrap();
        migrations::apply(&sql).unwrap();
        let names = ["Kim", "\u{301}Lee", "Kіm", "", ""];
        for (at, name) in names.iter().enumerate() {
            sql.execute(
                "INSERT INTO users (id, name, made_at) VALUES (?1, ?2, 0)",
                params![format!("u{at}"), name],
            )
            .unwrap();
        }
        renew(&sql).unwrap();
        let row = |name: &str, initial: &str, alike| (name.to_owned(), initial.to_owned(), alike);
        let expected = [row("Kim", "", true), row("\u{301}Lee", "L", false), row("Kіm", "", true)];
        assert_eq!(shown(&sql)[..3], expected);
        assert!(shown(&sql)[3..].iter().all(|row| !row.2), "no name looks like no other");
        sql.execute("UPDATE users SET alike = 0", []).unwrap();
        renew(&sql).unwrap();
        assert!(shown(&sql).iter().all(|row| !row.2), "by the same rules, nothing is done again");
    }
}
