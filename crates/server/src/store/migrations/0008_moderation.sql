-- What the owner decides about rooms and people.

-- A closed room keeps its log, and nobody reads it. Kinds of entries: 5 renamed (body: the title), 6 closed.
ALTER TABLE rooms ADD COLUMN closed_at INTEGER;

CREATE TABLE bans (
    kind    INTEGER NOT NULL,           -- 1 a person, 2 an address
    subject TEXT NOT NULL,              -- the user's id; the address, or its /64
    at      INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
