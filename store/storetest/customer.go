package storetest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// epoch is when the suite's records were created.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// world makes records that fit together, of one customer or several.
type world struct {
	last    uint64
	records []store.Record // in an order in which they can be inserted
}

// add appends a record to the world and returns it.
func add[R store.Record](w *world, r R) R {
	w.records = append(w.records, r)
	return r
}

// uuid returns another ID. IDs do not rise.
func (w *world) uuid() (id [16]byte) {
	w.last++
	binary.BigEndian.PutUint64(id[:], w.last*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], w.last)
	return id
}

// next returns another number.
func (w *world) next() uint64 {
	w.last++
	return w.last
}

func (w *world) e164() pbx.E164 { return pbx.E164(fmt.Sprintf("+1617%07d", w.next())) }

func (w *world) dn() pbx.Extension { return pbx.Extension(fmt.Sprintf("%05d", w.next())) }

// customer makes records of one tenant.
type customer struct {
	*world
	tenant *pbx.Tenant
}

func (w *world) tenant(id pbx.TenantID, name string) *pbx.Tenant {
	t := &pbx.Tenant{
		ID: id, Rev: 1, Name: name, Country: "US", Currency: "USD", Policy: pbx.DefaultPolicy(), CreatedAt: epoch,
	}
	set(t, "name_folded", strings.ToLower(name))
	return t
}

// customer adds a tenant.
func (w *world) customer(name string) *customer {
	t := w.tenant(w.uuid(), name)
	t.SIPDomain = strings.ToLower(name) + ".example.com"
	return &customer{w, add(w, t)}
}

// provider adds the tenant that holds the stock of numbers.
func (w *world) provider() *customer {
	return &customer{w, add(w, w.tenant(pbx.Provider, "Provider"))}
}

func (c *customer) location(building string) *pbx.Location {
	return &pbx.Location{TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, Building: building, Name: "Building " + building}
}

func (c *customer) serviceType(code string) *pbx.ServiceType {
	return &pbx.ServiceType{TenantID: c.tenant.ID, Code: code, Rev: 1, Name: code, Monthly: 1995}
}

func (c *customer) pool(code string, total int64) *pbx.StationPool {
	return &pbx.StationPool{TenantID: c.tenant.ID, Package: code, Rev: 1, Name: code, Total: total}
}

// user returns a pending user with nothing optional.
func (c *customer) user(first, last string) *pbx.User {
	name := fmt.Sprintf("u%d", c.next())
	u := &pbx.User{
		TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, FirstName: first, LastName: last,
		Email: name + "@example.com", Login: name + "@Example.com", State: pbx.UserPending,
		SIPAddress: pbx.SIPAddress(name + "@" + c.tenant.SIPDomain), CreatedAt: epoch,
	}
	set(u, "login_folded", strings.ToLower(u.Login))
	set(u, "first_folded", strings.ToLower(first))
	set(u, "last_folded", strings.ToLower(last))
	return u
}

func (c *customer) alias(u *pbx.User) *pbx.Alias {
	name := fmt.Sprintf("alias%d", c.next())
	return &pbx.Alias{
		TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, UserID: u.ID, Name: name,
		SIPAddress: pbx.SIPAddress(name + "@" + c.tenant.SIPDomain),
	}
}

func (c *customer) identity(u *pbx.User) *pbx.SIPIdentity {
	return &pbx.SIPIdentity{Address: u.SIPAddress, TenantID: c.tenant.ID, Rev: 1, UserID: u.ID}
}

func (c *customer) group(kind pbx.GroupKind, name string) *pbx.Group {
	g := &pbx.Group{TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, Kind: kind, Name: name}
	set(g, "name_folded", strings.ToLower(name))
	return g
}

func (c *customer) member(g *pbx.Group, u *pbx.User) *pbx.Member {
	m := &pbx.Member{TenantID: c.tenant.ID, GroupID: g.ID, Rev: 1, UserID: u.ID}
	set(m, "member_id", [16]byte(u.ID))
	return m
}

// device returns an available device.
func (c *customer) device() *pbx.Device {
	n := c.next()
	return &pbx.Device{
		TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, MAC: pbx.MAC(fmt.Sprintf("00:08:5d:%02x:%02x:%02x", n>>16&255, n>>8&255, n&255)),
		Model: "6867i", Category: pbx.MultiLine, Ports: 9, State: pbx.DeviceAvailable,
	}
}

// assigned gives the device to the user.
func assigned(d *pbx.Device, u *pbx.User, primary bool) *pbx.Device {
	d.State, d.UserID, d.PortsUsed = pbx.DeviceAssigned, u.ID, 2
	if primary {
		d.PrimaryOf = u.ID
	}
	return d
}

// deviceLine returns a line of the device that carries the user.
func (c *customer) deviceLine(d *pbx.Device, line int64, u *pbx.User) *pbx.DeviceLine {
	return &pbx.DeviceLine{TenantID: c.tenant.ID, DeviceID: d.ID, Line: line, Rev: 1, UserID: u.ID}
}

// key returns a key of the service's phone that dials an extension.
func (c *customer) key(s *pbx.Service, position int64) *pbx.ServiceKey {
	return &pbx.ServiceKey{TenantID: c.tenant.ID, ServiceID: s.ID, Rev: 1,
		PhoneKey: pbx.PhoneKey{Position: position, Kind: pbx.KeySpeedDial, Target: "7001"}}
}

// service returns a service with nothing optional.
func (c *customer) service() *pbx.Service {
	return &pbx.Service{
		TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, DN: c.dn(), Status: pbx.StatusPendingActivation,
		DeviceType: "6867i", Category: pbx.MultiLine, CreatedAt: epoch,
	}
}

func (c *customer) association(u *pbx.User, s *pbx.Service, slot int64, primary bool) *pbx.Association {
	a := &pbx.Association{TenantID: c.tenant.ID, UserID: u.ID, ServiceID: s.ID, Rev: 1, Slot: slot}
	if primary {
		a.PrimaryOf = u.ID
	}
	return a
}

// entry returns an entry of the dial plan that points at the user.
func (c *customer) entry(u *pbx.User) *pbx.DialEntry {
	return &pbx.DialEntry{TenantID: c.tenant.ID, Digits: c.dn(), Rev: 1, UserID: u.ID}
}

// dnOf returns the entry of the service's DN.
func (c *customer) dnOf(s *pbx.Service) *pbx.DialEntry {
	return &pbx.DialEntry{TenantID: c.tenant.ID, Digits: s.DN, Rev: 1, ServiceID: s.ID}
}

func (c *customer) owner(s *pbx.Service, name pbx.Principal) *pbx.Owner {
	return &pbx.Owner{TenantID: c.tenant.ID, ServiceID: s.ID, Principal: name, Rev: 1, Since: epoch}
}

func (c *customer) mailbox(s *pbx.Service) *pbx.Mailbox {
	return &pbx.Mailbox{TenantID: c.tenant.ID, ServiceID: s.ID, Rev: 1, Number: fmt.Sprintf("9%05d", c.next()), CreatedAt: epoch}
}

// foreign returns a foreign service of a line that its system was asked for.
func (c *customer) foreign(s *pbx.Service) *pbx.ForeignService {
	return &pbx.ForeignService{
		TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, ServiceID: s.ID, System: "SYSTEM", Name: fmt.Sprint("Foreign ", c.next()),
		State: pbx.ForeignRequested, At: epoch, Requests: 1,
	}
}

func (c *customer) port() *pbx.PortRequest {
	return &pbx.PortRequest{
		TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, Carrier: "Carrier", Date: epoch, State: pbx.PortRequested, CreatedAt: epoch,
	}
}

// number returns an available number, or one in stock where the tenant is the
// provider.
func (c *customer) number() *pbx.Number {
	n := &pbx.Number{E164: c.e164(), TenantID: c.tenant.ID, Rev: 1, State: pbx.NumberAvailable, CreatedAt: epoch}
	if c.tenant.ID == pbx.Provider {
		n.State = pbx.NumberStock
	}
	return n
}

// numberOf returns the number of the service.
func (c *customer) numberOf(s *pbx.Service) *pbx.Number {
	return &pbx.Number{
		E164: s.Number, TenantID: c.tenant.ID, Rev: 1, State: pbx.NumberAssigned, ServiceID: s.ID, CreatedAt: epoch,
	}
}

func (c *customer) order(number int64) *pbx.Order {
	return &pbx.Order{
		TenantID: c.tenant.ID, ID: c.uuid(), Rev: 1, Number: number, Status: pbx.OrderPlaced,
		PlacedBy: "admin", PlacedRole: pbx.RoleAdministrator, PlacedAt: epoch,
	}
}

func (c *customer) line(o *pbx.Order, line int64) *pbx.OrderLine {
	return &pbx.OrderLine{TenantID: c.tenant.ID, OrderID: o.ID, Line: line, Rev: 1, Product: "NUMBER", Quantity: 1}
}

func (c *customer) event(seq, pos int64) *pbx.Event {
	return &pbx.Event{
		TenantID: c.tenant.ID, Seq: seq, Pos: pos, At: epoch, Operation: c.uuid(),
		Actor: "admin", Role: pbx.RoleAdministrator, Type: "user.created", Kind: "user", Subject: "subject",
	}
}

func (c *customer) cursor(subscriber string) *pbx.Cursor {
	return &pbx.Cursor{Subscriber: subscriber, TenantID: c.tenant.ID, Rev: 1, Seq: 1, Pos: 1}
}
