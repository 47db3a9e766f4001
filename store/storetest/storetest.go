// Package storetest is the conformance suite of pbx.Store. A store that passes
// it keeps every promise that the library builds on:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) pbx.Store {
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
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/pbxkit/pbx"
)

// Run runs the suite on the stores that open returns: each holds nothing, and
// is closed by the suite.
func Run(t *testing.T, open func(t *testing.T) pbx.Store) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

// RunGuest runs the suite on stores that live in a transaction of a host's,
// each of its own. Where others give ErrRetry such a store gives ErrHostRetry,
// and a view of it is no snapshot of its own: that part of the suite is left
// out.
func RunGuest(t *testing.T, open func(t *testing.T) pbx.Store) {
	for _, c := range cases {
		if !c.snapshots {
			t.Run(c.name, func(t *testing.T) {
				c.run(t, func(t *testing.T) pbx.Store { return asStore(open(t)) })
			})
		}
	}
}

// guest gives ErrRetry where its store gives ErrHostRetry.
type guest struct{ pbx.Store }

func (g guest) Update(ctx context.Context, tenant pbx.TenantID, fn func(pbx.Writer) error) error {
	err := g.Store.Update(ctx, tenant, fn)
	if errors.Is(err, pbx.ErrHostRetry) {
		return errors.Join(pbx.ErrRetry, err)
	}
	return err
}

func asStore(s pbx.Store) pbx.Store {
	if f, ok := s.(pbx.Fetcher); ok {
		return struct {
			guest
			pbx.Fetcher
		}{guest{s}, f}
	}
	return guest{s}
}

// cases are the parts of the suite, the simple ones first.
var cases = []struct {
	name      string
	run       func(t *testing.T, open func(t *testing.T) pbx.Store)
	snapshots bool // it is about views that are snapshots
}{
	{name: "RoundTrip", run: roundTrip},
	{name: "Values", run: values},
	{name: "Get", run: get},
	{name: "Order", run: order},
	{name: "Find", run: find},
	{name: "FindNothing", run: findNothing},
	{name: "Paging", run: paging},
	{name: "Iteration", run: iteration},
	{name: "Fetch", run: fetching},
	{name: "Refused", run: refused},
	{name: "Retry", run: retry},
	{name: "InOrder", run: inOrder},
	{name: "AllOrNothing", run: allOrNothing},
	{name: "Outcome", run: outcome},
	{name: "Context", run: contexts},
	{name: "Snapshot", run: snapshots, snapshots: true},
	{name: "Writers", run: writers},
	{name: "Readers", run: readers, snapshots: true},
	{name: "Misuse", run: misuse},
	{name: "Close", run: closing},
}

// each runs the subtests of a part, each on a store of its own.
func each(t *testing.T, open func(t *testing.T) pbx.Store, tests map[string]func(*fixture)) {
	names := make([]string, 0, len(tests))
	for name := range tests {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) { tests[name](start(t, open)) })
	}
}
