package pbx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/rule"
)

// The types of events that begin a foreign service. Connect acts on the requests.
const (
	foreignAttached        = "foreign.attached"
	foreignRequested       = "foreign.requested"
	foreignDeleteRequested = "foreign.delete-requested"
)

// Settlement is what another system reported about a foreign service.
type Settlement struct {
	State   ForeignState // ForeignActive, ForeignFailed or ForeignGone
	Outcome string       // its message, up to 256 characters; the tenant's administrators see it
	Link    string       // with ForeignActive: its page there; "" keeps the one recorded before
	// Request is the number of the request that this answers: the foreign service's
	// Requests when it was made. 0 applies to the foreign service as it is now.
	Request int64
}

// settlements are the states from which a foreign service can go to each state.
var settlements = map[ForeignState][]ForeignState{
	ForeignActive: {ForeignRequested},
	ForeignFailed: {ForeignRequested, ForeignDeleting},
	ForeignGone:   {ForeignActive, ForeignFailed, ForeignDeleting, ForeignLeft},
}

// SettleForeign records what another system reported (SVC-18): it provides the
// foreign service now; it refused to create or to delete it; or it no longer has it.
// A foreign service that is gone has no record any more, and is returned as it was.
// [Directory.Connect] settles the requests that it makes; a host that hears from the
// other system in other ways calls SettleForeign itself. Only support can.
//
// Errors: ErrNotFound; ErrInvalid for bad fields, all at once; ErrFailedPrecondition
// if the foreign service cannot go to that state from its present one, and for an
// answer to another request than the last one (SVC-18).
func (d *Directory) SettleForeign(ctx context.Context, id ForeignID, in Settlement) (*ForeignService, error) {
	return change(ctx, d, "SettleForeign", func(p *prefetch) { p.foreign(id) }, func(t *tx) (*ForeignService, error) {
		f, err := t.foreign(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := in.validate(f); err != nil {
			return nil, err
		}
		return copyOf(t.settle(f, in)), nil
	})
}

func (in *Settlement) validate(f *ForeignService) error {
	var check validation
	from, known := settlements[in.State]
	if !known {
		check.refuse(rule.SVC18, "State", "not active, failed or gone")
	}
	check.text(rule.SVC18, "Outcome", in.Outcome, maxOutcome)
	if in.Link != "" {
		check.link(rule.SVC13, "Link", in.Link)
	}
	if err := check.err(); err != nil {
		return err
	}
	if in.Request != 0 && in.Request != f.Requests {
		return &Error{Code: rule.SVC18, Kind: ErrFailedPrecondition, Field: "Request", Subject: f.ref(),
			Reason: fmt.Sprintf("%s was asked for %d times, and that answers request %d", f.ref(), f.Requests, in.Request)}
	}
	if !slices.Contains(from, f.State) {
		return &Error{Code: rule.SVC18, Kind: ErrFailedPrecondition, Subject: f.ref(),
			Reason: fmt.Sprintf("%s is %s and cannot become %s", f.ref(), f.State, in.State)}
	}
	return nil
}

func (t *tx) settle(f *ForeignService, in Settlement) *ForeignService {
	now := copyOf(f)
	now.State, now.Outcome, now.At = in.State, in.Outcome, t.now
	if in.State == ForeignActive && in.Link != "" {
		now.Link = in.Link
	}
	if in.State == ForeignGone {
		t.Remove(f)
	} else {
		t.Update(f, now)
	}
	t.did("foreign."+string(in.State), f.ref(), f.errand())
	return now
}

// RetryForeign asks the other system again for what it refused: to create a foreign
// service on a line, or to delete one whose line was deleted (SVC-10, SVC-18).
//
// Errors: ErrNotFound; ErrFailedPrecondition for one that did not fail (SVC-18),
// and for each user of the line without the email address that it needs (USR-14).
func (d *Directory) RetryForeign(ctx context.Context, id ForeignID) (*ForeignService, error) {
	return change(ctx, d, "RetryForeign", func(p *prefetch) {
		line := p.foreign(id).to(servicesTable.Key(), "service_id")
		line.users()
	}, func(t *tx) (*ForeignService, error) {
		f, err := t.foreign(ctx, id)
		if err != nil {
			return nil, err
		}
		if f.State != ForeignFailed {
			return nil, &Error{Code: rule.SVC18, Kind: ErrFailedPrecondition, Subject: f.ref(),
				Reason: fmt.Sprintf("%s is %s: only what failed is asked for again", f.ref(), f.State)}
		}
		if f.ServiceID.IsZero() {
			return copyOf(t.ask(f, ForeignDeleting, foreignDeleteRequested, Ref{}, func(*ForeignService) {})), nil
		}
		s, err := t.service(ctx, f.ServiceID)
		if err != nil {
			return nil, err
		}
		users, err := t.othersOf(ctx, s.ID, UserID{})
		if err != nil {
			return nil, err
		}
		if err := all(unmet(f, users...)); err != nil {
			return nil, err
		}
		return copyOf(t.ask(f, ForeignRequested, foreignRequested, s.ref(), func(*ForeignService) {})), nil
	})
}

// ask stages a further request to a foreign service's system.
func (t *tx) ask(f *ForeignService, state ForeignState, verb string, line Ref, change func(*ForeignService)) *ForeignService {
	f = edit(t, f, func(f *ForeignService) {
		f.State, f.Outcome, f.At, f.Requests = state, "", t.now, f.Requests+1
		change(f)
	})
	t.relate(verb, f.ref(), line, f.errand())
	return f
}

// DetachForeign deletes the record of a foreign service that is left or failed: one
// that its system refused to create or to delete, or that only an administrator of
// that system can delete (SVC-10). An active one is deleted with its line, or when
// its system reports that it is gone.
//
// Errors: ErrNotFound; ErrFailedPrecondition for one that is neither left nor
// failed (SVC-13).
func (d *Directory) DetachForeign(ctx context.Context, id ForeignID) error {
	return d.change(ctx, "DetachForeign", func(p *prefetch) { p.foreign(id) }, func(t *tx) error {
		f, err := t.foreign(ctx, id)
		if err != nil {
			return err
		}
		if f.State != ForeignLeft && f.State != ForeignFailed {
			return &Error{Code: rule.SVC13, Kind: ErrFailedPrecondition, Subject: f.ref(), Holder: Ref{Kind: "system", ID: f.System, Name: f.System},
				Reason: fmt.Sprintf("%s is %s: it goes with its line, or in %s", f.ref(), f.State, f.whereabouts())}
		}
		t.Remove(f)
		t.did("foreign.detached", f.ref(), f.errand())
		return nil
	})
}

// confirmForeign asks to confirm that a line's foreign services are deleted with
// it, and lists those that can only be deleted in their own systems (SVC-10).
func (t *tx) confirmForeign(s *Service, has []*ForeignService) {
	var going, stay []string
	for _, f := range has {
		switch {
		case !f.there():
		case f.Deletable:
			going = append(going, f.Name+" in "+f.whereabouts())
		default:
			stay = append(stay, f.Name+" in "+f.whereabouts())
		}
	}
	var parts []string
	if len(going) > 0 {
		parts = append(parts, "deleted with it: "+strings.Join(going, ", "))
	}
	if len(stay) > 0 {
		parts = append(parts, "affected, and deleted only there: "+strings.Join(stay, ", "))
	}
	if len(parts) > 0 {
		t.confirm(rule.SVC10, s.ref(), "%s has foreign services; %s", s.ref(), strings.Join(parts, "; "))
	}
}

// orphanForeign stages what becomes of the foreign services of a line that is
// deleted (SVC-10). Their systems are asked to delete those that are deletable. The
// others stay in the tenant's list until an administrator detaches them. Those that
// failed were never created, and are detached.
func (t *tx) orphanForeign(ctx context.Context, s *Service) error {
	has, err := t.foreignOf(ctx, s.ID)
	if err != nil {
		return err
	}
	leave := func(f *ForeignService) { f.ServiceID, f.FormerDN = ServiceID{}, s.DN }
	for _, f := range has {
		switch {
		case f.State == ForeignFailed:
			t.Remove(f)
			t.relate("foreign.detached", f.ref(), s.ref(), f.errand())
		case f.Deletable:
			t.ask(f, ForeignDeleting, foreignDeleteRequested, s.ref(), leave)
		default:
			f = edit(t, f, func(f *ForeignService) {
				f.State, f.Outcome, f.At = ForeignLeft, "", t.now
				leave(f)
			})
			t.relate("foreign.left", f.ref(), s.ref(), f.errand())
		}
	}
	return nil
}

// clearOutcomes deletes the messages of other systems about a line's foreign
// services, as they may name a person who no longer has the line (USR-9, USR-15).
// The states stay.
func (t *tx) clearOutcomes(ctx context.Context, s *Service) error {
	has, err := t.foreignOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, f := range has {
		if f.Outcome != "" {
			edit(t, f, func(f *ForeignService) { f.Outcome = "" })
			t.relate("foreign.outcome-cleared", f.ref(), s.ref(), "")
		}
	}
	return nil
}

// undeletable refuses to delete a line together with its user if the line has a
// foreign service that only its own system can delete (USR-11).
func undeletable(u *User, s *Service, has []*ForeignService) (bad []*Error) {
	for _, f := range has {
		if f.there() && !f.Deletable {
			bad = append(bad, &Error{Code: rule.USR11, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: f.ref(),
				Reason: fmt.Sprintf("%s has %s with %s, which only its own system can delete: %s", u.ref(), s.ref(), f.Name, f.whereabouts())})
		}
	}
	return bad
}
