package pbx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/rule"
)

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
