package pbx

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// CheckReport is what the checker found.
type CheckReport struct {
	Tenants    int // that were checked, the Provider among them
	Records    int // that were checked
	Violations []Violation
}

// Violation is an invariant that does not hold.
type Violation struct {
	Code    rule.Code // the rule that the invariant belongs to
	Tenant  TenantID  // whose record it is
	Subject Ref       // the record, by its kind and its key
	Text    string    // the invariant, and what was found instead
}

// String returns the code, the record and the text.
func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Code, v.Subject, v.Text) }

// Check checks the invariants and lists the violations (SYS-4). For support in the
// tenant Provider it checks the whole store; for anybody else, the tenant that the
// Directory works in. In the latter case it reads nothing of other tenants, so it
// does not find SIP addresses that are claimed for nobody. It reads one snapshot,
// page by page, and keeps in memory what it needs of one tenant at a time.
//
// Errors: those of the store; ErrMisuse inside a batch or review.
func (d *Directory) Check(ctx context.Context) (*CheckReport, error) {
	tenant, err := d.enter(ctx, "Check")
	if err != nil {
		return nil, err
	}
	if d.tx != nil {
		return nil, checkInBatch()
	}
	var c *checker
	err = d.core.view(ctx, func(r store.Reader) error {
		c = &checker{ctx: ctx, reader: r, models: d.core.models, only: tenant, seen: make(map[SIPAddress]bool)}
		if tenant == Provider {
			c.only = TenantID{}
		}
		return c.run()
	})
	if err != nil {
		return nil, err
	}
	c.report.sort()
	return &c.report, nil
}

func checkInBatch() error {
	return misuse("the checker checks what is committed, and cannot run in a batch or review")
}

// sort puts the violations in their order.
func (r *CheckReport) sort() {
	slices.SortStableFunc(r.Violations, func(a, b Violation) int {
		return cmp.Or(slices.Compare(a.Tenant[:], b.Tenant[:]), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Subject.ID, b.Subject.ID), cmp.Compare(a.Text, b.Text))
	})
}

// invariant is a statement that must always be true: of each record of a table, or
// of a tenant as a whole, which is checked after all its records were visited.
type invariant struct {
	code  rule.Code
	holds string // what is true, as a sentence
	table *store.Table
	each  func(c *tenantCheck, r store.Record) // for each record; nil for none
	end   func(c *tenantCheck)                 // after all records; nil for none
}

// each returns an invariant of each record of a table.
func each[R store.Record](table *store.Table, code rule.Code, holds string, check func(c *tenantCheck, r R)) invariant {
	return invariant{code: code, holds: holds, table: table, each: func(c *tenantCheck, r store.Record) { check(c, r.(R)) }}
}

// inTheEnd returns an invariant of a tenant as a whole.
func inTheEnd(code rule.Code, holds string, end func(c *tenantCheck)) invariant {
	return invariant{code: code, holds: holds, end: end}
}

// invariants are all that the checker checks, besides the references and the unique
// indexes.
var invariants = slices.Concat(everyRecord, formInvariants, peopleInvariants, groupInvariants, deviceInvariants, phoneInvariants, lineInvariants, foreignInvariants,
	dialPlanInvariants, numberInvariants, bookInvariants, journalInvariants)

// checkPage is how many records the checker reads at a time, and how many questions
// it asks the store at once.
const checkPage = 256

// checker walks a store.
type checker struct {
	ctx    context.Context
	reader store.Reader
	models map[string]DeviceModel
	only   TenantID // zero: all of them
	report CheckReport
	asked  []question
	seen   map[SIPAddress]bool // the addresses of the one tenant that were checked
}

// question is a record to be read, and what to do with it. It is nil if there is none.
type question struct {
	key  store.Key
	then func(found store.Record)
}

// run checks the tenants in the order of their IDs. Each check starts right after
// the tenant before, so that records of tenants that do not exist are found too.
func (c *checker) run() error {
	q := store.Query{Index: tenantsTable.Key()}
	if !c.only.IsZero() {
		q.From, q.To = c.only, afterTenant(c.only)
	}
	from := q.From
	err := c.walk(q, func(rec store.Record) error {
		t := rec.(*Tenant)
		c.report.Tenants++
		to := afterTenant(t.ID)
		err := newTenantCheck(c, t).run(from, to)
		from = to
		return err
	})
	switch {
	case err != nil:
		return err
	case !c.only.IsZero() && c.report.Tenants == 0:
		return noTenant(c.only)
	case c.only.IsZero() && (from != nil || c.report.Tenants == 0):
		if err := newTenantCheck(c, nil).tables(from, nil); err != nil {
			return err
		}
	}
	return c.global()
}

// afterTenant returns the ID that follows a tenant's, or nil after the highest
// possible one.
func afterTenant(tenant TenantID) any {
	up := store.PrefixEnd(tenant[:])
	if up == nil {
		return nil
	}
	var next TenantID
	copy(next[:], up)
	return next
}

// walk calls visit with the records of a range. It reads them in pages, so that
// visit may read too.
func (c *checker) walk(q store.Query, visit func(store.Record) error) error {
	for q.Limit = checkPage; ; {
		page, err := store.Collect(c.reader.Find(c.ctx, q))
		if err != nil {
			return err
		}
		for _, rec := range page {
			if err := visit(rec); err != nil {
				return err
			}
		}
		if err := c.answer(); err != nil {
			return err
		}
		if len(page) < checkPage {
			return nil
		}
		q.After, _ = q.Index.Values(page[len(page)-1])
	}
}

// ask asks for a record; answer reads it later, together with others.
func (c *checker) ask(key store.Key, then func(found store.Record)) {
	c.asked = append(c.asked, question{key, then})
}

// answer answers all questions, with those that come up on the way.
func (c *checker) answer() error {
	for len(c.asked) > 0 {
		now := c.asked[:min(len(c.asked), checkPage)]
		c.asked = c.asked[len(now):]
		keys := make([]store.Key, len(now))
		for i, q := range now {
			keys[i] = q.key
		}
		found, err := c.reader.Get(c.ctx, keys...)
		if err != nil {
			return err
		}
		for i, q := range now {
			q.then(found[i])
		}
	}
	c.asked = nil
	return nil
}

// subjectOf returns a record's kind and its key without the tenant.
func subjectOf(rec store.Record) Ref {
	table := rec.Table()
	fields := rec.Fields(nil)
	var parts []string
	for _, column := range table.Key().Columns {
		f := fields[column]
		if f.Name == "tenant_id" {
			continue
		}
		if raw, ok := f.Ptr.(*[16]byte); ok {
			parts = append(parts, ID[Tenant](*raw).String())
		} else {
			parts = append(parts, fmt.Sprint(f.Value()))
		}
	}
	return Ref{Kind: kinds[table], ID: strings.Join(parts, "/")}
}

// kinds are what records are called in a report.
var kinds = map[*store.Table]string{
	tenantsTable: "tenant", locationsTable: "location", serviceTypesTable: "service type", stationPoolsTable: "station package",
	usersTable: "user", aliasesTable: "alias", sipIdentitiesTable: "SIP identity", groupsTable: "group", membersTable: "group member",
	devicesTable: "device", deviceLinesTable: "device line", serviceKeysTable: "service key", servicesTable: "service", associationsTable: "association", extensionsTable: "extension",
	ownersTable: "owner", mailboxesTable: "mailbox", portRequestsTable: "port request", numbersTable: "number",
	foreignTable: "foreign service", ordersTable: "order", orderLinesTable: "order line", eventsTable: "event", cursorsTable: "cursor",
}
