package rules_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

func TestSYS4_AHealthyWorldWithEverythingInItIsClean(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		testbed.Everything(w.World)
		records := 0
		for table, rows := range testbed.Dump(t, w.Store) {
			require.NotEmpty(t, rows, "everything has no %s", table)
			records += len(rows)
		}
		require.Len(t, testbed.Dump(t, w.Store), len(pbx.Tables()), "everything has a record of each kind")
		whole, err := w.Support.Check(w.Ctx)
		require.NoError(t, err)
		require.Empty(t, whole.Violations)
		require.Equal(t, 3, whole.Tenants)
		require.Equal(t, records, whole.Records, "every record is looked at once")

		parts := 0
		for _, dir := range []*pbx.Directory{w.Dir, w.British} {
			part, err := dir.Check(w.Ctx)
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
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 600 {
				if _, err := dir.CreateGroup(ctx, pbx.NewGroup{Name: fmt.Sprint("G", i), Extension: pbx.Extension(fmt.Sprint(7000 + i))}); err != nil {
					return err
				}
			}
			return nil
		}))
		records := 0
		for _, rows := range testbed.Dump(t, w.Store) {
			records += len(rows)
		}
		report, err := w.Support.Check(w.Ctx)
		require.NoError(t, err)
		require.Equal(t, records, report.Records)
	})
}

func TestSYS4_TheWholeStoreIsSupportsAlone(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t))
	testbed.Everything(w.World)
	clerk := w.Support.As(pbx.Administrator("clerk", pbx.Provider))
	w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := clerk.Check(w.Ctx); return err })
}

func TestSYS4_AnAdministratorsReportNamesOnlyHisTenant(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t))
	x := testbed.Everything(w.World)
	w.Rewrite("users", where{"id": x.Ann.ID}, where{"last_folded": "x"})
	w.Rewrite("users", where{"id": x.Brit.ID}, where{"last_folded": "x"})
	w.Plant(&pbx.SIPIdentity{Address: "ghost@uk.acme.example.com", TenantID: w.UK.ID, Rev: 1, UserID: x.Ann.ID})
	require.Equal(t, []string{"USR-8 user"}, w.Violations(w.Dir))
	require.Equal(t, []string{"USR-8 user"}, w.Violations(w.Support.In(w.US.ID)))
	require.Equal(t, []string{"USR-8 user"}, w.Violations(w.British))
	require.Len(t, w.Violations(w.Support), 3, "a claim of nobody is found with the whole store")

	w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.In(w.UK.ID).Check(w.Ctx); return err })
	w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Support.In(pbx.TenantID(x.Ann.ID)).Check(w.Ctx); return err })
	w.Refused(rule.ACC2, pbx.ErrDenied, func() error {
		_, err := w.Support.As(pbx.LineOwner("kate", w.US.ID)).Check(w.Ctx)
		return err
	})
	w.Refused(rule.SYS1, pbx.ErrMisuse, func() error {
		return w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error { _, err := dir.Check(ctx); return err })
	})
}

func TestSYS4_AnAdministratorsCheckReadsNothingOfOthers(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t))
	testbed.Everything(w.World)
	read := func() *testbed.ReadCounter {
		store := &testbed.ReadCounter{Store: w.Store}
		dir := pbx.New(store).As(pbx.Administrator("admin", w.UK.ID))
		report, err := dir.Check(w.Ctx)
		require.NoError(t, err)
		require.Empty(t, report.Violations)
		return store
	}
	before := read()
	for i := range 300 {
		w.User("Many", fmt.Sprint("People", i), pbx.Extension(fmt.Sprint(30000+i)))
	}
	_, err := w.Support.Deliver(w.Ctx, "mail", func(context.Context, *pbx.Event) error { return nil })
	require.NoError(t, err)
	after := read()
	require.Equal(t, before.Ranges, after.Ranges)
	require.Equal(t, before.Records, after.Records)
}

// A store that lost a unique index would not know that two records have the
// same value.
func TestSYS4_WhatAUniqueIndexShouldHaveRefusedIsFound(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t))
	x := testbed.Everything(w.World)
	twin := *x.Ann
	twin.ID[15]++
	for _, claimed := range []string{"login", "login_folded", "first_folded", "last_folded"} {
		testbed.SetColumn(&twin, claimed, w.get("users", where{"id": x.Ann.ID}, claimed))
	}
	twin.Station, twin.SIPAddress = "", "twin@acme.example.com"
	w.Plant(&pbx.SIPIdentity{Address: twin.SIPAddress, TenantID: w.US.ID, Rev: 1, UserID: twin.ID})
	dir := pbx.New(doubling{w.Store, &twin}).As(pbx.Support("agent"))
	report, err := dir.Check(w.Ctx)
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
// index were missing.
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

type where = testbed.Where

func (w *world) get(table string, at where, column string) any {
	w.T.Helper()
	for _, f := range w.Row(table, at).Fields(nil) {
		if f.Name == column {
			return f.Value()
		}
	}
	panic("no column " + column)
}
