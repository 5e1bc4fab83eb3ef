-- The log and its projections.
--
-- An entry's primary key says where it stands: pos = room << 40 | seq, with the room's integer key. One room's
-- log is therefore one run of rowids, and reading it in order is one scan without an index.
-- A message's key is the pos of its `posted` entry.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    key     INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL DEFAULT '',   -- empty until one was chosen
    made_at INTEGER NOT NULL
);

CREATE TABLE logins (
    token_hash BLOB PRIMARY KEY,        -- SHA-256; the token itself is never stored
    user       INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    made_at    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX logins_of_user ON logins (user);

CREATE TABLE rooms (
    key     INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    title   TEXT NOT NULL,
    head    INTEGER NOT NULL,           -- seq of the newest entry
    last_at INTEGER NOT NULL            -- its time
);

CREATE TABLE entries (
    pos    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    by     INTEGER NOT NULL REFERENCES users (key),
    cmid   BLOB,                        -- 16 bytes; NULL for what the server wrote by itself
    kind   INTEGER NOT NULL,            -- 1 opened, 2 posted, 3 edited, 4 deleted
    target INTEGER,                     -- pos of the message answered (2), edited (3) or deleted (4)
    body   TEXT                         -- title (1) or text (2, 3); '' once the message is deleted
);
-- Recognises a repeated write, for ever. Also answers whether somebody has written at all.
CREATE UNIQUE INDEX entries_of_user ON entries (by, cmid);
-- Finds the texts to redact when an edited message is deleted.
CREATE INDEX edits_of_message ON entries (target) WHERE kind = 3;

-- What a message became. The text as posted stays in its entry alone, which keeps this table small enough to
-- count the unread in it.
CREATE TABLE messages (
    pos       INTEGER PRIMARY KEY REFERENCES entries (pos),
    by        INTEGER NOT NULL,
    deleted   INTEGER NOT NULL DEFAULT 0,
    changed   INTEGER NOT NULL,         -- seq of the newest entry about it
    edited_at INTEGER,
    body      TEXT                      -- the text after the last edit; NULL: as posted
);

CREATE TABLE read_markers (
    user  INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    room  INTEGER NOT NULL REFERENCES rooms (key),
    seq   INTEGER NOT NULL,
    moved INTEGER NOT NULL DEFAULT 0,   -- 1 once the person has read, and not only come
    PRIMARY KEY (user, room)
) WITHOUT ROWID;
