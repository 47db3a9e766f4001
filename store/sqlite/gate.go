package sqlite

import "sync"

// gate counts those inside, and can be closed for good.
type gate struct {
	mu     sync.Mutex
	inside int
	empty  chan struct{} // made by close; closed when the last one has left
}

// enter reports whether the gate was open; then leave must follow.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.empty != nil {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
	}
}

// close waits until nobody is inside; it reports false when the gate was
// closed before.
func (g *gate) close() bool {
	g.mu.Lock()
	if g.empty != nil {
		g.mu.Unlock()
		return false
	}
	g.empty = make(chan struct{})
	if g.inside == 0 {
		close(g.empty)
	}
	g.mu.Unlock()
	<-g.empty
	return true
}
