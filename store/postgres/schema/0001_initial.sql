-- The records of the provisioning core, one table for each kind. Every statement
-- here is to run with search_path set to the schema of the library's own, in one
-- transaction, followed by UPDATE schema_version SET version = 1: pbx does it so.
--
-- How to read it:
--
--   * Every foreign key begins with the tenant, so that a row can only refer to
--     rows of its own; the one exception, numbers.temporary_for, holds a number,
--     which is one in all tenants. A row that always belongs to another one of
--     its tenant needs no foreign key to the tenant itself.
--   * Every text is compared bytewise (COLLATE "C"), so that the order is the
--     same in every database; the columns *_folded hold text without case and
--     accents, for searching. Times are whole microseconds. Lists are arrays of
--     codes. Money is in the minor unit of the tenant's currency.
--   * rev goes up with every change of its row. A program that writes here
--     without raising it, and without the tenant's, loses updates.
--   * Whoever changes something of a tenant holds the lock on its row in
--     tenants (SELECT ... FOR NO KEY UPDATE) until the end of the transaction.
--   * The rules live in the library. What is repeated here as CHECKs and
--     foreign keys is the second line of defence: nothing cascades, and a
--     violation means that a rule is missing.
--   * Nothing here but tables, CHECKs, foreign keys and indexes: no sequence,
--     trigger, function, domain or constraint that can be deferred, for the
--     distributed engines lack one or the other.
--   * An index over a column that may be NULL is partial: a dial plan entry
--     that reaches a service costs nothing in the indexes by user, alias and
--     group.
--   * Indexes named fk_... are no one's order: they are what a foreign key
--     needs, either as the columns that it points at, or to find the rows that
--     refer to one that is being deleted.

-- The one row that says whose schema this is, and of which version. It is
-- locked by whoever brings the schema up to date, and by the first update of a
-- tenant that has no row yet.
CREATE TABLE schema_version (
    library text COLLATE "C" NOT NULL CHECK (library = 'github.com/pbxkit/pbx'),
    version bigint           NOT NULL,
    CONSTRAINT schema_version_pkey PRIMARY KEY (library)
);
INSERT INTO schema_version (library, version) VALUES ('github.com/pbxkit/pbx', 0);

-- Customers. The row 00000000-0000-0000-0000-000000000001 is the provider.
CREATE TABLE tenants (
    id                   uuid             NOT NULL,
    rev                  bigint           NOT NULL, -- of everything in the tenant; the journal's last seq
    name                 text COLLATE "C" NOT NULL,
    name_folded          text COLLATE "C" NOT NULL,
    country              text COLLATE "C" NOT NULL, -- ISO 3166-1 alpha-2
    currency             text COLLATE "C" NOT NULL, -- ISO 4217
    sip_domain           text COLLATE "C" CHECK (sip_domain <> ''),
    created_at           timestamptz      NOT NULL,
    next_extension       text COLLATE "C" CHECK (next_extension <> ''), -- where the search for a free one begins
    last_order           bigint           NOT NULL CHECK (last_order >= 0),
    settings_rev         bigint           NOT NULL, -- of the tenant's own settings
    extension_min_length bigint           NOT NULL,
    extension_max_length bigint           NOT NULL,
    extension_first      text COLLATE "C" NOT NULL,
    extension_last       text COLLATE "C" NOT NULL,
    advised_extension    text COLLATE "C" NOT NULL,
    voicemail_digits     bigint           NOT NULL,
    pin_min_length       bigint           NOT NULL,
    pin_max_length       bigint           NOT NULL,
    pin_tries            bigint           NOT NULL,
    pin_lock_ns          bigint           NOT NULL, -- nanoseconds
    number_rest_ns       bigint           NOT NULL, -- nanoseconds
    number_monthly       bigint           NOT NULL,
    number_one_time      bigint           NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX tenants_sip_domain ON tenants (sip_domain) WHERE sip_domain IS NOT NULL;
CREATE INDEX tenants_by_name ON tenants (name_folded, id);

-- Sites and buildings, with the address that an emergency call is sent to.
CREATE TABLE locations (
    tenant_id     uuid             NOT NULL REFERENCES tenants (id),
    id            uuid             NOT NULL,
    rev           bigint           NOT NULL,
    building      text COLLATE "C" NOT NULL, -- the code by which lines name it
    name          text COLLATE "C" NOT NULL,
    street        text COLLATE "C" NOT NULL,
    city          text COLLATE "C" NOT NULL,
    region        text COLLATE "C" NOT NULL,
    postal_code   text COLLATE "C" NOT NULL,
    country       text COLLATE "C" NOT NULL,
    number_prefix text COLLATE "C" NOT NULL, -- how the numbers near it begin, in E.164; '' for anywhere
    CONSTRAINT locations_pkey PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX locations_building ON locations (tenant_id, building);

-- The catalogue of phone services.
CREATE TABLE service_types (
    tenant_id    uuid             NOT NULL REFERENCES tenants (id),
    code         text COLLATE "C" NOT NULL CHECK (code <> ''),
    rev          bigint           NOT NULL,
    name         text COLLATE "C" NOT NULL,
    monthly      bigint           NOT NULL,
    one_time     bigint           NOT NULL,
    applications text[]           NOT NULL
        CONSTRAINT service_types_list CHECK (array_position(applications, NULL) IS NULL),
    CONSTRAINT service_types_pkey PRIMARY KEY (tenant_id, code)
);

-- Licences: how many of a package there are, and how many users have one.
CREATE TABLE station_pools (
    tenant_id    uuid             NOT NULL REFERENCES tenants (id),
    package      text COLLATE "C" NOT NULL CHECK (package <> ''),
    rev          bigint           NOT NULL,
    name         text COLLATE "C" NOT NULL,
    total        bigint           NOT NULL,
    used         bigint           NOT NULL,
    applications text[]           NOT NULL
        CONSTRAINT station_pools_list CHECK (array_position(applications, NULL) IS NULL),
    CONSTRAINT station_pools_pkey PRIMARY KEY (tenant_id, package),
    CONSTRAINT station_pools_add_up CHECK (used >= 0 AND used <= total)
);

-- People.
CREATE TABLE users (
    tenant_id     uuid             NOT NULL REFERENCES tenants (id),
    id            uuid             NOT NULL,
    rev           bigint           NOT NULL,
    first_name    text COLLATE "C" NOT NULL,
    last_name     text COLLATE "C" NOT NULL,
    first_folded  text COLLATE "C" NOT NULL,
    last_folded   text COLLATE "C" NOT NULL,
    email         text COLLATE "C" NOT NULL,
    login         text COLLATE "C" NOT NULL,
    login_folded  text COLLATE "C" NOT NULL, -- unique across all tenants
    state         text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'active', 'disabled')),
    mobile        text COLLATE "C"
        CONSTRAINT users_mobile CHECK (mobile ~ '^[+][1-9][0-9]{2,14}$'),
    department    text COLLATE "C" NOT NULL,
    location_id   uuid,
    music_on_hold text COLLATE "C" NOT NULL,
    sip_address   text COLLATE "C" NOT NULL, -- claimed in sip_identities
    e911          boolean          NOT NULL,
    station       text COLLATE "C" CHECK (station <> ''), -- the package
    applications  text[]           NOT NULL
        CONSTRAINT users_list CHECK (array_position(applications, NULL) IS NULL),
    created_at    timestamptz      NOT NULL,
    activated_at  timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_location FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
    CONSTRAINT users_station FOREIGN KEY (tenant_id, station) REFERENCES station_pools (tenant_id, package),
    -- A disabled user may have been active before, or not.
    CONSTRAINT users_activated CHECK (CASE state WHEN 'pending' THEN activated_at IS NULL
                                                 WHEN 'active' THEN activated_at IS NOT NULL
                                                 ELSE true END),
    CONSTRAINT users_e911 CHECK (NOT e911 OR location_id IS NOT NULL)
);
CREATE UNIQUE INDEX users_login ON users (login_folded);
CREATE UNIQUE INDEX fk_users_sip_address ON users (tenant_id, id, sip_address);
CREATE INDEX users_by_last ON users (tenant_id, last_folded, first_folded, id);
CREATE INDEX users_by_first ON users (tenant_id, first_folded, last_folded, id);
CREATE INDEX users_by_location ON users (tenant_id, location_id, id) WHERE location_id IS NOT NULL;
CREATE INDEX users_by_station ON users (tenant_id, station, id) WHERE station IS NOT NULL;

-- Sub-users: a name and a SIP address of their own.
CREATE TABLE aliases (
    tenant_id   uuid             NOT NULL,
    id          uuid             NOT NULL,
    rev         bigint           NOT NULL,
    user_id     uuid             NOT NULL,
    name        text COLLATE "C" NOT NULL,
    sip_address text COLLATE "C" NOT NULL, -- claimed in sip_identities
    CONSTRAINT aliases_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT aliases_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX fk_aliases_sip_address ON aliases (tenant_id, id, sip_address);
CREATE INDEX aliases_by_user ON aliases (tenant_id, user_id, id);

-- The claims on SIP addresses, unique across all tenants. An address here is
-- the one that its user or alias has: the foreign keys contain it.
CREATE TABLE sip_identities (
    address   text COLLATE "C" NOT NULL,
    tenant_id uuid             NOT NULL,
    rev       bigint           NOT NULL,
    user_id   uuid,
    alias_id  uuid,
    CONSTRAINT sip_identities_pkey PRIMARY KEY (address),
    CONSTRAINT sip_identities_user FOREIGN KEY (tenant_id, user_id, address)
        REFERENCES users (tenant_id, id, sip_address),
    CONSTRAINT sip_identities_alias FOREIGN KEY (tenant_id, alias_id, address)
        REFERENCES aliases (tenant_id, id, sip_address),
    CONSTRAINT sip_identities_one CHECK ((user_id IS NULL) <> (alias_id IS NULL))
);

-- Hunt groups and queues.
CREATE TABLE call_groups (
    tenant_id   uuid             NOT NULL REFERENCES tenants (id),
    id          uuid             NOT NULL,
    rev         bigint           NOT NULL,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('group', 'queue')),
    name        text COLLATE "C" NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    CONSTRAINT call_groups_pkey PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX call_groups_name ON call_groups (tenant_id, name_folded);

-- Their members, users or aliases.
CREATE TABLE call_group_members (
    tenant_id uuid   NOT NULL,
    group_id  uuid   NOT NULL,
    member_id uuid   NOT NULL, -- user_id or alias_id, whichever it is
    rev       bigint NOT NULL,
    user_id   uuid,
    alias_id  uuid,
    CONSTRAINT call_group_members_pkey PRIMARY KEY (tenant_id, group_id, member_id),
    CONSTRAINT call_group_members_group FOREIGN KEY (tenant_id, group_id) REFERENCES call_groups (tenant_id, id),
    CONSTRAINT call_group_members_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT call_group_members_alias FOREIGN KEY (tenant_id, alias_id) REFERENCES aliases (tenant_id, id),
    CONSTRAINT call_group_members_one CHECK ((user_id IS NULL) <> (alias_id IS NULL)
                                             AND member_id = coalesce(user_id, alias_id))
);
CREATE INDEX call_group_members_by_member ON call_group_members (tenant_id, member_id, group_id);
CREATE INDEX fk_call_group_members_user ON call_group_members (tenant_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX fk_call_group_members_alias ON call_group_members (tenant_id, alias_id) WHERE alias_id IS NOT NULL;

-- The inventory of phones.
CREATE TABLE devices (
    tenant_id   uuid             NOT NULL REFERENCES tenants (id),
    id          uuid             NOT NULL,
    rev         bigint           NOT NULL,
    mac         text COLLATE "C" NOT NULL -- unique across all tenants
        CONSTRAINT devices_mac_shape CHECK (mac ~ '^([0-9a-f]{2}:){5}[0-9a-f]{2}$'),
    model       text COLLATE "C" NOT NULL,
    category    text COLLATE "C" NOT NULL CHECK (category IN ('multi-line', 'single-line', 'analogue', 'softphone')),
    ports       bigint           NOT NULL, -- the lines that the model has
    location_id uuid,
    state       text COLLATE "C" NOT NULL CHECK (state IN ('available', 'assigned', 'in service')),
    user_id     uuid,
    ports_used  bigint           NOT NULL,
    primary_of  uuid, -- user_id when it is that user's primary device
    CONSTRAINT devices_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT devices_location FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
    CONSTRAINT devices_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT devices_assigned CHECK ((state = 'assigned') = (user_id IS NOT NULL)
                                       AND (state = 'assigned') = (ports_used > 0)),
    CONSTRAINT devices_ports CHECK (ports_used >= 0 AND ports_used <= ports),
    CONSTRAINT devices_primary_user CHECK (primary_of IS NULL OR primary_of IS NOT DISTINCT FROM user_id)
);
CREATE UNIQUE INDEX devices_mac ON devices (mac);
CREATE UNIQUE INDEX devices_primary ON devices (tenant_id, primary_of) WHERE primary_of IS NOT NULL;
CREATE INDEX devices_by_state ON devices (tenant_id, state, mac, id);
CREATE INDEX devices_by_user ON devices (tenant_id, user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX devices_by_location ON devices (tenant_id, location_id, id) WHERE location_id IS NOT NULL;

-- Lines. A line's DN is also its entry in extensions, and its number also its
-- row in numbers: their foreign keys contain both, so that they cannot differ.
CREATE TABLE services (
    tenant_id        uuid             NOT NULL REFERENCES tenants (id),
    id               uuid             NOT NULL,
    rev              bigint           NOT NULL,
    dn               text COLLATE "C" NOT NULL
        CONSTRAINT services_dn_digits CHECK (dn ~ '^[0-9]{2,7}$'),
    name             text COLLATE "C" NOT NULL,
    type             text COLLATE "C" CHECK (type <> ''), -- of service_types
    status           text COLLATE "C" NOT NULL CHECK (status IN ('none', 'order processing', 'order failed',
                                             'pending activation', 'active', 'pending cancellation')),
    device_type      text COLLATE "C" NOT NULL,
    category         text COLLATE "C" NOT NULL CHECK (category IN ('', 'multi-line', 'single-line', 'analogue', 'softphone')),
    device_id        uuid,
    location_id      uuid,
    location_kept_by text COLLATE "C" NOT NULL, -- the other system that keeps its location, or ''
    remote_system    text COLLATE "C" NOT NULL, -- the system that hosts it, or ''
    number           text COLLATE "C"
        CONSTRAINT services_number_shape CHECK (number ~ '^[+][1-9][0-9]{2,14}$'),
    created_at       timestamptz      NOT NULL,
    activated_at     timestamptz, -- when billing started
    CONSTRAINT services_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT services_type FOREIGN KEY (tenant_id, type) REFERENCES service_types (tenant_id, code),
    CONSTRAINT services_device FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id),
    CONSTRAINT services_location FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id)
);
CREATE UNIQUE INDEX services_dn ON services (tenant_id, dn);
CREATE UNIQUE INDEX services_number ON services (number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX fk_services_dn ON services (tenant_id, id, dn);
CREATE UNIQUE INDEX fk_services_number ON services (tenant_id, id, number);
CREATE INDEX services_by_type ON services (tenant_id, type, id) WHERE type IS NOT NULL;
CREATE INDEX services_by_location ON services (tenant_id, location_id, id) WHERE location_id IS NOT NULL;
CREATE INDEX services_by_device ON services (tenant_id, device_id, id) WHERE device_id IS NOT NULL;

-- Which user has which service: eight at most, one of them the primary.
CREATE TABLE associations (
    tenant_id  uuid   NOT NULL,
    user_id    uuid   NOT NULL,
    service_id uuid   NOT NULL,
    rev        bigint NOT NULL,
    slot       bigint NOT NULL CHECK (slot BETWEEN 1 AND 8),
    primary_of uuid, -- user_id when it is that user's primary service
    CONSTRAINT associations_pkey PRIMARY KEY (tenant_id, user_id, service_id),
    CONSTRAINT associations_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT associations_of_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id),
    CONSTRAINT associations_primary_user CHECK (primary_of IS NULL OR primary_of = user_id)
);
CREATE UNIQUE INDEX associations_slot ON associations (tenant_id, user_id, slot);
CREATE UNIQUE INDEX associations_primary ON associations (tenant_id, primary_of) WHERE primary_of IS NOT NULL;
CREATE INDEX associations_by_service ON associations (tenant_id, service_id, user_id);

-- The dial plan: digits, and the one thing that they reach.
CREATE TABLE extensions (
    tenant_id  uuid             NOT NULL,
    digits     text COLLATE "C" NOT NULL
        CONSTRAINT extensions_digits CHECK (digits ~ '^[0-9]{2,7}$'),
    rev        bigint           NOT NULL,
    user_id    uuid,
    service_id uuid,
    alias_id   uuid,
    group_id   uuid,
    main_of    uuid, -- user_id when it is that user's main extension
    CONSTRAINT extensions_pkey PRIMARY KEY (tenant_id, digits),
    CONSTRAINT extensions_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT extensions_dn FOREIGN KEY (tenant_id, service_id, digits) REFERENCES services (tenant_id, id, dn),
    CONSTRAINT extensions_alias FOREIGN KEY (tenant_id, alias_id) REFERENCES aliases (tenant_id, id),
    CONSTRAINT extensions_group FOREIGN KEY (tenant_id, group_id) REFERENCES call_groups (tenant_id, id),
    CONSTRAINT extensions_one_target CHECK (num_nonnulls(user_id, service_id, alias_id, group_id) = 1),
    CONSTRAINT extensions_main_user CHECK (main_of IS NULL OR main_of IS NOT DISTINCT FROM user_id)
);
CREATE UNIQUE INDEX extensions_main ON extensions (tenant_id, main_of) WHERE main_of IS NOT NULL;
CREATE UNIQUE INDEX extensions_service ON extensions (tenant_id, service_id) WHERE service_id IS NOT NULL;
CREATE INDEX extensions_by_user ON extensions (tenant_id, user_id, digits) WHERE user_id IS NOT NULL;
CREATE INDEX extensions_by_alias ON extensions (tenant_id, alias_id, digits) WHERE alias_id IS NOT NULL;
CREATE INDEX extensions_by_group ON extensions (tenant_id, group_id, digits) WHERE group_id IS NOT NULL;

-- Who may open a line's management record.
CREATE TABLE owners (
    tenant_id  uuid             NOT NULL,
    service_id uuid             NOT NULL,
    principal  text COLLATE "C" NOT NULL CHECK (principal <> ''),
    rev        bigint           NOT NULL,
    since      timestamptz      NOT NULL,
    CONSTRAINT owners_pkey PRIMARY KEY (tenant_id, service_id, principal),
    CONSTRAINT owners_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id)
);
CREATE INDEX owners_by_principal ON owners (tenant_id, principal, service_id);

-- Voicemail, one box a service at most.
CREATE TABLE mailboxes (
    tenant_id    uuid             NOT NULL,
    service_id   uuid             NOT NULL,
    rev          bigint           NOT NULL,
    number       text COLLATE "C" NOT NULL
        CONSTRAINT mailboxes_digits CHECK (number ~ '^[1-9][0-9]{1,6}$'),
    email        text COLLATE "C" NOT NULL,
    pin_hash     bytea            CHECK (length(pin_hash) > 0), -- NULL: no PIN was ever set, and nobody gets in
    tries        bigint           NOT NULL CHECK (tries >= 0), -- wrong PINs since the last right one
    locked_until timestamptz,
    created_at   timestamptz      NOT NULL,
    CONSTRAINT mailboxes_pkey PRIMARY KEY (tenant_id, service_id),
    CONSTRAINT mailboxes_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id)
);
CREATE UNIQUE INDEX mailboxes_number ON mailboxes (tenant_id, number);

-- Numbers on their way in from another carrier.
CREATE TABLE port_requests (
    tenant_id  uuid             NOT NULL REFERENCES tenants (id),
    id         uuid             NOT NULL,
    rev        bigint           NOT NULL,
    carrier    text COLLATE "C" NOT NULL,
    date       timestamptz      NOT NULL,
    state      text COLLATE "C" NOT NULL CHECK (state IN ('requested', 'confirmed', 'activated', 'cancelled', 'failed')),
    toll_free  boolean          NOT NULL,
    created_at timestamptz      NOT NULL,
    CONSTRAINT port_requests_pkey PRIMARY KEY (tenant_id, id)
);

-- Telephone numbers. Each belongs to one tenant, a customer or the provider.
CREATE TABLE numbers (
    e164          text COLLATE "C" NOT NULL
        CONSTRAINT numbers_shape CHECK (e164 ~ '^[+][1-9][0-9]{2,14}$'),
    tenant_id     uuid             NOT NULL REFERENCES tenants (id),
    rev           bigint           NOT NULL,
    state         text COLLATE "C" NOT NULL CHECK (state IN ('stock', 'resting', 'available', 'assigned', 'porting')),
    service_id    uuid,
    waiting_id    uuid, -- the service that waits for the port
    temporary_for text COLLATE "C" REFERENCES numbers (e164), -- the porting number that this one stands in for
    port_id       uuid,
    free_from     timestamptz,
    monthly       bigint           NOT NULL CHECK (monthly >= 0), -- what it was ordered at, in minor units
    created_at    timestamptz      NOT NULL,
    CONSTRAINT numbers_pkey PRIMARY KEY (e164),
    CONSTRAINT numbers_of_service FOREIGN KEY (tenant_id, service_id, e164) REFERENCES services (tenant_id, id, number),
    CONSTRAINT numbers_waiting_service FOREIGN KEY (tenant_id, waiting_id) REFERENCES services (tenant_id, id),
    CONSTRAINT numbers_port FOREIGN KEY (tenant_id, port_id) REFERENCES port_requests (tenant_id, id),
    CONSTRAINT numbers_provider CHECK ((state IN ('stock', 'resting'))
                                       = (tenant_id = '00000000-0000-0000-0000-000000000001')),
    CONSTRAINT numbers_assigned CHECK ((state = 'assigned') = (service_id IS NOT NULL)),
    CONSTRAINT numbers_resting CHECK ((state = 'resting') = (free_from IS NOT NULL)),
    CONSTRAINT numbers_awaited CHECK (waiting_id IS NULL OR state = 'porting'),
    CONSTRAINT numbers_stand_in CHECK (temporary_for IS NULL OR (state = 'assigned' AND temporary_for <> e164))
);
CREATE UNIQUE INDEX numbers_service ON numbers (tenant_id, service_id) WHERE service_id IS NOT NULL;
CREATE UNIQUE INDEX numbers_waiting ON numbers (tenant_id, waiting_id) WHERE waiting_id IS NOT NULL;
CREATE UNIQUE INDEX numbers_temporary ON numbers (temporary_for) WHERE temporary_for IS NOT NULL;
CREATE INDEX numbers_by_state ON numbers (tenant_id, state, e164);
CREATE INDEX numbers_by_rest ON numbers (tenant_id, state, free_from, e164) WHERE free_from IS NOT NULL;
CREATE INDEX numbers_by_port ON numbers (tenant_id, port_id, e164) WHERE port_id IS NOT NULL;

-- What was ordered. user_id and location_id are no foreign keys: an order
-- outlives the user and the location that it was for.
CREATE TABLE orders (
    tenant_id    uuid             NOT NULL REFERENCES tenants (id),
    id           uuid             NOT NULL,
    rev          bigint           NOT NULL,
    number       bigint           NOT NULL CHECK (number >= 1),
    status       text COLLATE "C" NOT NULL CHECK (status IN ('placed')),
    placed_by    text COLLATE "C" NOT NULL,
    placed_role  text COLLATE "C" NOT NULL CHECK (placed_role IN ('support', 'administrator', 'owner')),
    placed_at    timestamptz      NOT NULL,
    location_id  uuid,
    monthly      bigint           NOT NULL,
    one_time     bigint           NOT NULL,
    billing_from timestamptz, -- NULL: on activation
    user_id      uuid,
    CONSTRAINT orders_pkey PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX orders_number ON orders (tenant_id, number);

CREATE TABLE order_lines (
    tenant_id uuid             NOT NULL,
    order_id  uuid             NOT NULL,
    line      bigint           NOT NULL CHECK (line >= 1),
    rev       bigint           NOT NULL,
    product   text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    quantity  bigint           NOT NULL,
    monthly   bigint           NOT NULL,
    one_time  bigint           NOT NULL,
    CONSTRAINT order_lines_pkey PRIMARY KEY (tenant_id, order_id, line),
    CONSTRAINT order_lines_order FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
);

-- The journal: what each operation did. It names records by ID, also those
-- that are gone, so subject is no foreign key; rows never change.
CREATE TABLE events (
    tenant_id uuid             NOT NULL REFERENCES tenants (id),
    seq       bigint           NOT NULL CHECK (seq >= 1), -- the tenant's rev that the operation made
    pos       bigint           NOT NULL CHECK (pos >= 1), -- the place within the operation
    at        timestamptz      NOT NULL,
    operation uuid             NOT NULL,
    actor     text COLLATE "C" NOT NULL,
    role      text COLLATE "C" NOT NULL CHECK (role IN ('support', 'administrator', 'owner')),
    type      text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    subject   text COLLATE "C" NOT NULL,
    detail    text COLLATE "C" NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (tenant_id, seq, pos)
);

-- How far each subscriber has read each journal.
CREATE TABLE cursors (
    subscriber   text COLLATE "C" NOT NULL CHECK (subscriber <> ''),
    tenant_id    uuid             NOT NULL REFERENCES tenants (id),
    rev          bigint           NOT NULL,
    seq          bigint           NOT NULL CHECK (seq >= 0),
    pos          bigint           NOT NULL CHECK (pos >= 0),
    holder       uuid,
    leased_until timestamptz, -- when another process may take the journal over
    CONSTRAINT cursors_pkey PRIMARY KEY (subscriber, tenant_id),
    CONSTRAINT cursors_lease CHECK ((holder IS NULL) = (leased_until IS NULL))
);
CREATE INDEX fk_cursors_tenant ON cursors (tenant_id);

COMMENT ON TABLE schema_version IS 'Whose schema this is, and of which version: one row.';
COMMENT ON TABLE tenants IS 'Customers, and the provider (00000000-0000-0000-0000-000000000001). rev is the last seq of the journal.';
COMMENT ON TABLE locations IS 'Sites and buildings, with the address that an emergency call is sent to.';
COMMENT ON TABLE service_types IS 'The catalogue of phone services.';
COMMENT ON TABLE station_pools IS 'Licences: how many of a package there are, and how many users have one.';
COMMENT ON TABLE users IS 'People.';
COMMENT ON TABLE aliases IS 'Sub-users: a name and a SIP address of their own.';
COMMENT ON TABLE sip_identities IS 'The claims on SIP addresses, unique across all tenants.';
COMMENT ON TABLE call_groups IS 'Hunt groups and queues.';
COMMENT ON TABLE call_group_members IS 'Members of hunt groups and queues, users or aliases.';
COMMENT ON TABLE devices IS 'The inventory of phones.';
COMMENT ON TABLE services IS 'Lines: a DN, a type, a number, a device.';
COMMENT ON TABLE associations IS 'Which user has which service: eight at most, one of them the primary.';
COMMENT ON TABLE extensions IS 'The dial plan: digits, and the one thing that they reach.';
COMMENT ON TABLE owners IS 'Who may open a line''s management record.';
COMMENT ON TABLE mailboxes IS 'Voicemail, one box a service at most.';
COMMENT ON TABLE port_requests IS 'Numbers on their way in from another carrier.';
COMMENT ON TABLE numbers IS 'Telephone numbers, each of one tenant, a customer or the provider.';
COMMENT ON TABLE orders IS 'What was ordered.';
COMMENT ON TABLE order_lines IS 'The products of an order.';
COMMENT ON TABLE events IS 'The journal: what each operation did. Rows never change.';
COMMENT ON TABLE cursors IS 'How far each subscriber has read each journal, and who is reading it.';
