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
	Records    int // that were looked at
	Violations []Violation
}

// Violation is an invariant that does not hold.
type Violation struct {
	Code    rule.Code // the rule that the invariant belongs to
	Tenant  TenantID  // whose record it is
	Subject Ref       // the record, by its kind and its key
	Text    string    // the invariant, and what is there instead
}

// String returns the code, the record and the text.
func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Code, v.Subject, v.Text) }

// Check proves the invariants and lists what is broken (SYS-4): over the whole
// store for support in the Provider's tenant, over the one tenant that the
// Directory works in for anybody else: then it reads nothing of others, and a SIP
// address that is claimed for nobody is not found. It reads one snapshot, tenant by
// tenant and page by page, and keeps no more of it than one tenant's IDs.
//
// Errors: those of the store; ErrMisuse inside a batch or review.
func (d *Directory) Check(ctx context.Context) (*CheckReport, error) {
	tenant, err := d.enter(ctx, "Check")
	if err != nil {
		return nil, err
	}
	if d.tx != nil {
		return nil, misuse("the checker looks at what is committed, not at a batch or review")
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
	slices.SortStableFunc(c.report.Violations, func(a, b Violation) int {
		return cmp.Or(slices.Compare(a.Tenant[:], b.Tenant[:]), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Subject.ID, b.Subject.ID), cmp.Compare(a.Text, b.Text))
	})
	return &c.report, nil
}

// invariant is something that must always be true: of each record of a table,
// or of a tenant when all its records have been seen.
type invariant struct {
	code  rule.Code
	holds string // what is true, as a sentence
	table *store.Table
	look  func(c *tenantCheck, r store.Record)
	end   func(c *tenantCheck)
}

// each is an invariant of the records of a table.
func each[R store.Record](table *store.Table, code rule.Code, holds string, look func(c *tenantCheck, r R)) invariant {
	return invariant{code: code, holds: holds, table: table, look: func(c *tenantCheck, r store.Record) { look(c, r.(R)) }}
}

// inTheEnd is an invariant of a tenant as a whole.
func inTheEnd(code rule.Code, holds string, end func(c *tenantCheck)) invariant {
	return invariant{code: code, holds: holds, end: end}
}

// invariants are all that the checker proves, besides the references and the
// unique indexes.
var invariants = slices.Concat(everyRecord, doorInvariants, peopleInvariants, groupInvariants, deviceInvariants, phoneInvariants, lineInvariants, foreignInvariants,
	dialPlanInvariants, numberInvariants, bookInvariants, journalInvariants)

// checkPage is how many records the checker reads at a time, and how many
// questions it gathers before it asks them.
const checkPage = 256

// checker walks a store.
type checker struct {
	ctx    context.Context
	reader store.Reader
	models map[string]DeviceModel
	only   TenantID // zero: all of them
	report CheckReport
	asked  []question
	seen   map[SIPAddress]bool // of the one tenant: those that were looked at
}

// question is a record to be looked up, and what to do with it; it may be nil.
type question struct {
	key  store.Key
	then func(found store.Record)
}

// run checks the tenants by ID. Each is given what lies behind the tenant before
// it, so that records of a tenant that is not there are found on the way.
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

// afterTenant is the ID that follows a tenant's; nil behind the last one there can
// be.
func afterTenant(tenant TenantID) any {
	up := store.PrefixEnd(tenant[:])
	if up == nil {
		return nil
	}
	var next TenantID
	copy(next[:], up)
	return next
}

// walk calls visit with the records of a range, read in pages, so that visit
// may read too.
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

// ask looks a record up, together with others and later.
func (c *checker) ask(key store.Key, then func(found store.Record)) {
	c.asked = append(c.asked, question{key, then})
}

// answer answers what was asked, and what is asked when an answer is there.
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

// subjectOf names a record by its kind and its key, without the tenant.
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
