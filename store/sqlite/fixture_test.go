package sqlite_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/sqlite"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// set sets a text column that has no exported field.
func set[R pbx.Record](r R, column, value string) R {
	for _, f := range r.Fields(nil) {
		if f.Name == column {
			*f.Ptr.(*string) = value
		}
	}
	return r
}

// customer is a tenant in a store, and what is in it.
type customer struct {
	tenant  *pbx.Tenant
	pool    *pbx.StationPool
	place   *pbx.Location
	kind    *pbx.ServiceType
	devices []*pbx.Device
	numbers []*pbx.Number
	users   []*pbx.User
	at      int    // the next user, device and number
	series  int    // tells customers apart
	last    uint64 // the last ID
}

func (c *customer) id() (id [16]byte) {
	c.last++
	binary.BigEndian.PutUint64(id[:], 0x0190_0000_0000_7000)
	binary.BigEndian.PutUint64(id[8:], uint64(c.series)<<32|c.last)
	return id
}

// newCustomer writes a tenant with a catalogue and an inventory for as many
// users.
func newCustomer(t testing.TB, store *sqlite.Store, series, users int) *customer {
	t.Helper()
	c := &customer{series: series}
	c.tenant = set(&pbx.Tenant{
		ID: c.id(), Rev: 1, Name: fmt.Sprintf("Customer %d", series), Country: "US", Currency: "USD",
		SIPDomain: fmt.Sprintf("c%d.example.com", series), Policy: pbx.DefaultPolicy(), CreatedAt: noon,
	}, "name_folded", fmt.Sprintf("customer %d", series))
	c.pool = &pbx.StationPool{TenantID: c.tenant.ID, Package: "STANDARD", Rev: 1, Name: "Standard", Total: int64(users), Applications: []string{"CHAT", "FAX"}}
	c.place = &pbx.Location{TenantID: c.tenant.ID, ID: c.id(), Rev: 1, Building: "W20", Name: "Centre", Address: pbx.CivicAddress{Street: "84 Mass Ave", Country: "US"}}
	c.kind = &pbx.ServiceType{TenantID: c.tenant.ID, Code: "CONNECT", Rev: 1, Name: "Connect", Monthly: 1500}
	changes := []pbx.Change{{New: c.tenant}, {New: c.pool}, {New: c.place}, {New: c.kind}}
	for i := range users {
		c.devices = append(c.devices, &pbx.Device{
			TenantID: c.tenant.ID, ID: c.id(), Rev: 1, MAC: mac(series, i), Model: "6867i", Category: pbx.MultiLine,
			Ports: 9, LocationID: c.place.ID, State: pbx.DeviceAvailable,
		})
		c.numbers = append(c.numbers, &pbx.Number{
			E164: pbx.E164(fmt.Sprintf("+1%04d%06d", series, i)), TenantID: c.tenant.ID, Rev: 1,
			State: pbx.NumberAvailable, CreatedAt: noon,
		})
		changes = append(changes, pbx.Change{New: c.devices[i]}, pbx.Change{New: c.numbers[i]})
	}
	require.NoError(t, apply(store, c.tenant.ID, changes...))
	return c
}

func mac(series, i int) pbx.MAC {
	return pbx.MAC(fmt.Sprintf("00:08:%02x:%02x:%02x:%02x", series>>8&255, series&255, i>>8&255, i&255))
}

// setUp is what setting up the next user changes: fifteen records.
func (c *customer) setUp() []pbx.Change {
	n := c.at
	c.at++
	tenant, pool, device, number := *c.tenant, *c.pool, *c.devices[n], *c.numbers[n]
	name, dn := fmt.Sprintf("user%d", n), pbx.Extension(fmt.Sprintf("%05d", 10000+n))
	user := &pbx.User{
		TenantID: tenant.ID, ID: c.id(), Rev: 1, FirstName: "First", LastName: "Last" + name, Email: name + "@example.com",
		Login: fmt.Sprintf("%s@c%d.example.com", name, c.series), State: pbx.UserActive, Department: "Sales", LocationID: c.place.ID,
		SIPAddress: pbx.SIPAddress(name + "@" + tenant.SIPDomain), E911: true, Station: "STANDARD",
		Applications: []string{"CHAT"}, CreatedAt: noon, ActivatedAt: noon,
	}
	set(user, "login_folded", user.Login)
	set(user, "first_folded", "first")
	set(user, "last_folded", "last"+name)
	service := &pbx.Service{
		TenantID: tenant.ID, ID: c.id(), Rev: 1, DN: dn, Type: "CONNECT", Status: pbx.StatusActive, DeviceType: "6867i",
		Category: pbx.MultiLine, DeviceID: device.ID, LocationID: c.place.ID, Number: number.E164, CreatedAt: noon, ActivatedAt: noon,
	}
	tenant.Rev++
	pool.Rev, pool.Used = pool.Rev+1, pool.Used+1
	device.Rev, device.State, device.UserID, device.PortsUsed, device.PrimaryOf = 2, pbx.DeviceAssigned, user.ID, 1, user.ID
	number.Rev, number.State, number.ServiceID = 2, pbx.NumberAssigned, service.ID
	changes := []pbx.Change{
		{Old: c.tenant, New: &tenant},
		{New: user},
		{New: &pbx.SIPIdentity{Address: user.SIPAddress, TenantID: tenant.ID, Rev: 1, UserID: user.ID}},
		{Old: c.devices[n], New: &device},
		{New: service},
		{New: &pbx.Association{TenantID: tenant.ID, UserID: user.ID, ServiceID: service.ID, Rev: 1, Slot: 1, PrimaryOf: user.ID}},
		{New: &pbx.DialEntry{TenantID: tenant.ID, Digits: dn, Rev: 1, ServiceID: service.ID}},
		{New: &pbx.Mailbox{TenantID: tenant.ID, ServiceID: service.ID, Rev: 1, Number: string(dn), CreatedAt: noon}},
		{Old: c.numbers[n], New: &number},
		{Old: c.pool, New: &pool},
	}
	for i := range 5 {
		changes = append(changes, pbx.Change{New: &pbx.Event{
			TenantID: tenant.ID, Seq: tenant.Rev, Pos: int64(i + 1), At: noon, Operation: pbx.OperationID(user.ID),
			Actor: "admin", Role: pbx.RoleAdministrator, Type: "user.created", Kind: "user", Subject: user.ID.String(),
		}})
	}
	c.tenant, c.pool, c.devices[n], c.numbers[n] = &tenant, &pool, &device, &number
	c.users = append(c.users, user)
	return changes
}

func apply(store pbx.Store, tenant pbx.TenantID, changes ...pbx.Change) error {
	return store.Update(context.Background(), tenant, func(w pbx.Writer) error {
		return w.Apply(context.Background(), changes)
	})
}

func view(store pbx.Store, fn func(pbx.Reader) error) error {
	return store.View(context.Background(), fn)
}

// keyOf is a record's primary key.
func keyOf(r pbx.Record) pbx.Key { return keyIn(r, r.Table().Key()) }

func keyIn(r pbx.Record, ix *pbx.Index) pbx.Key {
	values, _ := ix.Values(r)
	return pbx.Key{Index: ix, Values: values}
}

// get reads one record in a view of its own.
func get[R pbx.Record](t testing.TB, store pbx.Store, k pbx.Key) (got R) {
	t.Helper()
	require.NoError(t, view(store, func(r pbx.Reader) error {
		records, err := r.Get(context.Background(), k)
		if err == nil && records[0] != nil {
			got = records[0].(R)
		}
		return err
	}))
	return got
}
