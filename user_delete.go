package pbx

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

// DeleteService deletes a service for all its users (SVC-12), with its mailbox, keys and
// owners. Its DN becomes free, and its number stays with the tenant as available. It
// warns of users who have no extension any more (EXT-1). What the deletion saves is
// ordered (ORD-1). Foreign services whose systems delete them on request are deleted in
// the same step; the others stay listed until [Directory.DetachForeign] (SVC-10).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service (SVC-11), and for the
// primary service of users who have others, who are named (SVC-8); ErrUnconfirmed for a
// shared service, naming its users (SVC-9), and for one with foreign services, listing
// both sorts and where they are (SVC-10).
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

// DropRemoteService records that the system which hosts a remote service has deleted it
// (SVC-11). The service is then deleted here as by [Directory.DeleteService]. Only support
// can do this, so the connector to the other system acts as support.
//
// Errors: those of DeleteService; ErrFailedPrecondition for a service that is hosted here
// (SVC-11).
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

// deleteService checks the deletion of a service, stages it, and orders what it saves.
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

// othersOf reads the users of a service except one; for the zero ID, all of them.
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

// notPrimary refuses the deletion of a service that is the primary one of users who have
// others, and names them (SVC-8).
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

// namesOf lists the names of users.
func namesOf(users []*User) string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Name()
	}
	return strings.Join(names, ", ")
}

// dropService stages the end of a service and of everything that belongs to it, and
// returns what is no longer billed.
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

// saves is what ending a service saves: the monthly charge of its type, if the service
// is billed.
func (t *tx) saves(ctx context.Context, s *Service) ([]charge, error) {
	typ, err := t.serviceType(ctx, s.Type)
	if err != nil || typ == nil || !s.billed() {
		return nil, err
	}
	return []charge{{typ.Code, typ.Name, -1, typ.Monthly, 0}}, nil
}

// strip takes mailbox, keys, owners, number and DN from a service.
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
