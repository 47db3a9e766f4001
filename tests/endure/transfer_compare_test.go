package endure_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/transfer"
)

// alter gives a column another value.
func alter(f store.Field) {
	switch p := f.Ptr.(type) {
	case *string:
		*p += "x"
	case *int64:
		*p += 1000
	case *bool:
		*p = !*p
	case *time.Time:
		*p = p.Add(time.Microsecond)
	case *[16]byte:
		p[15] ^= 0xff
	case *[]string:
		*p = append([]string{"x"}, *p...)
	case *[]byte:
		*p = append([]byte("secret"), *p...)
	}
}

func TestTransfer_EveryColumnThatDiffersIsFound(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	columns := 0
	for _, table := range pbx.Tables() {
		for i, column := range table.Columns {
			if !testbed.Sampled(i+len(table.Columns), 6) {
				continue
			}
			w := o.InMemory(t).World
			old := first(o, table)
			rec := table.New()
			for j, f := range rec.Fields(nil) {
				reflect.ValueOf(f.Ptr).Elem().Set(reflect.ValueOf(old.Fields(nil)[j].Ptr).Elem())
			}
			alter(rec.Fields(nil)[i])
			w.Apply(store.Change{Old: old}, store.Change{New: rec})

			found, err := transfer.Compare(w.Ctx, o.Store, w.Store)
			require.NoError(t, err)
			columns++
			about := table.Name + "." + column.Name
			switch {
			case table.Name == "cursors" && !slices.Contains([]string{"subscriber", "tenant_id", "seq", "pos"}, column.Name):
				require.Empty(t, found, about)
			case slices.Contains(table.Key().Columns, i):
				require.Len(t, found, 2, about)
				require.ElementsMatch(t, []transfer.Side{transfer.OnlyFirst, transfer.OnlySecond}, []transfer.Side{found[0].In, found[1].In}, about)
			default:
				require.Len(t, found, 1, about)
				require.Equal(t, []string{column.Name}, found[0].Columns, about)
				require.Equal(t, o.US.ID, found[0].Tenant, about)
				require.NotContains(t, found[0].String(), "secret", about)
				named, err := transfer.Compare(w.Ctx, o.Store, w.Store, o.US.ID)
				require.NoError(t, err)
				if column.Name != "tenant_id" {
					require.Empty(t, cmp.Diff(found, named), about)
				}
			}
			for _, d := range found {
				require.Equal(t, table.Name, d.Table, about)
				require.NotEmpty(t, d.Key, about)
			}
		}
	}
	t.Logf("%d columns", columns)
}

// first is the first record of a table that is the US tenant's.
func first(o *testbed.Original, table *store.Table) store.Record {
	for _, rec := range o.Records(o.T) {
		for _, f := range rec.Fields(nil) {
			own := f.Name == "tenant_id" || f.Name == "id" && table.Name == "tenants"
			if rec.Table() == table && own && f.Value() == any([16]byte(o.US.ID)) {
				return rec
			}
		}
	}
	panic("there is no such record in " + table.Name)
}
