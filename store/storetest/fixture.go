package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// fixture is a store with one customer in it.
type fixture struct {
	*testing.T
	*customer
	ctx   context.Context
	store store.Store
}

func start(t *testing.T, open func(t *testing.T) store.Store) *fixture {
	t.Helper()
	// A store in which something waits forever fails the test, not the whole run.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	f := &fixture{T: t, ctx: ctx, store: open(t)}
	t.Cleanup(func() {
		cancel()
		_ = f.store.Close()
	})
	f.customer = new(world).customer("Acme")
	f.save()
	return f
}

// in returns the fixture for a subtest that shares its store.
func (f *fixture) in(t *testing.T) *fixture {
	sub := *f
	sub.T = t
	return &sub
}

// try makes one attempt at the changes.
func (f *fixture) try(changes ...store.Change) error { return f.tryFor(f.tenant.ID, changes...) }

func (f *fixture) tryFor(tenant pbx.TenantID, changes ...store.Change) error {
	return f.store.Update(f.ctx, tenant, func(w store.Writer) error { return w.Apply(f.ctx, changes) })
}

// must makes the changes.
func (f *fixture) must(changes ...store.Change) {
	f.Helper()
	f.ok(again(func() error { return f.try(changes...) }))
}

// save inserts records, or those of the world that have not been yet.
func (f *fixture) save(records ...store.Record) {
	f.Helper()
	if len(records) == 0 {
		records, f.records = f.records, nil
	}
	for part := range slices.Chunk(records, 500) {
		f.must(insert(part...)...)
	}
}

// again calls an update until it need not be retried: a store may ask for a retry at
// any time.
func again(update func() error) error {
	for range 1000 {
		if err := update(); !errors.Is(err, store.ErrRetry) {
			return err
		}
	}
	return errors.New("storetest: ErrRetry without end")
}

func (f *fixture) view(fn func(r store.Reader)) {
	f.Helper()
	f.ok(f.store.View(f.ctx, func(r store.Reader) error {
		fn(r)
		return nil
	}))
}

// one reads one record, nil where there is none.
func (f *fixture) one(r store.Reader, k store.Key) store.Record {
	f.Helper()
	records, err := r.Get(f.ctx, k)
	f.ok(err)
	if len(records) != 1 {
		f.Fatalf("Get of one key returned %d records", len(records))
	}
	return records[0]
}

// all reads the records of a query.
func (f *fixture) all(r store.Reader, q store.Query) []store.Record {
	f.Helper()
	records, err := collect(f.ctx, r, q)
	f.ok(err)
	return records
}

func collect(ctx context.Context, r store.Reader, q store.Query) (records []store.Record, err error) {
	for record, err := range r.Find(ctx, q) {
		if err != nil {
			return records, err
		}
		records = append(records, record)
	}
	return records, nil
}

// everything reads all records of the store.
func (f *fixture) everything(r store.Reader) []store.Record {
	f.Helper()
	var records []store.Record
	for _, table := range pbx.Tables() {
		records = append(records, f.all(r, store.Query{Index: table.Key()})...)
	}
	return records
}

// dump renders all records of the store.
func (f *fixture) dump() (text string) {
	f.Helper()
	f.view(func(r store.Reader) { text = showAll(f.everything(r)) })
	return text
}

// unchanged fails the test when the store holds something else than before.
func (f *fixture) unchanged(before string) {
	f.Helper()
	if after := f.dump(); after != before {
		f.Fatalf("the store was changed:\n%s", difference(before, after))
	}
}

// holds fails the test when the store does not have exactly this record at its
// key.
func (f *fixture) holds(want store.Record) {
	f.Helper()
	f.view(func(r store.Reader) { f.equal(f.one(r, keyOf(want)), want) })
}

// lacks fails the test when the store has a record at the key of this one.
func (f *fixture) lacks(absent store.Record) {
	f.Helper()
	f.view(func(r store.Reader) { f.equal(f.one(r, keyOf(absent)), nil) })
}

func (f *fixture) equal(got, want store.Record) {
	f.Helper()
	if g, w := show(got), show(want); g != w {
		f.Fatalf("got  %s\nwant %s", g, w)
	}
}

func (f *fixture) equalAll(got, want []store.Record) {
	f.Helper()
	if g, w := showAll(got), showAll(want); g != w {
		f.Fatalf("other records than expected:\n%s", difference(w, g))
	}
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		cause := err
		for e := (*store.Error)(nil); errors.As(cause, &e) && e.Err != nil; {
			cause = e.Err
		}
		f.Fatalf("unexpected error: %v (%v)", err, cause)
	}
}

// is fails the test unless errors.Is finds the target.
func (f *fixture) is(err, target error) {
	f.Helper()
	if !errors.Is(err, target) {
		f.Fatalf("got error %v, want one that wraps %q", err, target)
	}
}

// difference lists the lines that only one of the texts has.
func difference(want, got string) string {
	var b strings.Builder
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range wants {
		if !slices.Contains(gots, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range gots {
		if !slices.Contains(wants, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	if b.Len() == 0 {
		return "the same records in another order, or another number of times"
	}
	return b.String()
}
