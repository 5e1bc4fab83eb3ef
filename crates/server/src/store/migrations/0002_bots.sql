-- Programs that act under a name of their own.

-- A bot is a user with one token. The row stays once it is revoked, so that its messages keep their author.
CREATE TABLE bots (
    user       INTEGER PRIMARY KEY REFERENCES users (key),
    token_hash BLOB NOT NULL UNIQUE,    -- SHA-256; the token itself is never stored
    kind       INTEGER NOT NULL,        -- 1 token of a program, 2 secret of an incoming webhook
    limited    INTEGER NOT NULL,        -- 1: to its rooms in bot_rooms; 0: it may go everywhere
    made_at    INTEGER NOT NULL,
    revoked_at INTEGER
);

CREATE TABLE bot_rooms (
    bot  INTEGER NOT NULL REFERENCES bots (user),
    room INTEGER NOT NULL REFERENCES rooms (key),
    PRIMARY KEY (bot, room)
) WITHOUT ROWID;

-- Cursors are written as bare numbers under the epoch that the database was made with. An older database no
-- longer knows that one; its present one is as good.
INSERT INTO meta (key, value) SELECT 'first_epoch', value FROM meta WHERE key = 'epoch';
