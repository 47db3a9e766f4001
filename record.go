package pbx

import (
	"context"
	"iter"
	"slices"

	"github.com/pbxkit/pbx/internal/overlay"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

func one[R store.Record](ctx context.Context, t *tx, ix *store.Index, values ...any) (R, error) {
	return overlay.One[R](ctx, t.Overlay, ix, values...)
}

func find[R store.Record](ctx context.Context, t *tx, q store.Query) iter.Seq2[R, error] {
	return overlay.Find[R](ctx, t.Overlay, q)
}

func first[R store.Record](ctx context.Context, t *tx, q store.Query) (R, error) {
	return overlay.First[R](ctx, t.Overlay, q)
}

func edit[R store.Record](t *tx, old R, change func(R)) R {
	return overlay.Edit(t.Overlay, old, change)
}

// copyOf returns a copy that its receiver may change.
func copyOf[R store.Record](r R) R {
	c := store.Clone(r)
	if o, ok := any(c).(*Order); ok {
		o.lines = slices.Clone(o.lines)
		for i, l := range o.lines {
			o.lines[i] = store.Clone(l)
		}
	}
	return c
}

// referable is a record that a message can name.
type referable interface {
	comparable
	store.Record
	ref() Ref
}

// refOf is the record's Ref, or none for nil.
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

// stale refuses a change of what has changed since it was read. current is the
// caller's own copy of what there is now.
func stale(current any, subject Ref) error {
	return &StaleError{Current: current, err: &Error{Code: rule.SVC15, Kind: ErrStale, Subject: subject,
		Reason: subject.String() + " was changed since it was read: read it again"}}
}

// checkRevision refuses a change that is based on another revision than that of
// the present record (SVC-15).
func checkRevision[R referable](based, present int64, now R) error {
	if based == present {
		return nil
	}
	return stale(copyOf(now), now.ref())
}

// current refuses a change that is based on another revision than the present
// one (SVC-15).
func current(based, present int64, subject Ref) error {
	if based == present {
		return nil
	}
	return &Error{Code: rule.SVC15, Kind: ErrStale, Subject: subject,
		Reason: subject.String() + " was changed since it was read: read it again"}
}

// basedOn is an operation that checks first that the records are as they were
// seen (SVC-15).
func basedOn(ctx context.Context, seen []store.Record, plan prefetchPlan, run func(*tx) error) (prefetchPlan, func(*tx) error) {
	planned := func(p *prefetch) {
		if plan != nil {
			plan(p)
		}
		for _, r := range seen {
			if key, ok := keyIn(p.tenant, r); ok {
				p.scan(store.Query{Index: key.Index, Equal: key.Values})
			}
		}
	}
	return planned, func(t *tx) error {
		for _, r := range seen {
			if err := t.unchanged(ctx, r); err != nil {
				return err
			}
		}
		return run(t)
	}
}

// keyIn is the key that a record has in a tenant, whatever tenant it names; it
// reports whether the record names what else there is to its key.
func keyIn(tenant TenantID, r store.Record) (key store.Key, ok bool) {
	fields := r.Fields(nil)
	key.Index = r.Table().Key()
	for _, c := range key.Index.Columns {
		v := fields[c].Value()
		if fields[c].Name == "tenant_id" {
			v = tenant
		}
		if v == nil {
			return key, false
		}
		key.Values = append(key.Values, v)
	}
	return key, true
}

// unchanged refuses a record of the tenant that was changed since it was seen, or
// is gone.
func (t *tx) unchanged(ctx context.Context, seen store.Record) error {
	rev, has := store.RevisionOf(seen)
	named, can := seen.(interface{ ref() Ref })
	if !has || !can {
		return misuse("a " + seen.Table().Name + " record has no revision that a change could be based on")
	}
	key, ok := keyIn(t.tenantID, seen)
	var now store.Record
	var err error
	if ok {
		now, err = one[store.Record](ctx, t, key.Index, key.Values...)
	}
	switch {
	case err != nil:
		return err
	case now == nil || !t.owns(now):
		about := named.ref()
		return notFound(about.Kind, about.ID)
	}
	if present, _ := store.RevisionOf(now); present != rev {
		return stale(shown(now), now.(interface{ ref() Ref }).ref())
	}
	return nil
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

// shown is the copy of a record that a caller gets.
func shown(r store.Record) store.Record {
	if m, ok := r.(*Mailbox); ok {
		return m.shown()
	}
	return copyOf(r)
}

// notFound is the answer for a record that is not in the tenant: the same for
// one that is another tenant's as for one that never was (ACC-1).
func notFound(kind, id string) *Error {
	return &Error{Code: rule.ACC1, Kind: ErrNotFound, Subject: Ref{Kind: kind, ID: id}, Reason: "there is no such " + kind}
}
