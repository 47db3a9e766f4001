package testbed

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/pbxkit/pbx/store"
)

// Faraway is a store in memory that behaves as one on a server does: it is told
// what will be read, and counts the trips.
type Faraway struct {
	store.Store
	Trips atomic.Int64
}

func (s *Faraway) Fetch(ctx context.Context, reads ...store.Read) (results [][]store.Record, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		s.Trips.Add(1)
		results, err = store.Fetch(ctx, r, reads...)
		return err
	})
	return results, err
}

func (s *Faraway) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.Store.View(ctx, func(r store.Reader) error {
		defer s.Trips.Add(1) // the end of its transaction
		return fn(&farawayReader{s, r})
	})
}

func (s *Faraway) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return s.Store.Update(ctx, tenant, func(w store.Writer) error {
		defer s.Trips.Add(1) // the changes with the commit, or the rollback
		return fn(&farawayWriter{farawayReader{s, w}, w})
	})
}

type farawayReader struct {
	store *Faraway
	store.Reader
}

func (r *farawayReader) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	r.store.Trips.Add(1)
	return r.Reader.Get(ctx, keys...)
}

func (r *farawayReader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	r.store.Trips.Add(1)
	return r.Reader.Find(ctx, q)
}

func (r *farawayReader) Fetch(ctx context.Context, reads ...store.Read) ([][]store.Record, error) {
	r.store.Trips.Add(1)
	return store.Fetch(ctx, r.Reader, reads...)
}

type farawayWriter struct {
	farawayReader
	writer store.Writer
}

func (w *farawayWriter) Apply(ctx context.Context, changes []store.Change) error {
	return w.writer.Apply(ctx, changes)
}
