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
	"time"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
	"github.com/pbxkit/pbx/store/internal/queue"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// Store is a store.Store in a PostgreSQL database. Its methods can be called from
// any number of goroutines, and any number of processes may open the same
// database.
type Store struct {
	gate   *gate.Gate
	on     *statements
	lines  *lines
	queues *queue.Queues
	doubts *doubts
	answer time.Duration // see commitTime
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
//
// A COMMIT is waited for, for ten seconds and more where there are many changes, and
// never cancelled: under synchronous replication the server would then give up waiting
// for its standby and keep the change all the same. Where it gave up for another
// reason, which it says in a warning, the error is of kind ErrCommitUnknown. So is that
// of an update after such a one which changes nothing, unless what it has seen is
// found to be as safe as an acknowledged change: see Settle.
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
	switch {
	case err != nil:
		return err
	case len(changes) > 0:
		return t.commit(ctx, changes)
	case s.doubts.has(tenant):
		return t.prove(ctx)
	}
	return nil
}

// Settle waits until no change of the tenant is under way, be it one of the
// library's or of a host's transaction (FromTx), and makes sure that what is there then
// is as safe as a change that was acknowledged. After it a look is proof: whoever got
// ErrCommitUnknown, or no answer to the COMMIT of their own transaction, calls it and
// then reads. Without it a look may find a change that a synchronous standby does not
// have, and that the next failover takes back.
//
// It writes the tenant's row as it is, and commits that. Errors: ErrCommitUnknown where
// the server does not confirm it within the context's time, or ten seconds; the
// context's own; ErrStorage.
func (s *Store) Settle(ctx context.Context, tenant [16]byte) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	last, cancel := context.WithTimeout(ctx, commitTime(s.answer, 0))
	defer cancel()
	for {
		err := s.settle(last, tenant)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if sqlstore.Pause(last, retryPause) != nil {
			return sqlstore.Unknown(err)
		}
	}
}

// settle locks the tenant, and commits a write that changes nothing.
func (s *Store) settle(ctx context.Context, tenant [16]byte) error {
	t := s.transaction(opening{begin: beginUpdate, tenant: &tenant})
	defer t.end()
	return t.prove(ctx)
}

func (s *Store) transaction(o opening) *transaction {
	return &transaction{on: s.on, lines: s.lines, queues: s.queues, doubts: s.doubts, answer: s.answer, opening: o}
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
