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

// notFound is the answer for a record that is not in the tenant: the same for
// one that is another tenant's as for one that never was (ACC-1).
func notFound(kind, id string) *Error {
	return &Error{Code: rule.ACC1, Kind: ErrNotFound, Subject: Ref{Kind: kind, ID: id}, Reason: "there is no such " + kind}
}
