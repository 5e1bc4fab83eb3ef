-- What is shown with a name: derived from it when it is given, so that nobody asks again for each message.

ALTER TABLE users ADD COLUMN look INTEGER NOT NULL DEFAULT 0;       -- the same for names that look the same; 0: no name
ALTER TABLE users ADD COLUMN initial TEXT NOT NULL DEFAULT '';      -- of the avatar, if not the name's first character
ALTER TABLE users ADD COLUMN alike INTEGER NOT NULL DEFAULT 0;      -- 1: somebody else has this look
ALTER TABLE users ADD COLUMN bot INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_by_look ON users (look) WHERE look <> 0;
UPDATE users SET bot = 1 WHERE key IN (SELECT user FROM bots);
