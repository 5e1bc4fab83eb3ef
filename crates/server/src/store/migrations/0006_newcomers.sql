-- Newcomers leave no row before they act, and what was there when they came is read by one number.

-- Messages of all rooms are counted as they come: a message's turn. What was written before this step has 0.
ALTER TABLE messages ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;       -- of its newest message
-- In a room without a read marker, a person has read what came up to this turn; -1: nothing.
ALTER TABLE users ADD COLUMN arrived INTEGER NOT NULL DEFAULT -1;

-- What signs newcomers' logins, and what tells this server's cookies from those of another one on the same host.
INSERT INTO meta (key, value) VALUES ('newcomer_key', lower(hex(randomblob(32)))), ('server_id', lower(hex(randomblob(4))));
