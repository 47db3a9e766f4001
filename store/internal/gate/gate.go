// Package gate lets a store be closed once what runs in it has ended.
package gate

import "sync/atomic"

// Gate counts those inside and can be closed for good.
type Gate struct {
	inside atomic.Int64 // plus shut, once it is closed
	empty  chan struct{}
}

const shut = 1 << 62

// New returns an open gate.
func New() *Gate { return &Gate{empty: make(chan struct{}, 1)} }

// Enter reports whether the gate was open; then Leave must follow.
func (g *Gate) Enter() bool {
	if g.inside.Add(1) < shut {
		return true
	}
	g.Leave()
	return false
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

// Close waits until nobody is inside; it reports false when the gate was
// closed before.
func (g *Gate) Close() bool {
	before := g.inside.Or(shut)
	if before >= shut {
		return false
	}
	if before > 0 {
		<-g.empty
	}
	return true
}
