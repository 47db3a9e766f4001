package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/queue"
)

// transaction is one of the store's own. It takes a connection, and begins,
// with the first question.
type transaction struct {
	on      *statements
	lines   *lines
	queues  *queue.Queues
	doubts  *doubts
	answer  time.Duration // see commitTime
	opening opening

	c      *conn // nil until then
	queued bool
	over   bool // committed, or rolled back by the server
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
		return retry(err)
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
