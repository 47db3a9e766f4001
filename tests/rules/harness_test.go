package rules_test

import (
	"os"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
)

func TestMain(m *testing.M) { os.Exit(testbed.Run(m)) }

// world is the testbed's, with what the tests of the rules add to it.
type world struct{ *testbed.World }

func newWorld(t *testing.T, store store.Store, opts ...pbx.Option) *world {
	t.Helper()
	return &world{testbed.NewWorld(t, store, opts...)}
}

// acting is the world with another Directory in the place of w.Dir.
func (w *world) acting(dir *pbx.Directory) *world { return &world{w.World.Acting(dir)} }

// eachStore runs a test on a new world on every store; afterwards the checker
// must find nothing.
func eachStore(t *testing.T, test func(t *testing.T, w *world)) {
	testbed.EachStore(t, func(t *testing.T, w *testbed.World) { test(t, &world{w}) })
}

// shaky does so on stores that can be told to fail.
func shaky(t *testing.T, test func(t *testing.T, w *world, store *faulty.Store)) {
	testbed.Shaky(t, func(t *testing.T, w *testbed.World, store *faulty.Store) { test(t, &world{w}, store) })
}

func second[R any](r R, err error) error { return testbed.Second(r, err) }
