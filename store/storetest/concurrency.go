package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// writers runs updates at the same time.
func writers(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, map[string]func(*fixture){
		"of one tenant, one after another": func(f *fixture) {
			var inside, most atomic.Int64
			f.together(8, func(int) error {
				for range 5 {
					if err := again(func() error {
						return f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
							if _, err := w.Get(f.ctx, keyOf(f.tenant)); err != nil {
								return err
							}
							if n := inside.Add(1); n > most.Load() {
								most.Store(n)
							}
							time.Sleep(100 * time.Microsecond)
							inside.Add(-1)
							return nil
						})
					}); err != nil {
						return err
					}
				}
				return nil
			})
			if most.Load() != 1 {
				f.Fatalf("%d updates of one tenant ran at the same time", most.Load())
			}
		},
		"of one tenant, none lost": func(f *fixture) {
			f.must(insert(f.pool("STANDARD", 0))...)
			var mu sync.Mutex
			var seen []int64
			f.together(100, func(int) error {
				n, err := f.increment(f.tenant.ID, "STANDARD")
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, n)
				return err
			})
			slices.Sort(seen)
			for i, n := range seen {
				if n != int64(i+1) {
					f.Fatalf("100 increments gave %v", seen)
				}
			}
		},
		"of two tenants, both through": func(f *fixture) {
			tenants := []*customer{f.customer, f.world.customer("Beta")}
			f.save()
			for _, c := range tenants {
				f.must(insert(c.pool("STANDARD", 0))...)
			}
			f.together(2, func(i int) error {
				for range 50 {
					if _, err := f.increment(tenants[i].tenant.ID, "STANDARD"); err != nil {
						return err
					}
				}
				return nil
			})
			for _, c := range tenants {
				f.holds(with(with(c.pool("STANDARD", 0), "total", int64(50)), "rev", int64(51)))
			}
		},
		"of many tenants that claim one value, one gets it": func(f *fixture) {
			var rivals []*pbx.Device
			for i := range 10 {
				rivals = append(rivals, f.world.customer(fmt.Sprint("Rival", i)).device())
				rivals[i].MAC = "00:08:5d:ff:ff:ff"
			}
			f.save()
			var won atomic.Int64
			f.together(len(rivals), func(i int) error {
				err := f.claim(rivals[i])
				if err == nil {
					won.Add(1)
				} else if errors.Is(err, errTaken) {
					return nil
				}
				return err
			})
			if won.Load() != 1 {
				f.Fatalf("%d tenants got one value", won.Load())
			}
		},
		"that create one tenant, one does": func(f *fixture) {
			id := pbx.TenantID(f.uuid())
			var created, refused atomic.Int64
			f.together(10, func(i int) error {
				t := new(world).tenant(id, fmt.Sprint("New", i))
				switch err := f.tryFor(id, insert(t)...); {
				case err == nil:
					created.Add(1)
				case errors.Is(err, store.ErrRetry):
					refused.Add(1)
				default:
					return err
				}
				return nil
			})
			if created.Load() != 1 || refused.Load() != 9 {
				f.Fatalf("%d created it, %d were refused", created.Load(), refused.Load())
			}
		},
		"that end in every way": func(f *fixture) {
			f.must(insert(f.pool("STANDARD", 0))...)
			f.together(12, func(i int) error {
				for j := range 10 {
					f.spoiled(i + j)
				}
				_, err := f.increment(f.tenant.ID, "STANDARD")
				return err
			})
			f.holds(with(with(f.pool("STANDARD", 0), "total", int64(12)), "rev", int64(13)))
		},
	})
}

// together runs fn in n goroutines and fails the test when one returns an
// error or they do not end.
func (f *fixture) together(n int, fn func(i int) error) {
	f.Helper()
	done := make(chan error, n)
	for i := range n {
		go func() { done <- fn(i) }()
	}
	timeout := time.After(2 * time.Minute)
	for range n {
		select {
		case err := <-done:
			f.ok(err)
		case <-timeout:
			f.Fatal("updates wait for one another without end")
		}
	}
}

// increment adds one to a pool's total and returns it.
func (f *fixture) increment(tenant pbx.TenantID, code string) (total int64, err error) {
	key := store.Key{Index: new(pbx.StationPool).Table().Key(), Values: []any{tenant, code}}
	err = again(func() error {
		return f.store.Update(f.ctx, tenant, func(w store.Writer) error {
			got, err := w.Get(f.ctx, key)
			if err != nil {
				return err
			}
			now := revised(got[0].(*pbx.StationPool))
			now.Total++
			total = now.Total
			return w.Apply(f.ctx, []store.Change{update(got[0], now)})
		})
	})
	return total, err
}

var errTaken = errors.New("somebody else has it")

// claim inserts a device unless another one has its MAC.
func (f *fixture) claim(d *pbx.Device) error {
	return again(func() error {
		return f.store.Update(f.ctx, d.TenantID, func(w store.Writer) error {
			holder, err := w.Get(f.ctx, keyIn(d.Table().Index("devices_mac"), d))
			switch {
			case err != nil:
				return err
			case holder[0] != nil:
				return errTaken
			}
			return w.Apply(f.ctx, insert(d))
		})
	})
}

// spoiled runs an update that applies something and then does not commit.
func (f *fixture) spoiled(how int) {
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	defer func() { _ = recover() }()
	_ = f.store.Update(ctx, f.tenant.ID, func(w store.Writer) error {
		l := &pbx.Location{TenantID: f.tenant.ID, ID: pbx.LocationID{1}, Rev: 1, Building: "spoiled"}
		if err := w.Apply(ctx, insert(l)); err != nil {
			return err
		}
		switch how % 3 {
		case 0:
			panic(errClosure)
		case 1:
			cancel()
			return nil
		}
		return errClosure
	})
}

// readers runs views while a writer moves stations between two pools; a view
// that sees the move half done sees another sum.
func readers(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	from, to := f.pool("FROM", 200), f.pool("TO", 0)
	f.must(insert(from, to)...)
	var moved atomic.Bool
	f.together(4, func(i int) error {
		if i == 0 {
			defer moved.Store(true)
			return f.move(from, to, 200)
		}
		for last := false; !last; {
			last = moved.Load()
			if err := f.store.View(f.ctx, func(r store.Reader) error { return f.sum(r, 200) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// move moves n stations, one in each update.
func (f *fixture) move(from, to *pbx.StationPool, n int) error {
	for range n {
		less, more := revised(from), revised(to)
		less.Total--
		more.Total++
		if err := again(func() error { return f.try(update(from, less), update(to, more)) }); err != nil {
			return err
		}
		from, to = less, more
	}
	return nil
}

// sum adds the pools up twice, read in two ways.
func (f *fixture) sum(r store.Reader, want int64) error {
	key := func(code string) store.Key { return keyOf(f.pool(code, 0)) }
	first, err := r.Get(f.ctx, key("FROM"))
	if err != nil {
		return err
	}
	found, err := collect(f.ctx, r, store.Query{Index: first[0].Table().Key()})
	if err != nil {
		return err
	}
	second, err := r.Get(f.ctx, key("TO"))
	if err != nil {
		return err
	}
	for _, pair := range [][]store.Record{found, append(first, second...)} {
		if got := pair[0].(*pbx.StationPool).Total + pair[1].(*pbx.StationPool).Total; got != want {
			return fmt.Errorf("a view saw %d stations, not %d", got, want)
		}
	}
	return nil
}
