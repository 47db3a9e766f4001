package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// answerTime is how long an answer is waited for that needs no more than usual.
const answerTime = 10 * time.Second

// commitTime is how long the answer to a COMMIT is waited for. It grows with the
// number of changes.
func commitTime(answer time.Duration, changes int) time.Duration {
	return answer + time.Duration(changes)*5*time.Millisecond
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
		return retry(&broken{errors.New("closed")})
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime(t.answer, len(changes)))
	defer cancel()
	trip := t.c.start(last)
	for i := range changes {
		trip.change(t.on, &changes[i])
	}
	return t.last(trip, func() error { return trip.changed(changes) })
}

// prove commits a write that changes nothing: where that is acknowledged everything
// that the update has seen is as safe. A look alone is no proof: the server shows a
// change that its standby does not have, when somebody cancelled the wait for that or
// when it was started again. Any error leaves that unknown.
func (t *transaction) prove(ctx context.Context) error {
	if t.c == nil {
		if _, err := t.ask(ctx, nil); err != nil {
			return t.failed("begin to write", err)
		}
	}
	if t.c.closed() {
		return sqlstore.Unknown(&broken{errors.New("closed")})
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime(t.answer, 0))
	defer cancel()
	trip := t.c.start(ctx)
	t.c.bind(*t.opening.tenant)
	trip.send(t.on.touchTenant)
	err := t.last(trip, func() error {
		_, _, err := trip.done()
		return err
	})
	if err != nil && !errors.Is(err, store.ErrCommitUnknown) {
		return sqlstore.Unknown(err)
	}
	return err
}

// last makes the last trip of an update, which ends with COMMIT; changed reads the
// answers before that. The tenant is in doubt until a COMMIT after the one that got no
// answer is acknowledged: as they lock the same row the server logs one after the
// other, and a standby that has the later one has both.
func (t *transaction) last(trip *trip, changed func() error) error {
	c := t.c
	c.heed.commit()
	trip.send(commit)
	err := trip.flush()
	if err != nil {
		err = sqlstore.Unknown(err)
	} else if err = changed(); err == nil {
		err = trip.committed()
	}
	trip.end()
	if c.closed() {
		c.hangUp()
	} else {
		c.heed.over()
		t.over = c.pg.TxStatus() == 'I'
	}
	switch {
	case err == nil:
		t.doubts.settle(*t.opening.tenant)
	case errors.Is(err, store.ErrCommitUnknown):
		t.doubts.raise(*t.opening.tenant)
	}
	return err
}

// changed reads the answers to the changes. After an error that the server sent for a
// change it skipped COMMIT, so nothing was committed. After any other error the outcome
// is not known; nor is it where a pooler between here and the server reports that it has
// lost the server.
func (t *trip) changed(changes []store.Change) error {
	for i := range changes {
		switch _, _, err := t.done(); {
		case err == nil:
		case codeOf(err) == "", class(codeOf(err)) == "08":
			return sqlstore.Unknown(err)
		default:
			return refusal(sqlschema.Doing(&changes[i]), err)
		}
	}
	return nil
}

// committed reads the answer to COMMIT. One with a warning that the server did not
// wait for its standby is none.
func (t *trip) committed() error {
	_, tag, err := t.done()
	switch {
	case err != nil && notCommitted(err):
		return refusal("commit", err)
	case err != nil:
		return sqlstore.Unknown(err)
	case tag.String() != "COMMIT":
		return failure("commit", errors.New("postgres: COMMIT was answered by "+tag.String()))
	case t.c.heed.warning != nil:
		return sqlstore.Unknown(t.c.heed.warning)
	}
	return nil
}

// doubts are the tenants with a commit of which it is not known whether it is safe.
type doubts struct {
	mu      sync.Mutex
	tenants map[[16]byte]bool
}

func (d *doubts) has(tenant [16]byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tenants[tenant]
}

func (d *doubts) raise(tenant [16]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tenants == nil {
		d.tenants = make(map[[16]byte]bool)
	}
	d.tenants[tenant] = true
}

func (d *doubts) settle(tenant [16]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.tenants, tenant)
}
