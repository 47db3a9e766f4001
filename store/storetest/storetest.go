// Package storetest is the conformance suite of store.Store. A store that passes
// it keeps every promise that the library builds on:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store {
//			return mystore.New(t.TempDir())
//		})
//	}
//
// Run it with the race detector as well. There are no options and no
// exclusions: a store that cannot do something here is not a store.
//
// The records of the suite respect what a schema may enforce: every foreign
// key finds its row, parents are inserted before their children, and states fit
// the columns that go with them.
package storetest

import (
	"slices"
	"testing"

	"github.com/pbxkit/pbx/store"
)

// Run runs the suite on the stores that open returns: each holds nothing, and
// is closed by the suite.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

// cases are the parts of the suite, the simple ones first.
var cases = []struct {
	name string
	run  func(t *testing.T, open func(t *testing.T) store.Store)
}{
	{"RoundTrip", roundTrip},
	{"Values", values},
	{"Get", get},
	{"Order", order},
	{"Find", find},
	{"FindNothing", findNothing},
	{"Paging", paging},
	{"Iteration", iteration},
	{"Fetch", fetching},
	{"Refused", refused},
	{"Retry", retry},
	{"InOrder", inOrder},
	{"AllOrNothing", allOrNothing},
	{"Outcome", outcome},
	{"Context", contexts},
	{"Snapshot", snapshots},
	{"Writers", writers},
	{"Readers", readers},
	{"Misuse", misuse},
	{"Close", closing},
}

// each runs the subtests of a part, each on a store of its own.
func each(t *testing.T, open func(t *testing.T) store.Store, tests map[string]func(*fixture)) {
	names := make([]string, 0, len(tests))
	for name := range tests {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) { tests[name](start(t, open)) })
	}
}
