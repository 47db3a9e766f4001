package pbx

import (
	"context"
	"fmt"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Deletion says what is deleted with a user.
type Deletion string

// The forms of deleting a user (USR-10).
const (
	// UserOnly keeps the services, with their other users or with none.
	UserOnly Deletion = "user only"
	// UserAndPhones deletes their services too.
	UserAndPhones Deletion = "user and phones"
)

// DeleteUser deletes a user for good, after confirmation (USR-9), with their extensions,
// SIP addresses, aliases and memberships. The station and the devices return to the
// tenant. The journal keeps that a user was deleted, and nothing about the person.
//
// With UserAndPhones the user's services are deleted too (USR-10, USR-11). Their numbers
// stay with the tenant as available, and what each service saves is ordered for its own
// location (ORD-1).
//
// With UserOnly the services stay. Their mailboxes announce nothing to the user any more,
// and those of which they were the only user lose their PIN. What other systems last
// reported about foreign services on the lines is cleared, since it may name the user.
// It warns of the PIN of a shared mailbox, of lines with a name, of programmed keys, and
// of owners of the lines who have the user's ID or email address as their name: whether
// that is the same person is not certain, so they stay.
//
// Errors: ErrNotFound; ErrInvalid for another form; ErrFailedPrecondition for a remote
// service, and with UserAndPhones for a foreign service that only its own system can
// delete (USR-11) and for a shared service that is the primary one of somebody who has
// others (SVC-8); ErrUnconfirmed (USR-9; USR-10 for shared services; SVC-10 for foreign
// services that are deleted with their lines).
func (d *Directory) DeleteUser(ctx context.Context, id UserID, form Deletion) error {
	return d.change(ctx, "DeleteUser", func(p *prefetch) { p.user(id).departure(form) }, func(t *tx) error {
		if form != UserOnly && form != UserAndPhones {
			return &Error{Code: rule.USR10, Kind: ErrInvalid, Field: "Deletion", Reason: "choose between the user only, and user and phones"}
		}
		u, err := t.user(ctx, id)
		if err != nil {
			return err
		}
		has, err := t.servicesOf(ctx, id)
		if err != nil {
			return err
		}
		services, err := t.validateDeletion(ctx, u, has, form)
		if err != nil {
			return err
		}
		t.confirm(rule.USR9, u.ref(), "%s will be deleted and cannot be recovered", u.ref())
		var saved []bill
		for i, s := range services {
			t.Remove(has[i])
			t.relate("service.disassociated", s.ref(), u.ref(), "")
			if form == UserOnly {
				if err := t.leaveLine(ctx, s, u); err != nil {
					return err
				}
				continue
			}
			charges, err := t.dropService(ctx, s)
			if err != nil {
				return err
			}
			saved = append(saved, bill{s.LocationID, charges})
		}
		t.placeOrders(u.ID, t.now, saved...)
		return t.dropUser(ctx, u)
	})
}

// leaveLine takes a user who is deleted alone from a service that stays, and warns of
// what may still name them or let them in.
func (t *tx) leaveLine(ctx context.Context, s *Service, u *User) error {
	if err := t.leftTo(ctx, s, u); err != nil {
		return err
	}
	return t.forget(ctx, s, u, nil, func(about Ref, text string) { t.warn(rule.USR9, about, "%s", text) })
}

// validateDeletion reads the services of a user, and refuses at once all that must not
// be deleted (USR-11, SVC-8).
func (t *tx) validateDeletion(ctx context.Context, u *User, has []*Association, form Deletion) ([]*Service, error) {
	var check validation
	var services []*Service
	for _, a := range has {
		s, err := t.service(ctx, a.ServiceID)
		if err != nil {
			return nil, err
		}
		services = append(services, s)
		if s.RemoteSystem != "" {
			check.refusals = append(check.refusals, &Error{Code: rule.USR11, Kind: ErrFailedPrecondition, Subject: s.ref(),
				Holder: Ref{Kind: "system", ID: s.RemoteSystem, Name: s.RemoteSystem},
				Reason: fmt.Sprintf("%s has %s, which only %s can delete", u.ref(), s.ref(), s.RemoteSystem)})
			continue
		}
		if form == UserOnly {
			continue
		}
		others, err := t.othersOf(ctx, s.ID, u.ID)
		if err != nil {
			return nil, err
		}
		if err := check.collect(t.notPrimary(ctx, s, others)); err != nil {
			return nil, err
		}
		if len(others) > 0 {
			t.confirm(rule.USR10, s.ref(), "%s will be deleted for %s too", s.ref(), namesOf(others))
		}
		foreign, err := t.foreignOf(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		check.refusals = append(check.refusals, undeletable(u, s, foreign)...)
		t.confirmForeign(s, foreign)
	}
	return services, check.err()
}

// dropUser stages the end of a user who has no services any more.
func (t *tx) dropUser(ctx context.Context, u *User) error {
	if err := t.returnStation(ctx, u); err != nil {
		return err
	}
	devices, err := store.Collect(find[*Device](ctx, t, store.Query{Index: devicesByUser, Equal: []any{t.tenantID, u.ID}}))
	if err != nil {
		return err
	}
	for _, dev := range devices {
		if err := t.free(ctx, dev); err != nil {
			return err
		}
	}
	own, err := store.Collect(find[*DialEntry](ctx, t, store.Query{Index: extensionsByUser, Equal: []any{t.tenantID, u.ID}}))
	if err != nil {
		return err
	}
	for _, e := range own {
		t.leaveDialPlan(e)
		t.did("extension.removed", u.ref(), string(e.Digits))
	}
	if err := t.removeAliasesOf(ctx, u); err != nil {
		return err
	}
	if err := t.leaveGroups(ctx, u.ID); err != nil {
		return err
	}
	if err := t.releaseSIP(ctx, u.SIPAddress, u.ref()); err != nil {
		return err
	}
	t.Remove(u)
	t.did("user.deleted", u.ref(), "")
	return nil
}
