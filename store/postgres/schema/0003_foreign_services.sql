-- What other systems provide on lines, and all statuses of a line.

-- Of a type with fulfilment, the provider has to do something before a new line
-- works.
ALTER TABLE service_types ADD COLUMN fulfilment boolean NOT NULL DEFAULT false;

-- Until now a remote line, whose status is its own system's, had one of ours.
UPDATE services SET status = 'none', rev = rev + 1 WHERE remote_system <> '' AND status <> 'none';
ALTER TABLE services
    ADD COLUMN cancel_at timestamptz, -- when it is to be deleted
    ADD COLUMN failure text COLLATE "C" NOT NULL DEFAULT '', -- why its order failed
    ADD COLUMN activate_later boolean NOT NULL DEFAULT false, -- than its order is completed
    ADD CONSTRAINT services_cancelled CHECK ((status = 'pending cancellation') = (cancel_at IS NOT NULL)),
    ADD CONSTRAINT services_remote CHECK ((status = 'none') = (remote_system <> '')),
    ADD CONSTRAINT services_billed CHECK (CASE WHEN status IN ('active', 'pending cancellation') THEN activated_at IS NOT NULL
                                               WHEN status IN ('order processing', 'order failed', 'pending activation')
                                               THEN activated_at IS NULL ELSE true END),
    ADD CONSTRAINT services_failed CHECK ((status = 'order failed') = (failure <> '')),
    ADD CONSTRAINT services_later CHECK (NOT activate_later OR status IN ('order processing', 'order failed'));
CREATE INDEX services_by_cancellation ON services (tenant_id, cancel_at, id) WHERE cancel_at IS NOT NULL;

-- Foreign services: a name, a system, and a link to the right page there. One
-- outlives its line until its own system has deleted it, or somebody has seen to
-- it.
CREATE TABLE foreign_services (
    tenant_id   uuid             NOT NULL REFERENCES tenants (id),
    id          uuid             NOT NULL,
    rev         bigint           NOT NULL,
    service_id  uuid, -- its line; NULL when that is gone
    former_dn   text COLLATE "C" -- of the line that is gone
        CONSTRAINT foreign_services_digits CHECK (former_dn ~ '^[0-9]{2,7}$'),
    system      text COLLATE "C" NOT NULL CHECK (system <> ''),
    name        text COLLATE "C" NOT NULL CHECK (name <> ''),
    link        text COLLATE "C" NOT NULL,
    deletable   boolean          NOT NULL, -- by its system, when asked to
    needs_email boolean          NOT NULL,
    needs_login boolean          NOT NULL,
    state       text COLLATE "C" NOT NULL CHECK (state IN ('requested', 'active', 'failed', 'deleting', 'left')),
    outcome     text COLLATE "C" NOT NULL, -- what its system said last
    at          timestamptz      NOT NULL, -- of the last change of state
    requests    bigint           NOT NULL, -- how often its system was asked for something
    CONSTRAINT foreign_services_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT foreign_services_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id),
    CONSTRAINT foreign_services_former CHECK ((service_id IS NULL) = (former_dn IS NOT NULL)),
    CONSTRAINT foreign_services_state CHECK (CASE WHEN state IN ('requested', 'active') THEN service_id IS NOT NULL
                                                  WHEN state = 'deleting' THEN service_id IS NULL AND deletable
                                                  WHEN state = 'left' THEN service_id IS NULL AND NOT deletable
                                                  ELSE service_id IS NOT NULL OR deletable END),
    CONSTRAINT foreign_services_asked CHECK (requests >= 0 AND (requests > 0 OR state IN ('active', 'left')))
);
CREATE UNIQUE INDEX foreign_services_line ON foreign_services (tenant_id, service_id, system, name) WHERE service_id IS NOT NULL;

COMMENT ON TABLE foreign_services IS 'What other systems provide on lines: a name, a system, a link.';
