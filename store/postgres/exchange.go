package postgres

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/pbxkit/pbx/store"
)

// question is a statement that yields records, and its values.
type question struct {
	statement *statement
	table     *store.Table
	values    []any
	vain      bool // it asks for text that the server cannot hold: there is no such record
}

// check refuses values of another type than the statement has.
func (q *question) check() error {
	for i, v := range q.values {
		if typeOf(v) != q.statement.types[i] {
			return store.Misuse("a value of another type than its column")
		}
		if text, ok := v.(string); ok {
			q.vain = q.vain || !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0
		}
	}
	return nil
}

// opening is what precedes the first questions of a transaction, on the same trip.
type opening struct {
	begin  *statement // nil in a transaction of the host's
	tenant *[16]byte  // whose row is locked; nil in a view
}

// open sends the opening and the first questions. They see everything that was
// committed before the lock was granted: each statement of an update sees what was
// committed when the statement began.
//
// A tenant without a row is locked by the row of the schema's version: of two
// first updates of it one waits, and then sees whether the other made the row.
func (c *conn) open(ctx context.Context, o opening, on *statements, questions []question) ([][]store.Record, error) {
	first := exchange{questions: questions}
	if o.begin != nil {
		first.before = append(first.before, step{statement: o.begin})
	}
	if o.tenant != nil {
		first.before = append(first.before, step{on.lockTenant, o.tenant})
	}
	answers, rows, err := c.exchange(ctx, first)
	if err != nil || o.tenant == nil || rows > 0 {
		return answers, err
	}
	answers, _, err = c.exchange(ctx, exchange{
		before:    []step{{statement: on.lockVersion}, {on.lockTenant, o.tenant}},
		questions: questions,
	})
	return answers, err
}

// exchange is one trip that reads: statements before the questions, the
// questions, and one after them.
type exchange struct {
	before    []step
	questions []question
	after     *statement
}

// step is a statement by a tenant's ID, or by nothing.
type step struct {
	statement *statement
	tenant    *[16]byte
}

// exchange makes the trip. It returns how many rows the last step before the
// questions had.
func (c *conn) exchange(ctx context.Context, e exchange) (answers [][]store.Record, rows int, err error) {
	t := c.start(ctx)
	for _, s := range e.before {
		if s.tenant != nil {
			c.bind(*s.tenant)
		}
		t.send(s.statement)
	}
	for i := range e.questions {
		if q := &e.questions[i]; !q.vain {
			c.bind(q.values...)
			t.send(q.statement)
		}
	}
	if e.after != nil {
		t.send(e.after)
	}
	answers, rows, err = t.answers(e)
	t.end()
	return answers, rows, c.seen(ctx, err)
}

func (t *trip) answers(e exchange) (answers [][]store.Record, rows int, err error) {
	if err := t.flush(); err != nil {
		return nil, 0, err
	}
	for range e.before {
		if rows, _, err = t.done(); err != nil {
			return nil, 0, err
		}
	}
	answers = make([][]store.Record, len(e.questions))
	for i := range answers {
		if e.questions[i].vain {
			continue
		}
		if answers[i], err = t.records(nil, e.questions[i].table); err != nil {
			return nil, 0, err
		}
	}
	if e.after != nil {
		_, _, err = t.done()
	}
	return answers, rows, err
}
