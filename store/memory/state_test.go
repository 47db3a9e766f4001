package memory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

var ctx = context.Background()

// Customers of the tests, by number.
func tenant(n byte) pbx.TenantID { return pbx.TenantID{n} }

// device returns a device; its MAC is unique across all tenants.
func device(t pbx.TenantID, id byte, mac string) *pbx.Device {
	return &pbx.Device{TenantID: t, ID: pbx.DeviceID{1, id}, Rev: 1, MAC: pbx.MAC(mac), State: pbx.DeviceAvailable}
}

func apply(s *Store, t pbx.TenantID, then func(), changes ...store.Change) error {
	return s.Update(ctx, t, func(w store.Writer) error {
		if err := w.Apply(ctx, changes); err != nil {
			return err
		}
		then()
		return nil
	})
}

func nothing() {}

// holder returns the tenant that has the MAC, or a zero one.
func holder(t *testing.T, s *Store, mac string) (id pbx.TenantID) {
	require.NoError(t, s.View(ctx, func(r store.Reader) error {
		got, err := r.Get(ctx, store.Key{Index: new(pbx.Device).Table().Index("devices_mac"), Values: []any{mac}})
		if got[0] != nil {
			id = got[0].(*pbx.Device).TenantID
		}
		return err
	}))
	return id
}

// Updates of other tenants go through between an update's Apply and its
// commit, and neither is lost.
func TestOverlappingUpdates(t *testing.T) {
	s := New()
	require.NoError(t, apply(s, tenant(1), func() {
		require.NoError(t, apply(s, tenant(2), func() {
			require.Zero(t, holder(t, s, "one"))
			require.Zero(t, holder(t, s, "two"))
		}, store.Change{New: device(tenant(2), 1, "two")}))
		require.Equal(t, tenant(2), holder(t, s, "two"))
		require.Zero(t, holder(t, s, "one"))
	}, store.Change{New: device(tenant(1), 1, "one")}))
	require.Equal(t, tenant(1), holder(t, s, "one"))
	require.Equal(t, tenant(2), holder(t, s, "two"))
}

// What an update applied can be taken by another tenant before it commits;
// then the commit asks for a retry.
func TestTakenBetweenApplyAndCommit(t *testing.T) {
	s := New()
	err := apply(s, tenant(1), func() {
		require.NoError(t, apply(s, tenant(2), nothing, store.Change{New: device(tenant(2), 1, "mac")}))
	}, store.Change{New: device(tenant(1), 1, "free")}, store.Change{New: device(tenant(1), 2, "mac")})
	require.ErrorIs(t, err, store.ErrRetry)
	require.Equal(t, tenant(2), holder(t, s, "mac"))
	require.Zero(t, holder(t, s, "free"))
	require.Nil(t, s.state.pending)
}

// The tree is copied when a change meets a running view, and only then.
func TestCopiedForRunningViewsOnly(t *testing.T) {
	s := New()
	copied := func() bool { return s.state.present.kept.Load() != nil }
	for i := range byte(3) {
		require.NoError(t, s.View(ctx, func(store.Reader) error { return nil }))
		require.NoError(t, apply(s, tenant(1), func() { require.False(t, copied()) },
			store.Change{New: device(tenant(1), i, fmt.Sprint(i))}))
	}
	require.NoError(t, s.View(ctx, func(store.Reader) error {
		return apply(s, tenant(1), func() { require.True(t, copied()) }, store.Change{New: device(tenant(1), 3, "3")})
	}))
	require.False(t, copied())
	require.Zero(t, s.state.present.views.Load())
}

// Nothing of a tenant is kept when its updates are done, also when some gave
// up waiting.
func TestQueuesAreForgotten(t *testing.T) {
	s := New()
	require.NoError(t, s.Update(ctx, tenant(1), func(store.Writer) error {
		var waiting sync.WaitGroup
		ended, cancel := context.WithCancel(ctx)
		for range 3 {
			waiting.Go(func() {
				_ = s.Update(ended, tenant(1), func(store.Writer) error { return nil })
			})
		}
		cancel()
		waiting.Wait()
		return nil
	}))
	require.Zero(t, s.tenants.Busy())
}

// Tenants take devices from one another, some of them to roll it back; every
// view finds each device once.
func TestUnderLoad(t *testing.T) {
	const devices, tenants, rounds = 20, 4, 500
	s := New()
	for i := range byte(devices) {
		require.NoError(t, apply(s, tenant(1), nothing, store.Change{New: device(tenant(1), i, fmt.Sprintf("%02d", i))}))
	}
	errs := make(chan error, 2*tenants)
	for n := range byte(tenants) {
		random := rand.New(rand.NewPCG(1, uint64(n)))
		go func() {
			var err error
			for i := 0; i < rounds && err == nil; i++ {
				err = take(s, tenant(n+1), byte(random.IntN(devices)), i%5 == 0)
			}
			errs <- err
		}()
		go func() {
			var err error
			for i := 0; i < rounds && err == nil; i++ {
				err = s.View(ctx, func(r store.Reader) error { return countDevices(r, devices) })
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	require.Nil(t, s.state.pending)
}

var errRollback = errors.New("rolled back on purpose")

// take deletes the device where it is and inserts it in the tenant.
func take(s *Store, to pbx.TenantID, id byte, rollback bool) error {
	err := s.Update(ctx, to, func(w store.Writer) error {
		key := store.Key{Index: new(pbx.Device).Table().Index("devices_mac"), Values: []any{fmt.Sprintf("%02d", id)}}
		got, err := w.Get(ctx, key)
		if err != nil {
			return err
		}
		moved := device(to, id, fmt.Sprintf("%02d", id))
		moved.Rev = got[0].(*pbx.Device).Rev + 1
		if err := w.Apply(ctx, []store.Change{{Old: got[0]}, {New: moved}}); err != nil {
			return err
		}
		if rollback {
			return errRollback
		}
		return nil
	})
	if errors.Is(err, store.ErrRetry) || errors.Is(err, errRollback) {
		return nil
	}
	return err
}

func countDevices(r store.Reader, want int) error {
	for _, name := range []string{"devices_mac", "devices_pkey"} {
		n := 0
		for _, err := range r.Find(ctx, store.Query{Index: new(pbx.Device).Table().Index(name)}) {
			if err != nil {
				return err
			}
			n++
		}
		if n != want {
			return fmt.Errorf("a view found %d devices in %s, want %d", n, name, want)
		}
	}
	return nil
}
