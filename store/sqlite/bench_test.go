package sqlite_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// filled is a store with customers of two hundred users each, and an inventory
// for more.
func filled(b *testing.B, level sqlite.Synchronous, count, inventory int) (*sqlite.Store, []*schematest.Customer) {
	b.Helper()
	db := open(b, filepath.Join(b.TempDir(), "pbx.db"), sqlite.WithSynchronous(level))
	var customers []*schematest.Customer
	for series := range count {
		c := schematest.NewCustomer(b, db, series, inventory)
		var changes []store.Change
		for range 200 {
			changes = append(changes, c.SetUp()...)
		}
		if err := apply(db, c.Tenant.ID, changes...); err != nil {
			b.Fatal(err)
		}
		customers = append(customers, c)
	}
	return db, customers
}

// BenchmarkGet reads one user in a view of its own.
func BenchmarkGet(b *testing.B) {
	db, customers := filled(b, sqlite.Normal, 100, 200)
	ctx := context.Background()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := customers[i%len(customers)]
		user := c.Users[i*7%len(c.Users)]
		key := store.Key{Index: user.Table().Key(), Values: []any{user.TenantID, user.ID}}
		err := db.View(ctx, func(r store.Reader) error {
			records, err := r.Get(ctx, key)
			if err == nil && records[0] == nil {
				b.Fatal("not there")
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGetTen reads ten records in one view, as an operation does.
func BenchmarkGetTen(b *testing.B) {
	db, customers := filled(b, sqlite.Normal, 100, 200)
	ctx := context.Background()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := customers[i%len(customers)]
		user := c.Users[i*7%len(c.Users)]
		keys := []store.Key{
			keyOf(c.Tenant), keyOf(c.Pool), keyOf(c.Place), keyOf(c.Kind), keyOf(user), keyOf(c.Devices[i%200]), keyOf(c.Numbers[i%200]),
			keyIn(user, user.Table().Index("users_login")), keyIn(c.Devices[i%200], c.Devices[0].Table().Index("devices_mac")),
			{Index: new(pbx.DialEntry).Table().Key(), Values: []any{c.Tenant.ID, "10001"}},
		}
		err := db.View(ctx, func(r store.Reader) error {
			_, err := r.Get(ctx, keys...)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPage reads a page of a hundred users.
func BenchmarkPage(b *testing.B) {
	db, customers := filled(b, sqlite.Normal, 100, 200)
	ctx := context.Background()
	byLast := customers[0].Users[0].Table().Index("users_by_last")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := customers[i%len(customers)]
		err := db.View(ctx, func(r store.Reader) error {
			for _, err := range r.Find(ctx, store.Query{Index: byLast, Equal: []any{c.Tenant.ID}, Prefix: "last", Limit: 100}) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApply commits the fifteen changes of setting up a user.
func BenchmarkApply(b *testing.B) {
	for _, v := range []struct {
		name             string
		level            sqlite.Synchronous
		count, inventory int
	}{
		{"full/one customer", sqlite.Full, 1, 20000},
		{"normal/one customer", sqlite.Normal, 1, 20000},
		{"full/hundred customers", sqlite.Full, 100, 400},
		{"normal/hundred customers", sqlite.Normal, 100, 400},
	} {
		b.Run(v.name, func(b *testing.B) {
			store, customers := filled(b, v.level, v.count, v.inventory)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c := customers[i%len(customers)]
				if len(c.Users) == len(c.Devices) {
					b.Fatal("all are set up: choose a shorter -benchtime")
				}
				if err := apply(store, c.Tenant.ID, c.SetUp()...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkApplyEight is the same by eight callers at once.
func BenchmarkApplyEight(b *testing.B) {
	store, customers := filled(b, sqlite.Full, 100, 400)
	var mu sync.Mutex
	next := 0
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			c := customers[next%len(customers)]
			next++
			changes := c.SetUp()
			mu.Unlock()
			if err := apply(store, c.Tenant.ID, changes...); err != nil && !isRetry(err) {
				b.Error(err)
			}
		}
	})
}

// BenchmarkCreate makes a store, BenchmarkOpen opens one.
func BenchmarkCreate(b *testing.B) {
	for b.Loop() {
		_ = open(b, filepath.Join(b.TempDir(), "pbx.db")).Close()
	}
}

func BenchmarkOpen(b *testing.B) {
	path := newFile(b)
	for b.Loop() {
		_ = open(b, path).Close()
	}
}
