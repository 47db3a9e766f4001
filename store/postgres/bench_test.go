package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
)

// BenchmarkFetch reads a user with the services and devices in one trip.
func BenchmarkFetch(b *testing.B) {
	db := open(b, fresh(b))
	w := schematest.New(b, db)
	users, associations := new(pbx.User).Table(), new(pbx.Association).Table()
	reads := []store.Read{
		{Query: store.Query{Index: users.Key(), Equal: []any{w.Tenant.ID}}},
		{Query: store.Query{Index: associations.Key(), Equal: []any{w.Tenant.ID}}, Source: 1, Column: 1},
		{Query: store.Query{Index: new(pbx.Service).Table().Key(), Equal: []any{w.Tenant.ID}}, Source: 2, Column: 2},
	}
	for b.Loop() {
		_, err := db.Fetch(ctx, reads...)
		require.NoError(b, err)
	}
}

func BenchmarkView(b *testing.B) {
	db := open(b, fresh(b))
	schematest.New(b, db)
	for b.Loop() {
		require.NoError(b, view(db, func(r store.Reader) error {
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
		var changes []store.Change
		for range 16 {
			seq++
			changes = append(changes, store.Change{New: w.Event(seq)})
		}
		require.NoError(b, w.Apply(changes...))
	}
}
