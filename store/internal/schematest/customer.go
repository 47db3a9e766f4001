package schematest

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// Noon is when everything in the world happened.
var Noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Set sets a text column that has no exported field.
func Set[R store.Record](r R, column, value string) R {
	for _, f := range r.Fields(nil) {
		if f.Name == column {
			*f.Ptr.(*string) = value
		}
	}
	return r
}

// Customer is a tenant in a store, and what is in it.
type Customer struct {
	Tenant  *pbx.Tenant
	Pool    *pbx.StationPool
	Place   *pbx.Location
	Kind    *pbx.ServiceType
	Devices []*pbx.Device
	Numbers []*pbx.Number
	Users   []*pbx.User
	at      int    // the next user, device and number
	series  int    // tells customers apart
	last    uint64 // the last ID
}

// ID is one that no record of the customer has yet.
func (c *Customer) ID() (id [16]byte) {
	c.last++
	binary.BigEndian.PutUint64(id[:], 0x0190_0000_0000_7000)
	binary.BigEndian.PutUint64(id[8:], uint64(c.series)<<32|c.last)
	return id
}

// NewCustomer writes a tenant with a catalogue and an inventory for as many
// users.
func NewCustomer(t testing.TB, db store.Store, series, users int) *Customer {
	t.Helper()
	c := &Customer{series: series}
	c.Tenant = Set(&pbx.Tenant{
		ID: c.ID(), Rev: 1, Name: fmt.Sprintf("Customer %d", series), Country: "US", Currency: "USD",
		SIPDomain: fmt.Sprintf("c%d.example.com", series), Policy: pbx.DefaultPolicy(), CreatedAt: Noon,
	}, "name_folded", fmt.Sprintf("customer %d", series))
	c.Pool = &pbx.StationPool{TenantID: c.Tenant.ID, Package: "STANDARD", Rev: 1, Name: "Standard", Total: int64(users), Applications: []string{"CHAT", "FAX"}}
	c.Place = &pbx.Location{TenantID: c.Tenant.ID, ID: c.ID(), Rev: 1, Building: "W20", Name: "Centre", Address: pbx.CivicAddress{Street: "84 Mass Ave", Country: "US"}}
	c.Kind = &pbx.ServiceType{TenantID: c.Tenant.ID, Code: "CONNECT", Rev: 1, Name: "Connect", Monthly: 1500}
	changes := []store.Change{{New: c.Tenant}, {New: c.Pool}, {New: c.Place}, {New: c.Kind}}
	for i := range users {
		c.Devices = append(c.Devices, &pbx.Device{
			TenantID: c.Tenant.ID, ID: c.ID(), Rev: 1, MAC: mac(series, i), Model: "6867i", Category: pbx.MultiLine,
			Ports: 9, LocationID: c.Place.ID, State: pbx.DeviceAvailable,
		})
		c.Numbers = append(c.Numbers, &pbx.Number{
			E164: pbx.E164(fmt.Sprintf("+1%04d%06d", series, i)), TenantID: c.Tenant.ID, Rev: 1,
			State: pbx.NumberAvailable, CreatedAt: Noon,
		})
		changes = append(changes, store.Change{New: c.Devices[i]}, store.Change{New: c.Numbers[i]})
	}
	require.NoError(t, apply(db, c.Tenant.ID, changes))
	return c
}

func mac(series, i int) pbx.MAC {
	return pbx.MAC(fmt.Sprintf("00:08:%02x:%02x:%02x:%02x", series>>8&255, series&255, i>>8&255, i&255))
}

// SetUp is what setting up the next user changes: fifteen records.
func (c *Customer) SetUp() []store.Change {
	n := c.at
	c.at++
	tenant, pool, device, number := *c.Tenant, *c.Pool, *c.Devices[n], *c.Numbers[n]
	name, dn := fmt.Sprintf("user%d", n), pbx.Extension(fmt.Sprintf("%05d", 10000+n))
	user := &pbx.User{
		TenantID: tenant.ID, ID: c.ID(), Rev: 1, FirstName: "First", LastName: "Last" + name, Email: name + "@example.com",
		Login: fmt.Sprintf("%s@c%d.example.com", name, c.series), State: pbx.UserActive, Department: "Sales", LocationID: c.Place.ID,
		SIPAddress: pbx.SIPAddress(name + "@" + tenant.SIPDomain), E911: true, Station: "STANDARD",
		Applications: []string{"CHAT"}, CreatedAt: Noon, ActivatedAt: Noon,
	}
	Set(user, "login_folded", user.Login)
	Set(user, "first_folded", "first")
	Set(user, "last_folded", "last"+name)
	service := &pbx.Service{
		TenantID: tenant.ID, ID: c.ID(), Rev: 1, DN: dn, Type: "CONNECT", Status: pbx.StatusActive, DeviceType: "6867i",
		Category: pbx.MultiLine, DeviceID: device.ID, LocationID: c.Place.ID, Number: number.E164, CreatedAt: Noon, ActivatedAt: Noon,
	}
	tenant.Rev++
	pool.Rev, pool.Used = pool.Rev+1, pool.Used+1
	device.Rev, device.State, device.UserID, device.PortsUsed, device.PrimaryOf = 2, pbx.DeviceAssigned, user.ID, 1, user.ID
	number.Rev, number.State, number.ServiceID = 2, pbx.NumberAssigned, service.ID
	changes := []store.Change{
		{Old: c.Tenant, New: &tenant},
		{New: user},
		{New: &pbx.SIPIdentity{Address: user.SIPAddress, TenantID: tenant.ID, Rev: 1, UserID: user.ID}},
		{Old: c.Devices[n], New: &device},
		{New: service},
		{New: &pbx.Association{TenantID: tenant.ID, UserID: user.ID, ServiceID: service.ID, Rev: 1, Slot: 1, PrimaryOf: user.ID}},
		{New: &pbx.DialEntry{TenantID: tenant.ID, Digits: dn, Rev: 1, ServiceID: service.ID}},
		{New: &pbx.Mailbox{TenantID: tenant.ID, ServiceID: service.ID, Rev: 1, Number: string(dn), CreatedAt: Noon}},
		{Old: c.Numbers[n], New: &number},
		{Old: c.Pool, New: &pool},
	}
	for i := range 5 {
		changes = append(changes, store.Change{New: &pbx.Event{
			TenantID: tenant.ID, Seq: tenant.Rev, Pos: int64(i + 1), At: Noon, Operation: pbx.OperationID(user.ID),
			Actor: "admin", Role: pbx.RoleAdministrator, Type: "user.created", Kind: "user", Subject: user.ID.String(),
		}})
	}
	c.Tenant, c.Pool, c.Devices[n], c.Numbers[n] = &tenant, &pool, &device, &number
	c.Users = append(c.Users, user)
	return changes
}
