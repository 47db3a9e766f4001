package schematest

import (
	"slices"

	"github.com/pbxkit/pbx/store"
)

// OneRow reports whether the first columns of an index, as many as equal, contain
// those of a unique index: then they lead to one row, by whichever index.
func OneRow(ix *store.Index, equal int) bool {
	return slices.ContainsFunc(ix.Table.Indexes, func(unique *store.Index) bool {
		return unique.Unique && !slices.ContainsFunc(unique.Columns, func(c int) bool {
			return !slices.Contains(ix.Columns[:equal], c)
		})
	})
}

// AsGood names the index and those that differ from it only in the order of its
// first columns, as many as equal: an engine may use any of them.
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
