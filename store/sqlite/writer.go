package sqlite

import (
	"context"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/guard"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// writer is the Writer of an update. Until Apply it reads through its own
// transaction, which is the only one that can write and so sees the last committed
// state; after Apply it reads through the pool, so that it still sees that state.
type writer struct {
	reader
	tx       *conn
	applied  bool
	broken   bool  // the engine may have rolled back by itself
	rejected error // Apply's
	over     bool  // committed, or rolled back
	lost     error // of the disk: the store must write no more

	committed bool
}

// begin starts the transaction. It locks the file at once: a lock that is asked
// for later in a transaction is refused rather than waited for.
func (w *writer) begin() error {
	if err := w.tx.run("BEGIN IMMEDIATE"); err != nil {
		w.over = true
		w.doubt(err, isBusy(err))
		return w.tx.refusal("begin to write", err)
	}
	w.conn = w.tx
	return nil
}

// Apply makes the changes. After any error the transaction is only good for
// being rolled back: nothing more runs in it.
func (w *writer) Apply(ctx context.Context, changes []store.Change) error {
	return w.applyOnce(func() error {
		if err := guard.Changes(changes); err != nil {
			return err
		}
		return w.apply(ctx, changes)
	})
}

// Amend is Apply for what is stored from before and gets a column that it did not have
// (journal.Amender).
func (w *writer) Amend(ctx context.Context, changes []store.Change) error {
	return w.applyOnce(func() error { return w.apply(ctx, changes) })
}

// applyOnce makes the changes of the update, unless there were some already.
func (w *writer) applyOnce(apply func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended.Load() {
		return store.Misuse("a writer was used after the end of its update")
	}
	if w.applied {
		w.rejected = store.Misuse("a writer applies changes once")
		return w.rejected
	}
	w.applied = true
	if w.failed != nil {
		w.rejected = w.failed
		return w.rejected
	}
	w.conn = nil
	w.rejected = apply()
	return w.rejected
}

func (w *writer) apply(ctx context.Context, changes []store.Change) error {
	sound, err := w.tx.apply(ctx, changes)
	w.doubt(err, sound)
	return err
}

// doubt takes note of an error of the engine, which may have left the connection
// sound.
func (w *writer) doubt(err error, sound bool) {
	w.broken = w.broken || !sound
	if isFlush(err) {
		w.lost = err
	}
}

// apply makes the changes, one after another. It is not sound any more when the
// engine may have rolled back by itself, as it does for no constraint.
func (c *conn) apply(ctx context.Context, changes []store.Change) (sound bool, err error) {
	for i := range changes {
		if err := ctx.Err(); err != nil {
			return true, err
		}
		rows, err := c.change(&changes[i])
		switch {
		case err != nil:
			return isConstraint(err), c.refusal(sqlschema.Doing(&changes[i]), err)
		case rows == 0:
			return true, c.again
		}
	}
	return true, nil
}

// change makes one change, and returns how many rows it found.
func (c *conn) change(ch *store.Change) (rows int64, err error) {
	c.unbind()
	return c.exec(c.changer.Change(c, ch))
}

// commit commits what was applied. An Apply that failed fails the update, whatever
// the closure made of its error. Once it has begun, no context ends it.
func (w *writer) commit(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.rejected != nil:
		return w.rejected
	case ctx.Err() != nil:
		return ctx.Err()
	case !w.applied:
		return nil
	}
	err := w.tx.run("COMMIT")
	switch {
	case err == nil:
		w.over, w.committed = true, true
		return nil
	case isBusy(err):
		return w.tx.refusal("commit", err)
	}
	w.over = true
	w.doubt(err, false)
	if notCommitted(err) {
		return w.tx.refusal("commit", err)
	}
	// What the file shows now is no proof of anything: it may be in the system's
	// cache alone.
	w.lost = err
	return sqlstore.Unknown(failed(err))
}

// end rolls back what was not committed, and reports whether the connection
// can be used again.
func (w *writer) end() bool {
	w.reader.end()
	w.broken = w.broken || w.failed != nil && w.conn == w.tx
	if !w.over && !w.broken {
		w.broken = w.tx.run("ROLLBACK") != nil
	}
	return !w.broken
}
