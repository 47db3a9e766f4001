package faulty

import (
	"context"

	"github.com/pbxkit/pbx/store"
)

// fetchingStore is a Store whose inner one is a Fetcher.
type fetchingStore struct {
	*Store
	inner store.Fetcher
}

// Fetch returns the records of the reads, or fails.
func (s *fetchingStore) Fetch(ctx context.Context, reads ...store.Read) ([][]store.Record, error) {
	return s.fetch(ctx, s.inner, false, reads)
}

// fetch asks a Fetcher, or fails.
func (s *Store) fetch(ctx context.Context, inner store.Fetcher, updating bool, reads []store.Read) ([][]store.Record, error) {
	fault := s.reach(Fetch)
	if err := s.before(fault, Fetch, updating); err != nil {
		return nil, err
	}
	ctx, cancel := s.context(ctx, fault)
	defer cancel()
	results, err := inner.Fetch(ctx, reads...)
	if err == nil && fault == ErrorAfter {
		return nil, injected(Fetch)
	}
	return results, err
}

// fetchingReader is a reader whose inner one is a Fetcher.
type fetchingReader struct {
	*reader
	fetcher store.Fetcher
}

// Fetch returns the records of the reads, or fails.
func (r *fetchingReader) Fetch(ctx context.Context, reads ...store.Read) ([][]store.Record, error) {
	return r.store.fetch(ctx, r.fetcher, false, reads)
}

// reader is the Reader of a view.
func (s *Store) reader(inner store.Reader) store.Reader {
	r := &reader{s, inner, false}
	if f, ok := inner.(store.Fetcher); ok {
		return &fetchingReader{r, f}
	}
	return r
}

// fetchingWriter is a writer whose inner one is a Fetcher.
type fetchingWriter struct {
	*writer
	fetcher store.Fetcher
}

// Fetch returns the records of the reads, or fails.
func (w *fetchingWriter) Fetch(ctx context.Context, reads ...store.Read) ([][]store.Record, error) {
	return w.store.fetch(ctx, w.fetcher, true, reads)
}

// whole is the writer with all that the inner one can do.
func (w *writer) whole() store.Writer {
	if f, ok := w.inner.(store.Fetcher); ok {
		return &fetchingWriter{w, f}
	}
	return w
}
