package postgres

import (
	"context"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// writer is the Writer of an update. What it is given to apply is kept, and
// sent together with the commit; so its reads never see it.
type writer struct {
	reader
	changes sqlstore.Changes
}

// Apply keeps the changes for the commit. Errors of the engine come from
// Update.
func (w *writer) Apply(ctx context.Context, changes []store.Change) error {
	return w.keep(ctx, changes, w.changes.Keep)
}

// Amend is Apply for what is stored from before and gets a column that it did not have
// (journal.Amender).
func (w *writer) Amend(ctx context.Context, changes []store.Change) error {
	return w.keep(ctx, changes, w.changes.KeepAmended)
}

func (w *writer) keep(ctx context.Context, changes []store.Change, keep func(context.Context, error, []store.Change) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended.Load() {
		return store.Misuse("a writer was used after the end of its update")
	}
	return keep(ctx, w.broken, changes)
}

// toCommit returns the changes to be committed.
func (w *writer) toCommit(ctx context.Context) ([]store.Change, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changes.ToCommit(ctx)
}

// change adds one change to a trip.
func (t *trip) change(on *statements, ch *store.Change) {
	t.send(on.of(t.c.changer.Change(t.c, ch)))
}
