package memory

import (
	"context"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/guard"
)

// writer is the Writer of an update.
type writer struct {
	reader
	changes   *changes // after Apply
	failed    error    // Apply's
	committed bool
}

// Apply stages the changes.
func (w *writer) Apply(ctx context.Context, list []store.Change) error {
	if w.ended.Load() {
		return store.Misuse("a writer was used after the end of its update")
	}
	if w.changes != nil || w.failed != nil {
		w.failed = store.Misuse("a writer applies changes once")
	} else {
		w.failed = w.stage(ctx, list)
	}
	return w.failed
}

func (w *writer) stage(ctx context.Context, list []store.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := guard.Changes(list); err != nil {
		return err
	}
	w.changes = newChanges(list)
	return w.state.stage(w.changes)
}

// commit commits what was staged. An Apply that failed fails the update, whatever
// the closure made of its error.
func (w *writer) commit(ctx context.Context) error {
	if w.failed != nil {
		return w.failed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.changes == nil {
		return nil
	}
	err := w.state.commit(w.changes)
	w.committed = err == nil
	return err
}

// end undoes what was not committed.
func (w *writer) end() {
	w.reader.end()
	if w.changes == nil {
		return
	}
	if !w.committed {
		w.state.rollback(w.changes)
	}
	w.changes.free()
}
