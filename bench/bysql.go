package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pbxkit/pbx/store/sqlite"
)

// The statements of one guided set-up as a careful hand would write them: each
// prepared once on one connection, every read that a rule needs, and every row
// that the library writes.
const (
	readTenant   = `SELECT rev, next_extension, last_order, country, journal_head FROM tenants WHERE id = ?`
	readLogin    = `SELECT count(*) FROM users WHERE login_folded = ?`
	readLocation = `SELECT country FROM locations WHERE tenant_id = ? AND id = ?`
	readDevice   = `SELECT rev, state, ports FROM devices WHERE tenant_id = ? AND id = ?`
	readPool     = `SELECT rev, total, used FROM station_pools WHERE tenant_id = ? AND package = ?`
	readType     = `SELECT monthly, one_time, applications FROM service_types WHERE tenant_id = ? AND code = ?`
	readNumber   = `SELECT rev, state, tenant_id FROM numbers WHERE e164 = ?`
	readDigits   = `SELECT count(*) FROM extensions WHERE tenant_id = ? AND digits = ?`
	readSIP      = `SELECT count(*) FROM sip_identities WHERE address = ?`

	writeTenant  = `UPDATE tenants SET rev = ?, next_extension = ?, last_order = ?, journal_head = ? WHERE id = ? AND rev = ?`
	writeUser    = `INSERT INTO users (tenant_id, id, rev, first_name, last_name, first_folded, last_folded, email, login, login_folded, state, department, location_id, music_on_hold, sip_address, e911, station, applications, created_at, activated_at) VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, '', ?, 0, ?, ?, ?, ?)`
	writeSIP     = `INSERT INTO sip_identities (address, tenant_id, rev, user_id) VALUES (?, ?, 1, ?)`
	writeDevice  = `UPDATE devices SET rev = ?, state = 'assigned', user_id = ?, ports_used = ?, primary_of = ? WHERE tenant_id = ? AND id = ? AND rev = ?`
	writeLineOne = `INSERT INTO device_lines (tenant_id, device_id, line, rev, user_id) VALUES (?, ?, 1, 1, ?)`
	writeService = `INSERT INTO services (tenant_id, id, rev, dn, name, type, status, device_type, category, device_id, location_id, location_kept_by, remote_system, number, created_at, activated_at) VALUES (?, ?, 1, ?, '', ?, 'active', ?, 'multi-line', ?, ?, '', '', ?, ?, ?)`
	writeDigits  = `INSERT INTO extensions (tenant_id, digits, rev, service_id) VALUES (?, ?, 1, ?)`
	writeNumber  = `UPDATE numbers SET rev = ?, state = 'assigned', service_id = ? WHERE e164 = ? AND rev = ?`
	writeLink    = `INSERT INTO associations (tenant_id, user_id, service_id, rev, slot, primary_of) VALUES (?, ?, ?, 1, 1, ?)`
	writePool    = `UPDATE station_pools SET rev = ?, used = ? WHERE tenant_id = ? AND package = ? AND rev = ?`
	writeOrder   = `INSERT INTO orders (tenant_id, id, rev, number, status, placed_by, placed_role, placed_at, location_id, monthly, one_time, billing_from, user_id) VALUES (?, ?, 1, ?, 'placed', 'bench', 'support', ?, ?, ?, ?, ?, ?)`
	writeLine    = `INSERT INTO order_lines (tenant_id, order_id, line, rev, product, name, quantity, monthly, one_time) VALUES (?, ?, 1, 1, ?, 'Connect Pro', 1, ?, ?)`
	writeEvent   = `INSERT INTO events (tenant_id, seq, pos, at, operation, actor, role, type, kind, subject, detail, hash) VALUES (?, ?, ?, ?, ?, 'bench', 'support', ?, ?, ?, ?, ?)`
)

// hand is the hand-written program on SQLite.
type hand struct {
	*office
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	err   error
}

func byHandOnSQLite(path string, n int) (*contender, error) {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, path)
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
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=synchronous(full)&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	h := &hand{office: o, conn: conn, stmts: map[string]*sql.Stmt{}}
	return &contender{name: "SQLite, FULL: the same rows by hand", setUp: h.setUp}, nil
}

func (h *hand) stmt(text string) *sql.Stmt {
	if h.stmts[text] == nil {
		stmt, err := h.conn.PrepareContext(context.Background(), text)
		h.fail(err)
		h.stmts[text] = stmt
	}
	return h.stmts[text]
}

func (h *hand) fail(err error) {
	if h.err == nil && err != nil {
		h.err = err
	}
}

func (h *hand) exec(text string, args ...any) {
	if h.err != nil {
		return
	}
	result, err := h.stmt(text).Exec(args...)
	if h.fail(err); h.err == nil && text[0] == 'U' {
		n, err := result.RowsAffected()
		h.fail(err)
		if n != 1 {
			h.fail(fmt.Errorf("%d rows changed by %s", n, text))
		}
	}
}

func (h *hand) read(text string, to []any, args ...any) {
	if h.err == nil {
		h.fail(h.stmt(text).QueryRow(args...).Scan(to...))
	}
}

func (h *hand) setUp(i int) error {
	h.err = nil
	h.exec("BEGIN IMMEDIATE")
	h.rows(i)
	if h.err != nil {
		return h.err
	}
	h.exec("COMMIT")
	return h.err
}

func (h *hand) rows(i int) {
	tenant, location, device, number := h.tenant.ID[:], h.location.ID[:], h.devices[i][:], string(h.numbers[i])
	email := fmt.Sprintf("zoe.miller%05d@example.com", i)
	address, digits := fmt.Sprintf("zoe.miller%05d@bench.example.com", i), fmt.Sprint(70000+i)
	var rev, lastOrder, taken, deviceRev, ports, poolRev, total, used, monthly, once, numberRev int64
	var next, country, state, applications, head string
	var nextOrNull sql.NullString
	var owner []byte
	h.read(readTenant, []any{&rev, &nextOrNull, &lastOrder, &country, &head}, tenant)
	h.read(readLogin, []any{&taken}, email)
	h.read(readLocation, []any{&country}, tenant, location)
	h.read(readDevice, []any{&deviceRev, &state, &ports}, tenant, device)
	h.read(readPool, []any{&poolRev, &total, &used}, tenant, "STANDARD")
	h.read(readType, []any{&monthly, &once, &applications}, tenant, "PRO")
	h.read(readNumber, []any{&numberRev, &state, &owner}, number)
	h.read(readDigits, []any{&taken}, tenant, digits)
	h.read(readSIP, []any{&taken}, address)

	now, user, service, order, operation := time.Now().UnixMicro(), newID(), newID(), newID(), newID()
	next = fmt.Sprint(70001 + i)
	last := fmt.Sprintf("Miller%05d", i)
	hashes, head := chainEvents(head, tenant, operation, rev+1, now, digits)
	h.exec(writeTenant, rev+1, next, lastOrder+1, head, tenant, rev)
	h.exec(writeUser, tenant, user, "Zoe", last, "zoe", fmt.Sprintf("miller%05d", i), email, email, email, "Sales", location, address, "STANDARD", `["softphone","fax"]`, now, now)
	h.exec(writeSIP, address, tenant, user)
	h.exec(writeDevice, deviceRev+1, user, 2, user, tenant, device, deviceRev)
	h.exec(writeLineOne, tenant, device, user)
	h.exec(writeService, tenant, service, digits, "PRO", "Polycom VVX 450", device, location, number, now, now)
	h.exec(writeDigits, tenant, digits, service)
	h.exec(writeNumber, numberRev+1, service, number, numberRev)
	h.exec(writeLink, tenant, user, service, user)
	h.exec(writePool, poolRev+1, used+1, tenant, "STANDARD", poolRev)
	h.exec(writeOrder, tenant, order, lastOrder+1, now, location, monthly, once, now, user)
	h.exec(writeLine, tenant, order, "PRO", monthly, once)
	for pos, e := range events {
		h.exec(writeEvent, tenant, rev+1, pos+1, now, operation, e.typ, e.kind, "00000000-0000-0000-0000-000000000000", digits, hashes[pos])
	}
}

// events are what one guided set-up puts into the journal.
var events = []struct{ typ, kind string }{
	{"user.created", "user"}, {"user.welcome-mail", "user"}, {"device.assigned", "device"}, {"service.created", "service"},
	{"number.assigned", "number"}, {"service.associated", "service"}, {"station.taken", "user"}, {"order.placed", "order"},
}
