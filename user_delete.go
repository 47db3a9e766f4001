package pbx

import (
	"context"
	"fmt"
	"strings"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Deletion says what goes with a user.
type Deletion string

// The forms of deleting a user (USR-10).
const (
	// UserOnly keeps the services: without a user, or with their other users.
	UserOnly Deletion = "user only"
	// UserAndPhones deletes his services too.
	UserAndPhones Deletion = "user and phones"
)

// DeleteUser deletes a user for good, after confirmation (USR-9): his
// extensions, SIP addresses, aliases and memberships go; his station and devices
// return; with UserAndPhones his services go too, and their numbers stay with
// the tenant as available (USR-10, USR-11); what each saves is ordered for its
// own location (ORD-1). With UserOnly the mailboxes of his services announce
// nothing to him any more, and those of which he was the only user have no PIN;
// what other systems said last of the foreign services on his lines is cleared,
// for it may name him. It warns of a shared mailbox that keeps its PIN, of lines
// with a name and of programmed keys, and of owners of those lines who go by his
// user ID or email: whether that is he is not certain, so they stay. The journal
// keeps that he was deleted, and nothing about him.
//
// Errors: ErrNotFound; ErrInvalid for another form; ErrFailedPrecondition for a
// remote service, or, with UserAndPhones, for each foreign service that only its
// own system can delete (USR-11), or for a shared service that is the primary of
// somebody who has others (SVC-8); ErrUnconfirmed (USR-9, USR-10 for shared
// services, and SVC-10 for foreign ones that go with their lines).
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

// leaveLine takes a user who is deleted alone from a service that stays, and warns
// of what there may name him or let him in.
func (t *tx) leaveLine(ctx context.Context, s *Service, u *User) error {
	warn := func(about Ref, text string) { t.warn(rule.USR9, about, "%s", text) }
	if err := t.leftTo(ctx, s, u); err != nil {
		return err
	}
	if err := t.warnOfNames(ctx, s, warn); err != nil {
		return err
	}
	if err := t.leaveMailbox(ctx, s, u, warn); err != nil {
		return err
	}
	if err := t.clearOutcomes(ctx, s); err != nil {
		return err
	}
	return t.warnOfOwner(ctx, s, u, warn)
}

// validateDeletion reads the services of a user who is to be deleted, and refuses
// what may not go (USR-11, SVC-8), all at once.
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

// dropUser stages the end of a user whose associations are gone.
func (t *tx) dropUser(ctx context.Context, u *User) error {
	if err := t.returnStation(ctx, u); err != nil {
		return err
	}
	devices, err := store.Gather(find[*Device](ctx, t, store.Query{Index: devicesByUser, Equal: []any{t.tenantID, u.ID}}))
	if err != nil {
		return err
	}
	for _, dev := range devices {
		if err := t.free(ctx, dev); err != nil {
			return err
		}
	}
	own, err := store.Gather(find[*DialEntry](ctx, t, store.Query{Index: extensionsByUser, Equal: []any{t.tenantID, u.ID}}))
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

func namesOf(users []*User) string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Name()
	}
	return strings.Join(names, ", ")
}
