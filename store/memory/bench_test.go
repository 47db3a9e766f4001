package memory_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
)

// The benchmarks' world: 100,000 users with everything that a user has, in a
// hundred tenants.
const (
	benchTenants = 100
	benchUsers   = 1000 // in each tenant
)

// world fills a store once for all benchmarks, and says what is in it.
var world = sync.OnceValue(func() *bench {
	b := &bench{store: memory.New(), random: rand.New(rand.NewPCG(1, 2))}
	for t := range benchTenants {
		b.tenant(t)
	}
	return b
})

type bench struct {
	store   *memory.Store
	random  *rand.Rand
	tenants []*pbx.Tenant
	pools   []*pbx.StationPool
	users   [][]*pbx.User
	devices [][]*pbx.Device
	numbers [][]*pbx.Number
	last    uint64
}

var benchTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (b *bench) uuid() (id [16]byte) {
	b.last++
	binary.BigEndian.PutUint64(id[:], 0x0190_0000_0000_7000+b.last>>8)
	binary.BigEndian.PutUint64(id[8:], b.random.Uint64()|1)
	return id
}

func (b *bench) tenant(t int) {
	tenant := &pbx.Tenant{
		ID: b.uuid(), Rev: 1, Name: fmt.Sprintf("Customer %d", t), SIPDomain: fmt.Sprintf("c%d.example.com", t),
		CreatedAt: benchTime,
	}
	pool := &pbx.StationPool{TenantID: tenant.ID, Package: "STANDARD", Rev: 1, Total: 2 * benchUsers}
	b.tenants, b.pools = append(b.tenants, tenant), append(b.pools, pool)
	b.users, b.devices, b.numbers = append(b.users, nil), append(b.devices, nil), append(b.numbers, nil)
	b.apply(tenant.ID, store.Change{New: tenant}, store.Change{New: pool})
	for u := range benchUsers {
		device := &pbx.Device{
			TenantID: tenant.ID, ID: b.uuid(), Rev: 1, MAC: pbx.MAC(fmt.Sprintf("%012x", b.last)), Model: "6867i",
			Category: pbx.MultiLine, Ports: 9, State: pbx.DeviceAvailable,
		}
		number := &pbx.Number{
			E164: pbx.E164(fmt.Sprintf("+1617%07d", t*benchUsers+u)), TenantID: tenant.ID, Rev: 1,
			State: pbx.NumberAvailable, CreatedAt: benchTime,
		}
		b.devices[t], b.numbers[t] = append(b.devices[t], device), append(b.numbers[t], number)
		b.apply(tenant.ID, store.Change{New: device}, store.Change{New: number})
	}
	for u := range benchUsers {
		b.apply(tenant.ID, b.setUp(t, u)...)
	}
}

// setUp is what setting up one more user of the t-th tenant changes: 14
// records with 36 entries.
func (b *bench) setUp(t, u int) []store.Change {
	tenant := *b.tenants[t]
	tenant.Rev++
	pool := *b.pools[t]
	pool.Rev++
	device, number := *b.devices[t][u], *b.numbers[t][u]
	name := fmt.Sprintf("user%d", b.last)
	dn := pbx.Extension(fmt.Sprintf("%07d", b.last))
	user := &pbx.User{
		TenantID: tenant.ID, ID: b.uuid(), Rev: 1, FirstName: "First" + name, LastName: "Last" + name, Email: name + "@example.com",
		Login: name + "@example.com", State: pbx.UserActive, SIPAddress: pbx.SIPAddress(name + "@" + tenant.SIPDomain),
		Station: "STANDARD", CreatedAt: benchTime,
	}
	set(user, "login_folded", user.Login)
	set(user, "first_folded", user.FirstName)
	set(user, "last_folded", user.LastName)
	service := &pbx.Service{
		TenantID: tenant.ID, ID: b.uuid(), Rev: 1, DN: dn, Type: "CONNECT", Status: pbx.StatusActive,
		DeviceType: "6867i", DeviceID: device.ID, Number: pbx.E164("+44" + dn), CreatedAt: benchTime,
	}
	device.Rev, device.State, device.UserID, device.PrimaryOf = device.Rev+1, pbx.DeviceAssigned, user.ID, user.ID
	number.Rev, number.State, number.ServiceID = number.Rev+1, pbx.NumberAssigned, service.ID
	changes := []store.Change{
		{Old: b.tenants[t], New: &tenant},
		{Old: b.pools[t], New: &pool},
		{New: user},
		{New: &pbx.SIPIdentity{Address: user.SIPAddress, TenantID: tenant.ID, Rev: 1, UserID: user.ID}},
		{Old: b.devices[t][u], New: &device},
		{New: service},
		{New: &pbx.Association{TenantID: tenant.ID, UserID: user.ID, ServiceID: service.ID, Rev: 1, Slot: 1, PrimaryOf: user.ID}},
		{New: &pbx.DialEntry{TenantID: tenant.ID, Digits: dn, Rev: 1, ServiceID: service.ID}},
		{New: &pbx.Mailbox{TenantID: tenant.ID, ServiceID: service.ID, Rev: 1, Number: "1" + string(dn), CreatedAt: benchTime}},
		{Old: b.numbers[t][u], New: &number},
	}
	for i := range 4 {
		changes = append(changes, store.Change{New: &pbx.Event{
			TenantID: tenant.ID, Seq: tenant.Rev, Pos: int64(i + 1), At: benchTime, Operation: pbx.OperationID(user.ID),
			Actor: "admin", Role: pbx.RoleAdministrator, Type: "user.created", Kind: "user", Subject: user.ID.String(),
		}})
	}
	b.tenants[t], b.pools[t], b.devices[t][u], b.numbers[t][u] = &tenant, &pool, &device, &number
	if u == len(b.users[t]) {
		b.users[t] = append(b.users[t], user)
	}
	return changes
}

func (b *bench) apply(tenant pbx.TenantID, changes ...store.Change) {
	err := b.store.Update(context.Background(), tenant, func(w store.Writer) error {
		return w.Apply(context.Background(), changes)
	})
	if err != nil {
		panic(err)
	}
}

func (b *bench) pick() (t, u int) { return b.random.IntN(benchTenants), b.random.IntN(benchUsers) }

func set(r store.Record, column, value string) {
	for _, f := range r.Fields(nil) {
		if f.Name == column {
			*f.Ptr.(*string) = value
		}
	}
}

func BenchmarkView(b *testing.B) {
	w := world()
	b.ReportAllocs()
	for b.Loop() {
		_ = w.store.View(context.Background(), func(store.Reader) error { return nil })
	}
}

func BenchmarkGet(b *testing.B) {
	w := world()
	b.ReportAllocs()
	_ = w.store.View(context.Background(), func(r store.Reader) error {
		for b.Loop() {
			t, u := w.pick()
			user := w.users[t][u]
			records, err := r.Get(context.Background(), store.Key{
				Index: user.Table().Key(), Values: []any{user.TenantID, user.ID},
			})
			if err != nil || records[0] == nil {
				b.Fatal(records, err)
			}
		}
		return nil
	})
}

// BenchmarkPage reads the first hundred users of a tenant by last name.
func BenchmarkPage(b *testing.B) {
	w := world()
	b.ReportAllocs()
	_ = w.store.View(context.Background(), func(r store.Reader) error {
		for b.Loop() {
			t, _ := w.pick()
			q := store.Query{
				Index: w.users[0][0].Table().Index("users_by_last"), Equal: []any{w.tenants[t].ID}, Prefix: "Last", Limit: 100,
			}
			for _, err := range r.Find(context.Background(), q) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		return nil
	})
}

// BenchmarkSetUp is a guided set-up: ten reads and fourteen changes.
func BenchmarkSetUp(b *testing.B) { benchmarkSetUp(b, false) }

// BenchmarkSetUpAndView is a set-up after each of which somebody reads, so
// that a snapshot is taken every time.
func BenchmarkSetUpAndView(b *testing.B) { benchmarkSetUp(b, true) }

func benchmarkSetUp(b *testing.B, view bool) {
	w := world()
	b.ReportAllocs()
	var spent time.Duration // stopping the timer would disturb more than it spares
	for b.Loop() {
		t, u := w.pick()
		tenant, keys := w.tenants[t].ID, w.keys(t, u)
		changes := w.setUp(t, u)
		start := time.Now()
		err := w.store.Update(context.Background(), tenant, func(tx store.Writer) error {
			for _, k := range keys {
				if _, err := tx.Get(context.Background(), k); err != nil {
					return err
				}
			}
			return tx.Apply(context.Background(), changes)
		})
		if view {
			_ = w.store.View(context.Background(), func(store.Reader) error { return nil })
		}
		spent += time.Since(start)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/op")
}

// keys are the ten records that a set-up reads.
func (b *bench) keys(t, u int) []store.Key {
	tenant, user, device, number := b.tenants[t], b.users[t][u], b.devices[t][u], b.numbers[t][u]
	key := func(r store.Record) store.Key {
		values, _ := r.Table().Key().Values(r)
		return store.Key{Index: r.Table().Key(), Values: values}
	}
	return []store.Key{
		key(tenant), key(b.pools[t]), key(device), key(number),
		key(user),
		{Index: user.Table().Index("users_login"), Values: []any{fmt.Sprintf("user%d@example.com", b.last)}},
		{Index: new(pbx.SIPIdentity).Table().Key(), Values: []any{fmt.Sprintf("user%d@%s", b.last, tenant.SIPDomain)}},
		{Index: new(pbx.DialEntry).Table().Key(), Values: []any{tenant.ID, fmt.Sprintf("%07d", b.last)}},
		{Index: new(pbx.Service).Table().Index("services_dn"), Values: []any{tenant.ID, fmt.Sprintf("%07d", b.last)}},
		{Index: new(pbx.Mailbox).Table().Index("mailboxes_number"), Values: []any{tenant.ID, fmt.Sprintf("1%07d", b.last)}},
	}
}
