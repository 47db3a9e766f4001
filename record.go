package pbx

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/pbxkit/pbx/internal/overlay"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// The reads and the edit of package overlay, for a tx.

func one[R store.Record](ctx context.Context, t *tx, ix *store.Index, values ...any) (R, error) {
	return overlay.One[R](ctx, &t.Overlay, ix, values...)
}

func find[R store.Record](ctx context.Context, t *tx, q store.Query) iter.Seq2[R, error] {
	return overlay.Find[R](ctx, &t.Overlay, q)
}

func first[R store.Record](ctx context.Context, t *tx, q store.Query) (R, error) {
	return overlay.First[R](ctx, &t.Overlay, q)
}

func edit[R store.Record](t *tx, old R, change func(R)) R {
	return overlay.Edit(&t.Overlay, old, change)
}

// copyOf returns a copy that the caller may change.
func copyOf[R store.Record](r R) R {
	switch r := any(r).(type) {
	case *User: // the longest lists are of users, and Clone is half of such a page
		c := *r
		c.Applications = slices.Clone(r.Applications)
		return any(&c).(R)
	case *Order:
		c := store.Clone(r)
		c.lines = slices.Clone(c.lines)
		for i, l := range c.lines {
			c.lines[i] = store.Clone(l)
		}
		return any(c).(R)
	}
	return store.Clone(r)
}

// referable is a kind of record that a message can name.
type referable interface {
	comparable
	store.Record
	ref() Ref
}

// refOf returns a record's Ref, or an empty one for nil.
func refOf[R interface {
	comparable
	ref() Ref
}](r R) Ref {
	var none R
	if r == none {
		return Ref{}
	}
	return r.ref()
}

// stale refuses a change that is based on an old revision (SVC-15). current is what
// there is now: a copy, without anything that the caller may not see.
func stale(current any, subject Ref) error {
	return &StaleError{Current: current, err: &Error{Code: rule.SVC15, Kind: ErrStale, Subject: subject,
		Reason: subject.String() + " was changed since it was read: read it again"}}
}

// checkRevision refuses a change that is based on another revision than the
// present record's (SVC-15).
func checkRevision[R referable](based, present int64, now R) error {
	if based == present {
		return nil
	}
	return stale(copyOf(now), now.ref())
}

// basedOn returns an operation that first checks that the records are as they were
// seen (SVC-15), and the plan that reads them too.
func basedOn(ctx context.Context, seen []store.Record, plan prefetchPlan, run func(*tx) error) (prefetchPlan, func(*tx) error) {
	planned := func(p *prefetch) {
		if plan != nil {
			plan(p)
		}
		p.seen(seen)
	}
	return planned, func(t *tx) error {
		if err := t.unchanged(ctx, seen); err != nil {
			return err
		}
		return run(t)
	}
}

// seen plans to read records as they are now.
func (p *prefetch) seen(records []store.Record) {
	for _, r := range records {
		if _, err := seenRef(r); err != nil {
			continue
		}
		if key, ok := keyIn(p.tenant, r); ok {
			p.scan(store.Query{Index: key.Index, Equal: key.Values})
		}
	}
}

// seenRef returns the Ref of a record that was given to Seen. Errors: ErrMisuse for
// nil, and for a record without a revision.
func seenRef(seen store.Record) (Ref, error) {
	if v := reflect.ValueOf(seen); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return Ref{}, misuse("a nil record was given to Seen")
	}
	named, can := seen.(interface{ ref() Ref }) // each of these has a revision
	if !can {
		return Ref{}, misuse(fmt.Sprintf("a change cannot be based on a %T: it has no revision", seen))
	}
	return named.ref(), nil
}

// keyIn returns the key that a record has in a tenant, whatever tenant it names. It
// reports whether there can be a record with that key.
func keyIn(tenant TenantID, r store.Record) (key store.Key, ok bool) {
	fields := store.FieldsOf(r)
	key.Index = r.Table().Key()
	for _, c := range key.Index.Columns {
		v := fields[c].Value()
		if fields[c].Name == "tenant_id" {
			v = tenant
		}
		if v == nil || !overlay.Storable(v) {
			return key, false
		}
		key.Values = append(key.Values, v)
	}
	return key, true
}

// unchanged refuses records of the tenant that were changed since they were seen, or
// are gone.
func (t *tx) unchanged(ctx context.Context, seen []store.Record) error {
	for _, r := range seen {
		subject, err := seenRef(r)
		if err != nil {
			return err
		}
		now, err := t.presentOf(ctx, r)
		if err != nil {
			return err
		}
		if now == nil {
			return notFound(subject.Kind, subject.ID)
		}
		was, _ := store.RevisionOf(r)
		if present, _ := store.RevisionOf(now); present != was {
			return stale(shown(now), now.(interface{ ref() Ref }).ref())
		}
	}
	return nil
}

// presentOf returns the tenant's record with the key of a record that was seen, or
// nil where the tenant has none.
func (t *tx) presentOf(ctx context.Context, seen store.Record) (store.Record, error) {
	key, ok := keyIn(t.tenantID, seen)
	if !ok {
		return nil, nil
	}
	now, err := one[store.Record](ctx, t, key.Index, key.Values...)
	if err != nil || now == nil || !t.owns(now) {
		return nil, err
	}
	return now, nil
}

// owns reports whether a record is the tenant's.
func (t *tx) owns(r store.Record) bool {
	switch r := r.(type) {
	case *Tenant:
		return r.ID == t.tenantID
	case *Number:
		return r.TenantID == t.tenantID
	}
	return true // its key begins with the tenant
}

// shown returns a copy of a record for a caller, without what they may not see.
func shown(r store.Record) store.Record {
	if m, ok := r.(*Mailbox); ok {
		return m.shown()
	}
	return copyOf(r)
}

// notFound is the refusal for a record that is not in the tenant. It is the same for
// another tenant's record as for one that never existed (ACC-1).
func notFound(kind, id string) *Error {
	return &Error{Code: rule.ACC1, Kind: ErrNotFound, Subject: Ref{Kind: kind, ID: id}, Reason: "there is no such " + kind}
}
