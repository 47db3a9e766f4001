package memory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// model is what the store should hold: a list of devices, searched from end to
// end.
type model []*pbx.Device

// apply returns the model after the changes, or false where one does not fit.
func (m model) apply(changes []store.Change) (model, bool) {
	m = slices.Clone(m)
	for _, ch := range changes {
		if ch.Old != nil {
			old := ch.Old.(*pbx.Device)
			at := slices.IndexFunc(m, func(d *pbx.Device) bool { return d.ID == old.ID && d.Rev == old.Rev })
			if at < 0 {
				return nil, false
			}
			m = slices.Delete(m, at, at+1)
		}
		if ch.New != nil {
			d := ch.New.(*pbx.Device)
			if slices.ContainsFunc(m, func(other *pbx.Device) bool {
				return other.ID == d.ID || other.MAC == d.MAC || d.PrimaryOf != pbx.UserID{} && other.PrimaryOf == d.PrimaryOf
			}) {
				return nil, false
			}
			m = append(m, d)
		}
	}
	return m, true
}

// change returns a change that fits more often than not, for there are few
// devices, MACs and users.
func (m model) change(random *rand.Rand) store.Change {
	d := device(tenant(1), byte(1+random.IntN(8)), fmt.Sprint(random.IntN(10)))
	if random.IntN(3) == 0 {
		d.UserID[0] = byte(1 + random.IntN(3))
		d.PrimaryOf, d.State = d.UserID, pbx.DeviceAssigned
	}
	if len(m) == 0 || random.IntN(4) == 0 {
		return store.Change{New: d}
	}
	old := *m[random.IntN(len(m))]
	if random.IntN(10) == 0 {
		old.Rev++
	}
	if random.IntN(4) == 0 {
		return store.Change{Old: &old}
	}
	d.ID, d.Rev = old.ID, old.Rev+1
	return store.Change{Old: &old, New: d}
}

// The store agrees with the model on what can be applied and on what is in
// each index afterwards.
func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		s, m := New(), model{}
		for range 300 {
			var changes []store.Change
			next := m
			for range 1 + random.IntN(4) {
				changes = append(changes, next.change(random))
				if after, ok := next.apply(changes[len(changes)-1:]); ok {
					next = after
				}
			}
			next, fits := m.apply(changes)
			err := apply(s, tenant(1), nothing, changes...)
			if !fits {
				require.ErrorIs(t, err, store.ErrRetry)
				next = m
			} else {
				require.NoError(t, err)
			}
			m = next
			requireSame(t, s, m)
		}
	}
}

func requireSame(t *testing.T, s *Store, m model) {
	t.Helper()
	var entries, want []string
	s.state.tree.Scan(func(entry string, r store.Record) bool {
		entries = append(entries, fmt.Sprintf("%q %v", entry, *r.(*pbx.Device)))
		return true
	})
	for _, d := range m {
		fields := d.Fields(nil)
		for _, ix := range d.Table().Indexes {
			if entry, in := ix.AppendFields(nil, fields); in {
				want = append(want, fmt.Sprintf("%q %v", entry, *d))
			}
		}
	}
	slices.Sort(entries)
	slices.Sort(want)
	require.Empty(t, cmp.Diff(want, entries))
}
