package overlay

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
	"github.com/stretchr/testify/assert"

	"github.com/pbxkit/pbx/store"
)

// model is a table of items as plain as can be: a map, and queries that check
// every record's values. It is the store under the transaction, and what the
// transaction has to look like.
type model map[id]*Item

func (m model) Get(_ context.Context, keys ...store.Key) ([]store.Record, error) {
	out := make([]store.Record, len(keys))
	for i, k := range keys {
		for _, d := range m {
			if values, in := k.Index.Values(d); in && compareAll(values, k.Values) == 0 {
				out[i] = d
			}
		}
	}
	return out, nil
}

func (m model) Find(_ context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for _, d := range m.find(q) {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// find answers a query by checking every record.
func (m model) find(q store.Query) []*Item {
	type row struct {
		values []any
		item   *Item
	}
	var rows []row
	for _, d := range m {
		if values, in := q.Index.Values(d); in && wanted(q, values) {
			rows = append(rows, row{values, d})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return compareAll(a.values, b.values) })
	if q.Desc {
		slices.Reverse(rows)
	}
	var out []*Item
	for _, r := range rows {
		if q.Limit == 0 || len(out) < q.Limit {
			out = append(out, r.item)
		}
	}
	return out
}

func wanted(q store.Query, values []any) bool {
	n := len(q.Equal)
	if compareAll(values[:n], q.Equal) != 0 {
		return false
	}
	if q.Prefix != "" && !strings.HasPrefix(values[n].(string), q.Prefix) ||
		q.From != nil && compare(values[n], q.From) < 0 || q.To != nil && compare(values[n], q.To) >= 0 {
		return false
	}
	if q.After == nil {
		return true
	}
	if q.Desc {
		return compareAll(values[n:], q.After) < 0
	}
	return compareAll(values[n:], q.After) > 0
}

func compareAll(a, b []any) int {
	return slices.CompareFunc(a, b, compare)
}

func compare(a, b any) int {
	switch a := store.ColumnValue(a).(type) {
	case string:
		return strings.Compare(a, b.(string))
	case [16]byte:
		other := store.ColumnValue(b).([16]byte)
		return slices.Compare(a[:], other[:])
	}
	panic(fmt.Sprintf("an item has no indexed %T", a))
}

// takes reports whether no other record has the unique values of d.
func (m model) takes(d *Item) bool {
	for _, other := range m {
		for _, ix := range items.Indexes {
			a, in := ix.Values(d)
			b, otherIn := ix.Values(other)
			if ix.Unique && in && otherIn && other.ID != d.ID && compareAll(a, b) == 0 {
				return false
			}
		}
	}
	return true
}

// run is one run: committed records, a transaction over them, and what the
// two together have to look like.
type run struct {
	choices
	ctx   context.Context
	tx    *Overlay
	far   *far // where the store is one
	want  model
	trace trail
}

// choices make a run out of a list of bytes, which can be shrunk.
type choices struct {
	list  []uint8
	spare uint32 // what comes when the list is used up, and a step has to end
}

// IntN is a choice from 0 to n-1.
func (c *choices) IntN(n int) int {
	if len(c.list) == 0 {
		c.spare = c.spare*1664525 + 1013904223
		return int(c.spare>>16) % n
	}
	next := int(c.list[0])
	c.list = c.list[1:]
	return next % n
}

// wrong is what a run panics with.
type wrong string

func (o *run) equal(want, got any) {
	if !assert.ObjectsAreEqual(want, got) {
		panic(wrong(fmt.Sprintf("want %+v\ngot  %+v\nafter\n%s", want, got, o.trace)))
	}
}

// trail is what was done, to be shown when it went wrong.
type trail []string

func (t trail) String() string { return strings.Join(t, "\n") }

const overlaid = 6 // owners, and half of the items

func (o *run) key() (key id) {
	key[15] = byte(1 + o.IntN(2*overlaid))
	return key
}

func (o *run) owner() (key id) {
	key[14] = byte(o.IntN(overlaid))
	return key
}

func (o *run) item(key id) *Item {
	states := []string{"new", "open", "shut"}
	d := &Item{Tenant: home, ID: key, Rev: 1, Name: "n", State: states[o.IntN(3)],
		Code: fmt.Sprintf("%02x", o.IntN(40)), Owner: o.owner(), Count: int64(o.IntN(3))}
	if o.IntN(2) == 0 {
		d.FirstOf = d.Owner
	}
	return d
}

func (o *run) note(format string, args ...any) {
	o.trace = append(o.trace, fmt.Sprintf(format, args...))
}

// step stages one change that the rules could make, if there is any.
func (o *run) step() {
	key := o.key()
	is := o.want[key]
	next := o.item(key)
	if is != nil && o.IntN(4) == 0 {
		o.note("remove %d", key[15])
		o.tx.Remove(o.read(is))
		delete(o.want, key)
		return
	}
	if is != nil && o.IntN(2) == 0 { // a change that claims nothing new
		count := next.Count
		*next = *is
		next.Count = count
	}
	if !o.want.takes(next) {
		return
	}
	if is == nil {
		o.note("insert %d %+v", key[15], next)
		o.tx.Insert(next)
		o.want[key] = next
		return
	}
	o.note("update %d %+v", key[15], next)
	o.tx.Update(o.read(is), next)
	o.want[key] = next
}

// read gets a record through the transaction, by one of its unique indexes.
func (o *run) read(want *Item) store.Record {
	for {
		ix := items.Indexes[o.IntN(3)]
		values, in := ix.Values(want)
		if !in {
			continue
		}
		got, err := o.tx.Get(o.ctx, ix, values...)
		o.equal(nil, err)
		o.same(want, got)
		return got
	}
}

func (o *run) same(want *Item, got store.Record) {
	if want == nil {
		o.equal(nil, got)
	} else {
		o.equal(want, got)
	}
}

// part stages some changes after a savepoint, and keeps them or rolls them back;
// parts lie within parts.
func (o *run) part(depth int) {
	before, changes := maps.Clone(o.want), slices.Clone(o.tx.changes)
	stands := o.IntN(2) == 0
	o.note("part")
	mark := o.tx.Savepoint()
	for range 1 + o.IntN(6) {
		if depth < 2 && o.IntN(5) == 0 {
			o.part(depth + 1)
			continue
		}
		o.step()
		o.query()
	}
	o.note("part stands: %v", stands)
	if stands {
		return
	}
	o.tx.RollBack(mark)
	o.want = before
	o.equal(true, slices.Equal(changes, o.tx.changes))
}

// query asks something, by get or scan, and compares the answer.
func (o *run) query() {
	ix := items.Indexes[o.IntN(len(items.Indexes))]
	like, in := ix.Values(o.item(o.key()))
	if !in {
		return
	}
	if ix.Unique && o.IntN(2) == 0 {
		want, _ := o.want.Get(o.ctx, ix.At(like...))
		got, err := o.tx.Get(o.ctx, ix, like...)
		o.equal(nil, err)
		d, _ := want[0].(*Item)
		o.note("get %s %v", ix.Name, like)
		o.same(d, got)
		return
	}
	o.compare(o.within(ix, like))
}

// prefetch reads a range ahead and, often, the items of the owners in it.
// Prefetching the same again makes no trip.
func (o *run) prefetch() {
	ix := items.Indexes[o.IntN(len(items.Indexes))]
	like, in := ix.Values(o.item(o.key()))
	if !in {
		return
	}
	reads := []store.Read{{Query: o.within(ix, like)}}
	if from, to := bounds(reads[0].Query); from >= to {
		return
	}
	if o.IntN(2) == 0 {
		reads = append(reads, store.Read{Query: store.Query{Index: items.Index("items_by_owner"), Equal: []any{home}},
			Source: 1, Column: items.Column("owner")})
	}
	o.note("prefetch %+v", reads)
	o.equal(nil, o.tx.Prefetch(o.ctx, reads))
	before := o.far.trips
	o.equal(nil, o.tx.Prefetch(o.ctx, reads))
	o.equal(before, o.far.trips)
}

// within is a range of an index around an item's values.
func (o *run) within(ix *store.Index, like []any) store.Query {
	n := o.IntN(len(like))
	q := store.Query{Index: ix, Equal: like[:n:n], Desc: o.IntN(2) == 0, Limit: o.IntN(4)}
	bound, _ := ix.Values(o.bound(ix))
	switch s, isText := like[n].(string); {
	case o.IntN(3) == 0:
	case isText && o.IntN(2) == 0:
		q.Prefix = s[:1]
	default:
		q.From = like[n]
		if o.IntN(2) == 0 {
			q.To = bound[n]
		}
	}
	if o.IntN(3) == 0 {
		q.After = bound[n:]
	}
	return q
}

// bound is an item that is in the index.
func (o *run) bound(ix *store.Index) *Item {
	for {
		d := o.item(o.key())
		if _, in := ix.Values(d); in {
			return d
		}
	}
}

func (o *run) compare(q store.Query) {
	o.note("scan %s %v prefix %q from %v to %v after %v desc %v limit %d", q.Index.Name, q.Equal, q.Prefix, q.From, q.To, q.After, q.Desc, q.Limit)
	got, err := store.Collect(Find[*Item](o.ctx, o.tx, q))
	o.equal(nil, err)
	o.equal(o.want.find(q), got)
}

// all compares every index, in both directions.
func (o *run) all() {
	for _, ix := range items.Indexes {
		o.compare(store.Query{Index: ix})
		o.compare(store.Query{Index: ix, Desc: true})
	}
}

// replay applies the list of changes one by one, as a store does: each finds
// the revision that it was made on, and no claim is taken before it is released.
func (o *run) replay(onto model) {
	for _, c := range o.tx.changes {
		if c.Old != nil {
			old := c.Old.(*Item)
			o.equal(true, onto[old.ID] != nil && onto[old.ID].Rev == old.Rev)
		}
		if c.New == nil {
			delete(onto, c.Old.(*Item).ID)
			continue
		}
		d := c.New.(*Item)
		if is := onto[d.ID]; c.Old == nil {
			o.equal(true, is == nil)
		} else {
			o.equal(true, d.Rev > is.Rev)
		}
		o.equal(true, onto.takes(d))
		onto[d.ID] = d
	}
	o.equal(o.want, onto)
}

// check runs a transaction with parts that stand, parts that are rolled back, and
// reads in between, over a store that is near or one that is far. It returns what is wrong, or nothing.
func (o *run) check() (report string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case wrong:
			report = string(p)
		default:
			panic(p)
		}
	}()
	for range o.IntN(2 * overlaid) {
		if d := o.item(o.key()); o.want.takes(d) {
			o.want[d.ID] = d
			o.note("committed %+v", d)
		}
	}
	committed := maps.Clone(o.want)
	o.tx = over(committed, asItIs)
	if o.IntN(2) == 0 {
		o.far = &far{model: committed}
		o.tx = over(o.far, asItIs)
	}
	for len(o.list) > 0 {
		switch o.IntN(5) {
		case 0:
			o.part(0)
		case 1:
			o.query()
		case 2:
			if o.far != nil {
				o.prefetch()
			}
		default:
			o.step()
		}
	}
	o.all()
	o.replay(committed)
	return ""
}

func TestSYS1_ReadsInsideABatchSeeWhatItStagedInTheirOrder(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(20260302)
	parameters.MinSuccessfulTests, parameters.MaxSize = 800, 400
	properties := gopter.NewProperties(parameters)
	properties.Property("a transaction is its store with the staged changes", prop.ForAll(func(list []uint8) string {
		o := &run{choices: choices{list: list}, ctx: context.Background(), want: model{}}
		return o.check()
	}, gen.SliceOf(gen.UInt8())))
	properties.TestingRun(t)
}
