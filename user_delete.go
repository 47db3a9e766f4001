package pbx

import (
	"context"
	"fmt"
	"slices"
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

// DeleteService deletes one service (SVC-12), for all its users. Its DN becomes
// free, its number stays with the tenant as available, its mailbox, keys and
// owners go; a user who has no extension any more is warned of (EXT-1); what it
// saved is ordered (ORD-1). Its foreign services go too where their systems
// delete them when asked to, which is requested in the same act; the others stay
// listed until DetachForeign (SVC-10).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service (SVC-11), or
// naming every user who has it as his primary one and has others (SVC-8);
// ErrUnconfirmed for a shared service, naming its users (SVC-9), and for one with
// foreign services, listing both sorts and where they are (SVC-10).
func (d *Directory) DeleteService(ctx context.Context, id ServiceID) error {
	return d.change(ctx, "DeleteService", func(p *prefetch) { p.service(id).ending() }, func(t *tx) error {
		s, err := t.service(ctx, id)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		return t.deleteService(ctx, s)
	})
}

// DropRemoteService records that the system which hosts a remote service has
// dropped it: here it is deleted then, as DeleteService deletes one that is hosted
// here (SVC-11). Only support can, so that what connects the two systems acts as it.
//
// Errors: those of DeleteService; ErrFailedPrecondition for a service that is
// hosted here (SVC-11).
func (d *Directory) DropRemoteService(ctx context.Context, id ServiceID) error {
	return d.change(ctx, "DropRemoteService", func(p *prefetch) { p.service(id).ending() }, func(t *tx) error {
		s, err := t.service(ctx, id)
		if err != nil {
			return err
		}
		if s.RemoteSystem == "" {
			return &Error{Code: rule.SVC11, Kind: ErrFailedPrecondition, Subject: s.ref(),
				Reason: s.ref().String() + " is hosted here: no other system can drop it"}
		}
		return t.deleteService(ctx, s)
	})
}

// deleteService stages the end of a service that somebody wants deleted.
func (t *tx) deleteService(ctx context.Context, s *Service) error {
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return err
	}
	if err := t.notPrimary(ctx, s, users); err != nil {
		return err
	}
	if len(users) > 1 {
		t.confirm(rule.SVC9, s.ref(), "%s will be deleted for all its users: %s", s.ref(), namesOf(users))
	}
	has, err := t.foreignOf(ctx, s.ID)
	if err != nil {
		return err
	}
	t.confirmForeign(s, has)
	saved, err := t.dropService(ctx, s)
	t.placeOrder(UserID{}, s.LocationID, t.now, saved...)
	return err
}

// othersOf reads the users of a service but for one; the zero ID is no user.
func (t *tx) othersOf(ctx context.Context, service ServiceID, but UserID) ([]*User, error) {
	of, err := t.usersOf(ctx, service)
	if err != nil {
		return nil, err
	}
	var users []*User
	for _, a := range of {
		if a.UserID == but {
			continue
		}
		u, err := t.user(ctx, a.UserID)
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

// notPrimary refuses the deletion of a service that is the primary one of any
// of the users who has others, and names each (SVC-8).
func (t *tx) notPrimary(ctx context.Context, s *Service, users []*User) error {
	var stuck []*User
	for _, u := range users {
		has, err := t.servicesOf(ctx, u.ID)
		if err != nil {
			return err
		}
		primary := slices.ContainsFunc(has, func(a *Association) bool { return a.ServiceID == s.ID && a.Primary() })
		if primary && len(has) > 1 {
			stuck = append(stuck, u)
		}
	}
	if len(stuck) == 0 {
		return nil
	}
	return &Error{Code: rule.SVC8, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: stuck[0].ref(),
		Reason: fmt.Sprintf("%s is the primary service of %s with other services: change the primary one first", s.ref(), namesOf(stuck))}
}

func namesOf(users []*User) string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Name()
	}
	return strings.Join(names, ", ")
}

// dropService stages the end of a service and of everything that hangs on it,
// and returns what is no longer billed.
func (t *tx) dropService(ctx context.Context, s *Service) ([]charge, error) {
	saved, err := t.saves(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := t.strip(ctx, s); err != nil {
		return nil, err
	}
	if err := t.dissolveAll(ctx, s); err != nil {
		return nil, err
	}
	if err := t.orphanForeign(ctx, s); err != nil {
		return nil, err
	}
	t.Remove(s)
	t.did("service.deleted", s.ref(), string(s.DN))
	return saved, t.putDown(ctx, s)
}

// saves is what ending a service saves: the monthly charge of its type, if it
// is billed.
func (t *tx) saves(ctx context.Context, s *Service) ([]charge, error) {
	typ, err := t.serviceType(ctx, s.Type)
	if err != nil || typ == nil || !s.billed() {
		return nil, err
	}
	return []charge{{typ.Code, typ.Name, -1, typ.Monthly, 0}}, nil
}

// strip takes its mailbox, keys, owners, number and DN from a service.
func (t *tx) strip(ctx context.Context, s *Service) error {
	if err := t.removeMailbox(ctx, s); err != nil {
		return err
	}
	if err := t.removeKeys(ctx, s); err != nil {
		return err
	}
	owners, err := t.ownersOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, o := range owners {
		t.Remove(o)
	}
	if err := t.releaseNumbers(ctx, s, KeepNumber); err != nil {
		return err
	}
	entry, err := t.extension(ctx, s.DN)
	if err != nil {
		return err
	}
	t.leaveDialPlan(entry)
	return nil
}

// dissolveAll takes a service from all its users.
func (t *tx) dissolveAll(ctx context.Context, s *Service) error {
	of, err := t.usersOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, a := range of {
		u, err := t.user(ctx, a.UserID)
		if err != nil {
			return err
		}
		if err := t.dissolve(ctx, a, u, s); err != nil {
			return err
		}
	}
	return nil
}
