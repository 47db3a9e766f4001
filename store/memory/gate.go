package memory

import "sync/atomic"

// gate counts those inside and can be closed for good.
type gate struct {
	inside atomic.Int64 // plus shut, once it is closed
	empty  chan struct{}
}

const shut = 1 << 62

func (g *gate) init() { g.empty = make(chan struct{}, 1) }

// enter reports whether the gate was open; then leave must follow.
func (g *gate) enter() bool {
	if g.inside.Add(1) < shut {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.inside.Add(-1) == shut {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// close waits until nobody is inside; it reports false when the gate was
// closed before.
func (g *gate) close() bool {
	before := g.inside.Or(shut)
	if before >= shut {
		return false
	}
	if before > 0 {
		<-g.empty
	}
	return true
}
