package pbx

// bookInvariants hold for the tenant itself, its catalogue, its licences and
// its orders.
var bookInvariants = []invariant{
	each(tenantsTable, ACC1, "a tenant's settings are such that they could be saved", func(c *census, t *Tenant) {
		if t.ID != Provider {
			c.refused(t, t.look())
		}
	}),
	each(tenantsTable, ACC3, "a tenant's name is kept folded, for searching", func(c *census, t *Tenant) {
		if t.nameFolded != fold(t.Name) {
			c.broken(subjectOf(t), "it is another one")
		}
	}),
	each(locationsTable, ACC1, "a location is such that it could be saved", func(c *census, l *Location) {
		c.refused(l, l.look())
	}),
	each(serviceTypesTable, SVC16, "a service type is such that it could be saved", func(c *census, s *ServiceType) {
		c.refused(s, s.look())
	}),
	each(stationPoolsTable, STN1, "no more stations are used than there are, and no fewer than none", func(c *census, p *StationPool) {
		if p.Used < 0 || p.Used > p.Total {
			c.broken(subjectOf(p), "%d of %d are", p.Used, p.Total)
		}
	}),
	inTheEnd(STN1, "as many stations of a package are used as users have one", func(c *census) {
		for name, used := range c.used {
			if users := c.stations[name]; users != used {
				c.broken(Ref{Kind: "station package", ID: name}, "%d are, and %d users have one", used, users)
			}
		}
	}),
	each(ordersTable, ORD4, "an order is placed, and has a number up to the tenant's last", func(c *census, o *Order) {
		if o.Status != OrderPlaced || o.Number < 1 || o.Number > c.tenant.lastOrder {
			c.broken(subjectOf(o), "it is %q, number %d of %d", o.Status, o.Number, c.tenant.lastOrder)
		}
	}),
	inTheEnd(ORD4, "orders are numbered without a gap", func(c *census) {
		if n := int64(len(c.orders)); n != c.tenant.lastOrder {
			c.broken(subjectOf(c.tenant), "there are %d, and the last has number %d", n, c.tenant.lastOrder)
		}
	}),
	inTheEnd(ORD1, "an order comes to the sum of its lines", func(c *census) {
		for id, o := range c.orders {
			if *o != (orderTally{}) {
				c.broken(Ref{Kind: "order", ID: id.String()}, "it differs by %d monthly and %d one-time", o.monthly, o.oneTime)
			}
		}
	}),
}
