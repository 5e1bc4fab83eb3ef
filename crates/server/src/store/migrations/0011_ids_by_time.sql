-- Writes are recognised by their ids first and their authors second. Clients make ids by time, so that those of one
-- moment, whoever's they are, stand on one page of the index; by author they stood on a page for each.

-- Whether there are entries of theirs: that was looked up by author.
ALTER TABLE users ADD COLUMN wrote INTEGER NOT NULL DEFAULT 0;
UPDATE users SET wrote = 1 WHERE exists (SELECT 1 FROM entries WHERE by = users.key);

DROP INDEX entries_of_user;
CREATE UNIQUE INDEX entries_by_cmid ON entries (cmid, by);

-- A foreign key is looked up from its other end, too, which would now read the whole table for each person removed;
-- `users.wrote` stands for it. SQLite's own way to drop one that leaves the table as it is.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER NOT NULL REFERENCES users (key)', 'INTEGER NOT NULL')
    WHERE type = 'table' AND name = 'entries';
PRAGMA writable_schema = RESET;
