-- When somebody got their present name: clients that were away are told.
CREATE TABLE renames (
    user INTEGER PRIMARY KEY REFERENCES users (key) ON DELETE CASCADE,
    at   INTEGER NOT NULL
) STRICT;
CREATE INDEX renames_by_time ON renames (at);
