-- Kinds 7 (reacted) and 8 (unreacted) of entries: `target` is the pos of the message, `body` the emoji.
-- Reactions to a message: JSON as on the wire; NULL: none.
ALTER TABLE messages ADD COLUMN reactions TEXT;
