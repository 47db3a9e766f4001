package storetest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// The variants of each kind of record have one key, and together every column
// set, and every column empty that may be.
func TestVariantsCoverEveryColumn(t *testing.T) {
	variants := new(world).customer("Acme").variants()
	for _, table := range pbx.Tables() {
		require.NotEmpty(t, variants[table.Name], table.Name)
		first := variants[table.Name][0]
		for i, column := range table.Columns {
			var set, empty bool
			for _, v := range variants[table.Name] {
				require.Equal(t, table, v.Table())
				require.Equal(t, keyOf(first), keyOf(v))
				f := v.Fields(nil)[i]
				set = set || !reflect.ValueOf(f.Ptr).Elem().IsZero()
				empty = empty || f.Value() == nil
			}
			require.True(t, set, "%s.%s is never set", table.Name, column.Name)
			require.Equal(t, column.Null, empty, "%s.%s is empty or not", table.Name, column.Name)
		}
	}
}

// The company has enough records in every index for a range of it to leave
// some out, and records that are not in an index that leaves some out.
func TestCompanyCoversEveryIndex(t *testing.T) {
	c := new(world).customer("Acme")
	c.company()
	of := make(map[*store.Table]int)
	for _, r := range c.records {
		of[r.Table()]++
	}
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes {
			in := len(ordered(c.records, ix))
			require.GreaterOrEqual(t, in, 2, ix.Name)
			nullable := false
			for _, at := range ix.Columns {
				nullable = nullable || table.Columns[at].Null
			}
			require.Equal(t, nullable, in < of[table], "%s has %d of %d records", ix.Name, in, of[table])
		}
	}
}

// Every unique index has two records that clash in it, and in no other.
func TestClashesCoverEveryUniqueIndex(t *testing.T) {
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes[1:] {
			if !ix.Unique {
				continue
			}
			require.Contains(t, clashes, ix.Name)
			c := new(world).customer("Acme")
			free, taking := clashes[ix.Name](c)
			for _, other := range table.Indexes {
				if other.Unique {
					require.False(t, taken(c.records, other, free), "%s: the free record is not", ix.Name)
					require.Equal(t, other == ix, taken(c.records, other, taking), "%s: in %s", ix.Name, other.Name)
				}
			}
		}
	}
}

func taken(records []store.Record, ix *store.Index, r store.Record) bool {
	values, in := ix.Values(r)
	for _, holder := range ordered(records, ix) {
		if in && compareAll(keyIn(ix, holder).Values, values) == 0 {
			return true
		}
	}
	return false
}

func TestNamesDiffer(t *testing.T) {
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(names))
}
