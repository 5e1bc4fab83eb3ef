-- What programs say beside a message's text: a JSON object of names and values; NULL: nothing, as people do.
ALTER TABLE entries ADD COLUMN headers TEXT;
