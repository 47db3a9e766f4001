package testbed

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store/faulty"
)

// Shaky runs a test on a new world on every store, each of which can be told to
// fail; afterwards the checker must find nothing.
func Shaky(t *testing.T, test func(t *testing.T, w *World, store *faulty.Store)) {
	for name, open := range StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			store := faulty.New(open(t), faulty.Plan{})
			w := NewWorld(t, store.Whole())
			test(t, w, store)
			store.Arm(faulty.Plan{})
			report, err := w.Support.Check(w.Ctx)
			require.NoError(t, err)
			require.Empty(t, report.Violations)
		})
	}
}

// Attempt runs something, and reports whether it panicked as a store that fails on
// purpose does. Any other panic goes on.
func Attempt(run func() error) (err error, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != any(faulty.ErrInjected) {
				panic(p)
			}
			panicked = true
		}
	}()
	return run(), false
}
