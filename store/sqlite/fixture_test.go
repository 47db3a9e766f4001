package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// world is one of everything, in a file.
type world struct {
	*schematest.World
	store *sqlite.Store
	path  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pbx.db")
	store := open(t, path)
	return &world{schematest.New(t, store), store, path}
}

// raise changes nothing but the revision.
func raise(*pbx.Device) {}

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
