package testbed

import (
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"github.com/pbxkit/pbx/store"
)

// LongVariable is set to 1 for tests that do everything they can, as .ci/run
// does. Without it they do a share: each rule over fewer stores, fewer faults,
// fewer random walks. What they do then is always the same.
const LongVariable = "PBX_TEST_LONG"

// Long reports whether tests do everything they can.
func Long() bool { return os.Getenv(LongVariable) == "1" }

// Size is how much of something is done: a share, or in a long run all.
func Size(share, all int) int {
	if Long() {
		return all
	}
	return share
}

// Sampled reports whether the n-th of many is tried: in a long run each is, else
// one in so many.
func Sampled(n, of int) bool { return Long() || n%of == 0 }

// shares are of how many tests one runs over a store where nobody chose the
// stores and the run is not a long one.
var shares = map[string]uint32{"sqlite": 6, "postgres": 24}

// shortShares are those of -short.
var shortShares = map[string]uint32{"read ahead": 4}

// StoresOf are the stores that a test runs over: in a long run, and where
// Variable names stores, all of Stores. Otherwise memory and the stores whose
// share the test's name falls into.
func StoresOf(t testing.TB) map[string]func(testing.TB) store.Store {
	if Long() || os.Getenv(Variable) != "" {
		return Stores
	}
	of := shares
	if testing.Short() {
		of = shortShares
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	list := map[string]func(testing.TB) store.Store{}
	for store, open := range Stores {
		if share := of[store]; share == 0 || h.Sum32()%share == 0 {
			list[store] = open
		}
	}
	return list
}

// NotShort skips a test that takes long where -short asks for those that do not.
func NotShort(t testing.TB) {
	t.Helper()
	if testing.Short() && !Long() {
		t.Skip("it takes longer than -short has")
	}
}

// SampleOfOperations is of how many operations a run that is not long tries one
// against faults, cuts and hosts.
const SampleOfOperations = 16
