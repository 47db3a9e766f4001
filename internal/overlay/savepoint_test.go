package overlay

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store"
)

func item(n byte, code string) *Item {
	return &Item{Tenant: home, ID: id{15: n}, Rev: 1, Code: code, State: "new"}
}

func at(n byte) store.Key { return items.Key().At(home, id{15: n}) }

func TestRollingBackRestoresRecordsChangesAndWhatOthersKeep(t *testing.T) {
	committed := item(1, "a")
	o := over(model{committed.ID: committed}, asItIs)
	rec, err := One[*Item](t.Context(), o, items.Key(), home, committed.ID)
	require.NoError(t, err)

	kept := Edit(o, rec, func(it *Item) { it.Code = "b" })
	require.EqualValues(t, 2, kept.Rev)
	var undone []string
	o.OnRollBack(func() { undone = append(undone, "before any savepoint") })

	outer := o.Savepoint()
	o.OnRollBack(func() { undone = append(undone, "outer") })
	Edit(o, kept, func(it *Item) { it.Count = 7 }) // replaces the version in the change
	inner := o.Savepoint()
	o.OnRollBack(func() { undone = append(undone, "inner") })
	o.Remove(o.Known(at(1)))
	o.Insert(item(2, "b"))
	require.Len(t, o.Changes(), 3)

	o.RollBack(inner)
	require.Equal(t, []string{"inner"}, undone)
	require.Len(t, o.Changes(), 1)
	require.EqualValues(t, 7, o.Known(at(1)).(*Item).Count)
	require.Nil(t, o.Known(at(2)))

	o.RollBack(outer)
	require.Equal(t, []string{"inner", "outer"}, undone)
	require.Equal(t, []store.Change{{Old: committed, New: kept}}, o.Changes())
	require.Same(t, kept, o.Known(at(1)))
}

func TestAStaleVersionIsNotStagedOver(t *testing.T) {
	committed := item(1, "a")
	o := over(model{committed.ID: committed}, asItIs)
	Edit(o, committed, func(it *Item) { it.Count = 1 })
	require.PanicsWithValue(t, "pbx: an operation changes a version of a items record that is not the staged one",
		func() { Edit(o, committed, func(it *Item) { it.Count = 2 }) })
}
