package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/internal/schematest"
)

// BenchmarkFetch reads a user with the services and devices in one trip.
func BenchmarkFetch(b *testing.B) {
	store := open(b, fresh(b))
	w := schematest.New(b, store)
	users, associations := new(pbx.User).Table(), new(pbx.Association).Table()
	reads := []pbx.Read{
		{Query: pbx.Query{Index: users.Key(), Equal: []any{w.Tenant.ID}}},
		{Query: pbx.Query{Index: associations.Key(), Equal: []any{w.Tenant.ID}}, Of: 1, Column: 1},
		{Query: pbx.Query{Index: new(pbx.Service).Table().Key(), Equal: []any{w.Tenant.ID}}, Of: 2, Column: 2},
	}
	for b.Loop() {
		_, err := store.Fetch(ctx, reads...)
		require.NoError(b, err)
	}
}

func BenchmarkView(b *testing.B) {
	store := open(b, fresh(b))
	schematest.New(b, store)
	for b.Loop() {
		require.NoError(b, view(store, func(r pbx.Reader) error {
			_, err := r.Get(ctx, tenantKey)
			return err
		}))
	}
}

// BenchmarkUpdate locks the tenant, and in a second trip makes 16 changes
// and commits.
func BenchmarkUpdate(b *testing.B) {
	w := schematest.New(b, open(b, fresh(b)))
	seq := int64(100)
	for b.Loop() {
		var changes []pbx.Change
		for range 16 {
			seq++
			changes = append(changes, pbx.Change{New: w.Event(seq)})
		}
		require.NoError(b, w.Apply(changes...))
	}
}
