package overlay

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store"
)

func TestWhatWasPrefetchedIsNotAskedForAgain(t *testing.T) {
	db := &far{model: model{}}
	for i, code := range []string{"a", "b", "c"} {
		it := item(byte(i+1), code)
		db.model[it.ID] = it
	}
	o := over(db, asItIs)
	require.False(t, o.Prefetched())
	all := store.Query{Index: items.Index("items_by_state"), Equal: []any{home, "new"}}
	require.NoError(t, o.Prefetch(t.Context(), []store.Read{{Query: all}}))
	require.True(t, o.Prefetched())

	found, err := store.Collect(Find[*Item](t.Context(), o, all))
	require.NoError(t, err)
	require.Len(t, found, 3)
	require.NoError(t, o.Load(t.Context(), at(1), at(2))) // known by their primary keys
	require.Equal(t, 1, db.trips)

	_, err = One[*Item](t.Context(), o, items.Index("items_code"), "c") // not known by this index
	require.NoError(t, err)
	require.Equal(t, 2, db.trips)
}

func TestTheRestOfARangeIsReadInOneTrip(t *testing.T) {
	db := &far{model: model{}}
	for i, code := range []string{"a", "b", "c"} {
		it := item(byte(i+1), code)
		db.model[it.ID] = it
	}
	o := over(db, asItIs)
	all := store.Query{Index: items.Index("items_code")}
	start := all
	start.Limit = 1
	require.NoError(t, o.Prefetch(t.Context(), []store.Read{{Query: start}}))
	for range 2 { // the second time all of it is known
		found, err := store.Collect(Find[*Item](t.Context(), o, all))
		require.NoError(t, err)
		require.Len(t, found, 3)
		require.Equal(t, 2, db.trips)
	}
}

func TestTextThatNoStoreTakesIsNotAskedFor(t *testing.T) {
	db := &far{model: model{}}
	o := over(db, asItIs)
	rec, err := o.Get(t.Context(), items.Index("items_code"), "a\x00")
	require.NoError(t, err)
	require.Nil(t, rec)
	found, err := store.Collect(Find[*Item](t.Context(), o, store.Query{Index: items.Index("items_code"), Prefix: "\xff"}))
	require.NoError(t, err)
	require.Empty(t, found)
	require.Zero(t, db.trips)
}

func TestTheFirstErrorOfTheStoreIsKept(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	db := &far{model: model{}, broken: first}
	o := over(db, func(err error) error { return errors.Join(store.ErrStorage, err) })
	require.NoError(t, o.Failed())
	_, err := First[*Item](t.Context(), o, store.Query{Index: items.Key()})
	require.ErrorIs(t, err, store.ErrStorage)
	db.broken = second
	require.ErrorIs(t, o.Load(t.Context(), at(1)), second)
	require.ErrorIs(t, o.Prefetch(t.Context(), []store.Read{{Query: store.Query{Index: items.Key()}}}), second)
	require.ErrorIs(t, o.Failed(), first)
	require.NotErrorIs(t, o.Failed(), second)
}
