// Package gate lets a store be closed once what runs in it has ended.
package gate

import (
	"sync/atomic"

	"github.com/pbxkit/pbx/store"
)

// Gate counts those inside and can be closed for good.
type Gate struct {
	inside atomic.Int64 // plus shut, once it is closed
	empty  chan struct{}
}

const shut = 1 << 62

// New returns an open gate.
func New() *Gate { return &Gate{empty: make(chan struct{}, 1)} }

// Enter returns nil while the gate is open; then Leave must follow. Errors:
// ErrMisuse, also for a nil Gate, which a store has that was never opened.
func (g *Gate) Enter() error {
	if g == nil {
		return neverOpened()
	}
	if g.inside.Add(1) < shut {
		return nil
	}
	g.Leave()
	return closed()
}

// Leave follows an Enter that found the gate open.
func (g *Gate) Leave() {
	if g.inside.Add(-1) == shut {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// Close closes the gate, and waits until nobody is inside. Errors: ErrMisuse where
// it was closed before, or never opened.
func (g *Gate) Close() error {
	if g == nil {
		return neverOpened()
	}
	before := g.inside.Or(shut)
	if before >= shut {
		return closed()
	}
	if before > 0 {
		<-g.empty
	}
	return nil
}

func neverOpened() error { return store.Misuse("the store was never opened") }

func closed() error { return store.Misuse("the store is closed") }
