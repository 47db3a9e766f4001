// Package postgres keeps records in a PostgreSQL database, for many processes
// on many machines, and in any engine that speaks PostgreSQL's protocol and has
// READ COMMITTED, row locks and unique indexes. It relies on nothing else.
//
// Several reads make one trip to the server, and so do all changes of an update with
// its COMMIT. The tables have a schema of their own, "pbx" unless WithSchema names
// another; Migrations returns it.
package postgres

import (
	"context"
	"errors"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
	"github.com/pbxkit/pbx/store/internal/queue"
)

// Store is a store.Store in a PostgreSQL database. Its methods can be called from
// any number of goroutines, and any number of processes may open the same
// database.
type Store struct {
	gate   *gate.Gate
	on     *statements
	lines  *lines
	queues *queue.Queues
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Fetcher = (*Store)(nil)
)

// View runs fn on one snapshot, as store.Store says. The snapshot is the state
// last committed when fn reads for the first time. While a view runs the server
// cannot remove old versions of rows: keep views short.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	t := s.transaction(opening{begin: beginView})
	defer t.end()
	r := &reader{on: s.on, session: t, failed: t.failed}
	defer r.end()
	return fn(r)
}

// Update runs fn once and commits when fn returns nil, as store.Store says. The
// tenant's row is locked together with the first read of fn, or before the
// changes where it reads nothing. Errors of the changes that are given to Apply
// come from Update, because they are sent with the commit.
func (s *Store) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	t := s.transaction(opening{begin: beginUpdate, tenant: &tenant})
	defer t.end()
	w := &writer{reader: reader{on: s.on, session: t, failed: t.failed}}
	defer w.end() // also when fn panics
	if err := fn(w); err != nil {
		return err
	}
	changes, err := w.toCommit(ctx)
	if err != nil || len(changes) == 0 {
		return err
	}
	return t.commit(ctx, changes)
}

func (s *Store) transaction(o opening) *transaction {
	return &transaction{on: s.on, lines: s.lines, queues: s.queues, opening: o}
}

// Fetch reads one snapshot in one trip, as store.Fetcher says. It reads again
// where the server asks for that, or the connection was lost.
func (s *Store) Fetch(ctx context.Context, reads ...store.Read) ([][]store.Record, error) {
	if err := s.gate.Enter(); err != nil {
		return nil, err
	}
	defer s.gate.Leave()
	questions, err := s.on.questions(reads)
	if err != nil {
		return nil, err
	}
	for i := range questions {
		if err := questions[i].check(); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil || len(questions) == 0 {
		return nil, err
	}
	for tries := 3; ; tries-- {
		answers, err := s.fetch(ctx, questions)
		_, final := errors.AsType[*store.Error](err) // there was no connection
		switch {
		case err == nil:
			return answers, nil
		case tries > 1 && isBroken(err):
			s.lines.renew()
		case final || tries == 1 || !again(err):
			return nil, s.transaction(opening{}).failed("read", err)
		}
	}
}

// fetch makes the trip. One statement sees one state anyway.
func (s *Store) fetch(ctx context.Context, questions []question) ([][]store.Record, error) {
	c, err := s.lines.get(ctx)
	if err != nil {
		return nil, err
	}
	defer c.release()
	e := exchange{questions: questions}
	if len(questions) > 1 {
		e.before, e.after = []step{{statement: beginView}}, commit
	}
	answers, _, err := c.exchange(ctx, e)
	if err != nil && len(questions) > 1 && !c.closed() {
		c.rollback()
	}
	return answers, err
}

// Close waits for what runs, and closes the connections.
func (s *Store) Close() error {
	if err := s.gate.Close(); err != nil {
		return err
	}
	s.lines.pool.Close()
	return nil
}
