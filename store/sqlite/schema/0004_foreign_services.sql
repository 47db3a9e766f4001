-- What other systems provide on lines, and all statuses of a line.

-- Of a type with fulfilment, the provider has to do something before a new line
-- works.
ALTER TABLE service_types ADD COLUMN fulfilment INTEGER NOT NULL DEFAULT 0 CHECK (fulfilment IN (0, 1));

-- Until now a remote line, whose status is its own system's, had one of ours.
UPDATE services SET status = 'none', rev = rev + 1 WHERE remote_system <> '' AND status <> 'none';
ALTER TABLE services ADD COLUMN cancel_at INTEGER -- when it is to be deleted
    CONSTRAINT services_cancelled CHECK ((status = 'pending cancellation') = (cancel_at IS NOT NULL))
    CONSTRAINT services_remote CHECK ((status = 'none') = (remote_system <> ''))
    CONSTRAINT services_billed CHECK (CASE WHEN status IN ('active', 'pending cancellation') THEN activated_at IS NOT NULL
                                           WHEN status IN ('order processing', 'order failed', 'pending activation')
                                           THEN activated_at IS NULL ELSE 1 END);
ALTER TABLE services ADD COLUMN failure TEXT NOT NULL DEFAULT '' -- why its order failed
    CONSTRAINT services_failed CHECK ((status = 'order failed') = (failure <> ''));
ALTER TABLE services ADD COLUMN activate_later INTEGER NOT NULL DEFAULT 0 CHECK (activate_later IN (0, 1)) -- than its order is completed
    CONSTRAINT services_later CHECK (activate_later = 0 OR status IN ('order processing', 'order failed'));
CREATE INDEX services_by_cancellation ON services (tenant_id, cancel_at, id) WHERE cancel_at IS NOT NULL;

-- Foreign services: a name, a system, and a link to the right page there. One
-- outlives its line until its own system has deleted it, or somebody has seen to
-- it.
CREATE TABLE foreign_services (
    tenant_id   BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    rev         INTEGER NOT NULL,
    service_id  BLOB    CHECK (length(service_id) = 16), -- its line; NULL when that is gone
    former_dn   TEXT    -- of the line that is gone
        CONSTRAINT foreign_services_digits CHECK (former_dn NOT GLOB '*[^0-9]*' AND length(former_dn) BETWEEN 2 AND 7),
    system      TEXT    NOT NULL CHECK (system <> ''),
    name        TEXT    NOT NULL CHECK (name <> ''),
    link        TEXT    NOT NULL,
    deletable   INTEGER NOT NULL CHECK (deletable IN (0, 1)), -- by its system, when asked to
    needs_email INTEGER NOT NULL CHECK (needs_email IN (0, 1)),
    needs_login INTEGER NOT NULL CHECK (needs_login IN (0, 1)),
    state       TEXT    NOT NULL CHECK (state IN ('requested', 'active', 'failed', 'deleting', 'left')),
    outcome     TEXT    NOT NULL, -- what its system said last
    at          INTEGER NOT NULL, -- of the last change of state
    requests    INTEGER NOT NULL, -- how often its system was asked for something
    CONSTRAINT foreign_services_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT foreign_services_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id),
    CONSTRAINT foreign_services_former CHECK ((service_id IS NULL) = (former_dn IS NOT NULL)),
    CONSTRAINT foreign_services_state CHECK (CASE WHEN state IN ('requested', 'active') THEN service_id IS NOT NULL
                                                  WHEN state = 'deleting' THEN service_id IS NULL AND deletable
                                                  WHEN state = 'left' THEN service_id IS NULL AND NOT deletable
                                                  ELSE service_id IS NOT NULL OR deletable END),
    CONSTRAINT foreign_services_asked CHECK (requests >= 0 AND (requests > 0 OR state IN ('active', 'left')))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX foreign_services_line ON foreign_services (tenant_id, service_id, system, name) WHERE service_id IS NOT NULL;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('services', 'services_by_cancellation', '1000000 1000 5 1'),
    ('foreign_services', 'foreign_services', '1000000 1000 1'),
    ('foreign_services', 'foreign_services_line', '1000000 1000 5 5 1');
ANALYZE sqlite_schema;
