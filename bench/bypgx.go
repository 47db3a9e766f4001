package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pbxkit/pbx/store/postgres"
)

// The statements of one guided set-up on PostgreSQL, as those on SQLite are.
const (
	pgTenant   = `SELECT rev, last_order, journal_head FROM tenants WHERE id = $1 FOR NO KEY UPDATE`
	pgLogin    = `SELECT count(*) FROM users WHERE login_folded = $1`
	pgLocation = `SELECT country FROM locations WHERE tenant_id = $1 AND id = $2`
	pgDevice   = `SELECT rev, state, ports FROM devices WHERE tenant_id = $1 AND id = $2`
	pgPool     = `SELECT rev, total, used FROM station_pools WHERE tenant_id = $1 AND package = $2`
	pgType     = `SELECT monthly, one_time, applications FROM service_types WHERE tenant_id = $1 AND code = $2`
	pgNumber   = `SELECT rev, state, tenant_id FROM numbers WHERE e164 = $1`
	pgDigits   = `SELECT count(*) FROM extensions WHERE tenant_id = $1 AND digits = $2`
	pgSIP      = `SELECT count(*) FROM sip_identities WHERE address = $1`

	pgSetTenant  = `UPDATE tenants SET rev = $1, next_extension = $2, last_order = $3, journal_head = $4 WHERE id = $5 AND rev = $6`
	pgAddUser    = `INSERT INTO users (tenant_id, id, rev, first_name, last_name, first_folded, last_folded, email, login, login_folded, state, department, location_id, music_on_hold, sip_address, e911, station, applications, created_at, activated_at) VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $7, $7, 'active', $8, $9, '', $10, false, $11, $12, $13, $13)`
	pgAddSIP     = `INSERT INTO sip_identities (address, tenant_id, rev, user_id) VALUES ($1, $2, 1, $3)`
	pgSetDevice  = `UPDATE devices SET rev = $1, state = 'assigned', user_id = $2, ports_used = $3, primary_of = $2 WHERE tenant_id = $4 AND id = $5 AND rev = $6`
	pgAddLineOne = `INSERT INTO device_lines (tenant_id, device_id, line, rev, user_id) VALUES ($1, $2, 1, 1, $3)`
	pgAddService = `INSERT INTO services (tenant_id, id, rev, dn, name, type, status, device_type, category, device_id, location_id, location_kept_by, remote_system, number, created_at, activated_at) VALUES ($1, $2, 1, $3, '', $4, 'active', $5, 'multi-line', $6, $7, '', '', $8, $9, $9)`
	pgAddDigits  = `INSERT INTO extensions (tenant_id, digits, rev, service_id) VALUES ($1, $2, 1, $3)`
	pgSetNumber  = `UPDATE numbers SET rev = $1, state = 'assigned', service_id = $2 WHERE e164 = $3 AND rev = $4`
	pgAddLink    = `INSERT INTO associations (tenant_id, user_id, service_id, rev, slot, primary_of) VALUES ($1, $2, $3, 1, 1, $2)`
	pgSetPool    = `UPDATE station_pools SET rev = $1, used = $2 WHERE tenant_id = $3 AND package = $4 AND rev = $5`
	pgAddOrder   = `INSERT INTO orders (tenant_id, id, rev, number, status, placed_by, placed_role, placed_at, location_id, monthly, one_time, billing_from, user_id) VALUES ($1, $2, 1, $3, 'placed', 'bench', 'support', $4, $5, $6, $7, $4, $8)`
	pgAddLine    = `INSERT INTO order_lines (tenant_id, order_id, line, rev, product, name, quantity, monthly, one_time) VALUES ($1, $2, 1, 1, $3, 'Connect Pro', 1, $4, $5)`
	pgAddEvent   = `INSERT INTO events (tenant_id, seq, pos, at, operation, actor, role, type, kind, subject, detail, hash) VALUES ($1, $2, $3, $4, $5, 'bench', 'support', $6, $7, $8, $9, $10)`
)

// handOnServer is the hand-written program on PostgreSQL. It sends what it can
// together: what it reads and what it writes are a trip each.
type handOnServer struct {
	*office
	conn *pgx.Conn
}

// libraryOnPostgres and byHandOnPostgres have a schema each in one database.
func libraryOnPostgres(dsn string, n int) (*contender, error) {
	store, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		return nil, err
	}
	o, err := furnish(context.Background(), store, n)
	if err != nil {
		return nil, err
	}
	return &contender{name: "PostgreSQL, not synced: pbx.SetUpUser", setUp: o.setUp}, nil
}

func byHandOnPostgres(dsn string, n int) (*contender, error) {
	ctx := context.Background()
	store, err := postgres.Open(ctx, dsn, postgres.WithSchema("hand"))
	if err != nil {
		return nil, err
	}
	o, err := furnish(ctx, store, n)
	if err != nil {
		return nil, err
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "SET search_path TO hand"); err != nil {
		return nil, err
	}
	h := &handOnServer{office: o, conn: conn}
	return &contender{name: "PostgreSQL, not synced: the same rows by hand", setUp: h.setUp}, nil
}

// seen is what a set-up reads before it writes.
type seen struct {
	rev, lastOrder, taken, deviceRev, ports, poolRev, total, used, monthly, once, numberRev int64

	country, state, head string
	applications         []string
	owner                [16]byte
}

func (h *handOnServer) setUp(i int) error {
	s, err := h.read(i)
	if err != nil {
		return err
	}
	return h.write(i, s)
}

func (h *handOnServer) read(i int) (s seen, err error) {
	tenant := [16]byte(h.tenant.ID)
	b := &pgx.Batch{}
	one := func(text string, to []any, args ...any) {
		b.Queue(text, args...).QueryRow(func(row pgx.Row) error { return row.Scan(to...) })
	}
	b.Queue("BEGIN")
	one(pgTenant, []any{&s.rev, &s.lastOrder, &s.head}, tenant)
	one(pgLogin, []any{&s.taken}, fmt.Sprintf("zoe.miller%05d@example.com", i))
	one(pgLocation, []any{&s.country}, tenant, [16]byte(h.location.ID))
	one(pgDevice, []any{&s.deviceRev, &s.state, &s.ports}, tenant, [16]byte(h.devices[i]))
	one(pgPool, []any{&s.poolRev, &s.total, &s.used}, tenant, "STANDARD")
	one(pgType, []any{&s.monthly, &s.once, &s.applications}, tenant, "PRO")
	one(pgNumber, []any{&s.numberRev, &s.state, &s.owner}, string(h.numbers[i]))
	one(pgDigits, []any{&s.taken}, tenant, fmt.Sprint(70000+i))
	one(pgSIP, []any{&s.taken}, fmt.Sprintf("zoe.miller%05d@bench.example.com", i))
	return s, h.conn.SendBatch(context.Background(), b).Close()
}

func (h *handOnServer) write(i int, s seen) error {
	tenant, location, device, number := [16]byte(h.tenant.ID), [16]byte(h.location.ID), [16]byte(h.devices[i]), string(h.numbers[i])
	last, email := fmt.Sprintf("Miller%05d", i), fmt.Sprintf("zoe.miller%05d@example.com", i)
	address, digits := fmt.Sprintf("zoe.miller%05d@bench.example.com", i), fmt.Sprint(70000+i)
	now, user, service, order, operation := time.Now(), [16]byte(newID()), [16]byte(newID()), [16]byte(newID()), [16]byte(newID())
	b := &pgx.Batch{}
	hashes, head := chainEvents(s.head, tenant[:], operation[:], s.rev+1, now.UnixMicro(), digits)
	b.Queue(pgSetTenant, s.rev+1, fmt.Sprint(70001+i), s.lastOrder+1, head, tenant, s.rev)
	b.Queue(pgAddUser, tenant, user, "Zoe", last, "zoe", fmt.Sprintf("miller%05d", i), email, "Sales", location, address, "STANDARD", []string{"softphone", "fax"}, now)
	b.Queue(pgAddSIP, address, tenant, user)
	b.Queue(pgSetDevice, s.deviceRev+1, user, 2, tenant, device, s.deviceRev)
	b.Queue(pgAddLineOne, tenant, device, user)
	b.Queue(pgAddService, tenant, service, digits, "PRO", "Polycom VVX 450", device, location, number, now)
	b.Queue(pgAddDigits, tenant, digits, service)
	b.Queue(pgSetNumber, s.numberRev+1, service, number, s.numberRev)
	b.Queue(pgAddLink, tenant, user, service)
	b.Queue(pgSetPool, s.poolRev+1, s.used+1, tenant, "STANDARD", s.poolRev)
	b.Queue(pgAddOrder, tenant, order, s.lastOrder+1, now, location, s.monthly, s.once, user)
	b.Queue(pgAddLine, tenant, order, "PRO", s.monthly, s.once)
	for pos, e := range events {
		b.Queue(pgAddEvent, tenant, s.rev+1, pos+1, now, operation, e.typ, e.kind, "00000000-0000-0000-0000-000000000000", digits, hashes[pos])
	}
	b.Queue("COMMIT")
	return h.conn.SendBatch(context.Background(), b).Close()
}
