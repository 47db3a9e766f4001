package schematest

import (
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// credentials claims an address with hashes of so many bytes.
func credentials(w *World, at time.Time, bySHA256, byMD5 int, sealed bool) store.Change {
	s := &pbx.SIPIdentity{Address: w.Other.SIPAddress, TenantID: w.Tenant.ID, Rev: 1, UserID: w.Other.ID, IssuedAt: at}
	for _, f := range s.Fields(nil) {
		switch f.Name {
		case "ha1_sealed":
			*f.Ptr.(*bool) = sealed
		case "ha1_sha256":
			*f.Ptr.(*[]byte) = append([]byte(nil), make([]byte, bySHA256)...)
		case "ha1_md5":
			*f.Ptr.(*[]byte) = append([]byte(nil), make([]byte, byMD5)...)
		}
	}
	return store.Change{New: s}
}

// Broken are changes that the schema refuses, by the constraint that refuses them. A
// constraint without a name goes by the name of its column.
var Broken = []struct {
	Constraint string
	Change     func(w *World) store.Change
}{
	{"station_pools_add_up", func(w *World) store.Change { return With(w.Pool, func(p *pbx.StationPool) { p.Used = p.Total + 1 }) }},
	{"station_pools_add_up", func(w *World) store.Change { return With(w.Pool, func(p *pbx.StationPool) { p.Used = -1 }) }},
	{"package", func(w *World) store.Change { return Another(w.Pool, func(p *pbx.StationPool) { p.Package = "" }) }},
	{"code", func(w *World) store.Change { return Another(w.Kind, func(s *pbx.ServiceType) { s.Code = "" }) }},
	{"last_order", func(w *World) store.Change {
		return With(w.Tenant, func(t *pbx.Tenant) {
			for _, f := range t.Fields(nil) {
				if f.Name == "last_order" {
					*f.Ptr.(*int64) = -1
				}
			}
		})
	}},

	{"state", func(w *World) store.Change { return With(w.User, func(u *pbx.User) { u.State = "gone" }) }},
	{"users_mobile", func(w *World) store.Change { return With(w.User, func(u *pbx.User) { u.Mobile = "16175550100" }) }},
	{"users_mobile", func(w *World) store.Change { return With(w.User, func(u *pbx.User) { u.Mobile = "+0617555" }) }},
	{"users_mobile", func(w *World) store.Change { return With(w.User, func(u *pbx.User) { u.Mobile = "+1617555010x" }) }},
	{"users_mobile", func(w *World) store.Change { return With(w.User, func(u *pbx.User) { u.Mobile = "+1234567890123456" }) }},
	{"users_activated", func(w *World) store.Change { return With(w.User, func(u *pbx.User) { u.State = pbx.UserPending }) }},
	{"users_activated", func(w *World) store.Change {
		return With(w.User, func(u *pbx.User) { u.ActivatedAt = time.Time{} })
	}},
	{"users_e911", func(w *World) store.Change {
		return With(w.User, func(u *pbx.User) { u.LocationID = pbx.LocationID{} })
	}},

	{"tenants_journal_head", func(w *World) store.Change {
		return With(w.Tenant, func(t *pbx.Tenant) { Set(t, "journal_head", "1:") }) // the revision before
	}},
	{"tenants_journal_head", func(w *World) store.Change {
		return With(w.Tenant, func(t *pbx.Tenant) { Set(t, "journal_head", "0123") })
	}},
	{"events_hash", func(w *World) store.Change {
		return event(w, func(e *pbx.Event) { Set(e, "hash", strings.Repeat("A", 64)) })
	}},
	{"events_hash", func(w *World) store.Change {
		return event(w, func(e *pbx.Event) { Set(e, "hash", strings.Repeat("a", 63)) })
	}},

	{"sip_identities_one", func(w *World) store.Change {
		return store.Change{New: &pbx.SIPIdentity{Address: w.Other.SIPAddress, TenantID: w.Tenant.ID, Rev: 1}}
	}},
	{"sip_identities_one", func(w *World) store.Change {
		return store.Change{New: &pbx.SIPIdentity{Address: w.Other.SIPAddress, TenantID: w.Tenant.ID, Rev: 1, UserID: w.Other.ID, AliasID: w.Alias.ID}}
	}},

	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, time.Time{}, 32, 0, false) }},
	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, time.Time{}, 0, 16, false) }},
	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, time.Time{}, 0, 0, true) }},
	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, Noon, 0, 16, false) }},
	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, Noon, 31, 0, false) }},
	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, Noon, 60, 0, false) }},
	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, Noon, 32, 44, false) }},
	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, Noon, 32, 0, true) }},
	{"sip_identities_credentials", func(w *World) store.Change { return credentials(w, Noon, 60, 16, true) }},

	{"kind", func(w *World) store.Change { return With(w.Group, func(g *pbx.Group) { g.Kind = "choir" }) }},
	{"call_group_members_one", func(w *World) store.Change { return member(w, w.User.ID, pbx.UserID{}, pbx.AliasID{}) }},
	{"call_group_members_one", func(w *World) store.Change { return member(w, w.User.ID, w.User.ID, w.Alias.ID) }},
	{"call_group_members_one", func(w *World) store.Change { return member(w, w.User.ID, w.Other.ID, pbx.AliasID{}) }},

	{"devices_mac_shape", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.MAC = "0008ffffffff" }) }},
	{"devices_mac_shape", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.MAC = "00:08:FF:FF:FF:FF" }) }},
	{"devices_mac_shape", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.MAC = "00-08-ff-ff-ff-ff" }) }},
	{"category", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.Category = "toaster" }) }},
	{"state", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.State = "lost" }) }},
	{"devices_assigned", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.State = pbx.DeviceAssigned }) }},
	{"devices_assigned", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.UserID = w.User.ID }) }},
	{"devices_assigned", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.PortsUsed = 1 }) }},
	{"devices_assigned", func(w *World) store.Change { return With(w.Device, func(d *pbx.Device) { d.PortsUsed = 0 }) }},
	{"devices_ports", func(w *World) store.Change { return With(w.Device, func(d *pbx.Device) { d.PortsUsed = 10 }) }},
	{"devices_ports", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.PortsUsed = -1 }) }},
	{"devices_primary_user", func(w *World) store.Change { return With(w.Device, func(d *pbx.Device) { d.PrimaryOf = w.Other.ID }) }},
	{"devices_primary_user", func(w *World) store.Change { return With(w.Free, func(d *pbx.Device) { d.PrimaryOf = w.Other.ID }) }},

	{"line", func(w *World) store.Change { return deviceLine(w, func(l *pbx.DeviceLine) { l.Line = 0 }) }},
	{"device_lines_one", func(w *World) store.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.AliasID = pbx.AliasID{} })
	}},
	{"device_lines_one", func(w *World) store.Change { return deviceLine(w, func(l *pbx.DeviceLine) { l.UserID = w.Other.ID }) }},
	{"position", func(w *World) store.Change { return key(w, func(k *pbx.ServiceKey) { k.Position = 0 }) }},
	{"kind", func(w *World) store.Change { return key(w, func(k *pbx.ServiceKey) { k.Kind = "doorbell" }) }},
	{"service_keys_target", func(w *World) store.Change { return key(w, func(k *pbx.ServiceKey) { k.Target = "" }) }},
	{"service_keys_target", func(w *World) store.Change { return key(w, func(k *pbx.ServiceKey) { k.Target = "12345678" }) }},
	{"service_keys_target", func(w *World) store.Change { return key(w, func(k *pbx.ServiceKey) { k.Target = "+0617555" }) }},
	{"service_keys_target", func(w *World) store.Change { return key(w, func(k *pbx.ServiceKey) { k.Target = "+1617555x" }) }},
	{"service_keys_target", func(w *World) store.Change {
		return key(w, func(k *pbx.ServiceKey) { k.Kind, k.Target = pbx.KeyBusyLamp, "+16175550100" })
	}},
	{"service_keys_target", func(w *World) store.Change {
		return key(w, func(k *pbx.ServiceKey) { k.Kind, k.Target = pbx.KeyLine, "*21" })
	}},
	{"service_keys_target", func(w *World) store.Change {
		return key(w, func(k *pbx.ServiceKey) { k.Kind, k.Target = pbx.KeyFeature, "7001" })
	}},
	{"service_keys_target", func(w *World) store.Change {
		return key(w, func(k *pbx.ServiceKey) { k.Kind, k.Target = pbx.KeyFeature, "*" })
	}},

	{"services_dn_digits", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.DN = "2" }) }},
	{"services_dn_digits", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.DN = "12345678" }) }},
	{"services_dn_digits", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.DN = "*21" }) }},
	{"status", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.Status = "" }) }},
	{"category", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.Category = "toaster" }) }},
	{"services_number_shape", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.Number = "0016175550100" }) }},

	{"services_cancelled", func(w *World) store.Change {
		return With(w.Bare, func(s *pbx.Service) { s.Status = pbx.StatusPendingCancellation })
	}},
	{"services_cancelled", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.CancelAt = Noon }) }},
	{"services_remote", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.Status = pbx.StatusNone }) }},
	{"services_remote", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.RemoteSystem = "Leeds" }) }},
	{"services_billed", func(w *World) store.Change {
		return With(w.Bare, func(s *pbx.Service) { s.ActivatedAt = time.Time{} })
	}},
	{"services_billed", func(w *World) store.Change {
		return With(w.Bare, func(s *pbx.Service) { s.Status = pbx.StatusOrderProcessing })
	}},
	{"services_failed", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.Failure = "why" }) }},
	{"services_failed", func(w *World) store.Change {
		return With(w.Bare, func(s *pbx.Service) { s.Status, s.ActivatedAt = pbx.StatusOrderFailed, time.Time{} })
	}},
	{"services_later", func(w *World) store.Change { return With(w.Bare, func(s *pbx.Service) { s.ActivateLater = true }) }},

	{"foreign_services_digits", func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID, f.FormerDN, f.State = pbx.ServiceID{}, "x", pbx.ForeignLeft })
	}},
	{"system", func(w *World) store.Change { return foreign(w, func(f *pbx.ForeignService) { f.System = "" }) }},
	{"name", func(w *World) store.Change { return foreign(w, func(f *pbx.ForeignService) { f.Name = "" }) }},
	{"state", func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.State = pbx.ForeignGone })
	}},
	{"foreign_services_former", func(w *World) store.Change { return foreign(w, func(f *pbx.ForeignService) { f.FormerDN = "20000" }) }},
	{"foreign_services_former", func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID, f.State = pbx.ServiceID{}, pbx.ForeignLeft })
	}},
	{"foreign_services_state", func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID, f.FormerDN = pbx.ServiceID{}, "20000" })
	}},
	{"foreign_services_state", func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.State, f.Deletable = pbx.ForeignDeleting, true })
	}},
	{"foreign_services_state", func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) {
			f.ServiceID, f.FormerDN, f.State, f.Deletable = pbx.ServiceID{}, "20000", pbx.ForeignLeft, true
		})
	}},
	{"foreign_services_state", func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) {
			f.ServiceID, f.FormerDN, f.State = pbx.ServiceID{}, "20000", pbx.ForeignFailed
		})
	}},
	{"foreign_services_asked", func(w *World) store.Change { return foreign(w, func(f *pbx.ForeignService) { f.Requests = 0 }) }},
	{"foreign_services_asked", func(w *World) store.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.State, f.Requests = pbx.ForeignActive, -1 })
	}},

	{"slot", func(w *World) store.Change { return association(w, 0) }},
	{"slot", func(w *World) store.Change { return association(w, 9) }},
	{"associations_primary_user", func(w *World) store.Change {
		ch := association(w, 1)
		ch.New.(*pbx.Association).PrimaryOf = w.User.ID
		return ch
	}},

	{"extensions_digits", func(w *World) store.Change { return entry(w, func(e *pbx.DialEntry) { e.Digits = "1" }) }},
	{"extensions_digits", func(w *World) store.Change { return entry(w, func(e *pbx.DialEntry) { e.Digits = "12345678" }) }},
	{"extensions_digits", func(w *World) store.Change { return entry(w, func(e *pbx.DialEntry) { e.Digits = "12a" }) }},
	{"extensions_one_target", func(w *World) store.Change { return entry(w, func(e *pbx.DialEntry) { e.UserID = pbx.UserID{} }) }},
	{"extensions_one_target", func(w *World) store.Change { return entry(w, func(e *pbx.DialEntry) { e.GroupID = w.Group.ID }) }},
	{"extensions_one_target", func(w *World) store.Change { return entry(w, func(e *pbx.DialEntry) { e.AliasID = w.Alias.ID }) }},
	{"extensions_one_target", func(w *World) store.Change { return entry(w, func(e *pbx.DialEntry) { e.ServiceID = w.Bare.ID }) }},
	{"extensions_main_user", func(w *World) store.Change { return entry(w, func(e *pbx.DialEntry) { e.MainOf = w.User.ID }) }},
	{"extensions_main_user", func(w *World) store.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.GroupID, e.MainOf = pbx.UserID{}, w.Group.ID, w.User.ID })
	}},

	{"principal", func(w *World) store.Change { return owner(w, func(o *pbx.Owner) { o.Principal = "" }) }},
	{"mailboxes_digits", func(w *World) store.Change { return Mailbox(w, func(m *pbx.Mailbox) { m.Number = "0123" }) }},
	{"mailboxes_digits", func(w *World) store.Change { return Mailbox(w, func(m *pbx.Mailbox) { m.Number = "1" }) }},
	{"mailboxes_digits", func(w *World) store.Change { return Mailbox(w, func(m *pbx.Mailbox) { m.Number = "12345678" }) }},
	{"mailboxes_digits", func(w *World) store.Change { return Mailbox(w, func(m *pbx.Mailbox) { m.Number = "12#4" }) }},
	{"pin_hash", func(w *World) store.Change {
		return Mailbox(w, func(m *pbx.Mailbox) {
			for _, f := range m.Fields(nil) {
				if f.Name == "pin_hash" {
					*f.Ptr.(*[]byte) = []byte{}
				}
			}
		})
	}},
	{"tries", func(w *World) store.Change {
		return Mailbox(w, func(m *pbx.Mailbox) {
			for _, f := range m.Fields(nil) {
				if f.Name == "tries" {
					*f.Ptr.(*int64) = -1
				}
			}
		})
	}},
	{"state", func(w *World) store.Change { return With(w.Port, func(p *pbx.PortRequest) { p.State = "lost" }) }},

	{"numbers_shape", func(w *World) store.Change { return Another(w.Spare, func(n *pbx.Number) { n.E164 = "6175550100" }) }},
	{"numbers_shape", func(w *World) store.Change { return Another(w.Spare, func(n *pbx.Number) { n.E164 = "+06175550100" }) }},
	{"numbers_shape", func(w *World) store.Change {
		return Another(w.Spare, func(n *pbx.Number) { n.E164 = "+1617-555-0100" })
	}},
	{"numbers_shape", func(w *World) store.Change {
		return Another(w.Spare, func(n *pbx.Number) { n.E164 = "+1234567890123456" })
	}},
	{"state", func(w *World) store.Change { return With(w.Spare, func(n *pbx.Number) { n.State = "gone" }) }},
	{"numbers_provider", func(w *World) store.Change { return With(w.Spare, func(n *pbx.Number) { n.State = pbx.NumberStock }) }},
	{"numbers_provider", func(w *World) store.Change {
		return With(w.Stock, func(n *pbx.Number) { n.State = pbx.NumberAvailable })
	}},
	{"numbers_assigned", func(w *World) store.Change {
		return With(w.Spare, func(n *pbx.Number) { n.State = pbx.NumberAssigned })
	}},
	{"numbers_assigned", func(w *World) store.Change {
		return With(w.Number, func(n *pbx.Number) { n.State = pbx.NumberAvailable })
	}},
	{"numbers_resting", func(w *World) store.Change { return With(w.Stock, func(n *pbx.Number) { n.State = pbx.NumberResting }) }},
	{"numbers_resting", func(w *World) store.Change { return With(w.Stock, func(n *pbx.Number) { n.FreeFrom = Noon }) }},
	{"numbers_awaited", func(w *World) store.Change { return With(w.Spare, func(n *pbx.Number) { n.WaitingID = w.Bare.ID }) }},
	{"numbers_billed", func(w *World) store.Change { return With(w.Number, func(n *pbx.Number) { n.Billed = true }) }},
	{"numbers_lent", func(w *World) store.Change { return With(w.Spare, func(n *pbx.Number) { n.Loan = true }) }},
	{"numbers_lent", func(w *World) store.Change {
		return With(w.Number, func(n *pbx.Number) { n.Loan, n.Monthly = true, 1 })
	}},
	{"numbers_lent", func(w *World) store.Change {
		return With(w.Number, func(n *pbx.Number) { n.TemporaryFor = w.Spare.E164 })
	}},
	{"numbers_stand_in", func(w *World) store.Change {
		return With(w.Number, func(n *pbx.Number) { n.TemporaryFor, n.Loan = n.E164, true })
	}},

	{"number", func(w *World) store.Change {
		return Another(w.Order, func(o *pbx.Order) { o.ID, o.Number = w.ID(), 0 })
	}},
	{"status", func(w *World) store.Change { return With(w.Order, func(o *pbx.Order) { o.Status = "lost" }) }},
	{"placed_role", func(w *World) store.Change { return With(w.Order, func(o *pbx.Order) { o.PlacedRole = "nobody" }) }},
	{"line", func(w *World) store.Change {
		return store.Change{New: &pbx.OrderLine{TenantID: w.Tenant.ID, OrderID: w.Order.ID, Rev: 1}}
	}},
	{"seq", func(w *World) store.Change { return event(w, func(e *pbx.Event) { e.Seq = 0 }) }},
	{"pos", func(w *World) store.Change { return event(w, func(e *pbx.Event) { e.Pos = 0 }) }},
	{"role", func(w *World) store.Change { return event(w, func(e *pbx.Event) { e.Role = "nobody" }) }},
	{"subscriber", func(w *World) store.Change { return store.Change{New: &pbx.Cursor{TenantID: w.Tenant.ID, Rev: 1}} }},
	{"seq", func(w *World) store.Change {
		return store.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.Tenant.ID, Rev: 1, Seq: -1}}
	}},
	{"pos", func(w *World) store.Change {
		return store.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.Tenant.ID, Rev: 1, Pos: -1}}
	}},
	{"cursors_lease", func(w *World) store.Change {
		return store.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.Tenant.ID, Rev: 1, Holder: w.ID()}}
	}},
	{"cursors_lease", func(w *World) store.Change {
		return store.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.Tenant.ID, Rev: 1, LeasedUntil: Noon}}
	}},
}

func member(w *World, id, user pbx.UserID, alias pbx.AliasID) store.Change {
	m := &pbx.Member{TenantID: w.Tenant.ID, GroupID: w.Group.ID, Rev: 1, UserID: user, AliasID: alias}
	for _, f := range m.Fields(nil) {
		if f.Name == "member_id" {
			*f.Ptr.(*[16]byte) = id
		}
	}
	return store.Change{New: m}
}

func association(w *World, slot int64) store.Change {
	return store.Change{New: &pbx.Association{TenantID: w.Tenant.ID, UserID: w.Other.ID, ServiceID: w.Bare.ID, Rev: 1, Slot: slot}}
}

func entry(w *World, change func(*pbx.DialEntry)) store.Change {
	return Another(&pbx.DialEntry{TenantID: w.Tenant.ID, Digits: "30000", Rev: 1, UserID: w.Other.ID}, change)
}

// deviceLine is another line of the user's phone, with their alias.
func deviceLine(w *World, change func(*pbx.DeviceLine)) store.Change {
	return Another(&pbx.DeviceLine{TenantID: w.Tenant.ID, DeviceID: w.Device.ID, Line: 2, Rev: 1, AliasID: w.Alias.ID}, change)
}

func key(w *World, change func(*pbx.ServiceKey)) store.Change {
	return Another(&pbx.ServiceKey{TenantID: w.Tenant.ID, ServiceID: w.Service.ID, Rev: 1,
		PhoneKey: pbx.PhoneKey{Position: 1, Kind: pbx.KeySpeedDial, Target: "7001"}}, change)
}

func owner(w *World, change func(*pbx.Owner)) store.Change {
	return Another(&pbx.Owner{TenantID: w.Tenant.ID, ServiceID: w.Service.ID, Principal: "joe", Rev: 1, Since: Noon}, change)
}

// Mailbox is one of the bare service.
func Mailbox(w *World, change func(*pbx.Mailbox)) store.Change {
	return Another(&pbx.Mailbox{TenantID: w.Tenant.ID, ServiceID: w.Bare.ID, Rev: 1, Number: "20000", CreatedAt: Noon}, change)
}

// foreign is what another system was asked to provide on a line.
func foreign(w *World, change func(*pbx.ForeignService)) store.Change {
	return Another(&pbx.ForeignService{
		TenantID: w.Tenant.ID, ID: w.ID(), Rev: 1, ServiceID: w.Bare.ID, System: "SYSTEM", Name: "Client",
		State: pbx.ForeignRequested, At: Noon, Requests: 1,
	}, change)
}

func event(w *World, change func(*pbx.Event)) store.Change {
	return Another(&pbx.Event{
		TenantID: w.Tenant.ID, Seq: 99, Pos: 1, At: Noon, Operation: w.ID(), Actor: "admin", Role: pbx.RoleSupport, Type: "t", Kind: "user",
	}, change)
}
