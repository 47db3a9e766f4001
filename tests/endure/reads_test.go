package endure_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/memory"
)

// crowd adds many of everything to the US tenant, and to the provider's stock.
func crowd(w *testbed.World, n int) {
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	ok(testbed.Second(w.Support.StockNumbers(w.Ctx, testbed.Numbers("+1617556%04d", n)...)))
	ok(testbed.Second(w.Support.In(w.US.ID).AddNumbers(w.Ctx, testbed.Numbers("+1617557%04d", n)...)))
	group, err := w.Dir.CreateGroup(w.Ctx, pbx.NewGroup{Name: "Crowd", Kind: pbx.HuntGroup})
	ok(err)
	for i := range n {
		u := w.User("Many", fmt.Sprint("People", i), pbx.Extension(fmt.Sprint(30000+i)))
		ok(testbed.Second(w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: u.ID, Name: fmt.Sprint("People ", i), Extension: pbx.Extension(fmt.Sprint(40000 + i))})))
		ok(w.Dir.AddMember(w.Ctx, group.ID, pbx.UserMember(u.ID)))
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{
			UserID: u.ID, DN: pbx.Extension(fmt.Sprint(50000 + i)), DeviceType: "Polycom VVX 450", Type: "PRO", LocationID: w.Boston.ID,
			Number: pbx.ExistingNumber(pbx.E164(fmt.Sprintf("+1617557%04d", i))),
		})
		ok(err)
		ok(testbed.Second(w.Dir.AddOwner(w.Ctx, string(s.Number)[2:], "owner@example.com")))
		d, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: fmt.Sprintf("001B5500%04X", i), Model: "Polycom VVX 450", LocationID: w.Boston.ID})
		ok(err)
		ok(testbed.Second(w.Dir.AssignDevice(w.Ctx, d.ID, u.ID, 2)))
	}
}

// lists are the methods that return everything that exists, and so read as much,
// page by page.
var lists = strings.Fields("Aliases AssociationChoices ExportUsers Extensions Groups OfferedNumbers Numbers Orders Services Users")

// However many others there are, a method reads the same ranges of indexes, and
// as many records; what it lists, page by page.
func TestEveryMethodReadsAsMuchInALargeTenantAsInASmallOne(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	many := testbed.Size(40, 300)
	small, large := testbed.PrepareOriginal(t, memory.New()), testbed.PrepareOriginal(t, memory.New())
	crowd(large.World, many)
	large.Made += uint64(100 * many) // the IDs that the crowd has
	measure := func(op testbed.Operation, o *testbed.Original) *testbed.ReadCounter {
		store := &testbed.ReadCounter{Store: o.InMemory(t).World.Store}
		r := o.On(t, store)
		if err := testbed.AtOnce(r.Ctx, op, r); op.Method != "CheckPIN" { // whose call has the wrong PIN
			require.NoError(t, err, op.Method)
		}
		return store
	}
	grow := map[string]bool{}
	for _, op := range slices.Concat(testbed.Operations, testbed.Readings) {
		few, all := measure(op, small), measure(op, large)
		t.Logf("%-20s %3d ranges, %3d records", op.Method, few.Ranges, few.Records)
		grow[op.Method] = grow[op.Method] || all.Records > few.Records
		if !slices.Contains(lists, op.Method) {
			require.LessOrEqual(t, all.Ranges, few.Ranges, op.Method)
			require.LessOrEqual(t, all.Records, few.Records, op.Method)
			continue
		}
		require.LessOrEqual(t, all.Ranges, few.Ranges+6*many, op.Method)
		require.LessOrEqual(t, all.Records, few.Records+7*many, op.Method)
	}
	for _, method := range lists {
		require.True(t, grow[method], "%s is no list", method)
	}
}
