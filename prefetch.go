package pbx

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/pbxkit/pbx/internal/overlay"
	"github.com/pbxkit/pbx/store"
)

// prefetchPlan says what an operation is going to read, as far as that can be known
// from its arguments; nil says nothing. A store on another machine is asked for all of
// it in one trip, together with the tenant's row. A plan decides nothing: what it lacks
// is read when it is needed, at the cost of another trip.
type prefetchPlan func(*prefetch)

// prefetch collects the reads of a plan.
type prefetch struct {
	tenant TenantID
	now    time.Time
	facts  *facts
	reads  []store.Read
}

// prefetched stands for the records of a planned read. More reads can follow from
// them.
type prefetched struct {
	*prefetch
	at int // the number of the read, from 1; 0: nothing is read
}

// get plans to read the records that have these values in an index, after the tenant
// where the index begins with it. Where a value is empty nothing is read.
func (p *prefetch) get(ix *store.Index, values ...any) prefetched {
	for _, v := range values {
		if v == "" || !overlay.Storable(v) {
			return prefetched{p, 0}
		}
		if id, ok := v.(interface{ UUID() [16]byte }); ok && id.UUID() == [16]byte{} {
			return prefetched{p, 0}
		}
	}
	return p.scan(store.Query{Index: ix, Equal: append(p.leading(ix), values...)})
}

// scan plans to read a range.
func (p *prefetch) scan(q store.Query) prefetched {
	p.reads = append(p.reads, store.Read{Query: q})
	return prefetched{p, len(p.reads)}
}

// leading returns the tenant where an index begins with it, or else nothing.
func (p *prefetch) leading(ix *store.Index) []any {
	if ix.Table.Columns[ix.Columns[0]].Name == "tenant_id" {
		return []any{p.tenant}
	}
	return nil
}

// to plans to read what each of the records refers to: the records that have in an
// index, after the tenant, the value that it has in a column.
func (f prefetched) to(ix *store.Index, column string) prefetched {
	if f.at == 0 {
		return f
	}
	from := f.reads[f.at-1].Index.Table
	f.reads = append(f.reads, store.Read{Query: store.Query{Index: ix, Equal: f.leading(ix)}, Source: f.at, Column: from.Column(column)})
	return prefetched{f.prefetch, len(f.reads)}
}

// prefetch reads what a plan says, in one trip, where that is worth it.
func (t *tx) prefetch(ctx context.Context, plan prefetchPlan) error {
	if _, far := t.Fetcher(); !far || plan == nil {
		return nil
	}
	p := t.newPrefetch()
	plan(p)
	return t.Prefetch(ctx, p.reads)
}

// beginPrefetched is begin for a far store.
func (t *tx) beginPrefetched(ctx context.Context, f store.Fetcher, plan prefetchPlan) error {
	p := t.newPrefetch()
	p.scan(store.Query{Index: tenantsTable.Key(), Equal: []any{t.tenantID}})
	if plan != nil {
		plan(p)
	}
	results, err := t.Fetch(ctx, f, p.reads)
	if err != nil {
		return err
	}
	if len(results[0]) == 0 {
		return t.enterTenant(nil)
	}
	row := results[0][0].(*Tenant)
	t.core.facts.tenants.learn(row.ID, fixed{row.Country, row.SIPDomain, row.NumberCriteria})
	return t.enterTenant(row)
}

// readPrefetched reads what a plan says in one trip, runs a reading operation on it, and
// reports whether the operation needed no more than that.
func (d *Directory) readPrefetched(ctx context.Context, f store.Fetcher, tenant TenantID, p prefetchPlan, run func(*tx) error) (all bool, err error) {
	t := d.core.newTx(tenant, onlyPrefetched{})
	t.actor = d.actor
	if err := t.beginPrefetched(ctx, f, p); err != nil {
		return true, err
	}
	err = run(t)
	return !errors.Is(t.Failed(), errUnplanned), err
}

// watched is an operation that is noted when it reads what nothing planned.
func watched(ctx context.Context, operation string, run func(*tx) error) func(*tx) error {
	return func(t *tx) error {
		before := t.Unplanned()
		err := run(t)
		if _, far := t.Fetcher(); far && t.Unplanned() > before {
			t.core.noteUnplanned(ctx, operation)
		}
		return err
	}
}

// noteUnplanned counts an operation that had to ask a store on another machine for
// something that its plan lacks.
func (c *core) noteUnplanned(ctx context.Context, operation string) {
	c.stats.unplanned.Add(1)
	c.log.DebugContext(ctx, "pbx: an operation read more than it had planned", "operation", operation)
}

// onlyPrefetched is the Reader of an operation that may use only what was prefetched.
type onlyPrefetched struct{}

var errUnplanned = errors.New("pbx: a read that was not planned")

func (onlyPrefetched) Get(context.Context, ...store.Key) ([]store.Record, error) {
	return nil, errUnplanned
}

func (onlyPrefetched) Find(context.Context, store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) { yield(nil, errUnplanned) }
}

// newPrefetch begins a plan's reads.
func (t *tx) newPrefetch() *prefetch {
	return &prefetch{tenant: t.tenantID, now: t.now, facts: &t.core.facts}
}

// facts are what was learned of tenants and locations, so that plans can say more.
// They decide nothing either: one that is out of date costs a trip.
type facts struct {
	tenants  memo[TenantID, fixed]
	prefixes memo[LocationID, string] // the prefix of the numbers near a location
}

// fixed is what changes about a tenant seldom or never.
type fixed struct{ country, domain, criteria string }

// fixed returns what is known of the plan's tenant; empty where nothing is.
func (p *prefetch) fixed() fixed { return p.facts.tenants.recall(p.tenant) }

// memo remembers facts. When it is full it forgets them all.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	known map[K]V
}

const maxMemo = 10_000 // facts

func (m *memo[K, V]) learn(k K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= maxMemo {
		m.known = make(map[K]V)
	}
	m.known[k] = v
}

// recall returns a fact, or the zero value.
func (m *memo[K, V]) recall(k K) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[k]
}
