-- The journal of each tenant is a hash chain (SYS-11): an event has a hash of itself and
-- of the one before, and the tenant's row has the last one, after the tenant's rev and a
-- colon. What is there gets its hashes when the library opens the file; until then they
-- are NULL. A program of an earlier version, which has the file open, raises rev alone:
-- once a journal is chained, that is refused.
ALTER TABLE events ADD COLUMN hash TEXT CONSTRAINT events_hash CHECK (length(hash) = 64 AND hash NOT GLOB '*[^0-9a-f]*');
ALTER TABLE tenants ADD COLUMN journal_head TEXT
    CONSTRAINT tenants_journal_head CHECK (journal_head LIKE rev || ':%');
