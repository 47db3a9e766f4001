-- The records of the provisioning core, one table for each kind.
--
-- How to read it:
--
--   * Every foreign key begins with the tenant, so that a row can only refer to
--     rows of its own; the one exception, numbers.temporary_for, holds a number,
--     which is one in all tenants. A row that always belongs to another one of
--     its tenant needs no foreign key to the tenant itself.
--   * IDs are UUIDs, 16 bytes in a BLOB: lower(hex(id)) shows one. Times are
--     microseconds since 1970 UTC: datetime(created_at / 1000000, 'unixepoch')
--     shows one. Booleans are 0 and 1. Lists are JSON arrays of codes. Money
--     is in the minor unit of the tenant's currency. Text is compared bytewise;
--     the columns *_folded hold text without case and accents, for searching.
--   * rev goes up with every change of its row. A program that writes here
--     without raising it, and without the tenant's, loses updates.
--   * The rules live in the library. What is repeated here as CHECKs and
--     foreign keys is the second line of defence: nothing cascades, and a
--     violation means that a rule is missing.
--   * The tables are WITHOUT ROWID: the rows lie in the tree of their key, a
--     tenant's together, and a look-up by key is one search instead of two.
--     Every other index ends with the key's columns, which SQLite keeps there
--     anyway, so nothing is stored twice.
--   * An index over a column that may be NULL is partial: a dial plan entry
--     that reaches a service costs nothing in the indexes by user, alias and
--     group.
--   * Indexes named fk_… are no one's order: they are what a foreign key needs,
--     either as the columns that it points at, or to find the rows that refer
--     to one that is being deleted.

-- Customers. The row 00000000-0000-0000-0000-000000000001 is the provider.
CREATE TABLE tenants (
    id                   BLOB    NOT NULL CHECK (length(id) = 16),
    rev                  INTEGER NOT NULL, -- of everything in the tenant; the journal's last seq
    name                 TEXT    NOT NULL,
    name_folded          TEXT    NOT NULL,
    country              TEXT    NOT NULL, -- ISO 3166-1 alpha-2
    currency             TEXT    NOT NULL, -- ISO 4217
    sip_domain           TEXT    CHECK (sip_domain <> ''),
    created_at           INTEGER NOT NULL,
    next_extension       TEXT    CHECK (next_extension <> ''), -- where the search for a free one begins
    last_order           INTEGER NOT NULL CHECK (last_order >= 0),
    settings_rev         INTEGER NOT NULL, -- of the tenant's own settings
    extension_min_length INTEGER NOT NULL,
    extension_max_length INTEGER NOT NULL,
    extension_first      TEXT    NOT NULL,
    extension_last       TEXT    NOT NULL,
    advised_extension    TEXT    NOT NULL,
    voicemail_digits     INTEGER NOT NULL,
    pin_min_length       INTEGER NOT NULL,
    pin_max_length       INTEGER NOT NULL,
    pin_tries            INTEGER NOT NULL,
    pin_lock_ns          INTEGER NOT NULL, -- nanoseconds
    number_rest_ns       INTEGER NOT NULL, -- nanoseconds
    number_monthly       INTEGER NOT NULL,
    number_one_time      INTEGER NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenants_sip_domain ON tenants (sip_domain) WHERE sip_domain IS NOT NULL;
CREATE INDEX tenants_by_name ON tenants (name_folded, id);

-- Sites and buildings, with the address that an emergency call is sent to.
CREATE TABLE locations (
    tenant_id     BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    id            BLOB    NOT NULL CHECK (length(id) = 16),
    rev           INTEGER NOT NULL,
    building      TEXT    NOT NULL, -- the code by which lines name it
    name          TEXT    NOT NULL,
    street        TEXT    NOT NULL,
    city          TEXT    NOT NULL,
    region        TEXT    NOT NULL,
    postal_code   TEXT    NOT NULL,
    country       TEXT    NOT NULL,
    number_prefix TEXT    NOT NULL, -- how the numbers near it begin, in E.164; '' for anywhere
    CONSTRAINT locations_pkey PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX locations_building ON locations (tenant_id, building);

-- The catalogue of phone services.
CREATE TABLE service_types (
    tenant_id    BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    code         TEXT    NOT NULL CHECK (code <> ''),
    rev          INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    monthly      INTEGER NOT NULL,
    one_time     INTEGER NOT NULL,
    applications TEXT    NOT NULL
        CONSTRAINT service_types_list CHECK (json_valid(applications) AND json_type(applications) = 'array'),
    CONSTRAINT service_types_pkey PRIMARY KEY (tenant_id, code)
) STRICT, WITHOUT ROWID;

-- Licences: how many of a package there are, and how many users have one.
CREATE TABLE station_pools (
    tenant_id    BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    package      TEXT    NOT NULL CHECK (package <> ''),
    rev          INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    total        INTEGER NOT NULL,
    used         INTEGER NOT NULL,
    applications TEXT    NOT NULL
        CONSTRAINT station_pools_list CHECK (json_valid(applications) AND json_type(applications) = 'array'),
    CONSTRAINT station_pools_pkey PRIMARY KEY (tenant_id, package),
    CONSTRAINT station_pools_add_up CHECK (used >= 0 AND used <= total)
) STRICT, WITHOUT ROWID;

-- People.
CREATE TABLE users (
    tenant_id     BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    id            BLOB    NOT NULL CHECK (length(id) = 16),
    rev           INTEGER NOT NULL,
    first_name    TEXT    NOT NULL,
    last_name     TEXT    NOT NULL,
    first_folded  TEXT    NOT NULL,
    last_folded   TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    login         TEXT    NOT NULL,
    login_folded  TEXT    NOT NULL, -- unique across all tenants
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'disabled')),
    mobile        TEXT
        CONSTRAINT users_mobile CHECK (mobile GLOB '+[1-9]*' AND substr(mobile, 2) NOT GLOB '*[^0-9]*'
                                       AND length(mobile) BETWEEN 4 AND 16),
    department    TEXT    NOT NULL,
    location_id   BLOB    CHECK (length(location_id) = 16),
    music_on_hold TEXT    NOT NULL,
    sip_address   TEXT    NOT NULL, -- claimed in sip_identities
    e911          INTEGER NOT NULL CHECK (e911 IN (0, 1)),
    station       TEXT    CHECK (station <> ''), -- the package
    applications  TEXT    NOT NULL
        CONSTRAINT users_list CHECK (json_valid(applications) AND json_type(applications) = 'array'),
    created_at    INTEGER NOT NULL,
    activated_at  INTEGER,
    CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_location FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
    CONSTRAINT users_station FOREIGN KEY (tenant_id, station) REFERENCES station_pools (tenant_id, package),
    -- A disabled user may have been active before, or not.
    CONSTRAINT users_activated CHECK (CASE state WHEN 'pending' THEN activated_at IS NULL
                                                 WHEN 'active' THEN activated_at IS NOT NULL
                                                 ELSE 1 END),
    CONSTRAINT users_e911 CHECK (e911 = 0 OR location_id IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_login ON users (login_folded);
CREATE UNIQUE INDEX fk_users_sip_address ON users (tenant_id, id, sip_address);
CREATE INDEX users_by_last ON users (tenant_id, last_folded, first_folded, id);
CREATE INDEX users_by_first ON users (tenant_id, first_folded, last_folded, id);
CREATE INDEX users_by_location ON users (tenant_id, location_id, id) WHERE location_id IS NOT NULL;
CREATE INDEX users_by_station ON users (tenant_id, station, id) WHERE station IS NOT NULL;

-- Sub-users: a name and a SIP address of their own.
CREATE TABLE aliases (
    tenant_id   BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    rev         INTEGER NOT NULL,
    user_id     BLOB    NOT NULL CHECK (length(user_id) = 16),
    name        TEXT    NOT NULL,
    sip_address TEXT    NOT NULL, -- claimed in sip_identities
    CONSTRAINT aliases_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT aliases_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX fk_aliases_sip_address ON aliases (tenant_id, id, sip_address);
CREATE INDEX aliases_by_user ON aliases (tenant_id, user_id, id);

-- The claims on SIP addresses, unique across all tenants. An address here is
-- the one that its user or alias has: the foreign keys contain it.
CREATE TABLE sip_identities (
    address   TEXT    NOT NULL,
    tenant_id BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    rev       INTEGER NOT NULL,
    user_id   BLOB    CHECK (length(user_id) = 16),
    alias_id  BLOB    CHECK (length(alias_id) = 16),
    CONSTRAINT sip_identities_pkey PRIMARY KEY (address),
    CONSTRAINT sip_identities_user FOREIGN KEY (tenant_id, user_id, address)
        REFERENCES users (tenant_id, id, sip_address),
    CONSTRAINT sip_identities_alias FOREIGN KEY (tenant_id, alias_id, address)
        REFERENCES aliases (tenant_id, id, sip_address),
    CONSTRAINT sip_identities_one CHECK ((user_id IS NULL) <> (alias_id IS NULL))
) STRICT, WITHOUT ROWID;

-- Hunt groups and queues.
CREATE TABLE call_groups (
    tenant_id   BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    rev         INTEGER NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('group', 'queue')),
    name        TEXT    NOT NULL,
    name_folded TEXT    NOT NULL,
    CONSTRAINT call_groups_pkey PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX call_groups_name ON call_groups (tenant_id, name_folded);

-- Their members, users or aliases.
CREATE TABLE call_group_members (
    tenant_id BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    group_id  BLOB    NOT NULL CHECK (length(group_id) = 16),
    member_id BLOB    NOT NULL CHECK (length(member_id) = 16), -- user_id or alias_id, whichever it is
    rev       INTEGER NOT NULL,
    user_id   BLOB    CHECK (length(user_id) = 16),
    alias_id  BLOB    CHECK (length(alias_id) = 16),
    CONSTRAINT call_group_members_pkey PRIMARY KEY (tenant_id, group_id, member_id),
    CONSTRAINT call_group_members_group FOREIGN KEY (tenant_id, group_id) REFERENCES call_groups (tenant_id, id),
    CONSTRAINT call_group_members_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT call_group_members_alias FOREIGN KEY (tenant_id, alias_id) REFERENCES aliases (tenant_id, id),
    CONSTRAINT call_group_members_one CHECK ((user_id IS NULL) <> (alias_id IS NULL)
                                             AND member_id = coalesce(user_id, alias_id))
) STRICT, WITHOUT ROWID;
CREATE INDEX call_group_members_by_member ON call_group_members (tenant_id, member_id, group_id);
CREATE INDEX fk_call_group_members_user ON call_group_members (tenant_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX fk_call_group_members_alias ON call_group_members (tenant_id, alias_id) WHERE alias_id IS NOT NULL;

-- The inventory of phones.
CREATE TABLE devices (
    tenant_id   BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    rev         INTEGER NOT NULL,
    mac         TEXT    NOT NULL -- unique across all tenants
        CONSTRAINT devices_mac_shape CHECK (length(mac) = 17 AND mac GLOB
            '[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]'),
    model       TEXT    NOT NULL,
    category    TEXT    NOT NULL CHECK (category IN ('multi-line', 'single-line', 'analogue', 'softphone')),
    ports       INTEGER NOT NULL, -- the lines that the model has
    location_id BLOB    CHECK (length(location_id) = 16),
    state       TEXT    NOT NULL CHECK (state IN ('available', 'assigned', 'in service')),
    user_id     BLOB    CHECK (length(user_id) = 16),
    ports_used  INTEGER NOT NULL,
    primary_of  BLOB, -- user_id when it is that user's primary device
    CONSTRAINT devices_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT devices_location FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
    CONSTRAINT devices_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT devices_assigned CHECK ((state = 'assigned') = (user_id IS NOT NULL)
                                       AND (state = 'assigned') = (ports_used > 0)),
    CONSTRAINT devices_ports CHECK (ports_used >= 0 AND ports_used <= ports),
    CONSTRAINT devices_primary_user CHECK (primary_of IS NULL OR primary_of IS user_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX devices_mac ON devices (mac);
CREATE UNIQUE INDEX devices_primary ON devices (tenant_id, primary_of) WHERE primary_of IS NOT NULL;
CREATE INDEX devices_by_state ON devices (tenant_id, state, mac, id);
CREATE INDEX devices_by_user ON devices (tenant_id, user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX devices_by_location ON devices (tenant_id, location_id, id) WHERE location_id IS NOT NULL;

-- Lines. A line's DN is also its entry in extensions, and its number also its
-- row in numbers: their foreign keys contain both, so that they cannot differ.
CREATE TABLE services (
    tenant_id        BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    id               BLOB    NOT NULL CHECK (length(id) = 16),
    rev              INTEGER NOT NULL,
    dn               TEXT    NOT NULL
        CONSTRAINT services_dn_digits CHECK (dn NOT GLOB '*[^0-9]*' AND length(dn) BETWEEN 2 AND 7),
    name             TEXT    NOT NULL,
    type             TEXT    CHECK (type <> ''), -- of service_types
    status           TEXT    NOT NULL CHECK (status IN ('none', 'order processing', 'order failed',
                                             'pending activation', 'active', 'pending cancellation')),
    device_type      TEXT    NOT NULL,
    category         TEXT    NOT NULL CHECK (category IN ('', 'multi-line', 'single-line', 'analogue', 'softphone')),
    device_id        BLOB    CHECK (length(device_id) = 16),
    location_id      BLOB    CHECK (length(location_id) = 16),
    location_kept_by TEXT    NOT NULL, -- the other system that keeps its location, or ''
    remote_system    TEXT    NOT NULL, -- the system that hosts it, or ''
    number           TEXT
        CONSTRAINT services_number_shape CHECK (number GLOB '+[1-9]*' AND substr(number, 2) NOT GLOB '*[^0-9]*'
                                                AND length(number) BETWEEN 4 AND 16),
    created_at       INTEGER NOT NULL,
    activated_at     INTEGER, -- when billing started
    CONSTRAINT services_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT services_type FOREIGN KEY (tenant_id, type) REFERENCES service_types (tenant_id, code),
    CONSTRAINT services_device FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id),
    CONSTRAINT services_location FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX services_dn ON services (tenant_id, dn);
CREATE UNIQUE INDEX services_number ON services (number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX fk_services_dn ON services (tenant_id, id, dn);
CREATE UNIQUE INDEX fk_services_number ON services (tenant_id, id, number);
CREATE INDEX services_by_type ON services (tenant_id, type, id) WHERE type IS NOT NULL;
CREATE INDEX services_by_location ON services (tenant_id, location_id, id) WHERE location_id IS NOT NULL;
CREATE INDEX services_by_device ON services (tenant_id, device_id, id) WHERE device_id IS NOT NULL;

-- Which user has which service: eight at most, one of them the primary.
CREATE TABLE associations (
    tenant_id  BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    user_id    BLOB    NOT NULL CHECK (length(user_id) = 16),
    service_id BLOB    NOT NULL CHECK (length(service_id) = 16),
    rev        INTEGER NOT NULL,
    slot       INTEGER NOT NULL CHECK (slot BETWEEN 1 AND 8),
    primary_of BLOB, -- user_id when it is that user's primary service
    CONSTRAINT associations_pkey PRIMARY KEY (tenant_id, user_id, service_id),
    CONSTRAINT associations_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT associations_of_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id),
    CONSTRAINT associations_primary_user CHECK (primary_of IS NULL OR primary_of = user_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX associations_slot ON associations (tenant_id, user_id, slot);
CREATE UNIQUE INDEX associations_primary ON associations (tenant_id, primary_of) WHERE primary_of IS NOT NULL;
CREATE INDEX associations_by_service ON associations (tenant_id, service_id, user_id);

-- The dial plan: digits, and the one thing that they reach.
CREATE TABLE extensions (
    tenant_id  BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    digits     TEXT    NOT NULL
        CONSTRAINT extensions_digits CHECK (digits NOT GLOB '*[^0-9]*' AND length(digits) BETWEEN 2 AND 7),
    rev        INTEGER NOT NULL,
    user_id    BLOB    CHECK (length(user_id) = 16),
    service_id BLOB    CHECK (length(service_id) = 16),
    alias_id   BLOB    CHECK (length(alias_id) = 16),
    group_id   BLOB    CHECK (length(group_id) = 16),
    main_of    BLOB, -- user_id when it is that user's main extension
    CONSTRAINT extensions_pkey PRIMARY KEY (tenant_id, digits),
    CONSTRAINT extensions_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT extensions_dn FOREIGN KEY (tenant_id, service_id, digits) REFERENCES services (tenant_id, id, dn),
    CONSTRAINT extensions_alias FOREIGN KEY (tenant_id, alias_id) REFERENCES aliases (tenant_id, id),
    CONSTRAINT extensions_group FOREIGN KEY (tenant_id, group_id) REFERENCES call_groups (tenant_id, id),
    CONSTRAINT extensions_one_target CHECK ((user_id IS NOT NULL) + (service_id IS NOT NULL)
                                            + (alias_id IS NOT NULL) + (group_id IS NOT NULL) = 1),
    CONSTRAINT extensions_main_user CHECK (main_of IS NULL OR main_of IS user_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX extensions_main ON extensions (tenant_id, main_of) WHERE main_of IS NOT NULL;
CREATE UNIQUE INDEX extensions_service ON extensions (tenant_id, service_id) WHERE service_id IS NOT NULL;
CREATE INDEX extensions_by_user ON extensions (tenant_id, user_id, digits) WHERE user_id IS NOT NULL;
CREATE INDEX extensions_by_alias ON extensions (tenant_id, alias_id, digits) WHERE alias_id IS NOT NULL;
CREATE INDEX extensions_by_group ON extensions (tenant_id, group_id, digits) WHERE group_id IS NOT NULL;

-- Who may open a line's management record.
CREATE TABLE owners (
    tenant_id  BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    service_id BLOB    NOT NULL CHECK (length(service_id) = 16),
    principal  TEXT    NOT NULL CHECK (principal <> ''),
    rev        INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    CONSTRAINT owners_pkey PRIMARY KEY (tenant_id, service_id, principal),
    CONSTRAINT owners_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX owners_by_principal ON owners (tenant_id, principal, service_id);

-- Voicemail, one box a service at most.
CREATE TABLE mailboxes (
    tenant_id    BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    service_id   BLOB    NOT NULL CHECK (length(service_id) = 16),
    rev          INTEGER NOT NULL,
    number       TEXT    NOT NULL
        CONSTRAINT mailboxes_digits CHECK (number GLOB '[1-9]*' AND number NOT GLOB '*[^0-9]*'
                                           AND length(number) BETWEEN 2 AND 7),
    email        TEXT    NOT NULL,
    pin_hash     BLOB    CHECK (length(pin_hash) > 0), -- NULL: no PIN was ever set, and nobody gets in
    tries        INTEGER NOT NULL CHECK (tries >= 0), -- wrong PINs since the last right one
    locked_until INTEGER,
    created_at   INTEGER NOT NULL,
    CONSTRAINT mailboxes_pkey PRIMARY KEY (tenant_id, service_id),
    CONSTRAINT mailboxes_service FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX mailboxes_number ON mailboxes (tenant_id, number);

-- Numbers on their way in from another carrier.
CREATE TABLE port_requests (
    tenant_id  BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    rev        INTEGER NOT NULL,
    carrier    TEXT    NOT NULL,
    date       INTEGER NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('requested', 'confirmed', 'activated', 'cancelled', 'failed')),
    toll_free  INTEGER NOT NULL CHECK (toll_free IN (0, 1)),
    created_at INTEGER NOT NULL,
    CONSTRAINT port_requests_pkey PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- Telephone numbers. Each belongs to one tenant, a customer or the provider.
CREATE TABLE numbers (
    e164          TEXT    NOT NULL
        CONSTRAINT numbers_shape CHECK (e164 GLOB '+[1-9]*' AND substr(e164, 2) NOT GLOB '*[^0-9]*'
                                        AND length(e164) BETWEEN 4 AND 16),
    tenant_id     BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    rev           INTEGER NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('stock', 'resting', 'available', 'assigned', 'porting')),
    service_id    BLOB    CHECK (length(service_id) = 16),
    waiting_id    BLOB    CHECK (length(waiting_id) = 16), -- the service that waits for the port
    temporary_for TEXT    REFERENCES numbers (e164),       -- the porting number that this one stands in for
    port_id       BLOB    CHECK (length(port_id) = 16),
    free_from     INTEGER,
    monthly       INTEGER NOT NULL CHECK (monthly >= 0), -- what it was ordered at, in minor units
    created_at    INTEGER NOT NULL,
    CONSTRAINT numbers_pkey PRIMARY KEY (e164),
    CONSTRAINT numbers_of_service FOREIGN KEY (tenant_id, service_id, e164) REFERENCES services (tenant_id, id, number),
    CONSTRAINT numbers_waiting_service FOREIGN KEY (tenant_id, waiting_id) REFERENCES services (tenant_id, id),
    CONSTRAINT numbers_port FOREIGN KEY (tenant_id, port_id) REFERENCES port_requests (tenant_id, id),
    CONSTRAINT numbers_provider CHECK ((state IN ('stock', 'resting'))
                                       = (tenant_id = X'00000000000000000000000000000001')),
    CONSTRAINT numbers_assigned CHECK ((state = 'assigned') = (service_id IS NOT NULL)),
    CONSTRAINT numbers_resting CHECK ((state = 'resting') = (free_from IS NOT NULL)),
    CONSTRAINT numbers_awaited CHECK (waiting_id IS NULL OR state = 'porting'),
    CONSTRAINT numbers_stand_in CHECK (temporary_for IS NULL OR (state = 'assigned' AND temporary_for <> e164))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX numbers_service ON numbers (tenant_id, service_id) WHERE service_id IS NOT NULL;
CREATE UNIQUE INDEX numbers_waiting ON numbers (tenant_id, waiting_id) WHERE waiting_id IS NOT NULL;
CREATE UNIQUE INDEX numbers_temporary ON numbers (temporary_for) WHERE temporary_for IS NOT NULL;
CREATE INDEX numbers_by_state ON numbers (tenant_id, state, e164);
CREATE INDEX numbers_by_rest ON numbers (tenant_id, state, free_from, e164) WHERE free_from IS NOT NULL;
CREATE INDEX numbers_by_port ON numbers (tenant_id, port_id, e164) WHERE port_id IS NOT NULL;

-- What was ordered. user_id and location_id are no foreign keys: an order
-- outlives the user and the location that it was for.
CREATE TABLE orders (
    tenant_id    BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    rev          INTEGER NOT NULL,
    number       INTEGER NOT NULL CHECK (number >= 1),
    status       TEXT    NOT NULL CHECK (status IN ('placed')),
    placed_by    TEXT    NOT NULL,
    placed_role  TEXT    NOT NULL CHECK (placed_role IN ('support', 'administrator', 'owner')),
    placed_at    INTEGER NOT NULL,
    location_id  BLOB    CHECK (length(location_id) = 16),
    monthly      INTEGER NOT NULL,
    one_time     INTEGER NOT NULL,
    billing_from INTEGER, -- NULL: on activation
    user_id      BLOB    CHECK (length(user_id) = 16),
    CONSTRAINT orders_pkey PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX orders_number ON orders (tenant_id, number);

CREATE TABLE order_lines (
    tenant_id BLOB    NOT NULL CHECK (length(tenant_id) = 16),
    order_id  BLOB    NOT NULL CHECK (length(order_id) = 16),
    line      INTEGER NOT NULL CHECK (line >= 1),
    rev       INTEGER NOT NULL,
    product   TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    quantity  INTEGER NOT NULL,
    monthly   INTEGER NOT NULL,
    one_time  INTEGER NOT NULL,
    CONSTRAINT order_lines_pkey PRIMARY KEY (tenant_id, order_id, line),
    CONSTRAINT order_lines_order FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- The journal: what each operation did. It names records by ID, also those
-- that are gone, so subject is no foreign key; rows never change.
CREATE TABLE events (
    tenant_id BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    seq       INTEGER NOT NULL CHECK (seq >= 1), -- the tenant's rev that the operation made
    pos       INTEGER NOT NULL CHECK (pos >= 1), -- the place within the operation
    at        INTEGER NOT NULL,
    operation BLOB    NOT NULL CHECK (length(operation) = 16),
    actor     TEXT    NOT NULL,
    role      TEXT    NOT NULL CHECK (role IN ('support', 'administrator', 'owner')),
    type      TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    detail    TEXT    NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (tenant_id, seq, pos)
) STRICT, WITHOUT ROWID;

-- How far each subscriber has read each journal.
CREATE TABLE cursors (
    subscriber TEXT    NOT NULL CHECK (subscriber <> ''),
    tenant_id  BLOB    NOT NULL CHECK (length(tenant_id) = 16) REFERENCES tenants (id),
    rev        INTEGER NOT NULL,
    seq        INTEGER NOT NULL CHECK (seq >= 0),
    pos        INTEGER NOT NULL CHECK (pos >= 0),
    CONSTRAINT cursors_pkey PRIMARY KEY (subscriber, tenant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fk_cursors_tenant ON cursors (tenant_id);

-- What the planner is to believe, in the form that ANALYZE would write: how many
-- entries an index has, and how many of them on average agree in the first
-- column, in the first two, and so on. The numbers are round ones, a thousand
-- rows a tenant and five for anything within it, so that every statement goes by
-- the index that was made for it, in every file and for good. Without them the
-- planner takes a look through all rows of a tenant for just as good, above all
-- when it searches for the rows that refer to one being deleted. Running ANALYZE
-- replaces them, and gains nothing.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('tenants', 'tenants', '1000000 1'),
    ('tenants', 'tenants_sip_domain', '1000000 1'),
    ('tenants', 'tenants_by_name', '1000000 5 1'),
    ('locations', 'locations', '1000000 1000 1'),
    ('locations', 'locations_building', '1000000 1000 1'),
    ('service_types', 'service_types', '1000000 1000 1'),
    ('station_pools', 'station_pools', '1000000 1000 1'),
    ('users', 'users', '1000000 1000 1'),
    ('users', 'users_login', '1000000 1'),
    ('users', 'fk_users_sip_address', '1000000 1000 5 1'),
    ('users', 'users_by_last', '1000000 1000 5 5 1'),
    ('users', 'users_by_first', '1000000 1000 5 5 1'),
    ('users', 'users_by_location', '1000000 1000 5 1'),
    ('users', 'users_by_station', '1000000 1000 5 1'),
    ('aliases', 'aliases', '1000000 1000 1'),
    ('aliases', 'fk_aliases_sip_address', '1000000 1000 5 1'),
    ('aliases', 'aliases_by_user', '1000000 1000 5 1'),
    ('sip_identities', 'sip_identities', '1000000 1'),
    ('call_groups', 'call_groups', '1000000 1000 1'),
    ('call_groups', 'call_groups_name', '1000000 1000 1'),
    ('call_group_members', 'call_group_members', '1000000 1000 5 1'),
    ('call_group_members', 'call_group_members_by_member', '1000000 1000 5 1'),
    ('call_group_members', 'fk_call_group_members_user', '1000000 1000 5'),
    ('call_group_members', 'fk_call_group_members_alias', '1000000 1000 5'),
    ('devices', 'devices', '1000000 1000 1'),
    ('devices', 'devices_mac', '1000000 1'),
    ('devices', 'devices_primary', '1000000 1000 1'),
    ('devices', 'devices_by_state', '1000000 1000 300 5 1'),
    ('devices', 'devices_by_user', '1000000 1000 5 1'),
    ('devices', 'devices_by_location', '1000000 1000 5 1'),
    ('services', 'services', '1000000 1000 1'),
    ('services', 'services_dn', '1000000 1000 1'),
    ('services', 'services_number', '1000000 1'),
    ('services', 'fk_services_dn', '1000000 1000 5 1'),
    ('services', 'fk_services_number', '1000000 1000 5 1'),
    ('services', 'services_by_type', '1000000 1000 5 1'),
    ('services', 'services_by_location', '1000000 1000 5 1'),
    ('services', 'services_by_device', '1000000 1000 5 1'),
    ('associations', 'associations', '1000000 1000 5 1'),
    ('associations', 'associations_slot', '1000000 1000 5 1'),
    ('associations', 'associations_primary', '1000000 1000 1'),
    ('associations', 'associations_by_service', '1000000 1000 5 5'),
    ('extensions', 'extensions', '1000000 1000 1'),
    ('extensions', 'extensions_main', '1000000 1000 1'),
    ('extensions', 'extensions_service', '1000000 1000 1'),
    ('extensions', 'extensions_by_user', '1000000 1000 5 1'),
    ('extensions', 'extensions_by_alias', '1000000 1000 5 1'),
    ('extensions', 'extensions_by_group', '1000000 1000 5 1'),
    ('owners', 'owners', '1000000 1000 5 1'),
    ('owners', 'owners_by_principal', '1000000 1000 5 1'),
    ('mailboxes', 'mailboxes', '1000000 1000 1'),
    ('mailboxes', 'mailboxes_number', '1000000 1000 1'),
    ('port_requests', 'port_requests', '1000000 1000 1'),
    ('numbers', 'numbers', '1000000 1'),
    ('numbers', 'numbers_service', '1000000 1000 1'),
    ('numbers', 'numbers_waiting', '1000000 1000 1'),
    ('numbers', 'numbers_temporary', '1000000 1'),
    ('numbers', 'numbers_by_state', '1000000 1000 300 1'),
    ('numbers', 'numbers_by_rest', '1000000 1000 300 5 1'),
    ('numbers', 'numbers_by_port', '1000000 1000 5 1'),
    ('orders', 'orders', '1000000 1000 1'),
    ('orders', 'orders_number', '1000000 1000 1'),
    ('order_lines', 'order_lines', '1000000 1000 5 1'),
    ('events', 'events', '1000000 1000 5 1'),
    ('cursors', 'cursors', '1000000 200000 1'),
    ('cursors', 'fk_cursors_tenant', '1000000 5');
ANALYZE sqlite_schema;
