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
)

// Store is a store.Store in an SQLite database. Its methods can be called from
// any number of goroutines.
//
// Several processes may open the same file on the same machine. Their updates
// exclude one another; one that has waited five seconds for another process
// gives an error that wraps store.ErrRetry.
type Store struct {
	gate    *gate.Gate
	open    func() (*conn, error) // another connection for the turn
	turn    turn
	readers pool
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
	if c == nil {
		if c, err = s.open(); err != nil {
			s.turn <- nil
			return failure("be opened for writing", err)
		}
	}
	w := &writer{reader: reader{pool: &s.readers, mu: new(sync.Mutex)}, tx: c}
	defer func() { // also when fn panics
		if !w.end() {
			_ = c.close()
			c = nil
		}
		s.turn <- c
	}()
	if err := w.begin(); err != nil {
		return err
	}
	if err := fn(w); err != nil {
		return err
	}
	return w.commit(ctx)
}

// Close waits for what runs and closes the file.
func (s *Store) Close() error {
	if err := s.gate.Close(); err != nil {
		return err
	}
	// The connection that writes comes last: it brings what is in the log into
	// the database and removes the log.
	err := s.readers.close()
	if c := <-s.turn; c != nil {
		err = errors.Join(err, c.close())
	}
	if err != nil {
		return failure("be closed", err)
	}
	return nil
}
