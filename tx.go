package pbx

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/pbxkit/pbx/internal/overlay"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// tx is what every operation reads and writes through: the store's committed
// state, with the changes staged so far laid over it. Nothing reaches the store
// before apply.
type tx struct {
	overlay.Overlay
	core     *core
	tenantID TenantID
	now      time.Time
	ran      time.Time // when the operations ran; a commit as reviewed has a later now
	op       OperationID
	reruns   int // how many runs before this one failed because others got in the way

	mu   sync.Mutex // one operation at a time
	over bool       // the closure has returned

	base   *Tenant         // as read; nil before the provider's first change
	tenant *Tenant         // as staged
	drawn  map[string]E164 // by area: this transaction took all stock up to that number

	outcome
	ids    [][16]byte // drawn so far; a review's commit draws the same again
	replay [][16]byte
}

func (c *core) newTx(tenant TenantID, r store.Reader) *tx {
	now := c.moment()
	return &tx{Overlay: overlay.Over(r, asRefusal), core: c, tenantID: tenant, now: now, ran: now, outcome: outcome{journal: tenant}}
}

// begin reads the tenant's row, which holds its policy, unless it was read already.
// From a far store it reads in the same trip what the plan says.
func (t *tx) begin(ctx context.Context, p prefetchPlan) error {
	if t.tenant != nil {
		return nil
	}
	if f, ok := t.Fetcher(); ok {
		return t.beginPrefetched(ctx, f, p)
	}
	rec, err := t.Committed(ctx, tenantsTable.Key().At(t.tenantID))
	if err != nil {
		return err
	}
	row, _ := rec.(*Tenant)
	return t.enterTenant(row)
}

// enterTenant sets the tenant's row, which is nil where there is none. The
// provider's own is made by its first change.
func (t *tx) enterTenant(row *Tenant) error {
	switch {
	case row != nil:
		t.base, t.tenant = row, row
		return nil
	case t.tenantID == Provider:
		t.tenant = &Tenant{ID: Provider, Name: "provider", nameFolded: "provider", Policy: DefaultPolicy(), CreatedAt: t.now}
		return nil
	}
	return noTenant(t.tenantID)
}

// newID draws an ID. Where a review runs again it returns the one that was reviewed.
// Where none can be drawn the transaction fails: it goes on with a number in its
// place, and is never committed.
func (t *tx) newID() [16]byte {
	var id [16]byte
	var err error
	if n := len(t.ids); n < len(t.replay) {
		id = t.replay[n]
	} else if id, err = t.core.newID(); err != nil {
		t.Fail(err)
		binary.BigEndian.PutUint64(id[8:], uint64(n)+1)
	}
	t.ids = append(t.ids, id)
	return id
}

// editTenant stages a change of the tenant's own row.
func (t *tx) editTenant(change func(*Tenant)) {
	before := t.tenant
	t.tenant = store.Clone(before)
	change(t.tenant)
	t.OnRollBack(func() { t.tenant = before })
}

// defaultBatch is the default of WithBatchLimit.
const defaultBatch = 1_000_000

// runOperation runs one operation of a batch or a review. If it is refused, what it
// staged is rolled back, and the other operations stay.
func (t *tx) runOperation(ctx context.Context, d *Directory, p prefetchPlan, run func(*tx) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.savepoint(func() error {
		asked := len(t.confirmations)
		t.actor, t.confirmed = d.actor, d.confirmed
		if err := t.prefetch(ctx, p); err != nil {
			return err
		}
		if err := run(t); err != nil {
			return err
		}
		if len(t.Changes()) > t.core.batch {
			return &Error{Code: rule.SYS1, Kind: ErrInvalid, Reason: fmt.Sprintf("a batch holds at most %d changes: do the rest in another one", t.core.batch)}
		}
		return t.unconfirmed(asked)
	})
}

// runBatch runs a batch inside a batch or a review. If it fails, all of its
// operations are rolled back.
func (t *tx) runBatch(ctx context.Context, d *Directory, fn func(context.Context, *Directory) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.savepoint(func() error {
		inner, err := d.inTransaction(ctx, t)
		if err != nil {
			return err
		}
		t.mu.Unlock()
		defer t.mu.Lock()
		return fn(ctx, inner)
	})
}

// savepoint runs a part of a batch. If that returns an error or panics, what it
// staged, its outcome and the IDs that it drew are rolled back.
func (t *tx) savepoint(run func() error) error {
	if t.over {
		return misuse("a batch's Directory was used after the batch's end")
	}
	mark, before, drawn := t.Savepoint(), t.outcome, len(t.ids)
	done := false
	defer func() {
		if !done {
			t.RollBack(mark)
			t.outcome, t.ids = before, t.ids[:drawn]
		}
	}()
	err := run()
	done = err == nil
	return err
}

// apply gives the store everything that was staged. It returns the sequence that the
// commit will have in the tenant's journal, or 0 where there is nothing to commit.
func (t *tx) apply(ctx context.Context, w store.Writer) (int64, error) {
	switch {
	case t.Failed() != nil:
		return 0, t.Failed()
	case len(t.events) > 0:
		changes, err := t.seal()
		if err != nil {
			return 0, err
		}
		return changes[0].New.(*Tenant).Rev, w.Apply(ctx, changes)
	case len(t.Changes()) > 0:
		return 0, &Error{Code: rule.SYS3, Kind: ErrStorage, Reason: "an operation changed records without an event"}
	}
	return 0, nil
}

// reveal makes the issued passwords valid once they are committed, except those that
// a later operation of the same commit ended or replaced.
func (t *tx) reveal() {
	for _, issued := range t.passwords {
		at := t.Known(sipIdentitiesTable.Key().At(string(issued.address)))
		state := passwordOvertaken
		if s, _ := at.(*SIPIdentity); s != nil && bytes.Equal(s.sha256, issued.kept) {
			state = passwordValid
		}
		issued.state.Store(state)
	}
}

// seal returns all that a commit has to apply: first the tenant's row with its next
// revision, then the staged changes, then the journal's events, chained (SYS-11).
func (t *tx) seal() ([]store.Change, error) {
	row := store.Clone(t.tenant)
	changes := make([]store.Change, 0, 1+len(t.Changes())+len(t.events))
	if t.base != nil {
		row.Rev = t.base.Rev + 1
		changes = append(changes, store.Change{Old: t.base, New: row})
	} else {
		row.Rev = 1
		changes = append(changes, store.Change{New: row})
	}
	changes = append(changes, t.Changes()...)
	pos := int64(0)
	for _, e := range t.events {
		if e.TenantID == t.tenantID {
			pos++
			e.Seq, e.Pos = row.Rev, pos
		}
		e.Operation, e.At = t.op, t.now
		changes = append(changes, store.Change{New: e})
	}
	return changes, t.chainEvents(row)
}

// misuse is the error of a call that can never work.
func misuse(reason string) error {
	return &Error{Code: rule.SYS1, Kind: ErrMisuse, Reason: reason}
}
