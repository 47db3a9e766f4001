package sqlite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
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
	path := newFile(t)
	store := open(t, path)
	return &world{schematest.New(t, store), store, path}
}

// raise changes nothing but the revision.
func raise(*pbx.Device) {}

func apply(db store.Store, tenant pbx.TenantID, changes ...store.Change) error {
	return db.Update(context.Background(), tenant, func(w store.Writer) error {
		return w.Apply(context.Background(), changes)
	})
}

func view(store store.Store, fn func(store.Reader) error) error {
	return store.View(context.Background(), fn)
}

// keyOf is a record's primary key.
func keyOf(r store.Record) store.Key { return keyIn(r, r.Table().Key()) }

func keyIn(r store.Record, ix *store.Index) store.Key {
	values, _ := ix.Values(r)
	return store.Key{Index: ix, Values: values}
}

// get reads one record in a view of its own.
func get[R store.Record](t testing.TB, db store.Store, k store.Key) (got R) {
	t.Helper()
	require.NoError(t, view(db, func(r store.Reader) error {
		records, err := r.Get(context.Background(), k)
		if err == nil && records[0] != nil {
			got = records[0].(R)
		}
		return err
	}))
	return got
}
