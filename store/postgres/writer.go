package postgres

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/guard"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// writer is the Writer of an update. What it is given to apply is kept, and
// sent together with the commit; so its reads never see it.
type writer struct {
	reader
	applied  bool
	changes  []store.Change
	rejected error // Apply's
}

// Apply keeps the changes for the commit. Errors of the engine come from
// Update.
func (w *writer) Apply(ctx context.Context, changes []store.Change) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended.Load():
		return store.Misuse("a writer was used after the end of its update")
	case w.applied:
		w.rejected = store.Misuse("a writer applies changes once")
		return w.rejected
	}
	w.applied = true
	if w.rejected = w.broken; w.rejected == nil {
		w.rejected = ctx.Err()
	}
	if w.rejected == nil {
		w.rejected = guard.Changes(changes)
	}
	w.changes = slices.Clone(changes)
	return w.rejected
}

// toCommit returns the changes to be committed. An Apply that failed fails the
// update, whatever the closure made of it.
func (w *writer) toCommit(ctx context.Context) ([]store.Change, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rejected != nil {
		return nil, w.rejected
	}
	return w.changes, ctx.Err()
}

// change adds one change to a trip.
func (t *trip) change(on *statements, ch *store.Change) {
	c := t.c
	if ch.Old == nil {
		c.fields = ch.New.Fields(c.fields[:0])
		for i := range c.fields {
			c.bindField(&c.fields[i])
		}
		t.send(on.of(sqlschema.Insert(ch.New.Table())))
		return
	}
	table := ch.Old.Table()
	c.before = ch.Old.Fields(c.before[:0])
	if ch.New == nil {
		c.bindUnchanged(table)
		t.send(on.of(sqlschema.Delete(table)))
		return
	}
	c.fields = ch.New.Fields(c.fields[:0])
	columns := sqlschema.Changed(c.before, c.fields)
	for i := range c.fields {
		if columns&(1<<i) != 0 {
			c.bindField(&c.fields[i])
		}
	}
	c.bindUnchanged(table)
	t.send(on.of(sqlschema.Update(table, columns)))
}

// bindUnchanged binds the key and the revision of the record in r.before.
func (r *room) bindUnchanged(table *store.Table) {
	for _, i := range table.Key().Columns {
		r.bindField(&r.before[i])
	}
	if table.Revision >= 0 {
		r.bindField(&r.before[table.Revision])
	}
}

// doing says what a change is about.
func doing(ch *store.Change) string {
	switch {
	case ch.Old == nil:
		return "insert into " + ch.New.Table().Name
	case ch.New == nil:
		return "delete from " + ch.Old.Table().Name
	}
	return "update " + ch.Old.Table().Name
}
