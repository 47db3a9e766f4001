-- A subscriber may run in several processes: a journal is leased to the one that
-- reads it. Holder and time come and go together; seq and pos are 0 as long as
-- the first event has not been handled.
ALTER TABLE cursors ADD COLUMN holder BLOB CHECK (length(holder) = 16);
ALTER TABLE cursors ADD COLUMN leased_until INTEGER -- when another one may take the journal over
    CONSTRAINT cursors_lease CHECK ((holder IS NULL) = (leased_until IS NULL));
