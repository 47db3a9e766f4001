// Package sqlite keeps records in an SQLite database: one file, no server, no
// C compiler. It is the store to embed.
//
// One connection writes, one transaction at a time; any number read, each view
// on its own snapshot, and neither waits for the other (write-ahead log). The
// schema repeats the rules' invariants as constraints, and is made to be read:
// Migrations returns it.
//
// Open makes a Store of a file. FromTx makes a Guest of a transaction that the
// embedding program has begun on such a file: it changes its own tables and the
// library's in one commit, with any driver of database/sql for SQLite.
package sqlite

import (
	"context"
	"errors"
	"sync"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// Store is a store.Store in an SQLite database. Its methods can be called from
// any number of goroutines.
//
// Several processes may open the same file on the same machine. Their updates
// exclude one another; one that has waited five seconds for another process
// gives an error that wraps store.ErrRetry.
//
// After a write to the disk has failed in a way that leaves open what the disk
// holds, the store writes no more: an update whose COMMIT it was gives an error of
// kind store.ErrCommitUnknown, and every later one gives one of kind
// store.ErrStorage, both of which wrap store.ErrReopen. Views go on. Close the store,
// open it again, and look then whether what was unknown is there. A disk that is
// full fails the updates that it has no room for, and no others.
//
// An update is refused with an error of kind store.ErrStorage while the database's
// file or its log has been removed, or another file is in its place. A file that is
// overwritten in place is not noticed.
type Store struct {
	gate    *gate.Gate
	open    func() (*conn, error) // another connection for the turn
	turn    turn
	readers pool

	// Of whoever has the turn:
	files  *files
	failed error // why nothing is written any more
	pages  int   // written to the log since it was brought into the database
	limit  int   // of pages
}

var _ store.Store = (*Store)(nil)

// View runs fn on one snapshot, as store.Store says. The snapshot is the state
// last committed when fn reads for the first time. While a view runs, the log
// cannot restart and grows: keep views short.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &reader{pool: &s.readers, mu: new(sync.Mutex)}
	defer r.end()
	return fn(r)
}

// Update runs fn once and commits when fn returns nil, as store.Store says.
// SQLite has one writer, so the tenant's row is locked together with
// everything else.
func (s *Store) Update(ctx context.Context, _ [16]byte, fn func(store.Writer) error) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	c, err := s.turn.take(ctx)
	if err != nil {
		return err
	}
	w := &writer{reader: reader{pool: &s.readers, mu: new(sync.Mutex)}, tx: c}
	defer func() { s.turn <- s.after(w) }() // also when fn panics
	if err := s.ready(w); err != nil {
		return err
	}
	if err := fn(w); err != nil {
		return err
	}
	if err := w.commit(ctx); err != nil || !w.committed {
		return err
	}
	if err := s.files.check(); err != nil { // it was committed to a file that is not there any more
		return sqlstore.Unknown(err)
	}
	return nil
}

// ready begins the transaction, on another connection where there is none.
func (s *Store) ready(w *writer) (err error) {
	if s.failed != nil {
		w.over = true
		return s.failed
	}
	if w.tx == nil {
		if w.tx, err = s.open(); err != nil {
			w.over = true
			return err
		}
	}
	if err := w.begin(); err != nil {
		return err
	}
	return s.files.check()
}

// after ends an update, and returns the connection for the next one: none where it
// cannot be used again. After a failure of the disk it is kept all the same. While
// it is open nobody reads the log anew, and so takes for committed what is
// complete in the system's cache.
func (s *Store) after(w *writer) *conn {
	sound := w.end()
	switch {
	case w.tx == nil:
		return nil
	case w.lost != nil:
		_ = w.tx.run("ROLLBACK") // mostly there is none any more
		s.failed = failed(w.lost)
	case !sound:
		_ = w.tx.close()
		return nil
	case w.committed:
		s.keepShort(w.tx)
	}
	return w.tx
}

// Close waits for what runs and closes the file. An error says that what the log
// holds could not be brought into the database. It is in the log still.
func (s *Store) Close() error {
	if err := s.gate.Close(); err != nil {
		return err
	}
	// The connection that writes comes last: it brings what is in the log into
	// the database and removes the log.
	err := s.readers.close()
	if c := <-s.turn; c != nil {
		err = errors.Join(err, s.settle(c), c.close())
	}
	if err != nil {
		return failure("be closed", err)
	}
	return nil
}
