package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
)

// newcomers is a file of n users who each get an extension of the range, a
// number near Boston and a station.
func newcomers(n int) string {
	file := []string{"first_name,last_name,email,building,number_source,service_type,station,applications"}
	for i := range n {
		file = append(file, fmt.Sprintf("Ann,Lee %d,user%d@example.com,BOS-1,new,PRO,MANY,softphone", i, i))
	}
	return rows(file...)
}

// roomy is a world with stock, licences and extensions for n users.
func roomy(t *testing.T, store store.Store, n int) *world {
	w := newWorld(t, store)
	for from := 0; from < n; from += 1000 {
		_, err := w.Support.StockNumbers(w.Ctx, testbed.Numbers(fmt.Sprintf("+161756%%0%dd", 5), min(n, from+1000))[from:]...)
		require.NoError(t, err)
	}
	_, err := w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "MANY", Name: "Many", Total: int64(n), Applications: []string{"softphone"}})
	require.NoError(t, err)
	w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast = "70000", "89999" })
	return w
}

// An import is looked up 500 rows at a time, in three trips each; one begins it
// and one ends it.
func TestSYS5_AnImportOfAThousandRowsTakesAFewTrips(t *testing.T) {
	testbed.NotShort(t)
	store := &testbed.Faraway{Store: memory.New()}
	w := roomy(t, store, 2000)
	for i := range 600 { // extensions in the way, one after the other and one in two
		w.User("Old", fmt.Sprint(i), pbx.Extension(fmt.Sprint(70100+i+max(0, i-300))))
	}
	trips := func(file string) (int, error) {
		store.Trips.Store(0)
		_, err := w.importing(file)
		return int(store.Trips.Load()), err
	}
	n, err := trips(newcomers(1000))
	require.NoError(t, err)
	t.Logf("a thousand rows took %d trips", n)
	require.LessOrEqual(t, n, 2+2*3)

	shared := []string{"last_name,email,extension,line"}
	for i := range 200 { // beginning with those whose line comes later
		shared = append(shared, fmt.Sprintf("Shares,with%d@example.com,61%03d,shared", i, i))
	}
	for i := range 200 {
		shared = append(shared, fmt.Sprintf("Has,has%d@example.com,61%03d,yes", i, i))
	}
	n, err = trips(rows(shared...))
	require.NoError(t, err)
	require.LessOrEqual(t, n, 2+2*3, "those who share a line are looked up together too")

	var out strings.Builder
	store.Trips.Store(0)
	require.NoError(t, w.Dir.ExportUsers(w.Ctx, &out))
	n = int(store.Trips.Load())
	t.Logf("and to export 2,000 users %d", n)
	require.LessOrEqual(t, n, 2000/128+1)

	n, err = trips(out.String())
	require.Equal(t, 600*3+1000*4+200*3+200*2, len(pbx.RowErrors(err)), "all user IDs, extensions and SIP addresses are taken, and all numbers")
	t.Logf("to refuse the same 2,000 rows again, %d", n)
	require.LessOrEqual(t, n, 2+5*3)
}
