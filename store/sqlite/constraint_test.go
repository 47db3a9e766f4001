package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/sqlite"
)

// world is one of everything, all of it right; each test breaks one thing.
type world struct {
	*customer
	store   *sqlite.Store
	path    string
	user    *pbx.User
	other   *pbx.User // has no service
	service *pbx.Service
	bare    *pbx.Service // has no number, mailbox or user
	device  *pbx.Device  // the user's
	free    *pbx.Device
	number  *pbx.Number // the service's
	spare   *pbx.Number
	stock   *pbx.Number
	alias   *pbx.Alias
	group   *pbx.Group
	port    *pbx.PortRequest
	order   *pbx.Order
	foreign *customer // another tenant
}

func newWorld(t *testing.T) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pbx.db")
	store := open(t, path)
	w := &world{customer: newCustomer(t, store, 1, 3), store: store, path: path, foreign: newCustomer(t, store, 2, 1)}
	changes := w.setUp()
	w.user, w.service = changes[1].New.(*pbx.User), changes[4].New.(*pbx.Service)
	w.device, w.number, w.free, w.spare = w.devices[0], w.numbers[0], w.devices[1], w.numbers[1]
	other := *w.user
	other.ID, other.Login, other.SIPAddress, other.Station = w.id(), "other@example.com", "other@c1.example.com", ""
	w.other = set(&other, "login_folded", "other@example.com")
	bare := *w.service
	bare.ID, bare.DN, bare.Number, bare.DeviceID = w.id(), "20000", "", pbx.DeviceID{}
	w.bare = &bare
	id := w.tenant.ID
	w.stock = &pbx.Number{E164: "+16175550100", TenantID: pbx.Provider, Rev: 1, State: pbx.NumberStock, CreatedAt: noon}
	w.alias = &pbx.Alias{TenantID: id, ID: w.id(), Rev: 1, UserID: w.user.ID, Name: "Alias", SIPAddress: "alias@c1.example.com"}
	w.group = &pbx.Group{TenantID: id, ID: w.id(), Rev: 1, Kind: pbx.HuntGroup, Name: "Sales"}
	w.port = &pbx.PortRequest{TenantID: id, ID: w.id(), Rev: 1, Carrier: "Old", Date: noon, State: pbx.PortRequested, CreatedAt: noon}
	w.order = &pbx.Order{
		TenantID: id, ID: w.id(), Rev: 1, Number: 1, Status: pbx.OrderPlaced, PlacedBy: "admin", PlacedRole: pbx.RoleSupport,
		PlacedAt: noon, UserID: w.user.ID,
	}
	provider := set(&pbx.Tenant{ID: pbx.Provider, Rev: 1, Name: "provider", CreatedAt: noon}, "name_folded", "provider")
	for _, r := range []pbx.Record{
		provider, w.other, w.bare, w.stock, w.alias,
		&pbx.SIPIdentity{Address: w.alias.SIPAddress, TenantID: id, Rev: 1, AliasID: w.alias.ID},
		w.group, w.port, w.order,
		&pbx.DeviceLine{TenantID: id, DeviceID: w.device.ID, Line: 1, Rev: 1, UserID: w.user.ID},
	} {
		changes = append(changes, pbx.Change{New: r})
	}
	require.NoError(t, apply(store, id, changes...))
	return w
}

// with is a changed copy of a record, and the change that makes it.
func with[R any, P interface {
	*R
	pbx.Record
}](old P, change func(P)) pbx.Change {
	row := *old
	change(&row)
	for _, f := range P(&row).Fields(nil) {
		if f.Name == "rev" {
			*f.Ptr.(*int64)++
		}
	}
	return pbx.Change{Old: old, New: P(&row)}
}

// another is with, but makes a new record.
func another[R any, P interface {
	*R
	pbx.Record
}](old P, change func(P)) pbx.Change {
	row := *old
	change(&row)
	return pbx.Change{New: P(&row)}
}

func raise(*pbx.Device) {}

// credentials claims the other user's address with hashes of these lengths; 0 is
// none.
func credentials(w *world, at time.Time, bySHA256, byMD5 int, sealed bool) pbx.Change {
	s := &pbx.SIPIdentity{Address: w.other.SIPAddress, TenantID: w.tenant.ID, Rev: 1, UserID: w.other.ID, IssuedAt: at}
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
	return pbx.Change{New: s}
}

// broken are changes that the schema refuses, by the constraint that does.
// A constraint without a name is called by its column.
var broken = []struct {
	constraint string
	change     func(w *world) pbx.Change
}{
	{"station_pools_add_up", func(w *world) pbx.Change { return with(w.pool, func(p *pbx.StationPool) { p.Used = p.Total + 1 }) }},
	{"station_pools_add_up", func(w *world) pbx.Change { return with(w.pool, func(p *pbx.StationPool) { p.Used = -1 }) }},
	{"package", func(w *world) pbx.Change { return another(w.pool, func(p *pbx.StationPool) { p.Package = "" }) }},
	{"code", func(w *world) pbx.Change { return another(w.kind, func(s *pbx.ServiceType) { s.Code = "" }) }},
	{"last_order", func(w *world) pbx.Change {
		return with(w.tenant, func(t *pbx.Tenant) {
			for _, f := range t.Fields(nil) {
				if f.Name == "last_order" {
					*f.Ptr.(*int64) = -1
				}
			}
		})
	}},

	{"state", func(w *world) pbx.Change { return with(w.user, func(u *pbx.User) { u.State = "gone" }) }},
	{"users_mobile", func(w *world) pbx.Change { return with(w.user, func(u *pbx.User) { u.Mobile = "16175550100" }) }},
	{"users_mobile", func(w *world) pbx.Change { return with(w.user, func(u *pbx.User) { u.Mobile = "+0617555" }) }},
	{"users_mobile", func(w *world) pbx.Change { return with(w.user, func(u *pbx.User) { u.Mobile = "+1617555010x" }) }},
	{"users_mobile", func(w *world) pbx.Change { return with(w.user, func(u *pbx.User) { u.Mobile = "+1234567890123456" }) }},
	{"users_activated", func(w *world) pbx.Change { return with(w.user, func(u *pbx.User) { u.State = pbx.UserPending }) }},
	{"users_activated", func(w *world) pbx.Change {
		return with(w.user, func(u *pbx.User) { u.ActivatedAt = time.Time{} })
	}},
	{"users_e911", func(w *world) pbx.Change { return with(w.user, func(u *pbx.User) { u.LocationID = pbx.LocationID{} }) }},

	{"sip_identities_one", func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.SIPIdentity{Address: w.other.SIPAddress, TenantID: w.tenant.ID, Rev: 1}}
	}},
	{"sip_identities_one", func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.SIPIdentity{Address: w.other.SIPAddress, TenantID: w.tenant.ID, Rev: 1, UserID: w.other.ID, AliasID: w.alias.ID}}
	}},

	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, time.Time{}, 32, 0, false) }},
	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, time.Time{}, 0, 16, false) }},
	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, time.Time{}, 0, 0, true) }},
	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, noon, 0, 16, false) }},
	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, noon, 31, 0, false) }},
	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, noon, 60, 0, false) }},
	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, noon, 32, 44, false) }},
	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, noon, 32, 0, true) }},
	{"sip_identities_credentials", func(w *world) pbx.Change { return credentials(w, noon, 60, 16, true) }},

	{"kind", func(w *world) pbx.Change { return with(w.group, func(g *pbx.Group) { g.Kind = "choir" }) }},
	{"call_group_members_one", func(w *world) pbx.Change { return member(w, w.user.ID, pbx.UserID{}, pbx.AliasID{}) }},
	{"call_group_members_one", func(w *world) pbx.Change { return member(w, w.user.ID, w.user.ID, w.alias.ID) }},
	{"call_group_members_one", func(w *world) pbx.Change { return member(w, w.user.ID, w.other.ID, pbx.AliasID{}) }},

	{"devices_mac_shape", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.MAC = "0008ffffffff" }) }},
	{"devices_mac_shape", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.MAC = "00:08:FF:FF:FF:FF" }) }},
	{"devices_mac_shape", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.MAC = "00-08-ff-ff-ff-ff" }) }},
	{"category", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.Category = "toaster" }) }},
	{"state", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.State = "lost" }) }},
	{"devices_assigned", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.State = pbx.DeviceAssigned }) }},
	{"devices_assigned", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.UserID = w.user.ID }) }},
	{"devices_assigned", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.PortsUsed = 1 }) }},
	{"devices_assigned", func(w *world) pbx.Change { return with(w.device, func(d *pbx.Device) { d.PortsUsed = 0 }) }},
	{"devices_ports", func(w *world) pbx.Change { return with(w.device, func(d *pbx.Device) { d.PortsUsed = 10 }) }},
	{"devices_ports", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.PortsUsed = -1 }) }},
	{"devices_primary_user", func(w *world) pbx.Change { return with(w.device, func(d *pbx.Device) { d.PrimaryOf = w.other.ID }) }},
	{"devices_primary_user", func(w *world) pbx.Change { return with(w.free, func(d *pbx.Device) { d.PrimaryOf = w.other.ID }) }},

	{"line", func(w *world) pbx.Change { return deviceLine(w, func(l *pbx.DeviceLine) { l.Line = 0 }) }},
	{"device_lines_one", func(w *world) pbx.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.AliasID = pbx.AliasID{} })
	}},
	{"device_lines_one", func(w *world) pbx.Change { return deviceLine(w, func(l *pbx.DeviceLine) { l.UserID = w.other.ID }) }},
	{"position", func(w *world) pbx.Change { return key(w, func(k *pbx.ServiceKey) { k.Position = 0 }) }},
	{"kind", func(w *world) pbx.Change { return key(w, func(k *pbx.ServiceKey) { k.Kind = "doorbell" }) }},
	{"service_keys_target", func(w *world) pbx.Change { return key(w, func(k *pbx.ServiceKey) { k.Target = "" }) }},
	{"service_keys_target", func(w *world) pbx.Change { return key(w, func(k *pbx.ServiceKey) { k.Target = "12345678" }) }},
	{"service_keys_target", func(w *world) pbx.Change { return key(w, func(k *pbx.ServiceKey) { k.Target = "+0617555" }) }},
	{"service_keys_target", func(w *world) pbx.Change { return key(w, func(k *pbx.ServiceKey) { k.Target = "+1617555x" }) }},
	{"service_keys_target", func(w *world) pbx.Change {
		return key(w, func(k *pbx.ServiceKey) { k.Kind, k.Target = pbx.KeyBusyLamp, "+16175550100" })
	}},
	{"service_keys_target", func(w *world) pbx.Change {
		return key(w, func(k *pbx.ServiceKey) { k.Kind, k.Target = pbx.KeyLine, "*21" })
	}},
	{"service_keys_target", func(w *world) pbx.Change {
		return key(w, func(k *pbx.ServiceKey) { k.Kind, k.Target = pbx.KeyFeature, "7001" })
	}},
	{"service_keys_target", func(w *world) pbx.Change {
		return key(w, func(k *pbx.ServiceKey) { k.Kind, k.Target = pbx.KeyFeature, "*" })
	}},

	{"services_dn_digits", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.DN = "2" }) }},
	{"services_dn_digits", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.DN = "12345678" }) }},
	{"services_dn_digits", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.DN = "*21" }) }},
	{"status", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.Status = "" }) }},
	{"category", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.Category = "toaster" }) }},
	{"services_number_shape", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.Number = "0016175550100" }) }},

	{"services_cancelled", func(w *world) pbx.Change {
		return with(w.bare, func(s *pbx.Service) { s.Status = pbx.StatusPendingCancellation })
	}},
	{"services_cancelled", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.CancelAt = noon }) }},
	{"services_remote", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.Status = pbx.StatusNone }) }},
	{"services_remote", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.RemoteSystem = "Leeds" }) }},
	{"services_billed", func(w *world) pbx.Change {
		return with(w.bare, func(s *pbx.Service) { s.ActivatedAt = time.Time{} })
	}},
	{"services_billed", func(w *world) pbx.Change {
		return with(w.bare, func(s *pbx.Service) { s.Status = pbx.StatusOrderProcessing })
	}},
	{"services_failed", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.Failure = "why" }) }},
	{"services_failed", func(w *world) pbx.Change {
		return with(w.bare, func(s *pbx.Service) { s.Status, s.ActivatedAt = pbx.StatusOrderFailed, time.Time{} })
	}},
	{"services_later", func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.ActivateLater = true }) }},

	{"foreign_services_digits", func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID, f.FormerDN, f.State = pbx.ServiceID{}, "x", pbx.ForeignLeft })
	}},
	{"system", func(w *world) pbx.Change { return foreign(w, func(f *pbx.ForeignService) { f.System = "" }) }},
	{"name", func(w *world) pbx.Change { return foreign(w, func(f *pbx.ForeignService) { f.Name = "" }) }},
	{"state", func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.State = pbx.ForeignGone })
	}},
	{"foreign_services_former", func(w *world) pbx.Change { return foreign(w, func(f *pbx.ForeignService) { f.FormerDN = "20000" }) }},
	{"foreign_services_former", func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID, f.State = pbx.ServiceID{}, pbx.ForeignLeft })
	}},
	{"foreign_services_state", func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID, f.FormerDN = pbx.ServiceID{}, "20000" })
	}},
	{"foreign_services_state", func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.State, f.Deletable = pbx.ForeignDeleting, true })
	}},
	{"foreign_services_state", func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) {
			f.ServiceID, f.FormerDN, f.State, f.Deletable = pbx.ServiceID{}, "20000", pbx.ForeignLeft, true
		})
	}},
	{"foreign_services_state", func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) {
			f.ServiceID, f.FormerDN, f.State = pbx.ServiceID{}, "20000", pbx.ForeignFailed
		})
	}},
	{"foreign_services_asked", func(w *world) pbx.Change { return foreign(w, func(f *pbx.ForeignService) { f.Requests = 0 }) }},
	{"foreign_services_asked", func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.State, f.Requests = pbx.ForeignActive, -1 })
	}},

	{"slot", func(w *world) pbx.Change { return association(w, 0) }},
	{"slot", func(w *world) pbx.Change { return association(w, 9) }},
	{"associations_primary_user", func(w *world) pbx.Change {
		ch := association(w, 1)
		ch.New.(*pbx.Association).PrimaryOf = w.user.ID
		return ch
	}},

	{"extensions_digits", func(w *world) pbx.Change { return entry(w, func(e *pbx.DialEntry) { e.Digits = "1" }) }},
	{"extensions_digits", func(w *world) pbx.Change { return entry(w, func(e *pbx.DialEntry) { e.Digits = "12345678" }) }},
	{"extensions_digits", func(w *world) pbx.Change { return entry(w, func(e *pbx.DialEntry) { e.Digits = "12a" }) }},
	{"extensions_one_target", func(w *world) pbx.Change { return entry(w, func(e *pbx.DialEntry) { e.UserID = pbx.UserID{} }) }},
	{"extensions_one_target", func(w *world) pbx.Change { return entry(w, func(e *pbx.DialEntry) { e.GroupID = w.group.ID }) }},
	{"extensions_one_target", func(w *world) pbx.Change { return entry(w, func(e *pbx.DialEntry) { e.AliasID = w.alias.ID }) }},
	{"extensions_one_target", func(w *world) pbx.Change { return entry(w, func(e *pbx.DialEntry) { e.ServiceID = w.bare.ID }) }},
	{"extensions_main_user", func(w *world) pbx.Change { return entry(w, func(e *pbx.DialEntry) { e.MainOf = w.user.ID }) }},
	{"extensions_main_user", func(w *world) pbx.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.GroupID, e.MainOf = pbx.UserID{}, w.group.ID, w.user.ID })
	}},

	{"principal", func(w *world) pbx.Change { return owner(w, func(o *pbx.Owner) { o.Principal = "" }) }},
	{"mailboxes_digits", func(w *world) pbx.Change { return mailbox(w, func(m *pbx.Mailbox) { m.Number = "0123" }) }},
	{"mailboxes_digits", func(w *world) pbx.Change { return mailbox(w, func(m *pbx.Mailbox) { m.Number = "1" }) }},
	{"mailboxes_digits", func(w *world) pbx.Change { return mailbox(w, func(m *pbx.Mailbox) { m.Number = "12345678" }) }},
	{"mailboxes_digits", func(w *world) pbx.Change { return mailbox(w, func(m *pbx.Mailbox) { m.Number = "12#4" }) }},
	{"pin_hash", func(w *world) pbx.Change {
		return mailbox(w, func(m *pbx.Mailbox) {
			for _, f := range m.Fields(nil) {
				if f.Name == "pin_hash" {
					*f.Ptr.(*[]byte) = []byte{}
				}
			}
		})
	}},
	{"tries", func(w *world) pbx.Change {
		return mailbox(w, func(m *pbx.Mailbox) {
			for _, f := range m.Fields(nil) {
				if f.Name == "tries" {
					*f.Ptr.(*int64) = -1
				}
			}
		})
	}},
	{"state", func(w *world) pbx.Change { return with(w.port, func(p *pbx.PortRequest) { p.State = "lost" }) }},

	{"numbers_shape", func(w *world) pbx.Change { return another(w.spare, func(n *pbx.Number) { n.E164 = "6175550100" }) }},
	{"numbers_shape", func(w *world) pbx.Change { return another(w.spare, func(n *pbx.Number) { n.E164 = "+06175550100" }) }},
	{"numbers_shape", func(w *world) pbx.Change { return another(w.spare, func(n *pbx.Number) { n.E164 = "+1617-555-0100" }) }},
	{"numbers_shape", func(w *world) pbx.Change {
		return another(w.spare, func(n *pbx.Number) { n.E164 = "+1234567890123456" })
	}},
	{"state", func(w *world) pbx.Change { return with(w.spare, func(n *pbx.Number) { n.State = "gone" }) }},
	{"numbers_provider", func(w *world) pbx.Change { return with(w.spare, func(n *pbx.Number) { n.State = pbx.NumberStock }) }},
	{"numbers_provider", func(w *world) pbx.Change { return with(w.stock, func(n *pbx.Number) { n.State = pbx.NumberAvailable }) }},
	{"numbers_assigned", func(w *world) pbx.Change { return with(w.spare, func(n *pbx.Number) { n.State = pbx.NumberAssigned }) }},
	{"numbers_assigned", func(w *world) pbx.Change {
		return with(w.number, func(n *pbx.Number) { n.State = pbx.NumberAvailable })
	}},
	{"numbers_resting", func(w *world) pbx.Change { return with(w.stock, func(n *pbx.Number) { n.State = pbx.NumberResting }) }},
	{"numbers_resting", func(w *world) pbx.Change { return with(w.stock, func(n *pbx.Number) { n.FreeFrom = noon }) }},
	{"numbers_awaited", func(w *world) pbx.Change { return with(w.spare, func(n *pbx.Number) { n.WaitingID = w.bare.ID }) }},
	{"numbers_billed", func(w *world) pbx.Change { return with(w.number, func(n *pbx.Number) { n.Billed = true }) }},
	{"numbers_lent", func(w *world) pbx.Change { return with(w.spare, func(n *pbx.Number) { n.Loan = true }) }},
	{"numbers_lent", func(w *world) pbx.Change { return with(w.number, func(n *pbx.Number) { n.Loan, n.Monthly = true, 1 }) }},
	{"numbers_lent", func(w *world) pbx.Change {
		return with(w.number, func(n *pbx.Number) { n.TemporaryFor = w.spare.E164 })
	}},
	{"numbers_stand_in", func(w *world) pbx.Change {
		return with(w.number, func(n *pbx.Number) { n.TemporaryFor, n.Loan = n.E164, true })
	}},

	{"number", func(w *world) pbx.Change { return another(w.order, func(o *pbx.Order) { o.ID, o.Number = w.id(), 0 }) }},
	{"status", func(w *world) pbx.Change { return with(w.order, func(o *pbx.Order) { o.Status = "lost" }) }},
	{"placed_role", func(w *world) pbx.Change { return with(w.order, func(o *pbx.Order) { o.PlacedRole = "nobody" }) }},
	{"line", func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.OrderLine{TenantID: w.tenant.ID, OrderID: w.order.ID, Rev: 1}}
	}},
	{"seq", func(w *world) pbx.Change { return event(w, func(e *pbx.Event) { e.Seq = 0 }) }},
	{"pos", func(w *world) pbx.Change { return event(w, func(e *pbx.Event) { e.Pos = 0 }) }},
	{"role", func(w *world) pbx.Change { return event(w, func(e *pbx.Event) { e.Role = "nobody" }) }},
	{"subscriber", func(w *world) pbx.Change { return pbx.Change{New: &pbx.Cursor{TenantID: w.tenant.ID, Rev: 1}} }},
	{"seq", func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.tenant.ID, Rev: 1, Seq: -1}}
	}},
	{"pos", func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.tenant.ID, Rev: 1, Pos: -1}}
	}},
	{"cursors_lease", func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.tenant.ID, Rev: 1, Holder: w.id()}}
	}},
	{"cursors_lease", func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.tenant.ID, Rev: 1, LeasedUntil: noon}}
	}},
}

func member(w *world, id, user pbx.UserID, alias pbx.AliasID) pbx.Change {
	m := &pbx.Member{TenantID: w.tenant.ID, GroupID: w.group.ID, Rev: 1, UserID: user, AliasID: alias}
	for _, f := range m.Fields(nil) {
		if f.Name == "member_id" {
			*f.Ptr.(*[16]byte) = id
		}
	}
	return pbx.Change{New: m}
}

func association(w *world, slot int64) pbx.Change {
	return pbx.Change{New: &pbx.Association{TenantID: w.tenant.ID, UserID: w.other.ID, ServiceID: w.bare.ID, Rev: 1, Slot: slot}}
}

func entry(w *world, change func(*pbx.DialEntry)) pbx.Change {
	return another(&pbx.DialEntry{TenantID: w.tenant.ID, Digits: "30000", Rev: 1, UserID: w.other.ID}, change)
}

// deviceLine is another line of the user's phone, with his alias.
func deviceLine(w *world, change func(*pbx.DeviceLine)) pbx.Change {
	return another(&pbx.DeviceLine{TenantID: w.tenant.ID, DeviceID: w.device.ID, Line: 2, Rev: 1, AliasID: w.alias.ID}, change)
}

func key(w *world, change func(*pbx.ServiceKey)) pbx.Change {
	return another(&pbx.ServiceKey{TenantID: w.tenant.ID, ServiceID: w.service.ID, Rev: 1,
		PhoneKey: pbx.PhoneKey{Position: 1, Kind: pbx.KeySpeedDial, Target: "7001"}}, change)
}

func owner(w *world, change func(*pbx.Owner)) pbx.Change {
	return another(&pbx.Owner{TenantID: w.tenant.ID, ServiceID: w.service.ID, Principal: "joe", Rev: 1, Since: noon}, change)
}

func mailbox(w *world, change func(*pbx.Mailbox)) pbx.Change {
	return another(&pbx.Mailbox{TenantID: w.tenant.ID, ServiceID: w.bare.ID, Rev: 1, Number: "20000", CreatedAt: noon}, change)
}

// foreign is what another system was asked to provide on a line.
func foreign(w *world, change func(*pbx.ForeignService)) pbx.Change {
	return another(&pbx.ForeignService{
		TenantID: w.tenant.ID, ID: w.id(), Rev: 1, ServiceID: w.bare.ID, System: "SYSTEM", Name: "Client",
		State: pbx.ForeignRequested, At: noon, Requests: 1,
	}, change)
}

func event(w *world, change func(*pbx.Event)) pbx.Change {
	return another(&pbx.Event{
		TenantID: w.tenant.ID, Seq: 99, Pos: 1, At: noon, Operation: w.id(), Actor: "admin", Role: pbx.RoleSupport, Type: "t", Kind: "user",
	}, change)
}

func TestChecksRefuse(t *testing.T) {
	w := newWorld(t)
	for i, b := range broken {
		t.Run(fmt.Sprintf("%s/%d", b.constraint, i), func(t *testing.T) {
			err := apply(w.store, w.tenant.ID, b.change(w))
			require.ErrorIs(t, err, pbx.ErrConstraint)
			require.ErrorIs(t, err, pbx.ErrStorage)
			require.Regexp(t, `CHECK constraint failed: (length\()?`+b.constraint+`\b`, cause(err))
			require.NotContains(t, err.Error(), "CHECK", "driver text is not shown")
		})
	}
	require.NoError(t, w.store.Check(t.Context()))
}

// Every CHECK with a name is refused somewhere above.
func TestEveryNamedCheckIsTested(t *testing.T) {
	for _, m := range regexp.MustCompile(`CONSTRAINT (\w+) CHECK`).FindAllStringSubmatch(migrations(t), -1) {
		tested := strings.HasSuffix(m[1], "_list") // by raw statements
		for _, b := range broken {
			tested = tested || b.constraint == m[1]
		}
		require.True(t, tested, m[1])
	}
}

// migrations is the text of all of them.
func migrations(t *testing.T) string {
	t.Helper()
	files, err := fs.Glob(sqlite.Migrations(), "*.sql")
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range files {
		text, err := fs.ReadFile(sqlite.Migrations(), name)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

// cause is what the engine said.
func cause(err error) string {
	var e *pbx.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err.Error()
	}
	return ""
}

// Records cannot even say these.
func TestChecksRefuseWhatOnlyAnotherProgramWouldWrite(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.store.Close())
	db := rawDB(t, w.path)
	for _, statement := range []string{
		"UPDATE tenants SET sip_domain = ''",
		"UPDATE tenants SET next_extension = ''",
		"UPDATE tenants SET number_criteria = ''",
		"UPDATE numbers SET billed = 2",
		"UPDATE service_types SET applications = 'x'",
		"UPDATE service_types SET applications = '{}'",
		"UPDATE station_pools SET applications = '[\"x\"'",
		"UPDATE station_pools SET applications = '1'",
		"UPDATE users SET applications = ''",
		"UPDATE users SET applications = 'null'",
		"UPDATE users SET e911 = 2",
		"UPDATE users SET station = ''",
		"UPDATE users SET rev = 'abc'",
		"UPDATE users SET location_id = '1234567890123456'",
		"UPDATE users SET first_name = NULL",
		"UPDATE services SET type = ''",
		"UPDATE port_requests SET toll_free = -1",
		"UPDATE service_types SET fulfilment = 2",
		"UPDATE services SET activate_later = 2",
		"INSERT INTO foreign_services SELECT tenant_id, id, 1, id, NULL, 'S', 'n', '', 2, 0, 0, 'active', '', 0, 0 FROM services",
		"INSERT INTO foreign_services SELECT tenant_id, id, 1, id, NULL, 'S', 'n', '', 0, 2, 0, 'active', '', 0, 0 FROM services",
		"INSERT INTO foreign_services SELECT tenant_id, id, 1, id, NULL, 'S', 'n', '', 0, 0, 2, 'active', '', 0, 0 FROM services",
	} {
		_, err := db.Exec(statement)
		var refusal *driver.Error
		require.ErrorAs(t, err, &refusal, statement)
		require.Equal(t, sqlite3.SQLITE_CONSTRAINT, refusal.Code()&0xff, "%s: %v", statement, err)
	}
}

// Every ID is of 16 bytes: by its own CHECK, or by one that makes it equal to
// another.
func TestEveryIDHasItsLengthChecked(t *testing.T) {
	db := rawDB(t, newFile(t))
	for _, table := range pbx.Tables() {
		text := column1(t, db, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '"+table.Name+"'")[0]
		for _, c := range table.Columns {
			if c.Type == pbx.UUID && c.Name != "primary_of" && c.Name != "main_of" {
				require.Regexp(t, `\b`+c.Name+`\s+BLOB\s.*CHECK \(length\(`+c.Name+`\) = 16\)`, text)
			}
		}
	}
}

// dangling are changes that point at nothing, by the foreign key.
var dangling = map[string]func(w *world) pbx.Change{
	"locations(tenant_id)":     func(w *world) pbx.Change { return another(w.place, func(l *pbx.Location) { l.TenantID = nowhere }) },
	"service_types(tenant_id)": func(w *world) pbx.Change { return another(w.kind, func(s *pbx.ServiceType) { s.TenantID = nowhere }) },
	"station_pools(tenant_id)": func(w *world) pbx.Change { return another(w.pool, func(p *pbx.StationPool) { p.TenantID = nowhere }) },
	"users(tenant_id)": func(w *world) pbx.Change {
		return another(w.other, func(u *pbx.User) {
			u.TenantID, u.LocationID, u.E911 = nowhere, pbx.LocationID{}, false
			set(u, "login_folded", "nobody")
		})
	},
	"users(tenant_id, location_id)": func(w *world) pbx.Change {
		return with(w.user, func(u *pbx.User) { u.LocationID = w.foreign.place.ID })
	},
	"users(tenant_id, station)": func(w *world) pbx.Change { return with(w.user, func(u *pbx.User) { u.Station = "GOLD" }) },
	"aliases(tenant_id, user_id)": func(w *world) pbx.Change {
		return with(w.alias, func(a *pbx.Alias) { a.UserID = pbx.UserID(w.alias.ID) })
	},
	"sip_identities(tenant_id, user_id, address)": func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.SIPIdentity{Address: "another@c1.example.com", TenantID: w.tenant.ID, Rev: 1, UserID: w.other.ID}}
	},
	"sip_identities(tenant_id, alias_id, address)": func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.SIPIdentity{Address: "another@c1.example.com", TenantID: w.tenant.ID, Rev: 1, AliasID: w.alias.ID}}
	},
	"call_groups(tenant_id)": func(w *world) pbx.Change { return another(w.group, func(g *pbx.Group) { g.TenantID = nowhere }) },
	"call_group_members(tenant_id, group_id)": func(w *world) pbx.Change {
		ch := member(w, w.user.ID, w.user.ID, pbx.AliasID{})
		ch.New.(*pbx.Member).GroupID = pbx.GroupID(w.user.ID)
		return ch
	},
	"call_group_members(tenant_id, user_id)": func(w *world) pbx.Change {
		return member(w, pbx.UserID(w.alias.ID), pbx.UserID(w.alias.ID), pbx.AliasID{})
	},
	"call_group_members(tenant_id, alias_id)": func(w *world) pbx.Change {
		return member(w, w.user.ID, pbx.UserID{}, pbx.AliasID(w.user.ID))
	},
	"devices(tenant_id)": func(w *world) pbx.Change {
		return another(w.free, func(d *pbx.Device) { d.TenantID, d.LocationID, d.MAC = nowhere, pbx.LocationID{}, "00:00:00:00:00:01" })
	},
	"devices(tenant_id, location_id)": func(w *world) pbx.Change {
		return with(w.free, func(d *pbx.Device) { d.LocationID = w.foreign.place.ID })
	},
	"devices(tenant_id, user_id)": func(w *world) pbx.Change {
		return with(w.device, func(d *pbx.Device) { d.UserID, d.PrimaryOf = pbx.UserID(w.alias.ID), pbx.UserID{} })
	},
	"device_lines(tenant_id, device_id)": func(w *world) pbx.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.DeviceID = w.foreign.devices[0].ID })
	},
	"device_lines(tenant_id, user_id)": func(w *world) pbx.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.UserID, l.AliasID = pbx.UserID(w.alias.ID), pbx.AliasID{} })
	},
	"device_lines(tenant_id, alias_id)": func(w *world) pbx.Change {
		return deviceLine(w, func(l *pbx.DeviceLine) { l.AliasID = pbx.AliasID(w.user.ID) })
	},
	"service_keys(tenant_id, service_id)": func(w *world) pbx.Change {
		return key(w, func(k *pbx.ServiceKey) { k.ServiceID = pbx.ServiceID(w.user.ID) })
	},
	"services(tenant_id)": func(w *world) pbx.Change {
		return another(w.bare, func(s *pbx.Service) { s.TenantID, s.Type, s.LocationID = nowhere, "", pbx.LocationID{} })
	},
	"services(tenant_id, type)": func(w *world) pbx.Change { return with(w.bare, func(s *pbx.Service) { s.Type = "NONE" }) },
	"services(tenant_id, device_id)": func(w *world) pbx.Change {
		return with(w.bare, func(s *pbx.Service) { s.DeviceID = w.foreign.devices[0].ID })
	},
	"services(tenant_id, location_id)": func(w *world) pbx.Change {
		return with(w.bare, func(s *pbx.Service) { s.LocationID = w.foreign.place.ID })
	},
	"associations(tenant_id, user_id)": func(w *world) pbx.Change {
		ch := association(w, 1)
		ch.New.(*pbx.Association).UserID = pbx.UserID(w.alias.ID)
		return ch
	},
	"associations(tenant_id, service_id)": func(w *world) pbx.Change {
		ch := association(w, 1)
		ch.New.(*pbx.Association).ServiceID = pbx.ServiceID(w.alias.ID)
		return ch
	},
	"extensions(tenant_id, user_id)": func(w *world) pbx.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID = pbx.UserID(w.alias.ID) })
	},
	"extensions(tenant_id, service_id, digits)": func(w *world) pbx.Change { // a service's entry is its DN
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.ServiceID = pbx.UserID{}, w.bare.ID })
	},
	"extensions(tenant_id, alias_id)": func(w *world) pbx.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.AliasID = pbx.UserID{}, pbx.AliasID(w.user.ID) })
	},
	"extensions(tenant_id, group_id)": func(w *world) pbx.Change {
		return entry(w, func(e *pbx.DialEntry) { e.UserID, e.GroupID = pbx.UserID{}, pbx.GroupID(w.user.ID) })
	},
	"owners(tenant_id, service_id)": func(w *world) pbx.Change {
		return owner(w, func(o *pbx.Owner) { o.ServiceID = pbx.ServiceID(w.user.ID) })
	},
	"mailboxes(tenant_id, service_id)": func(w *world) pbx.Change {
		return mailbox(w, func(m *pbx.Mailbox) { m.ServiceID = pbx.ServiceID(w.user.ID) })
	},
	"foreign_services(tenant_id)": func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) {
			f.TenantID, f.ServiceID, f.FormerDN, f.State = nowhere, pbx.ServiceID{}, "20000", pbx.ForeignLeft
		})
	},
	"foreign_services(tenant_id, service_id)": func(w *world) pbx.Change {
		return foreign(w, func(f *pbx.ForeignService) { f.ServiceID = pbx.ServiceID(w.user.ID) })
	},
	"port_requests(tenant_id)": func(w *world) pbx.Change { return another(w.port, func(p *pbx.PortRequest) { p.TenantID = nowhere }) },
	"numbers(tenant_id)":       func(w *world) pbx.Change { return with(w.spare, func(n *pbx.Number) { n.TenantID = nowhere }) },
	"numbers(tenant_id, service_id, e164)": func(w *world) pbx.Change { // a service's number is its own
		return with(w.spare, func(n *pbx.Number) { n.State, n.ServiceID = pbx.NumberAssigned, w.bare.ID })
	},
	"numbers(tenant_id, waiting_id)": func(w *world) pbx.Change {
		return with(w.spare, func(n *pbx.Number) { n.State, n.WaitingID = pbx.NumberPorting, pbx.ServiceID(w.user.ID) })
	},
	"numbers(tenant_id, port_id)": func(w *world) pbx.Change {
		return with(w.spare, func(n *pbx.Number) { n.PortID = pbx.PortID(w.user.ID) })
	},
	"numbers(temporary_for)": func(w *world) pbx.Change {
		return with(w.number, func(n *pbx.Number) { n.TemporaryFor, n.Loan = "+442071234567", true })
	},
	"orders(tenant_id)": func(w *world) pbx.Change {
		return another(w.order, func(o *pbx.Order) { o.TenantID = nowhere })
	},
	"order_lines(tenant_id, order_id)": func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.OrderLine{TenantID: w.tenant.ID, OrderID: pbx.OrderID(w.user.ID), Line: 1, Rev: 1}}
	},
	"events(tenant_id)": func(w *world) pbx.Change { return event(w, func(e *pbx.Event) { e.TenantID = nowhere }) },
	"cursors(tenant_id)": func(w *world) pbx.Change {
		return pbx.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: nowhere, Rev: 1}}
	},
}

var nowhere = pbx.TenantID{0: 9, 15: 9}

func TestForeignKeysRefuseWhatPointsAtNothing(t *testing.T) {
	w := newWorld(t)
	for key, change := range dangling {
		t.Run(key, func(t *testing.T) {
			err := apply(w.store, w.tenant.ID, change(w))
			require.ErrorIs(t, err, pbx.ErrConstraint)
			require.Contains(t, cause(err), "FOREIGN KEY")
		})
	}
}

func TestEveryForeignKeyIsTested(t *testing.T) {
	db := rawDB(t, newFile(t))
	var want []string
	for _, table := range pbx.Tables() {
		for _, columns := range column1(t, db, fmt.Sprintf(
			`SELECT group_concat("from", ', ' ORDER BY seq) FROM pragma_foreign_key_list('%s') GROUP BY id`, table.Name)) {
			want = append(want, table.Name+"("+columns+")")
		}
	}
	var got []string
	for key := range dangling {
		got = append(got, key)
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got)
}

// What others point at stays.
func TestForeignKeysRefuseToLeaveSomethingPointingAtNothing(t *testing.T) {
	w := newWorld(t)
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
		t.Run(name, func(t *testing.T) {
			err := apply(w.store, w.tenant.ID, pbx.Change{Old: r})
			require.ErrorIs(t, err, pbx.ErrConstraint)
			require.Contains(t, cause(err), "FOREIGN KEY")
		})
	}
	t.Run("the DN of a service whose entry stays", func(t *testing.T) {
		err := apply(w.store, w.tenant.ID, with(w.service, func(s *pbx.Service) { s.DN = "20001" }))
		require.ErrorIs(t, err, pbx.ErrConstraint)
	})
	t.Run("the SIP address of a user whose claim stays", func(t *testing.T) {
		err := apply(w.store, w.tenant.ID, with(w.user, func(u *pbx.User) { u.SIPAddress = "new@c1.example.com" }))
		require.ErrorIs(t, err, pbx.ErrConstraint)
	})
	require.NoError(t, apply(w.store, w.tenant.ID, with(w.free, raise)))
}
