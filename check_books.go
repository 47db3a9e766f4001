package pbx

import (
	"slices"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
)

// bookInvariants hold for the tenant itself, its catalogue, its licences and
// its orders.
var bookInvariants = []invariant{
	each(tenantsTable, rule.ACC1, "a tenant's settings are such that they could be saved", func(c *tenantCheck, t *Tenant) {
		if t.ID != Provider {
			c.refused(t, t.validate())
		}
	}),
	each(tenantsTable, rule.ACC3, "a tenant's name is kept folded, for searching", func(c *tenantCheck, t *Tenant) {
		if t.nameFolded != text.Fold(t.Name) {
			c.broken(subjectOf(t), "it is another one")
		}
	}),
	each(locationsTable, rule.ACC1, "a location is such that it could be saved", func(c *tenantCheck, l *Location) {
		c.refused(l, l.validate())
	}),
	each(serviceTypesTable, rule.SVC16, "a service type is such that it could be saved", func(c *tenantCheck, s *ServiceType) {
		c.refused(s, s.validate())
	}),
	each(stationPoolsTable, rule.STN1, "a package is such that it could be saved, and no more of its stations are used than there are", func(c *tenantCheck, p *StationPool) {
		c.refused(p, p.validate())
		if p.Used < 0 || p.Used > p.Total {
			c.broken(subjectOf(p), "%d of %d are", p.Used, p.Total)
		}
	}),
	inTheEnd(rule.STN1, "as many stations of a package are used as users have one", func(c *tenantCheck) {
		for name, used := range c.used {
			if users := c.stations[name]; users != used {
				c.broken(Ref{Kind: "station package", ID: name}, "%d are, and %d users have one", used, users)
			}
		}
	}),
	each(ordersTable, rule.ORD4, "an order is placed, and has a number up to the tenant's last", func(c *tenantCheck, o *Order) {
		if o.Status != OrderPlaced || o.Number < 1 || o.Number > c.tenant.lastOrder {
			c.broken(subjectOf(o), "it is %q, number %d of %d", o.Status, o.Number, c.tenant.lastOrder)
		}
	}),
	inTheEnd(rule.ORD4, "orders are numbered without a gap", func(c *tenantCheck) {
		if n := int64(len(c.orders)); n != c.tenant.lastOrder {
			c.broken(subjectOf(c.tenant), "there are %d, and the last has number %d", n, c.tenant.lastOrder)
		}
	}),
	each(ordersTable, rule.ORD4, "an order says who placed it, in which role", func(c *tenantCheck, o *Order) {
		if o.PlacedBy == "" || !slices.Contains(everyRole, o.PlacedRole) {
			c.broken(subjectOf(o), "it is %q, as %q", o.PlacedBy, o.PlacedRole)
		}
	}),
	each(orderLinesTable, rule.ORD1, "the lines of an order count from 1, each of some of a product", func(c *tenantCheck, l *OrderLine) {
		o := c.orders[l.OrderID]
		if o != nil && l.Line != o.lines || l.Line < 1 || l.Quantity == 0 || l.Product == "" {
			c.broken(subjectOf(l), "line %d, %d of %q", l.Line, l.Quantity, l.Product)
		}
	}),
	inTheEnd(rule.ORD1, "an order has lines, and comes to their sum", func(c *tenantCheck) {
		for id, o := range c.orders {
			if o.lines == 0 || o.monthly != 0 || o.oneTime != 0 {
				c.broken(Ref{Kind: "order", ID: id.String()}, "it has %d, and differs by %d monthly and %d one-time", o.lines, o.monthly, o.oneTime)
			}
		}
	}),
}
