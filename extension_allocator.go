package pbx

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Allocator chooses an extension from first to last, which have the same
// number of digits. free reports whether one passes every rule. It returns ""
// when there is none (EXT-5).
type Allocator func(ctx context.Context, first, last Extension, free func(Extension) (bool, error)) (Extension, error)

// nextExtension chooses an extension by itself, for something at some locations
// (EXT-5): the lowest free one of the policy's range, or what the replaced
// allocator says, if that passes every rule.
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

// allocate asks the allocator. What a replaced one says has to pass the rules
// like any other extension.
func (t *tx) allocate(ctx context.Context, at []*Location) (Extension, error) {
	if t.core.allocate == nil {
		return t.lowestFree(ctx, at)
	}
	p := &t.tenant.Policy
	chosen, err := t.core.allocate(ctx, p.ExtensionFirst, p.ExtensionLast, func(e Extension) (bool, error) {
		if t.validateExtension("", e, at...) != nil {
			return false, nil
		}
		taken, err := one[*DialEntry](ctx, t, extensionsTable.Key(), t.tenantID, string(e))
		return taken == nil, err
	})
	if err != nil || chosen == "" {
		return "", err
	}
	if err := t.validateExtension("Extension", chosen, at...); err != nil {
		return "", err
	}
	return chosen, t.freeExtension(ctx, "Extension", chosen)
}

// lowestFree walks the range upwards from where the last walk ended: the tenant
// keeps that place, so that all walks together pass the range once. What is only
// refused for the sake of a location stays to be passed again.
func (t *tx) lowestFree(ctx context.Context, at []*Location) (Extension, error) {
	candidate, last := t.tenant.firstCandidate(), t.tenant.Policy.ExtensionLast
	keep := true // nothing that was passed is free for anybody
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

// firstCandidate is where a walk begins.
func (t *Tenant) firstCandidate() Extension {
	first := t.Policy.ExtensionFirst
	if next := max(first, t.nextExtension); len(next) == len(first) {
		return next
	}
	return first // the last walk ended behind 99…9
}

// dialled plans to read the extensions at which a walk begins.
func (p *prefetch) dialled(t *Tenant) {
	p.scan(dialledIn(t.ID, t.firstCandidate(), t.Policy.ExtensionLast, 64))
}

// dialledIn selects the first extensions that are dialled, from one to the last
// of a range and the longer ones between.
func dialledIn(tenant TenantID, from, last Extension, limit int) store.Query {
	return store.Query{Index: extensionsTable.Key(), Equal: []any{tenant}, From: string(from), To: string(last + "0"), Limit: limit}
}

// taken yields the extensions that are dialled, as dialledIn, and in the end
// something behind them all. It reads few at first: mostly the search ends
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

func inRange(e, last Extension) bool { return len(e) == len(last) && e <= last }

// following returns the next extension of the same length; behind the last it
// is one digit longer.
func following(e Extension) Extension {
	n, err := strconv.Atoi(string(e))
	if err != nil {
		return e
	}
	return Extension(fmt.Sprintf("%0*d", len(e), n+1))
}
