// Package overlay lays staged changes over the committed records of a store, and
// keeps what was read ahead of them. It knows no domain.
package overlay

import (
	"context"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pbxkit/pbx/store"
)

// Overlay is what a transaction reads and writes through. Nothing reaches the
// store before Changes are applied.
type Overlay struct {
	reader store.Reader
	told   func(error) error // a store's error as the domain gives it

	entries map[string]entry
	dirty   map[*store.Table]int // how many records of the table are staged
	layers  map[*store.Index]*layer
	spans   map[*store.Index]spans // what was read ahead
	changes []store.Change
	undo    []func() // kept only where a part can be taken back
	failed  error    // the store failed: nothing may be committed any more

	buf    []byte
	fields []store.Field // room for a record's
}

// New returns an overlay over what a Reader reads. Errors of the store are passed
// through told.
func New(r store.Reader, told func(error) error) *Overlay { return &Overlay{reader: r, told: told} }

// Failed is the store's first error: a transaction that met one must not commit
// half of what it meant to do.
func (o *Overlay) Failed() error { return o.failed }

// Changes are what was staged, in order.
func (o *Overlay) Changes() []store.Change { return o.changes }

// Known returns what is known of a key without asking the store; nil: nothing, or
// that there is no record.
func (o *Overlay) Known(k store.Key) store.Record { return o.entries[string(o.encode(k))].rec }

// Remembers reports whether reads are remembered, because asking is a trip.
func (o *Overlay) Remembers() bool { return o.spans != nil }

// Far is the Reader as a Fetcher, where each question to it is a trip.
func (o *Overlay) Far() (store.Fetcher, bool) {
	f, far := o.reader.(store.Fetcher)
	return f, far
}

// Ahead answers the reads in one trip where asking is a trip, and remembers what
// they say. It asks nothing where all of it is known, or asking costs nothing.
func (o *Overlay) Ahead(ctx context.Context, reads []store.Read) error {
	f, far := o.Far()
	if !far || o.knowsAll(reads) {
		return nil
	}
	_, err := o.Fetch(ctx, f, reads)
	return err
}

// Fetch answers the reads and remembers what they say.
func (o *Overlay) Fetch(ctx context.Context, f store.Fetcher, reads []store.Read) ([][]store.Record, error) {
	results, err := f.Fetch(ctx, reads...)
	if err != nil {
		return nil, o.fail(err)
	}
	o.learnReads(reads, results)
	return results, nil
}

// Mark begins a part that can be taken back.
func (o *Overlay) Mark() int {
	if o.undo == nil {
		o.undo = []func(){}
	}
	return len(o.undo)
}

// entry is what is known of a key: the record, nil where there is none, and
// the place of its latest change in tx.changes, counted from 1; 0 where it is
// as the store has it.
type entry struct {
	rec    store.Record
	change int
}

func (e entry) staged() bool { return e.change > 0 }

// Load reads the keys in one trip, so that the reads that follow make none.
func (o *Overlay) Load(ctx context.Context, keys ...store.Key) error {
	wanted := keys[:0:0]
	for _, k := range keys {
		switch _, known := o.entries[string(o.encode(k))]; {
		case known || o.learnAhead(k):
		case !Storable(k.Values...):
			o.learn(string(o.encode(k)), nil)
		default:
			wanted = append(wanted, k)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	recs, err := o.reader.Get(ctx, wanted...)
	if err != nil {
		return o.fail(err)
	}
	for i, k := range wanted {
		o.learn(string(o.encode(k)), recs[i])
	}
	return nil
}

// Storable reports whether a record can have the values: no store takes text
// that is not UTF-8 or holds NUL, so no store is asked for it either.
func Storable(values ...any) bool {
	for _, v := range values {
		if s, ok := v.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
			return false
		}
	}
	return true
}

func (o *Overlay) encode(k store.Key) []byte {
	o.buf = k.Index.AppendValues(o.buf[:0], k.Values...)
	return o.buf
}

// learn keeps what was read under a key, and under the primary key too.
func (o *Overlay) learn(at string, rec store.Record) {
	if o.entries == nil {
		o.entries = make(map[string]entry, 16)
	}
	o.entries[at] = entry{rec: rec}
	if rec != nil {
		o.learnRecord(rec)
	}
}

// learnRecord keeps a record under its primary key, unless that is known.
func (o *Overlay) learnRecord(rec store.Record) {
	if o.entries == nil {
		o.entries = make(map[string]entry, 16)
	}
	pk := o.primary(rec)
	if _, known := o.entries[pk]; !known {
		o.entries[pk] = entry{rec: rec}
	}
}

// learnAhead keeps what is known of a key from what was read ahead, if it is.
func (o *Overlay) learnAhead(k store.Key) bool {
	if o.spans == nil {
		return false
	}
	recs, known := o.answer(store.Query{Index: k.Index, Equal: k.Values})
	if !known {
		return false
	}
	var rec store.Record
	if len(recs) > 0 {
		rec = recs[0]
	}
	o.learn(string(o.encode(k)), rec)
	return true
}

func (o *Overlay) primary(rec store.Record) string {
	o.fields = rec.Fields(o.fields[:0])
	o.buf, _ = rec.Table().Key().AppendFields(o.buf[:0], o.fields)
	return string(o.buf)
}

// Get returns the record with these values in a unique index, staged changes
// included, or nil.
func (o *Overlay) Get(ctx context.Context, ix *store.Index, values ...any) (store.Record, error) {
	k := ix.At(values...)
	isPrimary := ix == ix.Table.Key()
	if o.dirty[ix.Table] > 0 && !isPrimary {
		if rec := o.layer(ix).at(string(o.encode(k))); rec != nil {
			return rec, nil
		}
	}
	e, known := o.entries[string(o.encode(k))]
	if !known {
		if err := o.Load(ctx, k); err != nil {
			return nil, err
		}
		e = o.entries[string(o.encode(k))]
	}
	if isPrimary || e.rec == nil || o.dirty[ix.Table] == 0 {
		return e.rec, nil
	}
	if o.entries[o.primary(e.rec)].staged() {
		return nil, nil // it has been staged since, and the layer does not have it here
	}
	return e.rec, nil
}

// One is get for a record of type R; a missing one is a nil R.
func One[R store.Record](ctx context.Context, o *Overlay, ix *store.Index, values ...any) (R, error) {
	var none R
	rec, err := o.Get(ctx, ix, values...)
	if rec == nil || err != nil {
		return none, err
	}
	return rec.(R), nil
}

// Find yields the records of a range, staged changes included.
func Find[R store.Record](ctx context.Context, o *Overlay, q store.Query) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		for rec, err := range o.scan(ctx, q) {
			if err != nil {
				yield(none, o.fail(err))
				return
			}
			if !yield(rec.(R), nil) {
				return
			}
		}
	}
}

// First returns the first of a range, or a nil R.
func First[R store.Record](ctx context.Context, o *Overlay, q store.Query) (R, error) {
	q.Limit = 1
	var none R
	for r, err := range Find[R](ctx, o, q) {
		return r, err
	}
	return none, nil
}

// Insert stages a new record.
func (o *Overlay) Insert(rec store.Record) { o.stage(nil, rec) }

// Update stages a new version of a record that was read here.
func (o *Overlay) Update(old, rec store.Record) { o.stage(old, rec) }

// Remove stages the deletion of a record that was read here.
func (o *Overlay) Remove(old store.Record) { o.stage(old, nil) }

// Edit stages a changed copy of a record that was read here, and returns it.
func Edit[R store.Record](o *Overlay, old R, change func(R)) R {
	rec := store.Clone(old)
	change(rec)
	o.Update(old, rec)
	return rec
}

func (o *Overlay) stage(old, rec store.Record) {
	some := rec
	if some == nil {
		some = old
	}
	pk := o.primary(some)
	before, known := o.entries[pk]
	if before.staged() && before.rec != old {
		panic("pbx: an operation changes a version of a " + some.Table().Name + " record that is not the staged one")
	}
	if !known {
		before = entry{rec: old}
	}
	if rec != nil {
		o.setRevision(rec, old)
	}
	after := entry{rec: rec, change: before.change}
	if before.staged() && old != nil && rec != nil && sameClaims(old, rec) {
		o.changes[after.change-1].New = rec
	} else {
		o.changes = append(o.changes, store.Change{Old: old, New: rec})
		after.change = len(o.changes)
	}
	o.set(pk, before, after)
	o.KeepUndo(func() {
		if after.change == before.change {
			o.changes[after.change-1].New = old
		} else {
			o.changes = o.changes[:after.change-1]
		}
		o.set(pk, after, before)
	})
}

func (o *Overlay) KeepUndo(f func()) {
	if o.undo != nil {
		o.undo = append(o.undo, f)
	}
}

// set puts an entry in the place of another, in the layers too.
func (o *Overlay) set(pk string, from, to entry) {
	if o.entries == nil {
		o.entries = make(map[string]entry, 16)
	}
	o.entries[pk] = to
	some := to.rec
	if some == nil {
		some = from.rec
	}
	table := some.Table()
	if o.dirty == nil {
		o.dirty = make(map[*store.Table]int)
	}
	switch {
	case !from.staged() && to.staged():
		o.dirty[table]++
	case from.staged() && !to.staged():
		o.dirty[table]--
	}
	for _, ix := range table.Indexes {
		if l := o.layers[ix]; l != nil {
			if from.staged() {
				l.drop(from.rec)
			}
			if to.staged() {
				l.add(to.rec)
			}
		}
	}
}

// setRevision gives rec the revision that follows old's.
func (o *Overlay) setRevision(rec, old store.Record) {
	rev := o.revision(rec)
	if rev == nil {
		return
	}
	*rev = 1
	if old != nil {
		*rev = *o.revision(old) + 1
	}
}

// revision points to a record's revision; nil where rows never change.
func (o *Overlay) revision(rec store.Record) *int64 {
	at := rec.Table().Revision
	if at < 0 {
		return nil
	}
	o.fields = rec.Fields(o.fields[:0])
	return o.fields[at].Ptr.(*int64)
}

// sameClaims reports whether two versions of a record differ in nothing that
// another record can depend on: they hold the same texts and IDs, and so the
// same unique values and references. Then the later may take the place of the
// earlier in the list of changes; else it must come behind what was staged in
// between.
func sameClaims(a, b store.Record) bool {
	var roomA, roomB [40]store.Field
	fa, fb := a.Fields(roomA[:0]), b.Fields(roomB[:0])
	for i := range fa {
		if t := fa[i].Type(); (t == store.Text || t == store.UUID) && fa[i].Value() != fb[i].Value() {
			return false
		}
	}
	for _, ix := range a.Table().Indexes {
		if !ix.Unique {
			continue
		}
		for _, c := range ix.Columns {
			if fa[c].Value() != fb[c].Value() {
				return false
			}
		}
	}
	return true
}

// TakeBack undoes what was staged since a mark.
func (o *Overlay) TakeBack(mark int) {
	for _, f := range slices.Backward(o.undo[mark:]) {
		f()
	}
	o.undo = o.undo[:mark]
}

// fail keeps an error of the store: a batch that goes on after it must not
// commit half of what it meant to do.
func (o *Overlay) fail(err error) error {
	err = o.told(err)
	if o.failed == nil {
		o.failed = err
	}
	return err
}
