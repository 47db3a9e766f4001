// Package endure_test holds what the library does when things go wrong: faults of
// a store, connections that are cut, hosts that roll back, processes that compete
// or are killed; and when much is done, in random walks and in copies of stores.
package endure_test

import (
	"os"
	"testing"

	"github.com/pbxkit/pbx/internal/testbed"
)

func TestMain(m *testing.M) {
	if workShift() || workDesk() {
		return
	}
	os.Exit(testbed.Run(m))
}
