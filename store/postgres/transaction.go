package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/queue"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// transaction is one of the store's own. It takes a connection, and begins,
// with the first question.
type transaction struct {
	on      *statements
	lines   *lines
	queues  *queue.Queues
	opening opening

	c      *conn // nil until then
	queued bool
	over   bool // committed
}

// ask asks within the transaction. Where its first trip finds that the connection
// is dead, or has other prepared statements than expected, it begins once more:
// nothing has been read or written yet.
func (t *transaction) ask(ctx context.Context, questions []question) ([][]store.Record, error) {
	if t.c != nil {
		answers, _, err := t.c.exchange(ctx, exchange{questions: questions})
		return answers, err
	}
	if err := t.enter(ctx); err != nil {
		return nil, err
	}
	answers, err := t.begin(ctx, questions)
	switch {
	case isBroken(err):
		t.lines.renew()
	case misled(err):
		t.c.rollback()
		t.release()
	default:
		return answers, err
	}
	return t.begin(ctx, questions)
}

// enter waits for the tenant's turn in this process, without holding a connection:
// views need them meanwhile.
func (t *transaction) enter(ctx context.Context) error {
	if t.opening.tenant == nil || t.queued {
		return nil
	}
	if err := t.queues.Enter(ctx, *t.opening.tenant); err != nil {
		return err
	}
	t.queued = true
	return nil
}

func (t *transaction) begin(ctx context.Context, questions []question) ([][]store.Record, error) {
	c, err := t.lines.get(ctx)
	if err != nil {
		return nil, err
	}
	t.c = c
	answers, err := c.open(ctx, t.opening, t.on, questions)
	if c.closed() {
		t.release()
	}
	return answers, err
}

func (t *transaction) release() {
	t.c.release()
	t.c = nil
}

// commitTime is how long the answer to a COMMIT is waited for. It grows with the
// number of changes.
func commitTime(changes int) time.Duration {
	return 10*time.Second + time.Duration(changes)*5*time.Millisecond
}

// commit sends the changes and COMMIT together. Where nothing was read before,
// the tenant is locked first. The context can end that wait; once COMMIT is on its
// way it is ignored.
func (t *transaction) commit(ctx context.Context, changes []store.Change) error {
	if t.c == nil {
		if _, err := t.ask(ctx, nil); err != nil {
			return t.failed("begin to write", err)
		}
	}
	if t.c.closed() {
		return retry("begin to write", &broken{errors.New("closed")})
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime(len(changes)))
	defer cancel()
	trip := t.c.start(last)
	for i := range changes {
		trip.change(t.on, &changes[i])
	}
	trip.send(commit)
	err := trip.committed(changes)
	trip.end()
	t.over = err == nil
	return err
}

// committed reads the answers to the changes and to COMMIT. After an error that the
// server sent for a change it skipped COMMIT, so nothing was committed. After any
// other error the outcome is not known; nor is it where a pooler between here and
// the server reports that it has lost the server.
func (t *trip) committed(changes []store.Change) error {
	if err := t.flush(); err != nil {
		return sqlstore.Unknown(err)
	}
	for i := range changes {
		switch _, _, err := t.done(); {
		case err == nil:
		case codeOf(err) == "", class(codeOf(err)) == "08":
			return sqlstore.Unknown(err)
		default:
			return refusal(sqlschema.Doing(&changes[i]), err)
		}
	}
	_, tag, err := t.done()
	switch {
	case err != nil && notCommitted(err):
		return refusal("commit", err)
	case err != nil:
		return sqlstore.Unknown(err)
	case tag.String() != "COMMIT":
		return failure("commit", errors.New("postgres: COMMIT was answered by "+tag.String()))
	}
	return nil
}

// failed says what an error before the changes were sent means: where the
// connection broke nothing was committed, and the update can run again.
func (t *transaction) failed(doing string, err error) error {
	if _, ok := errors.AsType[*store.Error](err); ok || isContextError(err) {
		return err
	}
	if t.opening.tenant == nil {
		return failure(doing, err)
	}
	if isBroken(err) {
		return retry(doing, err)
	}
	return refusal(doing, err)
}

// rollbackTime is how long a ROLLBACK may take before the connection is given
// up, which rolls back too.
const rollbackTime = 5 * time.Second

// end rolls back what was not committed, and gives the connection back.
func (t *transaction) end() {
	if t.c != nil {
		if !t.over && !t.c.closed() {
			t.c.rollback()
		}
		t.release()
	}
	if t.queued {
		t.queues.Leave(*t.opening.tenant)
	}
}

// rollback rolls back. A connection on which that fails is not idle, and is not
// kept.
func (c *conn) rollback() {
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTime)
	defer cancel()
	for range 2 { // once more where the statement was not there
		t := c.start(ctx)
		t.send(rollback)
		if t.flush() == nil {
			_, _, _ = t.done()
		}
		t.end()
		if !misled(t.err) {
			return
		}
	}
}
