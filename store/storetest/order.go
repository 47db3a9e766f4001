package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// names are texts that are out of order, or not within their bounds, where a
// store compares by language, by case or by UTF-16, or takes wildcards for such.
var names = []string{
	" ", "\"", "%", "'", "*", "-", "0", "10", "2", "?", "A", "A B", "A%", "A*", "A-B", "AB", "AC", "A_", "Aa", "A\x7f",
	"Aé", "B", "Z", "[", "[a]", "\\", "\\a", "_", "a", "a b", "ab", "abc", "b", "z", "zz", "~", "\x7f", "\x7fa", "\u0080",
	"É", "e\u0301", "ß", "ä", "é", "éa", "\u07ff", "\u07ffa", "Ω", "\u0800", "\ud7ff", "\ue000", "\uffff", "\uffffz", "\U00010000",
	"😀", "\U0010ffff", "\U0010ffffz",
}

// order checks that text is ordered and bounded by its bytes alone.
func order(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	for _, name := range names {
		add(f.world, f.location(name))
	}
	f.save()
	byBuilding := f.location("").Table().Index("locations_building")

	check := func(name string, q store.Query, in func(name string) bool) {
		t.Run(name, func(t *testing.T) {
			f := f.in(t)
			q.Index, q.Equal = byBuilding, []any{f.tenant.ID}
			var want []string
			for _, name := range sorted {
				if in(name) {
					want = append(want, name)
				}
			}
			f.view(func(r store.Reader) {
				f.sameNames(f.all(r, q), want)
				q.Desc = true
				slices.Reverse(want)
				f.sameNames(f.all(r, q), want)
			})
		})
	}
	check("all", store.Query{}, func(string) bool { return true })
	for _, bound := range append([]string{"a%", "A*B", "[a-z]", "\U0010ffff\U0010ffff", "nobody"}, names...) {
		check("prefix "+showValue(bound), store.Query{Prefix: bound}, func(s string) bool { return strings.HasPrefix(s, bound) })
		check("from "+showValue(bound), store.Query{From: bound}, func(s string) bool { return s >= bound })
		check("to "+showValue(bound), store.Query{To: bound}, func(s string) bool { return s < bound })
	}
}

func (f *fixture) sameNames(got []store.Record, want []string) {
	f.Helper()
	gotNames := make([]string, len(got))
	for i, r := range got {
		gotNames[i] = r.(*pbx.Location).Building
	}
	if !slices.Equal(gotNames, want) {
		f.Fatalf("got  %+q\nwant %+q", gotNames, want)
	}
}
