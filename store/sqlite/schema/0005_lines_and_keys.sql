-- The lines of phones that somebody has, and whom each carries: the phone's user
-- or one of his aliases, each on one line of a phone at most. A free line has no row.
CREATE TABLE device_lines (
    tenant_id BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    device_id BLOB    NOT NULL CHECK (length(device_id) = 16),
    line      INTEGER NOT NULL CHECK (line >= 1), -- up to the device's ports_used
    rev       INTEGER NOT NULL,
    user_id   BLOB    CHECK (length(user_id) = 16),
    alias_id  BLOB    CHECK (length(alias_id) = 16),
    CONSTRAINT device_lines_pkey PRIMARY KEY (tenant_id, device_id, line),
    CONSTRAINT device_lines_device FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id),
    CONSTRAINT device_lines_of_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT device_lines_of_alias FOREIGN KEY (tenant_id, alias_id) REFERENCES aliases (tenant_id, id),
    CONSTRAINT device_lines_one CHECK ((user_id IS NULL) <> (alias_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_lines_user ON device_lines (tenant_id, user_id, device_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX device_lines_alias ON device_lines (tenant_id, alias_id, device_id) WHERE alias_id IS NOT NULL;

-- Line 1 of a phone carries its user from the assignment on.
INSERT INTO device_lines (tenant_id, device_id, line, rev, user_id)
    SELECT tenant_id, id, 1, 1, user_id FROM devices WHERE user_id IS NOT NULL;

-- The programmable keys of the phones of services.
CREATE TABLE service_keys (
    tenant_id  BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    service_id BLOB    NOT NULL CHECK (length(service_id) = 16),
    position   INTEGER NOT NULL CHECK (position >= 1), -- up to the keys of the service's device_type
    rev        INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('speed dial', 'busy lamp', 'line', 'feature')),
    label      TEXT    NOT NULL,
    target     TEXT    NOT NULL, -- digits of the dial plan, a number, or a feature code
    CONSTRAINT service_keys_pkey PRIMARY KEY (tenant_id, service_id, position),
    CONSTRAINT service_keys_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id),
    CONSTRAINT service_keys_target CHECK (CASE
        WHEN kind = 'feature' THEN target GLOB '[*#][0-9*#]*' AND target NOT GLOB '*[^0-9*#]*' AND length(target) <= 16
        WHEN kind = 'line' AND target = '' THEN TRUE -- the service's own
        WHEN kind = 'speed dial' AND target GLOB '+*'
            THEN target GLOB '+[1-9]*' AND substr(target, 2) NOT GLOB '*[^0-9]*' AND length(target) BETWEEN 8 AND 16
        ELSE target NOT GLOB '*[^0-9]*' AND length(target) BETWEEN 2 AND 7 END)
) STRICT, WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('device_lines', 'device_lines', '1000000 1000 5 1'),
    ('device_lines', 'device_lines_user', '1000000 1000 5 1'),
    ('device_lines', 'device_lines_alias', '1000000 1000 5 1'),
    ('service_keys', 'service_keys', '1000000 1000 5 1');
ANALYZE sqlite_schema;
