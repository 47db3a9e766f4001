package pbx

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// maxServices is how many services a user can have, shared ones counted (SVC-3).
const maxServices = 8

// Association gives a service to a user (SVC-4).
type Association struct {
	TenantID  TenantID
	UserID    UserID
	ServiceID ServiceID
	Rev       int64
	Slot      int64  // the place among the user's services, 1 to 8
	PrimaryOf UserID // equal to UserID for the user's primary service, else zero (SVC-6)
}

// Primary reports whether the service is the user's primary one.
func (a *Association) Primary() bool { return !a.PrimaryOf.IsZero() }

// Table returns the declaration of associations.
func (a *Association) Table() *store.Table { return associationsTable }

// Fields appends the association's columns.
func (a *Association) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &a.TenantID), id("user_id", &a.UserID), id("service_id", &a.ServiceID),
		revision(&a.Rev), integer("slot", &a.Slot), maybeID("primary_of", &a.PrimaryOf),
	)
}

// servicesOf reads the associations of a user.
func (t *tx) servicesOf(ctx context.Context, user UserID) ([]*Association, error) {
	return store.Collect(find[*Association](ctx, t, store.Query{Index: associationsTable.Key(), Equal: []any{t.tenantID, user}}))
}

// usersOf reads the associations of a service.
func (t *tx) usersOf(ctx context.Context, service ServiceID) ([]*Association, error) {
	return store.Collect(find[*Association](ctx, t, store.Query{Index: associationsByService, Equal: []any{t.tenantID, service}}))
}

// primaryOf reads a user's primary service, or nil.
func (t *tx) primaryOf(ctx context.Context, user UserID) (*Service, error) {
	a, err := one[*Association](ctx, t, associationsByPrimary, t.tenantID, user)
	if err != nil || a == nil {
		return nil, err
	}
	return t.service(ctx, a.ServiceID)
}

// Associate gives an existing service to a user, besides its other users (SVC-4). A
// user's first service becomes the primary one (SVC-6). The device of a service that
// had no user is assigned to the user, with one port (DEV-2). A remote service can be
// associated like any other (SVC-11).
//
// Errors: ErrNotFound; ErrConflict if the user has the service already (SVC-4);
// ErrExhausted if they have eight (SVC-3); ErrInvalid for a DN that would get in the
// way of an emergency number at the user's location (EXT-3); ErrFailedPrecondition if
// the user has no email address and a foreign service of the line needs one (USR-14).
func (d *Directory) Associate(ctx context.Context, user UserID, service ServiceID) (*Association, error) {
	return change(ctx, d, "Associate", func(p *prefetch) {
		p.user(user).place()
		line := p.service(service)
		line.foreign()
		line.to(devicesTable.Key(), "device_id")
		p.get(devicesByPrimary, user)
		p.usersOf(service)
		p.servicesOf(user)
	}, func(t *tx) (*Association, error) {
		u, err := t.user(ctx, user)
		if err != nil {
			return nil, err
		}
		s, err := t.service(ctx, service)
		if err != nil {
			return nil, err
		}
		free, err := t.slotFor(ctx, u, s)
		if err != nil {
			return nil, err
		}
		home, err := t.location(ctx, u.LocationID)
		if err != nil {
			return nil, err
		}
		if err := t.clearOfEmergency("DN", s.DN, home); err != nil {
			return nil, err
		}
		if err := t.unmetBy(ctx, s.ID, u); err != nil {
			return nil, err
		}
		others, err := t.othersOf(ctx, s.ID, UserID{})
		if err != nil {
			return nil, err
		}
		made := t.associate(free, s)
		if len(others) == 0 {
			if err := t.pickUp(ctx, s, u); err != nil {
				return nil, err
			}
		}
		t.servedBy(s, others, append(slices.Clone(others), u))
		return copyOf(made), nil
	})
}

// slot is a free place for a further service of a user.
type slot struct {
	user    *User
	number  int64 // 1 to 8
	primary bool  // the service will be the primary one
}

// slotFor finds the slot for a further service of a user (SVC-3, SVC-4, SVC-6).
// s is nil for a service that is about to be added.
func (t *tx) slotFor(ctx context.Context, u *User, s *Service) (slot, error) {
	has, err := t.servicesOf(ctx, u.ID)
	if err != nil {
		return slot{}, err
	}
	var taken [maxServices + 1]bool
	for _, a := range has {
		taken[a.Slot] = true
		if s != nil && a.ServiceID == s.ID {
			return slot{}, &Error{Code: rule.SVC4, Kind: ErrConflict, Subject: s.ref(), Holder: u.ref(),
				Reason: u.ref().String() + " has " + s.ref().String() + " already"}
		}
	}
	if len(has) >= maxServices {
		return slot{}, &Error{Code: rule.SVC3, Kind: ErrExhausted, Subject: u.ref(),
			Reason: fmt.Sprintf("%s has %d services already, and no user can have more", u.ref(), maxServices)}
	}
	free := int64(1)
	for taken[free] {
		free++
	}
	return slot{user: u, number: free, primary: len(has) == 0}, nil
}

// associate stages that a service takes a slot.
func (t *tx) associate(at slot, s *Service) *Association {
	a := &Association{TenantID: t.tenantID, UserID: at.user.ID, ServiceID: s.ID, Slot: at.number}
	if at.primary {
		a.PrimaryOf = at.user.ID
	}
	t.Insert(a)
	t.relate("service.associated", s.ref(), at.user.ref(), "")
	return a
}

// pairing is a user, a service of theirs, and the association of the two.
type pairing struct {
	user        *User
	service     *Service
	association *Association
}

// pairingOf reads a user and a service, and refuses a service that the user does not
// have (SVC-4).
func (t *tx) pairingOf(ctx context.Context, user UserID, service ServiceID) (*pairing, error) {
	u, err := t.user(ctx, user)
	if err != nil {
		return nil, err
	}
	s, err := t.service(ctx, service)
	if err != nil {
		return nil, err
	}
	a, err := one[*Association](ctx, t, associationsTable.Key(), t.tenantID, user, service)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, &Error{Code: rule.SVC4, Kind: ErrNotFound, Subject: s.ref(), Holder: u.ref(), Reason: s.ref().String() + " is not a service of " + u.ref().String()}
	}
	return &pairing{u, s, a}, nil
}

// Disassociate takes a service from a user, after confirmation (SVC-5). The user and
// the service stay. If the service is on a device of the user, it is taken off it, and
// the device stays theirs (DEV-2).
//
// The user loses access to what others will use: the service's mailbox no longer sends
// announcements to them and, if they were its only user, has no PIN until
// [Directory.SetPIN] sets another. It warns of a shared mailbox that keeps its PIN, and
// of a user who has no extension any more (EXT-1).
//
// Errors: ErrNotFound; ErrFailedPrecondition for the primary service of a user
// who has others (SVC-7); ErrUnconfirmed (SVC-5).
func (d *Directory) Disassociate(ctx context.Context, user UserID, service ServiceID) error {
	return d.change(ctx, "Disassociate", func(p *prefetch) {
		p.association(user, service)
		p.service(service).to(devicesTable.Key(), "device_id")
		p.usersOf(service)
		p.user(user).entitled()
		p.get(mailboxesTable.Key(), service)
		p.get(extensionsByMain, user)
		p.get(associationsByPrimary, user).to(servicesTable.Key(), "service_id")
	}, func(t *tx) error {
		pair, err := t.pairingOf(ctx, user, service)
		if err != nil {
			return err
		}
		u, s, a := pair.user, pair.service, pair.association
		has, err := t.servicesOf(ctx, user)
		if err != nil {
			return err
		}
		if a.Primary() && len(has) > 1 {
			return &Error{Code: rule.SVC7, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: u.ref(),
				Reason: s.ref().String() + " is the primary service of " + u.ref().String() + ", who has others: make another the primary one first"}
		}
		t.confirm(rule.SVC5, s.ref(), "%s will no longer be a service of %s", s.ref(), u.ref())
		if err := t.dissolve(ctx, a, u, s); err != nil {
			return err
		}
		if err := t.leavePhone(ctx, s, u); err != nil {
			return err
		}
		if err := t.leftTo(ctx, s, u); err != nil {
			return err
		}
		return t.passMailbox(ctx, s, u, nil, func(about Ref, text string) { t.warn(rule.SVC5, about, "%s", text) })
	})
}

// dissolve stages the end of an association, and of the applications that came with it.
func (t *tx) dissolve(ctx context.Context, a *Association, u *User, s *Service) error {
	t.Remove(a)
	t.relate("service.disassociated", s.ref(), u.ref(), "")
	if err := t.warnUnreached(ctx, u); err != nil {
		return err
	}
	return t.trimApplications(ctx, u, s)
}

// warnUnreached warns of a user who has neither a service nor an extension any more
// (EXT-1).
func (t *tx) warnUnreached(ctx context.Context, u *User) error {
	main, err := t.mainExtension(ctx, u.ID)
	if err == nil && main == "" {
		t.warn(rule.EXT1, u.ref(), "%s has no extension any more", u.ref())
	}
	return err
}

// trimApplications takes from a user the applications that only this service, with
// the type that it has here, came with, and warns of them (STN-2).
func (t *tx) trimApplications(ctx context.Context, u *User, s *Service) error {
	typ, err := t.serviceType(ctx, s.Type)
	if err != nil || typ == nil {
		return err
	}
	row := copyOf(u)
	gone, err := t.dropApplications(ctx, row, typ.Applications)
	if err != nil || len(gone) == 0 {
		return err
	}
	t.warn(rule.STN2, u.ref(), "%s loses the applications %s with %s", u.ref(), strings.Join(gone, ", "), s.ref())
	t.Update(u, row)
	t.did("user.modified", row.ref(), "")
	return nil
}

// SetPrimary makes another of a user's services the primary one (SVC-6).
// Errors: ErrNotFound, also for a service that the user does not have.
func (d *Directory) SetPrimary(ctx context.Context, user UserID, service ServiceID) error {
	return d.change(ctx, "SetPrimary", func(p *prefetch) {
		p.association(user, service)
		p.get(associationsByPrimary, user)
	}, func(t *tx) error {
		pair, err := t.pairingOf(ctx, user, service)
		if err != nil || pair.association.Primary() {
			return err
		}
		was, err := one[*Association](ctx, t, associationsByPrimary, t.tenantID, user)
		if err != nil {
			return err
		}
		if was != nil {
			edit(t, was, func(a *Association) { a.PrimaryOf = UserID{} })
		}
		edit(t, pair.association, func(a *Association) { a.PrimaryOf = user })
		t.relate("service.made-primary", pair.service.ref(), pair.user.ref(), "")
		return nil
	})
}

// UserService is a service of a user, and the association that gives it to them.
type UserService struct {
	Association *Association
	Service     *Service
}

// UserServices returns the services of a user in the order of their slots. Errors:
// ErrNotFound.
func (d *Directory) UserServices(ctx context.Context, user UserID) ([]UserService, error) {
	return read(ctx, d, "UserServices", func(p *prefetch) {
		p.user(user)
		p.get(associationsBySlot, user).to(servicesTable.Key(), "service_id")
	}, func(t *tx) ([]UserService, error) {
		if _, err := t.user(ctx, user); err != nil {
			return nil, err
		}
		list, err := t.userServices(ctx, user)
		if err != nil {
			return nil, err
		}
		for i, has := range list {
			list[i] = UserService{copyOf(has.Association), copyOf(has.Service)}
		}
		return list, nil
	})
}

// userServices reads the services of a user in the order of their slots.
func (t *tx) userServices(ctx context.Context, user UserID) ([]UserService, error) {
	has, err := store.Collect(find[*Association](ctx, t, store.Query{Index: associationsBySlot, Equal: []any{t.tenantID, user}}))
	if err != nil {
		return nil, err
	}
	var list []UserService
	for _, a := range has {
		s, err := t.service(ctx, a.ServiceID)
		if err != nil {
			return nil, err
		}
		list = append(list, UserService{a, s})
	}
	return list, nil
}

// ServiceUsers returns the users of a service. Errors: ErrNotFound.
func (d *Directory) ServiceUsers(ctx context.Context, service ServiceID) ([]*User, error) {
	return read(ctx, d, "ServiceUsers", func(p *prefetch) {
		p.service(service)
		p.usersOf(service)
	}, func(t *tx) ([]*User, error) {
		if _, err := t.service(ctx, service); err != nil {
			return nil, err
		}
		users, err := t.othersOf(ctx, service, UserID{})
		if err != nil {
			return nil, err
		}
		for i, u := range users {
			users[i] = copyOf(u)
		}
		return users, nil
	})
}

// Choice is a user as shown to somebody who chooses one for a service (SVC-4).
type Choice struct {
	User       UserID
	Name       string
	Department string
	Location   string   // the building, or ""
	DNs        []string // of the services that the user has already
}

// AssociationChoices yields the users to whom a service can be given, in the order
// of [Directory.Users], with what tells them apart (SVC-4). Errors: those of Users.
func (d *Directory) AssociationChoices(ctx context.Context, q UserQuery) iter.Seq2[Choice, error] {
	users, err := d.listingOf(ctx, "AssociationChoices", q)
	if err != nil {
		return func(yield func(Choice, error) bool) { yield(Choice{}, err) }
	}
	choices := listing[*User, Choice]{query: users.query, limit: users.limit, keep: users.keep,
		more: func(users prefetched) {
			users.place()
			users.to(associationsBySlot, "id").to(servicesTable.Key(), "service_id")
		},
		show: func(ctx context.Context, t *tx, u *User) (Choice, error) { return t.choice(ctx, u) },
	}
	return choices.pages(ctx, d, "AssociationChoices")
}

func (t *tx) choice(ctx context.Context, u *User) (Choice, error) {
	c := Choice{User: u.ID, Name: u.Name(), Department: u.Department}
	at, err := t.location(ctx, u.LocationID)
	if err != nil {
		return Choice{}, err
	}
	if at != nil {
		c.Location = at.Building
	}
	list, err := t.userServices(ctx, u.ID)
	if err != nil {
		return Choice{}, err
	}
	for _, has := range list {
		c.DNs = append(c.DNs, string(has.Service.DN))
	}
	return c, nil
}
