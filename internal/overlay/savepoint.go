package overlay

import (
	"slices"
)

// Mark begins a part that can be taken back.
func (o *Overlay) Mark() int {
	if o.undo == nil {
		o.undo = []func(){}
	}
	return len(o.undo)
}

func (o *Overlay) KeepUndo(f func()) {
	if o.undo != nil {
		o.undo = append(o.undo, f)
	}
}

// TakeBack undoes what was staged since a mark.
func (o *Overlay) TakeBack(mark int) {
	for _, f := range slices.Backward(o.undo[mark:]) {
		f()
	}
	o.undo = o.undo[:mark]
}
