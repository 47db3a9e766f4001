// Package overlay lays staged changes over the committed records of a store, and
// keeps what was read ahead of them. It knows no domain.
package overlay

import (
	"context"
	"iter"
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

// fail keeps an error of the store: a batch that goes on after it must not
// commit half of what it meant to do.
func (o *Overlay) fail(err error) error {
	err = o.told(err)
	if o.failed == nil {
		o.failed = err
	}
	return err
}
