package rules_test

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

func TestSYS4_AHealthyWorldWithEverythingInItIsClean(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		everything(w)
		records := 0
		for table, rows := range dump(t, w.store) {
			require.NotEmpty(t, rows, "everything has no %s", table)
			records += len(rows)
		}
		require.Len(t, dump(t, w.store), len(pbx.Tables()), "everything has a record of each kind")
		whole, err := w.support.Check(w.ctx)
		require.NoError(t, err)
		require.Empty(t, whole.Violations)
		require.Equal(t, 3, whole.Tenants)
		require.Equal(t, records, whole.Records, "every record is looked at once")

		parts := 0
		for _, dir := range []*pbx.Directory{w.dir, w.british} {
			part, err := dir.Check(w.ctx)
			require.NoError(t, err)
			require.Empty(t, part.Violations)
			require.Equal(t, 1, part.Tenants)
			parts += part.Records
		}
		require.Less(t, parts, records)
	})
}

func TestSYS4_EveryPageOfALargeTenantIsRead(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 600 {
				if _, err := dir.CreateGroup(ctx, pbx.NewGroup{Name: fmt.Sprint("G", i), Extension: pbx.Extension(fmt.Sprint(7000 + i))}); err != nil {
					return err
				}
			}
			return nil
		}))
		records := 0
		for _, rows := range dump(t, w.store) {
			records += len(rows)
		}
		report, err := w.support.Check(w.ctx)
		require.NoError(t, err)
		require.Equal(t, records, report.Records)
	})
}

func TestSYS4_TheWholeStoreIsSupportsAlone(t *testing.T) {
	w := newWorld(t, stores["memory"](t))
	everything(w)
	clerk := w.support.As(pbx.Administrator("clerk", pbx.Provider))
	w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := clerk.Check(w.ctx); return err })
}

func TestSYS4_AnAdministratorsReportNamesOnlyHisTenant(t *testing.T) {
	w := newWorld(t, stores["memory"](t))
	x := everything(w)
	w.rewrite("users", where{"id": x.ann.ID}, where{"last_folded": "x"})
	w.rewrite("users", where{"id": x.brit.ID}, where{"last_folded": "x"})
	w.plant(&pbx.SIPIdentity{Address: "ghost@uk.acme.example.com", TenantID: w.uk.ID, Rev: 1, UserID: x.ann.ID})
	require.Equal(t, []string{"USR-8 user"}, w.violations(w.dir))
	require.Equal(t, []string{"USR-8 user"}, w.violations(w.support.In(w.us.ID)))
	require.Equal(t, []string{"USR-8 user"}, w.violations(w.british))
	require.Len(t, w.violations(w.support), 3, "a claim of nobody is found with the whole store")

	w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.dir.In(w.uk.ID).Check(w.ctx); return err })
	w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.support.In(pbx.TenantID(x.ann.ID)).Check(w.ctx); return err })
	w.refused(rule.ACC2, pbx.ErrDenied, func() error {
		_, err := w.support.As(pbx.LineOwner("kate", w.us.ID)).Check(w.ctx)
		return err
	})
	w.refused(rule.SYS1, pbx.ErrMisuse, func() error {
		return w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error { _, err := dir.Check(ctx); return err })
	})
}

func TestSYS4_AnAdministratorsCheckReadsNothingOfOthers(t *testing.T) {
	w := newWorld(t, stores["memory"](t))
	everything(w)
	read := func() *reading {
		store := &reading{Store: w.store}
		dir := pbx.New(store).As(pbx.Administrator("admin", w.uk.ID))
		report, err := dir.Check(w.ctx)
		require.NoError(t, err)
		require.Empty(t, report.Violations)
		return store
	}
	before := read()
	for i := range 300 {
		w.user("Many", fmt.Sprint("People", i), pbx.Extension(fmt.Sprint(30000+i)))
	}
	_, err := w.support.Deliver(w.ctx, "mail", func(context.Context, *pbx.Event) error { return nil })
	require.NoError(t, err)
	after := read()
	require.Equal(t, before.ranges, after.ranges)
	require.Equal(t, before.records, after.records)
}

// A store that lost a unique index would not know that two have the same.
func TestSYS4_WhatAUniqueIndexShouldHaveRefusedIsFound(t *testing.T) {
	w := newWorld(t, stores["memory"](t))
	x := everything(w)
	twin := *x.ann
	twin.ID[15]++
	for _, claimed := range []string{"login", "login_folded", "first_folded", "last_folded"} {
		set(&twin, claimed, w.get("users", where{"id": x.ann.ID}, claimed))
	}
	twin.Station, twin.SIPAddress = "", "twin@acme.example.com"
	w.plant(&pbx.SIPIdentity{Address: twin.SIPAddress, TenantID: w.us.ID, Rev: 1, UserID: twin.ID})
	dir := pbx.New(doubling{w.store, &twin}).As(pbx.Support("agent"))
	report, err := dir.Check(w.ctx)
	require.NoError(t, err)
	var found []string
	for _, v := range report.Violations {
		if v.Code == rule.USR3 {
			found = append(found, v.Subject.ID)
		}
	}
	require.Equal(t, []string{twin.ID.String()}, found)
}

// doubling is a store that reads one more record than it has, as if a unique
// index had not been there.
type doubling struct {
	store.Store
	twin store.Record
}

type doublingReader struct {
	store.Reader
	twin store.Record
}

func (d doubling) View(ctx context.Context, fn func(store.Reader) error) error {
	return d.Store.View(ctx, func(r store.Reader) error { return fn(doublingReader{r, d.twin}) })
}

func (d doublingReader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		given := false
		for rec, err := range d.Reader.Find(ctx, q) {
			if !given && err == nil && rec.Table() == d.twin.Table() {
				if given = true; !yield(d.twin, nil) {
					return
				}
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

// where are values by column.
type where map[string]any

func set(rec store.Record, column string, value any) {
	for _, f := range rec.Fields(nil) {
		if f.Name == column {
			p := reflect.ValueOf(f.Ptr).Elem()
			p.Set(reflect.ValueOf(value).Convert(p.Type()))
			return
		}
	}
	panic("no column " + column)
}

func (at where) fits(rec store.Record) bool {
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

// row reads the one record of a table that fits.
func (w *world) row(table string, at where) store.Record {
	w.t.Helper()
	var found []store.Record
	for _, kind := range pbx.Tables() {
		if kind.Name != table {
			continue
		}
		require.NoError(w.t, w.store.View(w.ctx, func(r store.Reader) error {
			for rec, err := range r.Find(w.ctx, store.Query{Index: kind.Key()}) {
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
	require.Len(w.t, found, 1, "%s %v", table, at)
	return found[0]
}

func (w *world) get(table string, at where, column string) any {
	w.t.Helper()
	for _, f := range w.row(table, at).Fields(nil) {
		if f.Name == column {
			return f.Value()
		}
	}
	panic("no column " + column)
}

// rewrite changes a record past all rules, its revision left as it is.
func (w *world) rewrite(table string, at, to where) {
	w.t.Helper()
	old := w.row(table, at)
	rec := old.Table().New()
	from := old.Fields(nil)
	for i, f := range rec.Fields(nil) {
		reflect.ValueOf(f.Ptr).Elem().Set(reflect.ValueOf(from[i].Ptr).Elem())
	}
	for column, value := range to {
		set(rec, column, value)
	}
	w.apply(store.Change{Old: old}, store.Change{New: rec})
}

func (w *world) drop(table string, at where) {
	w.t.Helper()
	w.apply(store.Change{Old: w.row(table, at)})
}

func (w *world) plant(recs ...store.Record) {
	w.t.Helper()
	for _, rec := range recs {
		w.apply(store.Change{New: rec})
	}
}

func (w *world) apply(changes ...store.Change) {
	w.t.Helper()
	require.NoError(w.t, w.store.Update(w.ctx, w.us.ID, func(s store.Writer) error { return s.Apply(w.ctx, changes) }))
}

// violations are the codes and the kinds of what the checker finds.
func (w *world) violations(dir *pbx.Directory) []string {
	w.t.Helper()
	report, err := dir.Check(w.ctx)
	require.NoError(w.t, err)
	var found []string
	for _, v := range report.Violations {
		found = append(found, fmt.Sprintf("%s %s", v.Code, v.Subject.Kind))
		require.NotEmpty(w.t, v.Subject.ID)
		require.NotEmpty(w.t, v.Text)
		require.False(w.t, v.Tenant.IsZero())
	}
	slices.Sort(found)
	return found
}
