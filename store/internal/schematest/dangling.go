package schematest

import (
	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// Dangling are changes with a reference to a missing record, by the foreign key.
var Dangling = map[string]func(w *World) store.Change{
	"locations(tenant_id)":     func(w *World) store.Change { return Another(w.Place, func(l *pbx.Location) { l.TenantID = nowhere }) },
	"service_types(tenant_id)": func(w *World) store.Change { return Another(w.Kind, func(s *pbx.ServiceType) { s.TenantID = nowhere }) },
	"station_pools(tenant_id)": func(w *World) store.Change { return Another(w.Pool, func(p *pbx.StationPool) { p.TenantID = nowhere }) },
	"users(tenant_id)": func(w *World) store.Change {
		return Another(w.Other, func(u *pbx.User) {
			u.TenantID, u.LocationID, u.E911 = nowhere, pbx.LocationID{}, false
			Set(u, "login_folded", "nobody")
		})
	},
	"users(tenant_id, location_id)": func(w *World) store.Change {
		return With(w.User, func(u *pbx.User) { u.LocationID = w.Foreign.Place.ID })
	},
	"users(tenant_id, station)": func(w *World) store.Change { return With(w.User, func(u *pbx.User) { u.Station = "GOLD" }) },
	"aliases(tenant_id, user_id)": func(w *World) store.Change {
		return With(w.Alias, func(a *pbx.Alias) { a.UserID = pbx.UserID(w.Alias.ID) })
	},
	"sip_identities(tenant_id, user_id, address)": func(w *World) store.Change {
		return store.Change{New: &pbx.SIPIdentity{Address: "another@c1.example.com", TenantID: w.Tenant.ID, Rev: 1, UserID: w.Other.ID}}
	},
	"sip_identities(tenant_id, alias_id, address)": func(w *World) store.Change {
		return store.Change{New: &pbx.SIPIdentity{Address: "another@c1.example.com", TenantID: w.Tenant.ID, Rev: 1, AliasID: w.Alias.ID}}
	},
	"call_groups(tenant_id)": func(w *World) store.Change { return Another(w.Group, func(g *pbx.Group) { g.TenantID = nowhere }) },
	"call_group_members(tenant_id, group_id)": func(w *World) store.Change {
		ch := member(w, w.User.ID, w.User.ID, pbx.AliasID{})
		ch.New.(*pbx.Member).GroupID = pbx.GroupID(w.User.ID)
		return ch
	},
	"call_group_members(tenant_id, user_id)": func(w *World) store.Change {
		return member(w, pbx.UserID(w.Alias.ID), pbx.UserID(w.Alias.ID), pbx.AliasID{})
	},
	"call_group_members(tenant_id, alias_id)": func(w *World) store.Change {
		return member(w, w.User.ID, pbx.UserID{}, pbx.AliasID(w.User.ID))
	},
	"devices(tenant_id)": func(w *World) store.Change {
		return Another(w.Free, func(d *pbx.Device) { d.TenantID, d.LocationID, d.MAC = nowhere, pbx.LocationID{}, "00:00:00:00:00:01" })
	},
	"devices(tenant_id, location_id)": func(w *World) store.Change {
		return With(w.Free, func(d *pbx.Device) { d.LocationID = w.Foreign.Place.ID })
	},
	"devices(tenant_id, user_id)": func(w *World) store.Change {
		return With(w.Device, func(d *pbx.Device) { d.UserID, d.PrimaryOf = pbx.UserID(w.Alias.ID), pbx.UserID{} })
	},
	"device_lines(tenant_id, device_id)": func(w *World) store.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.DeviceID = w.Foreign.Devices[0].ID })
	},
	"device_lines(tenant_id, user_id)": func(w *World) store.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.UserID, l.AliasID = pbx.UserID(w.Alias.ID), pbx.AliasID{} })
	},
	"device_lines(tenant_id, alias_id)": func(w *World) store.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.AliasID = pbx.AliasID(w.User.ID) })
	},
	"service_keys(tenant_id, service_id)": func(w *World) store.Change {
		return key(w, func(k *pbx.ServiceKey) { k.ServiceID = pbx.ServiceID(w.User.ID) })
	},
	"services(tenant_id)": func(w *World) store.Change {
		return Another(w.Bare, func(s *pbx.Service) { s.TenantID, s.Type, s.LocationID = nowhere, "", pbx.LocationID{} })
	},
	"services(tenant_id, type)": func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.Type = "NONE" }) },
	"services(tenant_id, device_id)": func(w *World) store.Change {
		return With(w.Bare, func(s *pbx.Service) { s.DeviceID = w.Foreign.Devices[0].ID })
	},
	"services(tenant_id, location_id)": func(w *World) store.Change {
		return With(w.Bare, func(s *pbx.Service) { s.LocationID = w.Foreign.Place.ID })
	},
	"associations(tenant_id, user_id)": func(w *World) store.Change {
		ch := association(w, 1)
		ch.New.(*pbx.Association).UserID = pbx.UserID(w.Alias.ID)
		return ch
	},
	"associations(tenant_id, service_id)": func(w *World) store.Change {
		ch := association(w, 1)
		ch.New.(*pbx.Association).ServiceID = pbx.ServiceID(w.Alias.ID)
		return ch
	},
	"extensions(tenant_id, user_id)": func(w *World) store.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID = pbx.UserID(w.Alias.ID) })
	},
	"extensions(tenant_id, service_id, digits)": func(w *World) store.Change { // a service's entry is its DN
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.ServiceID = pbx.UserID{}, w.Bare.ID })
	},
	"extensions(tenant_id, alias_id)": func(w *World) store.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.AliasID = pbx.UserID{}, pbx.AliasID(w.User.ID) })
	},
	"extensions(tenant_id, group_id)": func(w *World) store.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.GroupID = pbx.UserID{}, pbx.GroupID(w.User.ID) })
	},
	"owners(tenant_id, service_id)": func(w *World) store.Change {
		return owner(w, func(o *pbx.Owner) { o.ServiceID = pbx.ServiceID(w.User.ID) })
	},
	"mailboxes(tenant_id, service_id)": func(w *World) store.Change {
		return Mailbox(w, func(m *pbx.Mailbox) { m.ServiceID = pbx.ServiceID(w.User.ID) })
	},
	"foreign_services(tenant_id)": func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) {
			f.TenantID, f.ServiceID, f.FormerDN, f.State = nowhere, pbx.ServiceID{}, "20000", pbx.ForeignLeft
		})
	},
	"foreign_services(tenant_id, service_id)": func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID = pbx.ServiceID(w.User.ID) })
	},
	"port_requests(tenant_id)": func(w *World) store.Change { return Another(w.Port, func(p *pbx.PortRequest) { p.TenantID = nowhere }) },
	"numbers(tenant_id)":       func(w *World) store.Change { return With(w.Spare, func(n *pbx.Number) { n.TenantID = nowhere }) },
	"numbers(tenant_id, service_id, e164)": func(w *World) store.Change { // a service's number is its own
		return With(w.Spare, func(n *pbx.Number) { n.State, n.ServiceID = pbx.NumberAssigned, w.Bare.ID })
	},
	"numbers(tenant_id, waiting_id)": func(w *World) store.Change {
		return With(w.Spare, func(n *pbx.Number) { n.State, n.WaitingID = pbx.NumberPorting, pbx.ServiceID(w.User.ID) })
	},
	"numbers(tenant_id, port_id)": func(w *World) store.Change {
		return With(w.Spare, func(n *pbx.Number) { n.PortID = pbx.PortID(w.User.ID) })
	},
	"numbers(temporary_for)": func(w *World) store.Change {
		return With(w.Number, func(n *pbx.Number) { n.TemporaryFor, n.Loan = "+442071234567", true })
	},
	"orders(tenant_id)": func(w *World) store.Change {
		return Another(w.Order, func(o *pbx.Order) { o.TenantID = nowhere })
	},
	"order_lines(tenant_id, order_id)": func(w *World) store.Change {
		return store.Change{New: &pbx.OrderLine{TenantID: w.Tenant.ID, OrderID: pbx.OrderID(w.User.ID), Line: 1, Rev: 1}}
	},
	"events(tenant_id)": func(w *World) store.Change { return event(w, func(e *pbx.Event) { e.TenantID = nowhere }) },
	"cursors(tenant_id)": func(w *World) store.Change {
		return store.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: nowhere, Rev: 1}}
	},
}

var nowhere = pbx.TenantID{0: 9, 15: 9}

// InUse are changes that would leave a reference to a missing record behind: a
// record that others refer to has to stay.
func InUse(w *World) map[string]store.Change {
	changes := map[string]store.Change{
		"the DN of a service whose entry stays":       With(w.Service, func(s *pbx.Service) { s.DN = "20001" }),
		"the SIP address of a user whose claim stays": With(w.User, func(u *pbx.User) { u.SIPAddress = "new@c1.example.com" }),
	}
	for name, r := range map[string]store.Record{
		"a tenant with anything":            w.Tenant,
		"a location with users":             w.Place,
		"a service type in use":             w.Kind,
		"a station pool in use":             w.Pool,
		"a user with a service":             w.User,
		"an alias with an address":          w.Alias,
		"a device that carries a service":   w.Device,
		"a service with users and an entry": w.Service,
	} {
		changes[name] = store.Change{Old: r}
	}
	return changes
}

// Harmless is a change that breaks no constraint.
func Harmless(w *World) store.Change { return With(w.Free, func(*pbx.Device) {}) }
