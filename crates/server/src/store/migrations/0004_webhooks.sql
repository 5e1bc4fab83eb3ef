-- Where outgoing webhooks deliver. Each is a bot of kind 3 that is limited to one room; its read marker there is the
-- cursor of what was delivered.
CREATE TABLE webhooks (
    bot INTEGER PRIMARY KEY REFERENCES bots (user),
    url TEXT NOT NULL,
    key TEXT NOT NULL                   -- signs what is delivered, so it is kept as it is
);
