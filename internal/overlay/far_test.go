package overlay

import (
	"context"
	"errors"
	"iter"

	"github.com/pbxkit/pbx/store"
)

// far is a store where every question is a trip, which can fail.
type far struct {
	model
	trips  int
	broken error
}

func (f *far) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	if f.trips++; f.broken != nil {
		return nil, f.broken
	}
	return f.model.Get(ctx, keys...)
}

func (f *far) Find(context.Context, store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) { yield(nil, errors.New("a far store is asked by Fetch")) }
}

func (f *far) Fetch(ctx context.Context, reads ...store.Read) ([][]store.Record, error) {
	if f.trips++; f.broken != nil {
		return nil, f.broken
	}
	return store.Fetch(ctx, f.model, reads...)
}

func asItIs(err error) error { return err }

func over(r store.Reader, convert func(error) error) *Overlay {
	o := Over(r, convert)
	return &o
}
