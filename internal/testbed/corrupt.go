package testbed

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// Where are values by column.
type Where map[string]any

// fits reports whether a record has these values.
func (at Where) fits(rec store.Record) bool {
	for _, f := range rec.Fields(nil) {
		if want, named := at[f.Name]; named {
			p := reflect.ValueOf(f.Ptr).Elem()
			if p.Interface() != reflect.ValueOf(want).Convert(p.Type()).Interface() {
				return false
			}
		}
	}
	return true
}

// Row reads the one record of a table that fits.
func (w *World) Row(table string, at Where) store.Record {
	w.T.Helper()
	var found []store.Record
	for _, kind := range pbx.Tables() {
		if kind.Name != table {
			continue
		}
		require.NoError(w.T, w.Store.View(w.Ctx, func(r store.Reader) error {
			for rec, err := range r.Find(w.Ctx, store.Query{Index: kind.Key()}) {
				if err != nil {
					return err
				}
				if at.fits(rec) {
					found = append(found, rec)
				}
			}
			return nil
		}))
	}
	require.Len(w.T, found, 1, "%s %v", table, at)
	return found[0]
}

// Rewrite changes a record past all rules, its revision left as it is.
func (w *World) Rewrite(table string, at, to Where) {
	w.T.Helper()
	old := w.Row(table, at)
	rec := old.Table().New()
	from := old.Fields(nil)
	for i, f := range rec.Fields(nil) {
		reflect.ValueOf(f.Ptr).Elem().Set(reflect.ValueOf(from[i].Ptr).Elem())
	}
	for column, value := range to {
		SetColumn(rec, column, value)
	}
	w.Apply(store.Change{Old: old}, store.Change{New: rec})
}

// SetColumn sets a field of a record by the name of its column.
func SetColumn(rec store.Record, column string, value any) {
	for _, f := range rec.Fields(nil) {
		if f.Name == column {
			p := reflect.ValueOf(f.Ptr).Elem()
			p.Set(reflect.ValueOf(value).Convert(p.Type()))
			return
		}
	}
	panic("no column " + column)
}

// Drop deletes a record past all rules.
func (w *World) Drop(table string, at Where) {
	w.T.Helper()
	w.Apply(store.Change{Old: w.Row(table, at)})
}

// Plant adds records past all rules.
func (w *World) Plant(recs ...store.Record) {
	w.T.Helper()
	for _, rec := range recs {
		w.Apply(store.Change{New: rec})
	}
}

// Apply commits changes of the US tenant past all rules.
func (w *World) Apply(changes ...store.Change) {
	w.T.Helper()
	require.NoError(w.T, w.Store.Update(w.Ctx, w.US.ID, func(s store.Writer) error { return s.Apply(w.Ctx, changes) }))
}

// Violations are the codes and the kinds of what the checker finds.
func (w *World) Violations(dir *pbx.Directory) []string {
	w.T.Helper()
	report, err := dir.Check(w.Ctx)
	require.NoError(w.T, err)
	var found []string
	for _, v := range report.Violations {
		found = append(found, fmt.Sprintf("%s %s", v.Code, v.Subject.Kind))
		require.NotEmpty(w.T, v.Subject.ID)
		require.NotEmpty(w.T, v.Text)
		require.False(w.T, v.Tenant.IsZero())
	}
	slices.Sort(found)
	return found
}
