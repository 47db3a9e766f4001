// Package overlay lays staged changes over the committed records of a store: what
// a transaction reads is what the store has, with its own changes in their places.
// It also keeps the records and ranges that were prefetched, so that they are not
// asked for again. It knows no domain, only the declarations of tables.
package overlay

import (
	"context"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/pbxkit/pbx/store"
)

// Overlay is what a transaction reads and writes through. Nothing reaches the
// store before its Changes are applied. It is used by one goroutine at a time.
type Overlay struct {
	reader  store.Reader
	convert func(error) error // a store's error as the domain returns it

	known   map[string]knownRecord        // by key; see encode
	staged  map[*store.Table]int          // how many records of the table are staged
	indexes map[*store.Index]*stagedIndex // built when they are needed
	ranges  map[*store.Index]cachedRanges // what was prefetched
	changes []store.Change                // what was staged, in order
	undo    []func()                      // kept from the first savepoint on
	failed  error                         // the store's first error

	unplanned int // see Unplanned

	buf           []byte        // used again for each key
	fields, other []store.Field // used again for each record
}

// Over returns an overlay over what a Reader reads. The store's errors are
// returned as convert makes them.
func Over(r store.Reader, convert func(error) error) Overlay {
	return Overlay{reader: r, convert: convert}
}

// Failed returns the first error of the store, or of Fail. A transaction that met one
// must not commit: it would commit half of what it meant to do.
func (o *Overlay) Failed() error { return o.failed }

// Fail makes the transaction one that must not commit.
func (o *Overlay) Fail(err error) {
	if o.failed == nil {
		o.failed = err
	}
}

// fail keeps and returns an error of the store.
func (o *Overlay) fail(err error) error {
	err = o.convert(err)
	o.Fail(err)
	return err
}

// Changes returns what was staged, in order.
func (o *Overlay) Changes() []store.Change { return o.changes }

// knownRecord is what is known of a key.
type knownRecord struct {
	rec    store.Record // nil: there is none
	change int          // the number of its latest change in Overlay.changes, from 1; 0: as the store has it
}

func (k knownRecord) staged() bool { return k.change > 0 }

// Known returns the record at a key as far as it is known without asking the
// store. Nil means that nothing is known, or that there is no record.
func (o *Overlay) Known(k store.Key) store.Record { return o.known[string(o.encode(k))].rec }

// Load reads the keys in one trip, so that reading them afterwards makes none.
func (o *Overlay) Load(ctx context.Context, keys ...store.Key) error {
	_, err := o.load(ctx, keys...)
	return err
}

// load is Load, and reports whether the store was asked.
func (o *Overlay) load(ctx context.Context, keys ...store.Key) (asked bool, err error) {
	wanted := keys[:0:0]
	for _, k := range keys {
		switch _, known := o.known[string(o.encode(k))]; {
		case known || o.learnFromRanges(k):
		case !Storable(k.Values...):
			o.learn(k, nil)
		default:
			wanted = append(wanted, k)
		}
	}
	if len(wanted) == 0 {
		return false, nil
	}
	recs, err := o.reader.Get(ctx, wanted...)
	if err != nil {
		return true, o.fail(err)
	}
	for i, k := range wanted {
		o.learn(k, recs[i])
	}
	return true, nil
}

// Committed returns the record at a key as the store has it, or nil. It is not kept:
// for what a transaction reads once.
func (o *Overlay) Committed(ctx context.Context, k store.Key) (store.Record, error) {
	recs, err := o.reader.Get(ctx, k)
	if err != nil {
		return nil, o.fail(err)
	}
	return recs[0], nil
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

// encode returns a key's bytes, until the next call.
func (o *Overlay) encode(k store.Key) []byte {
	o.buf = k.Index.AppendValues(o.buf[:0], k.Values...)
	return o.buf
}

// primary returns the bytes of a record's primary key.
func (o *Overlay) primary(rec store.Record) string {
	o.fields = rec.Fields(o.fields[:0])
	o.buf, _ = rec.Table().Key().AppendFields(o.buf[:0], o.fields)
	return string(o.buf)
}

// learn keeps what was read at a key, and the record under its primary key too.
func (o *Overlay) learn(k store.Key, rec store.Record) {
	if o.known == nil {
		o.known = make(map[string]knownRecord, 16)
	}
	o.known[string(o.encode(k))] = knownRecord{rec: rec}
	if rec != nil && k.Index != k.Index.Table.Key() {
		o.learnRecord(rec)
	}
}

// learnRecord keeps a record under its primary key, unless that is known.
func (o *Overlay) learnRecord(rec store.Record) {
	if o.known == nil {
		o.known = make(map[string]knownRecord, 16)
	}
	pk := o.primary(rec)
	if _, known := o.known[pk]; !known {
		o.known[pk] = knownRecord{rec: rec}
	}
}

// Get returns the record with these values in a unique index, staged changes
// included, or nil.
func (o *Overlay) Get(ctx context.Context, ix *store.Index, values ...any) (store.Record, error) {
	k := ix.At(values...)
	isPrimary := ix == ix.Table.Key()
	if o.staged[ix.Table] > 0 && !isPrimary {
		if rec := o.stagedIndex(ix).at(string(o.encode(k))); rec != nil {
			return rec, nil
		}
	}
	e, known := o.known[string(o.encode(k))]
	if !known {
		asked, err := o.load(ctx, k)
		if err != nil {
			return nil, err
		}
		if asked {
			o.unplanned++
		}
		e = o.known[string(o.encode(k))]
	}
	if isPrimary || e.rec == nil || o.staged[ix.Table] == 0 {
		return e.rec, nil
	}
	if o.known[o.primary(e.rec)].staged() {
		return nil, nil // staged since, and the staged index has it elsewhere or not at all
	}
	return e.rec, nil
}

// One is Get for a record of type R; a missing one is a nil R.
func One[R store.Record](ctx context.Context, o *Overlay, ix *store.Index, values ...any) (R, error) {
	var none R
	rec, err := o.Get(ctx, ix, values...)
	if rec == nil || err != nil {
		return none, err
	}
	return rec.(R), nil
}

// Find yields the records of a range, staged changes included. What is staged
// inside the loop is not seen by it.
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

// First returns the first record of a range, or a nil R.
func First[R store.Record](ctx context.Context, o *Overlay, q store.Query) (R, error) {
	q.Limit = 1
	var none R
	for r, err := range Find[R](ctx, o, q) {
		return r, err
	}
	return none, nil
}
