package pbx

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Allocator chooses a free extension from first to last, which have the same number
// of digits (EXT-5). free reports whether an extension passes every rule. It returns
// "" when there is none.
type Allocator func(ctx context.Context, first, last Extension, free func(Extension) (bool, error)) (Extension, error)

// nextExtension chooses an extension for use at some locations (EXT-5): the lowest
// free one of the policy's range, or the one that the application's own Allocator
// chooses, if that passes every rule.
func (t *tx) nextExtension(ctx context.Context, at ...*Location) (Extension, error) {
	chosen, err := t.allocate(ctx, at)
	if err != nil {
		return "", err
	}
	if chosen == "" {
		p := &t.tenant.Policy
		return "", &Error{Code: rule.EXT5, Kind: ErrExhausted, Field: "Extension",
			Reason: fmt.Sprintf("no extension from %s to %s is free", p.ExtensionFirst, p.ExtensionLast)}
	}
	t.adviseExtension(chosen)
	return chosen, nil
}

// allocate chooses an extension, or returns "". What the application's own Allocator
// chooses has to pass the rules like any other extension.
func (t *tx) allocate(ctx context.Context, at []*Location) (Extension, error) {
	if t.core.allocate == nil {
		return t.lowestFree(ctx, at)
	}
	p := &t.tenant.Policy
	free := func(e Extension) (bool, error) {
		if t.validateExtension("", e, at...) != nil {
			return false, nil
		}
		taken, err := one[*DialEntry](ctx, t, extensionsTable.Key(), t.tenantID, string(e))
		return taken == nil, err
	}
	var chosen Extension
	err := t.core.functions.run(func() (err error) {
		chosen, err = t.core.allocate(ctx, p.ExtensionFirst, p.ExtensionLast, free)
		return err
	})
	if refusal, is := err.(*Error); is { // its operation will be noted, and it may be one that others have too
		own := *refusal
		err = &own
	}
	if err != nil || chosen == "" {
		return "", err
	}
	if err := t.validateExtension("Extension", chosen, at...); err != nil {
		return "", err
	}
	return chosen, t.freeExtension(ctx, "Extension", chosen)
}

// lowestFree searches the range upwards from where the last search ended. The tenant
// keeps that place, so that all searches together pass the range once. The place
// does not move past an extension that is refused only because of a location.
func (t *tx) lowestFree(ctx context.Context, at []*Location) (Extension, error) {
	candidate, last := t.tenant.firstCandidate(), t.tenant.Policy.ExtensionLast
	keep := true // no extension that was passed is free at any location
	for taken, err := range t.taken(ctx, candidate, last) {
		if err != nil {
			return "", err
		}
		for ; candidate < taken && inRange(candidate, last); candidate = following(candidate) {
			if t.validateExtension("", candidate, at...) == nil {
				if keep {
					t.editTenant(func(row *Tenant) { row.nextExtension = following(candidate) })
				}
				return candidate, nil
			}
			keep = keep && t.validateExtension("", candidate) != nil
		}
		if candidate == taken {
			candidate = following(candidate)
		}
	}
	return "", nil
}

// firstCandidate is where a search begins.
func (t *Tenant) firstCandidate() Extension {
	first := t.Policy.ExtensionFirst
	if next := max(first, t.nextExtension); len(next) == len(first) {
		return next
	}
	return first // the last search ended after 99…9
}

// dialled plans to read the extensions where a search begins.
func (p *prefetch) dialled(t *Tenant) {
	p.scan(dialledIn(t.ID, t.firstCandidate(), t.Policy.ExtensionLast, 64))
}

// dialledIn selects the first extensions in use, from one to the last of a range, and
// the longer ones between.
func dialledIn(tenant TenantID, from, last Extension, limit int) store.Query {
	return store.Query{Index: extensionsTable.Key(), Equal: []any{tenant}, From: string(from), To: string(last + "0"), Limit: limit}
}

// taken yields the extensions in use, as dialledIn selects them, and at the end one
// that comes after all of them. It reads few at first, since the search mostly ends
// there.
func (t *tx) taken(ctx context.Context, from, last Extension) iter.Seq2[Extension, error] {
	return func(yield func(Extension, error) bool) {
		q := dialledIn(t.tenantID, from, last, 4)
		for {
			given := 0
			for e, err := range find[*DialEntry](ctx, t, q) {
				if err != nil {
					yield("", err)
					return
				}
				if given++; !yield(e.Digits, nil) {
					return
				}
				q.After = []any{string(e.Digits)}
			}
			if given < q.Limit {
				yield(last+"0", nil)
				return
			}
			q.Limit = min(4*q.Limit, 256)
		}
	}
}

// inRange reports whether an extension is not after the last of a range.
func inRange(e, last Extension) bool { return len(e) == len(last) && e <= last }

// following returns the next extension of the same length; after 99…9 it is one
// digit longer.
func following(e Extension) Extension {
	n, err := strconv.Atoi(string(e))
	if err != nil {
		return e
	}
	return Extension(fmt.Sprintf("%0*d", len(e), n+1))
}
