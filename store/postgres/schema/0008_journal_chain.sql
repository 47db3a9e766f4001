-- The journal of each tenant is a hash chain (SYS-11): an event has a hash of itself and
-- of the one before, and the tenant's row has the last one, after the tenant's rev and a
-- colon. What is there gets its hashes when the library opens the store; until then they
-- are NULL. A program of an earlier version, which is still running, raises rev alone:
-- once a journal is chained, that is refused.
ALTER TABLE events ADD COLUMN hash text COLLATE "C" CONSTRAINT events_hash CHECK (hash ~ '^[0-9a-f]{64}$');
ALTER TABLE tenants ADD COLUMN journal_head text COLLATE "C"
    CONSTRAINT tenants_journal_head CHECK (journal_head LIKE rev || ':%');
