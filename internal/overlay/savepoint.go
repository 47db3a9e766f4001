package overlay

import "slices"

// Savepoint returns a mark to which RollBack can return. Savepoints nest.
func (o *Overlay) Savepoint() int {
	if o.undo == nil {
		o.undo = []func(){}
	}
	return len(o.undo)
}

// RollBack undoes what was staged since a savepoint, last first. What was read
// since then stays known.
func (o *Overlay) RollBack(mark int) {
	for _, f := range slices.Backward(o.undo[mark:]) {
		f()
	}
	o.undo = o.undo[:mark]
}

// OnRollBack has f called when RollBack undoes what happens now. Before the first
// savepoint nothing can be undone, and f is dropped.
func (o *Overlay) OnRollBack(f func()) {
	if o.undo != nil {
		o.undo = append(o.undo, f)
	}
}
