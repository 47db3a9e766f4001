package schematest

import "github.com/pbxkit/pbx"

// Dangling are changes that point at nothing, by the foreign key.
var Dangling = map[string]func(w *World) pbx.Change{
	"locations(tenant_id)":     func(w *World) pbx.Change { return another(w.place, func(l *pbx.Location) { l.TenantID = nowhere }) },
	"service_types(tenant_id)": func(w *World) pbx.Change { return another(w.kind, func(s *pbx.ServiceType) { s.TenantID = nowhere }) },
	"station_pools(tenant_id)": func(w *World) pbx.Change { return another(w.pool, func(p *pbx.StationPool) { p.TenantID = nowhere }) },
	"users(tenant_id)": func(w *World) pbx.Change {
		return another(w.other, func(u *pbx.User) {
			u.TenantID, u.LocationID, u.E911 = nowhere, pbx.LocationID{}, false
			set(u, "login_folded", "nobody")
		})
	},
	"users(tenant_id, location_id)": func(w *World) pbx.Change {
		return with(w.user, func(u *pbx.User) { u.LocationID = w.foreign.place.ID })
	},
	"users(tenant_id, station)": func(w *World) pbx.Change { return with(w.user, func(u *pbx.User) { u.Station = "GOLD" }) },
	"aliases(tenant_id, user_id)": func(w *World) pbx.Change {
		return with(w.alias, func(a *pbx.Alias) { a.UserID = pbx.UserID(w.alias.ID) })
	},
	"sip_identities(tenant_id, user_id, address)": func(w *World) pbx.Change {
		return pbx.Change{New: &pbx.SIPIdentity{Address: "another@c1.example.com", TenantID: w.tenant.ID, Rev: 1, UserID: w.other.ID}}
	},
	"sip_identities(tenant_id, alias_id, address)": func(w *World) pbx.Change {
		return pbx.Change{New: &pbx.SIPIdentity{Address: "another@c1.example.com", TenantID: w.tenant.ID, Rev: 1, AliasID: w.alias.ID}}
	},
	"call_groups(tenant_id)": func(w *World) pbx.Change { return another(w.group, func(g *pbx.Group) { g.TenantID = nowhere }) },
	"call_group_members(tenant_id, group_id)": func(w *World) pbx.Change {
		ch := member(w, w.user.ID, w.user.ID, pbx.AliasID{})
		ch.New.(*pbx.Member).GroupID = pbx.GroupID(w.user.ID)
		return ch
	},
	"call_group_members(tenant_id, user_id)": func(w *World) pbx.Change {
		return member(w, pbx.UserID(w.alias.ID), pbx.UserID(w.alias.ID), pbx.AliasID{})
	},
	"call_group_members(tenant_id, alias_id)": func(w *World) pbx.Change {
		return member(w, w.user.ID, pbx.UserID{}, pbx.AliasID(w.user.ID))
	},
	"devices(tenant_id)": func(w *World) pbx.Change {
		return another(w.free, func(d *pbx.Device) { d.TenantID, d.LocationID, d.MAC = nowhere, pbx.LocationID{}, "00:00:00:00:00:01" })
	},
	"devices(tenant_id, location_id)": func(w *World) pbx.Change {
		return with(w.free, func(d *pbx.Device) { d.LocationID = w.foreign.place.ID })
	},
	"devices(tenant_id, user_id)": func(w *World) pbx.Change {
		return with(w.device, func(d *pbx.Device) { d.UserID, d.PrimaryOf = pbx.UserID(w.alias.ID), pbx.UserID{} })
	},
	"device_lines(tenant_id, device_id)": func(w *World) pbx.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.DeviceID = w.foreign.devices[0].ID })
	},
	"device_lines(tenant_id, user_id)": func(w *World) pbx.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.UserID, l.AliasID = pbx.UserID(w.alias.ID), pbx.AliasID{} })
	},
	"device_lines(tenant_id, alias_id)": func(w *World) pbx.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.AliasID = pbx.AliasID(w.user.ID) })
	},
	"service_keys(tenant_id, service_id)": func(w *World) pbx.Change {
		return key(w, func(k *pbx.ServiceKey) { k.ServiceID = pbx.ServiceID(w.user.ID) })
	},
	"services(tenant_id)": func(w *World) pbx.Change {
		return another(w.bare, func(s *pbx.Service) { s.TenantID, s.Type, s.LocationID = nowhere, "", pbx.LocationID{} })
	},
	"services(tenant_id, type)": func(w *World) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.Type = "NONE" }) },
	"services(tenant_id, device_id)": func(w *World) pbx.Change {
		return with(w.bare, func(s *pbx.Service) { s.DeviceID = w.foreign.devices[0].ID })
	},
	"services(tenant_id, location_id)": func(w *World) pbx.Change {
		return with(w.bare, func(s *pbx.Service) { s.LocationID = w.foreign.place.ID })
	},
	"associations(tenant_id, user_id)": func(w *World) pbx.Change {
		ch := association(w, 1)
		ch.New.(*pbx.Association).UserID = pbx.UserID(w.alias.ID)
		return ch
	},
	"associations(tenant_id, service_id)": func(w *World) pbx.Change {
		ch := association(w, 1)
		ch.New.(*pbx.Association).ServiceID = pbx.ServiceID(w.alias.ID)
		return ch
	},
	"extensions(tenant_id, user_id)": func(w *World) pbx.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID = pbx.UserID(w.alias.ID) })
	},
	"extensions(tenant_id, service_id, digits)": func(w *World) pbx.Change { // a service's entry is its DN
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.ServiceID = pbx.UserID{}, w.bare.ID })
	},
	"extensions(tenant_id, alias_id)": func(w *World) pbx.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.AliasID = pbx.UserID{}, pbx.AliasID(w.user.ID) })
	},
	"extensions(tenant_id, group_id)": func(w *World) pbx.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.GroupID = pbx.UserID{}, pbx.GroupID(w.user.ID) })
	},
	"owners(tenant_id, service_id)": func(w *World) pbx.Change {
		return owner(w, func(o *pbx.Owner) { o.ServiceID = pbx.ServiceID(w.user.ID) })
	},
	"mailboxes(tenant_id, service_id)": func(w *World) pbx.Change {
		return mailbox(w, func(m *pbx.Mailbox) { m.ServiceID = pbx.ServiceID(w.user.ID) })
	},
	"foreign_services(tenant_id)": func(w *World) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) {
			f.TenantID, f.ServiceID, f.FormerDN, f.State = nowhere, pbx.ServiceID{}, "20000", pbx.ForeignLeft
		})
	},
	"foreign_services(tenant_id, service_id)": func(w *World) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID = pbx.ServiceID(w.user.ID) })
	},
	"port_requests(tenant_id)": func(w *World) pbx.Change { return another(w.port, func(p *pbx.PortRequest) { p.TenantID = nowhere }) },
	"numbers(tenant_id)":       func(w *World) pbx.Change { return with(w.spare, func(n *pbx.Number) { n.TenantID = nowhere }) },
	"numbers(tenant_id, service_id, e164)": func(w *World) pbx.Change { // a service's number is its own
		return with(w.spare, func(n *pbx.Number) { n.State, n.ServiceID = pbx.NumberAssigned, w.bare.ID })
	},
	"numbers(tenant_id, waiting_id)": func(w *World) pbx.Change {
		return with(w.spare, func(n *pbx.Number) { n.State, n.WaitingID = pbx.NumberPorting, pbx.ServiceID(w.user.ID) })
	},
	"numbers(tenant_id, port_id)": func(w *World) pbx.Change {
		return with(w.spare, func(n *pbx.Number) { n.PortID = pbx.PortID(w.user.ID) })
	},
	"numbers(temporary_for)": func(w *World) pbx.Change {
		return with(w.number, func(n *pbx.Number) { n.TemporaryFor, n.Loan = "+442071234567", true })
	},
	"orders(tenant_id)": func(w *World) pbx.Change {
		return another(w.order, func(o *pbx.Order) { o.TenantID = nowhere })
	},
	"order_lines(tenant_id, order_id)": func(w *World) pbx.Change {
		return pbx.Change{New: &pbx.OrderLine{TenantID: w.tenant.ID, OrderID: pbx.OrderID(w.user.ID), Line: 1, Rev: 1}}
	},
	"events(tenant_id)": func(w *World) pbx.Change { return event(w, func(e *pbx.Event) { e.TenantID = nowhere }) },
	"cursors(tenant_id)": func(w *World) pbx.Change {
		return pbx.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: nowhere, Rev: 1}}
	},
}

var nowhere = pbx.TenantID{0: 9, 15: 9}

// InUse are changes that would leave something that points at nothing: what
// others point at stays.
func InUse(w *World) map[string]pbx.Change {
	changes := map[string]pbx.Change{
		"the DN of a service whose entry stays":       with(w.service, func(s *pbx.Service) { s.DN = "20001" }),
		"the SIP address of a user whose claim stays": with(w.user, func(u *pbx.User) { u.SIPAddress = "new@c1.example.com" }),
	}
	for name, r := range map[string]pbx.Record{
		"a tenant with anything":            w.tenant,
		"a location with users":             w.place,
		"a service type in use":             w.kind,
		"a station pool in use":             w.pool,
		"a user with a service":             w.user,
		"an alias with an address":          w.alias,
		"a device that carries a service":   w.device,
		"a service with users and an entry": w.service,
	} {
		changes[name] = pbx.Change{Old: r}
	}
	return changes
}

// Harmless is a change that nothing speaks against.
func Harmless(w *World) pbx.Change { return with(w.free, func(*pbx.Device) {}) }
