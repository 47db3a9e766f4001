package testbed

import (
	"context"
	"iter"

	"github.com/pbxkit/pbx/store"
)

// ReadCounter is a store in memory that counts what is asked of it: ranges of
// indexes, of which a key is one too, and the records found in them.
type ReadCounter struct {
	store.Store
	Ranges, Records int
}

func (s *ReadCounter) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.Store.View(ctx, func(r store.Reader) error { return fn(&countingReader{r, s}) })
}

func (s *ReadCounter) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return s.Store.Update(ctx, tenant, func(w store.Writer) error {
		return fn(&countingWriter{countingReader{w, s}, w})
	})
}

type countingReader struct {
	store.Reader
	store *ReadCounter
}

func (r *countingReader) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	found, err := r.Reader.Get(ctx, keys...)
	r.store.Ranges += len(keys)
	for _, rec := range found {
		if rec != nil {
			r.store.Records++
		}
	}
	return found, err
}

func (r *countingReader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	r.store.Ranges++
	return func(yield func(store.Record, error) bool) {
		for rec, err := range r.Reader.Find(ctx, q) {
			r.store.Records++
			if !yield(rec, err) {
				return
			}
		}
	}
}

type countingWriter struct {
	countingReader
	writer store.Writer
}

func (w *countingWriter) Apply(ctx context.Context, changes []store.Change) error {
	return w.writer.Apply(ctx, changes)
}
