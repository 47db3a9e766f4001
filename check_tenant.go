package pbx

import (
	"fmt"
	"slices"

	"github.com/pbxkit/pbx/internal/chain"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// tenantCheck is the check of one tenant. It keeps tallies of the tenant's records by
// their IDs. A table is visited after those that its records refer to.
type tenantCheck struct {
	*checker
	tenant  *Tenant    // nil after the last one
	running *invariant // the one that is being checked

	known    map[*store.Table]map[any]bool // the keys of what can be referred to
	places   map[LocationID]locationTally
	users    map[UserID]*userTally
	services map[ServiceID]*serviceTally
	aliases  map[AliasID]UserID // whose each is
	devices  map[DeviceID]*deviceTally
	orders   map[OrderID]*orderTally
	ports    map[PortID]*portTally
	stations map[string]int64   // the users with a station of a package
	used     map[string]int64   // the stations used, as the pool says
	awaited  map[E164]ServiceID // porting-in numbers, and who waits for them
	standIns map[E164]standIn   // temporary numbers, by the number that they stand in for
	keys     map[keyOf]ServiceID
	next     Extension // all extensions of the range below it were checked
	last     *Event    // the last event of the journal so far
	links    chain.Linker
}

// userTally is what a user has.
type userTally struct {
	active                                 bool
	slots                                  [maxServices + 1]bool
	services, devices, extensions          int
	primaries, primaryDevices, mainEntries int
	email, login                           bool
	at                                     LocationID
}

// locationTally is what a location means for who or what is there.
type locationTally struct {
	country      string
	dispatchable bool
}

// serviceTally is what a service says of itself, and what says the same of it.
type serviceTally struct {
	dn       Extension
	billed   bool
	number   E164
	users    []UserID
	device   DeviceID
	model    string
	at       LocationID
	remote   bool
	dialled  int // entries of the dial plan that reach it
	numbered int // numbers assigned to it
}

type deviceTally struct {
	model   string
	state   DeviceState
	user    UserID
	ports   int64 // that the user may use
	carries int   // services
}

// keyOf is a key of a device that carries services.
type keyOf struct {
	device   DeviceID
	position int64
}

// orderTally is what is missing in an order's lines to make up its sums, and how
// many lines there are.
type orderTally struct {
	monthly, oneTime Money
	lines            int64
}

// portTally is what a port request says of its numbers, and how many there are.
type portTally struct {
	state    PortState
	tollFree bool
	numbers  int
}

func (p *portTally) open() bool { return p.state == PortRequested || p.state == PortConfirmed }

type standIn struct {
	number  E164
	service ServiceID
}

func newTenantCheck(c *checker, t *Tenant) *tenantCheck {
	return &tenantCheck{
		checker: c, tenant: t,
		known: make(map[*store.Table]map[any]bool), places: make(map[LocationID]locationTally), users: make(map[UserID]*userTally), services: make(map[ServiceID]*serviceTally),
		aliases: make(map[AliasID]UserID), keys: make(map[keyOf]ServiceID),
		devices: make(map[DeviceID]*deviceTally), orders: make(map[OrderID]*orderTally), ports: make(map[PortID]*portTally),
		stations: make(map[string]int64), used: make(map[string]int64),
		awaited: make(map[E164]ServiceID), standIns: make(map[E164]standIn),
	}
}

// run checks one tenant, and reports records of tenants that do not exist between the
// tenant before it and its own.
func (c *tenantCheck) run(from, to any) error {
	c.next = c.tenant.Policy.ExtensionFirst
	c.visit(c.tenant)
	if err := c.tables(from, to); err != nil {
		return err
	}
	for i := range invariants {
		if c.running = &invariants[i]; c.running.end != nil {
			c.running.end(c)
		}
	}
	return nil
}

// tables visits the records of a range of tenants: those of the tenant checked, and
// before it those of tenants that do not exist, which it reports.
func (c *tenantCheck) tables(from, to any) error {
	for _, table := range schema.Tables() {
		ix := table.ByTenant()
		if ix == nil {
			continue
		}
		err := c.walk(store.Query{Index: ix, From: from, To: to}, func(rec store.Record) error {
			if owner := tenantOf(rec, ix); c.tenant == nil || owner != c.tenant.ID {
				c.report.Records++
				c.report.Violations = append(c.report.Violations, Violation{Code: rule.ACC1, Tenant: owner, Subject: subjectOf(rec),
					Text: "every record belongs to a tenant: there is no such tenant"})
				return nil
			}
			c.visit(rec)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tenantOf returns the tenant of a record by an index that begins with the tenant.
func tenantOf(rec store.Record, ix *store.Index) TenantID {
	return TenantID(*store.FieldsOf(rec)[ix.Columns[0]].Ptr.(*[16]byte))
}

// visit counts a record, and checks every invariant of its table.
func (c *tenantCheck) visit(rec store.Record) {
	c.report.Records++
	c.know(rec)
	c.count(rec)
	c.references(rec)
	c.claims(rec)
	for i := range invariants {
		if inv := &invariants[i]; inv.each != nil && (inv.table == nil || inv.table == rec.Table()) {
			c.running = inv
			inv.each(c, rec)
		}
	}
}

// broken reports that the running invariant does not hold for a record.
func (c *tenantCheck) broken(subject Ref, format string, args ...any) {
	c.report.Violations = append(c.report.Violations, Violation{
		Code: c.running.code, Tenant: c.tenant.ID, Subject: subject, Text: c.running.holds + ": " + fmt.Sprintf(format, args...),
	})
}

// refused reports the refusals of a validation as violations of the running
// invariant.
func (c *tenantCheck) refused(rec store.Record, err error) {
	for _, e := range Errors(err) {
		c.broken(subjectOf(rec), "%s", e.Error())
	}
}

// validate checks a record's fields as its own operation does.
func (c *tenantCheck) validate(rec store.Record, fields func(check *validation)) {
	var check validation
	fields(&check)
	c.refused(rec, check.err())
}

// askFor asks for a record on behalf of the running invariant, which continues in
// then.
func (c *tenantCheck) askFor(ix *store.Index, values []any, then func(found store.Record)) {
	running := c.running
	c.ask(ix.At(values...), func(found store.Record) {
		c.running = running
		then(found)
	})
}

// count adds a record to the tallies.
func (c *tenantCheck) count(rec store.Record) {
	switch r := rec.(type) {
	case *Location:
		c.places[r.ID] = locationTally{r.Address.Country, r.dispatchable()}
	case *StationPool:
		c.used[r.Package] = r.Used
	case *User:
		c.users[r.ID] = &userTally{active: r.State == UserActive, email: r.Email != "", login: r.Login != "", at: r.LocationID}
		if r.Station != "" {
			c.stations[r.Station]++
		}
	case *Alias:
		c.aliases[r.ID] = r.UserID
	case *Device:
		c.devices[r.ID] = &deviceTally{model: r.Model, state: r.State, user: r.UserID, ports: r.PortsUsed}
		if u := c.users[r.UserID]; u != nil {
			u.devices++
			u.primaryDevices += oneIf(r.PrimaryOf == r.UserID)
		}
	case *Service:
		c.services[r.ID] = &serviceTally{dn: r.DN, billed: r.billed(), number: r.Number, device: r.DeviceID, model: r.DeviceType,
			at: r.LocationID, remote: r.RemoteSystem != ""}
		if d := c.devices[r.DeviceID]; d != nil {
			d.carries++
		}
	case *Association:
		if u := c.users[r.UserID]; u != nil {
			u.services++
			u.primaries += oneIf(r.PrimaryOf == r.UserID)
		}
		if s := c.services[r.ServiceID]; s != nil {
			s.users = append(s.users, r.UserID)
		}
	case *DialEntry:
		if u := c.users[r.UserID]; u != nil {
			u.extensions++
			u.mainEntries += oneIf(r.MainOf == r.UserID)
		}
	case *PortRequest:
		c.ports[r.ID] = &portTally{state: r.State, tollFree: r.TollFree}
	case *Number:
		if p := c.ports[r.PortID]; p != nil {
			p.numbers++
		}
	case *Order:
		c.orders[r.ID] = &orderTally{monthly: r.Monthly, oneTime: r.OneTime}
	case *OrderLine:
		if o := c.orders[r.OrderID]; o != nil {
			o.monthly -= r.Monthly
			o.oneTime -= r.OneTime
			o.lines++
		}
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// everyRecord holds for the records of all tables.
var everyRecord = []invariant{
	{code: rule.SVC15, holds: "a revision counts from 1", each: func(c *tenantCheck, rec store.Record) {
		if rev, changes := store.RevisionOf(rec); changes && rev < 1 {
			c.broken(subjectOf(rec), "it is %d", rev)
		}
	}},
	{code: rule.ACC1, holds: "the Provider's tenant holds numbers and a journal, and nothing else", each: func(c *tenantCheck, rec store.Record) {
		own := []*store.Table{tenantsTable, numbersTable, eventsTable}
		if c.tenant.ID == Provider && !slices.Contains(own, rec.Table()) {
			c.broken(subjectOf(rec), "it is the Provider's")
		}
	}},
}
