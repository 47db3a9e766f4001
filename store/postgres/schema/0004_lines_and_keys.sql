-- The lines of phones that somebody has, and whom each carries: the phone's user
-- or one of his aliases, each on one line of a phone at most. A free line has no row.
CREATE TABLE device_lines (
    tenant_id uuid   NOT NULL,
    device_id uuid   NOT NULL,
    line      bigint NOT NULL CHECK (line >= 1), -- up to the device's ports_used
    rev       bigint NOT NULL,
    user_id   uuid,
    alias_id  uuid,
    CONSTRAINT device_lines_pkey PRIMARY KEY (tenant_id, device_id, line),
    CONSTRAINT device_lines_device FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id),
    CONSTRAINT device_lines_of_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT device_lines_of_alias FOREIGN KEY (tenant_id, alias_id) REFERENCES aliases (tenant_id, id),
    CONSTRAINT device_lines_one CHECK ((user_id IS NULL) <> (alias_id IS NULL))
);
CREATE UNIQUE INDEX device_lines_user ON device_lines (tenant_id, user_id, device_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX device_lines_alias ON device_lines (tenant_id, alias_id, device_id) WHERE alias_id IS NOT NULL;

-- Line 1 of a phone carries its user from the assignment on.
INSERT INTO device_lines (tenant_id, device_id, line, rev, user_id)
    SELECT tenant_id, id, 1, 1, user_id FROM devices WHERE user_id IS NOT NULL;

-- The programmable keys of the phones of services.
CREATE TABLE service_keys (
    tenant_id  uuid             NOT NULL,
    service_id uuid             NOT NULL,
    position   bigint           NOT NULL CHECK (position >= 1), -- up to the keys of the service's device_type
    rev        bigint           NOT NULL,
    kind       text COLLATE "C" NOT NULL CHECK (kind IN ('speed dial', 'busy lamp', 'line', 'feature')),
    label      text COLLATE "C" NOT NULL,
    target     text COLLATE "C" NOT NULL, -- digits of the dial plan, a number, or a feature code
    CONSTRAINT service_keys_pkey PRIMARY KEY (tenant_id, service_id, position),
    CONSTRAINT service_keys_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id),
    CONSTRAINT service_keys_target CHECK (CASE kind
        WHEN 'feature' THEN target ~ '^[*#][0-9*#]{1,15}$'
        WHEN 'line' THEN target ~ '^([0-9]{2,7})?$' -- empty: the service's own
        WHEN 'speed dial' THEN target ~ '^([0-9]{2,7}|[+][1-9][0-9]{6,14})$'
        ELSE target ~ '^[0-9]{2,7}$' END)
);

COMMENT ON TABLE device_lines IS 'The lines of phones that somebody has, and whom each carries.';
COMMENT ON TABLE service_keys IS 'The programmable keys of the phones of services.';
