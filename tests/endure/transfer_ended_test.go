package endure_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/transfer"
)

func TestTransfer_ACopyEndedAnywhereIsWholeTenantsAndCanBeMadeAgain(t *testing.T) {
	testbed.NotShort(t)
	o := testbed.PrepareOriginal(t, memory.New())
	from, to := faulty.New(o.Store, faulty.Plan{}), faulty.New(memory.New(), faulty.Plan{})
	whole, err := transfer.Copy(o.Ctx, to, from)
	require.NoError(t, err)
	e := &endings{Original: o, whole: whole, sizes: map[pbx.TenantID]int{pbx.Provider: 0, o.US.ID: 0, o.UK.ID: 0}}
	for tenant := range e.sizes {
		all, err := transfer.Compare(o.Ctx, o.Store, memory.New(), tenant)
		require.NoError(t, err)
		e.sizes[tenant] = len(all)
	}
	reads, writes := len(from.Calls()), len(to.Calls())
	arrivals := make(map[int]int)
	const share = 40
	for n, plan := range faultPlans(reads) {
		if !testbed.Sampled(n, share) {
			continue
		}
		arrivals[e.copy(t, plan, faulty.Plan{})]++
	}
	for n, plan := range faultPlans(writes) {
		if !testbed.Sampled(n, share/5) {
			continue
		}
		arrivals[e.copy(t, faulty.Plan{}, plan)]++
	}
	for n := range 4 {
		require.Positive(t, arrivals[n])
	}
	t.Logf("after so many copies so many tenants had arrived: %v", arrivals)
}

// endings are copies of an original that end early.
type endings struct {
	*testbed.Original
	whole transfer.Report
	sizes map[pbx.TenantID]int // the records of each tenant
}

// copy copies everything with a fault in the source or in the target, and again
// without. It returns how many tenants arrived the first time.
func (e *endings) copy(t *testing.T, source, target faulty.Plan) (arrived int) {
	ctx, cancel := context.WithCancel(e.Ctx)
	defer cancel()
	for _, plan := range []*faulty.Plan{&source, &target} {
		if plan.On { // as when an operation endures it
			plan.On, plan.Cancel = false, cancel
		}
	}
	from, to := faulty.New(e.Store, source), faulty.New(memory.New(), target)
	var report transfer.Report
	err, panicked := testbed.Attempt(func() (err error) { report, err = transfer.Copy(ctx, to, from); return err })
	from.Arm(faulty.Plan{})
	to.Arm(faulty.Plan{})
	about := fmt.Sprintf("source: %s, target: %s: %v, panic %v", source, target, err, panicked)
	for tenant := range e.sizes {
		arrived += e.wholeOrNothing(t, to, tenant)
	}
	if err == nil && !panicked {
		require.Equal(t, e.whole, report, about)
	}
	if !panicked && !errors.Is(err, pbx.ErrCommitUnknown) {
		require.Equal(t, arrived, report.Tenants, about)
	}
	again, err := transfer.Copy(e.Ctx, to, from)
	require.NoError(t, err, about)
	require.Equal(t, arrived, again.Present, about)
	require.Equal(t, e.whole.Tenants-arrived, again.Tenants, about)
	requireEqual(t, e.Store, to)
	return arrived
}

// wholeOrNothing asserts that a tenant has arrived whole, 1, or not at all, 0.
func (e *endings) wholeOrNothing(t *testing.T, to store.Store, tenant pbx.TenantID) int {
	found, err := transfer.Compare(e.Ctx, e.Store, to, tenant)
	require.NoError(t, err)
	if len(found) == 0 {
		return 1
	}
	require.Len(t, found, e.sizes[tenant])
	for _, d := range found {
		require.Equal(t, transfer.OnlyFirst, d.In, d)
	}
	return 0
}

func TestTransfer_ASourceThatChangesIsCopiedAsItWas(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		w, target, was := testbed.NewWorld(t, from(t)), to(t), memory.New()
		testbed.Everything(w)
		_, err := transfer.Copy(w.Ctx, was, w.Store)
		require.NoError(t, err)
		source := &disturbed{Store: w.Store, disturb: func(table string) {
			if table == "users" {
				w.User("Late", "Comer", "7950")
				_, err := w.Support.StockNumbers(w.Ctx, "+16175550901")
				require.NoError(t, err)
			}
		}}
		_, err = transfer.Copy(w.Ctx, target, source)
		require.NoError(t, err)
		requireEqual(t, was, target)
		found, err := transfer.Compare(w.Ctx, w.Store, target)
		require.NoError(t, err)
		require.NotEmpty(t, found)
	})
}

// disturbed is a store that something happens to, once, when one of its tables
// is read in a view.
type disturbed struct {
	store.Store
	disturb func(table string)
	read    map[string]bool
}

type disturbedReader struct {
	store.Reader
	store *disturbed
}

func (d *disturbed) View(ctx context.Context, fn func(store.Reader) error) error {
	return d.Store.View(ctx, func(r store.Reader) error { return fn(disturbedReader{r, d}) })
}

func (r disturbedReader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	if d, name := r.store, q.Index.Table.Name; !d.read[name] {
		if d.read == nil {
			d.read = map[string]bool{}
		}
		d.read[name] = true
		d.disturb(name)
	}
	return r.Reader.Find(ctx, q)
}

// If a value is taken between the check and the copy, the copy checks again.
func TestTransfer_WhatIsTakenMeanwhileIsNamedToo(t *testing.T) {
	w := testbed.NewWorld(t, memory.New())
	testbed.Everything(w)
	target := &overtaken{Store: memory.New()}
	target.before = func() {
		_, err := pbx.New(target.Store).As(pbx.Support("agent")).StockNumbers(w.Ctx, "+16175550181")
		require.NoError(t, err)
	}
	_, err := transfer.Copy(w.Ctx, target, w.Store, w.US.ID)
	require.EqualError(t, err, "NUM-1: the number +16175550181 is taken")
}

// overtaken is a store on which something happens just before the first Apply.
type overtaken struct {
	store.Store
	before func()
}

type overtakenWriter struct {
	store.Writer
	store *overtaken
}

func (o *overtaken) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return o.Store.Update(ctx, tenant, func(w store.Writer) error { return fn(overtakenWriter{w, o}) })
}

func (w overtakenWriter) Apply(ctx context.Context, changes []store.Change) error {
	if before := w.store.before; before != nil {
		w.store.before = nil
		before()
	}
	return w.Writer.Apply(ctx, changes)
}
