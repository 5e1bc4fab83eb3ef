-- How far programs have read rooms by acknowledging what they were sent.

CREATE TABLE places (
    user     INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    room     INTEGER NOT NULL REFERENCES rooms (key),
    name     TEXT NOT NULL,             -- the reader's own name for it
    sent     INTEGER NOT NULL,          -- seq; what came later was never sent
    open     BLOB NOT NULL,             -- seqs up to it that are not acknowledged, 8 bytes each, big-endian
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (user, room, name)
) WITHOUT ROWID;
