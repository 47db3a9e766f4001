package schematest

import (
	"slices"

	"github.com/pbxkit/pbx/store"
)

// OneRow reports whether the first values of an index, so many of them, are
// those of a unique index: then any will do to find the row.
func OneRow(ix *store.Index, equal int) bool {
	return slices.ContainsFunc(ix.Table.Indexes, func(unique *store.Index) bool {
		return unique.Unique && !slices.ContainsFunc(unique.Columns, func(c int) bool {
			return !slices.Contains(ix.Columns[:equal], c)
		})
	})
}

// AsGood are the index and others that differ from it only in the order of the
// columns for which values are given.
func AsGood(ix *store.Index, equal int) (names []string) {
	given := slices.Sorted(slices.Values(ix.Columns[:equal]))
	for _, other := range ix.Table.Indexes {
		if len(other.Columns) == len(ix.Columns) && slices.Equal(other.Columns[equal:], ix.Columns[equal:]) &&
			slices.Equal(slices.Sorted(slices.Values(other.Columns[:equal])), given) {
			names = append(names, other.Name)
		}
	}
	return names
}
