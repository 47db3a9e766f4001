package pbx_test

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/pbxkit/pbx"
)

// faraway is a store in memory that behaves as one on a server does: it is told
// what will be read, and counts the trips.
type faraway struct {
	pbx.Store
	trips atomic.Int64
}

func (s *faraway) Fetch(ctx context.Context, reads ...pbx.Read) (results [][]pbx.Record, err error) {
	err = s.Store.View(ctx, func(r pbx.Reader) error {
		s.trips.Add(1)
		results, err = pbx.Fetch(ctx, r, reads...)
		return err
	})
	return results, err
}

func (s *faraway) View(ctx context.Context, fn func(pbx.Reader) error) error {
	return s.Store.View(ctx, func(r pbx.Reader) error {
		defer s.trips.Add(1) // the end of its transaction
		return fn(&farawayReader{s, r})
	})
}

func (s *faraway) Update(ctx context.Context, tenant [16]byte, fn func(pbx.Writer) error) error {
	return s.Store.Update(ctx, tenant, func(w pbx.Writer) error {
		defer s.trips.Add(1) // the changes with the commit, or the rollback
		return fn(&farawayWriter{farawayReader{s, w}, w})
	})
}

type farawayReader struct {
	store *faraway
	pbx.Reader
}

func (r *farawayReader) Get(ctx context.Context, keys ...pbx.Key) ([]pbx.Record, error) {
	r.store.trips.Add(1)
	return r.Reader.Get(ctx, keys...)
}

func (r *farawayReader) Find(ctx context.Context, q pbx.Query) iter.Seq2[pbx.Record, error] {
	r.store.trips.Add(1)
	return r.Reader.Find(ctx, q)
}

func (r *farawayReader) Fetch(ctx context.Context, reads ...pbx.Read) ([][]pbx.Record, error) {
	r.store.trips.Add(1)
	return pbx.Fetch(ctx, r.Reader, reads...)
}

type farawayWriter struct {
	farawayReader
	writer pbx.Writer
}

func (w *farawayWriter) Apply(ctx context.Context, changes []pbx.Change) error {
	return w.writer.Apply(ctx, changes)
}
