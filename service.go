package pbx

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Service is a line: what a DN reaches. It has zero, one or several users.
type Service struct {
	TenantID       TenantID
	ID             ServiceID
	Rev            int64
	DN             Extension // its entry in the dial plan
	Name           string    // what it is called where it has no user: "Conference room 3"
	Type           string    // of the tenant's catalogue, or "" (SVC-16)
	Status         ServiceStatus
	DeviceType     string // the phone's model (SVC-2)
	Category       Category
	DeviceID       DeviceID // the device of the inventory that carries it, or zero
	LocationID     LocationID
	LocationKeptBy string // the self-service system that keeps its location, or "" (OWN-8)
	RemoteSystem   string // the system that hosts it, or "": then it is not edited here (SVC-11)
	Number         E164   // its number, or ""
	CreatedAt      time.Time
	ActivatedAt    time.Time // when billing started; zero before
	CancelAt       time.Time // when it is to be deleted: of one that is pending cancellation
	Failure        string    // why its order failed: of one whose order did
	// ActivateLater says that the service is pending activation when its order is
	// completed, and not active at once.
	ActivateLater bool
}

// Table returns the declaration of services.
func (s *Service) Table() *store.Table { return servicesTable }

// Fields appends the service's columns.
func (s *Service) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &s.TenantID), id("id", &s.ID), revision(&s.Rev),
		words("dn", (*string)(&s.DN)), words("name", &s.Name), optional("type", &s.Type),
		words("status", (*string)(&s.Status)),
		words("device_type", &s.DeviceType), words("category", (*string)(&s.Category)),
		maybeID("device_id", &s.DeviceID), maybeID("location_id", &s.LocationID),
		words("location_kept_by", &s.LocationKeptBy), words("remote_system", &s.RemoteSystem),
		optional("number", (*string)(&s.Number)),
		moment("created_at", &s.CreatedAt), maybeTime("activated_at", &s.ActivatedAt),
		maybeTime("cancel_at", &s.CancelAt), words("failure", &s.Failure), boolean("activate_later", &s.ActivateLater),
	)
}

func (s *Service) ref() Ref {
	name := string(s.DN)
	if s.Name != "" {
		name = s.Name + " (" + name + ")"
	}
	return Ref{"service", s.ID.String(), name}
}

// service reads a service of the tenant.
func (t *tx) service(ctx context.Context, id ServiceID) (*Service, error) {
	s, err := one[*Service](ctx, t, servicesTable.Key(), t.tenantID, id)
	if err == nil && s == nil {
		err = notFound("service", id.String())
	}
	return s, err
}

// Service returns a service of the tenant. Errors: ErrNotFound.
func (d *Directory) Service(ctx context.Context, id ServiceID) (*Service, error) {
	var out *Service
	err := d.read(ctx, "Service", func(p *prefetch) { p.service(id) }, func(t *tx) error {
		s, err := t.service(ctx, id)
		if err == nil {
			out = copyOf(s)
		}
		return err
	})
	return out, err
}

// ServiceQuery selects services by the beginning of their number: a DN, or with
// a leading + an E.164 number. Blank selects all (SVC-1).
type ServiceQuery struct {
	Number string
	// CancelledBy selects instead the services whose cancellation is due by that time
	// (SVC-17), the earliest first.
	CancelledBy time.Time
	Limit       int       // 0: all
	Page        PageToken // from TokenAfter
}

func (q ServiceQuery) byE164() bool {
	return q.CancelledBy.IsZero() && strings.HasPrefix(q.Number, "+")
}

// TokenAfter returns the token of the page that begins behind a service of this
// query's list.
func (q ServiceQuery) TokenAfter(s *Service) PageToken {
	if q.byE164() {
		return tokenAt(numbersByState, &Number{E164: s.Number, TenantID: s.TenantID, State: NumberAssigned}, 2)
	}
	return tokenAt(q.query(s.TenantID).Index, s, 1)
}

// query is the range of the tenant's services, or of its numbers.
func (q ServiceQuery) query(tenant TenantID) store.Query {
	switch {
	case !q.CancelledBy.IsZero():
		to := q.CancelledBy.UTC().Truncate(time.Microsecond).Add(time.Microsecond)
		return store.Query{Index: servicesByCancellation, Equal: []any{tenant}, To: to}
	case q.byE164():
		return store.Query{Index: numbersByState, Equal: []any{tenant, string(NumberAssigned)}, Prefix: q.Number}
	}
	return store.Query{Index: servicesByDN, Equal: []any{tenant}, Prefix: q.Number}
}

// Services yields the tenant's services by DN, or by number where one is asked
// for (SVC-1), or those to be cancelled by the time (SVC-17). Errors: ErrInvalid
// for a page token of another query.
func (d *Directory) Services(ctx context.Context, q ServiceQuery) iter.Seq2[*Service, error] {
	query := q.query(d.scope())
	var err error
	if query.After, err = q.Page.after(rule.SVC1, query.Index, len(query.Equal)); err != nil {
		return func(yield func(*Service, error) bool) { yield(nil, err) }
	}
	if q.byE164() {
		return d.servicesOfNumbers(ctx, query, q.Limit)
	}
	return pages[*Service](ctx, d, "Services", query, q.Limit, nil)
}

// servicesOfNumbers yields the services that a range of the tenant's assigned
// numbers belong to.
func (d *Directory) servicesOfNumbers(ctx context.Context, query store.Query, limit int) iter.Seq2[*Service, error] {
	l := listing[*Number, *Service]{query: query, limit: limit,
		more: func(numbers prefetched) { numbers.to(servicesTable.Key(), "service_id") },
		show: func(ctx context.Context, t *tx, n *Number) (*Service, error) {
			s, err := t.service(ctx, n.ServiceID)
			if err != nil {
				return nil, err
			}
			return copyOf(s), nil
		},
	}
	return l.pages(ctx, d, "Services")
}

// ModifyService saves a service as read by Service and then changed: name, DN,
// type, phone and device type, location, and which system keeps that (OWN-8): a
// line that was listed or unlisted there. A location that was kept is moved in
// the next change, not in the same one. A new DN takes the mailbox with it or
// ends it (VM-3); one that points at one of its users passes to it (EXT-1); a
// new type is ordered (ORD-1), and warns where its users lose applications that
// it does not include (STN-2). The status stays: a line that works goes on
// working (SVC-17). Another DeviceID is a device of one of its users, or an
// available one where it has none; the zero one takes it off its phone. A phone
// that it leaves stays its user's, or is available again (DEV-2).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service (SVC-11);
// ErrStale, together with the service as it is now (SVC-15); and all of these at
// once: ErrInvalid for bad fields (SVC-2, EXT-1, EXT-3), ErrConflict for a DN
// that is taken (EXT-2), a device that somebody else has (DEV-2) or on which a key
// is another service's (DEV-7), ErrNotFound for the type (SVC-16), the device or
// the location, ErrFailedPrecondition for a device that none of its users has yet
// (DEV-2), a phone of another category (SVC-14), or one without the keys that are
// set (DEV-7), or a location kept elsewhere (OWN-8).
func (d *Directory) ModifyService(ctx context.Context, in *Service) (*Service, error) {
	var out *Service
	err := d.change(ctx, "ModifyService", in.prefetchModification, func(t *tx) error {
		was, err := t.service(ctx, in.ID)
		if err != nil {
			return err
		}
		if err := t.editable(was); err != nil {
			return err
		}
		if err := current(in.Rev, was.Rev, was.ref()); err != nil {
			out = copyOf(was)
			return err
		}
		typ, phone, err := t.validateModifiedService(ctx, in, was)
		if err != nil {
			return err
		}
		row := was
		if in.DN != was.DN {
			if row, err = t.moveDN(ctx, was, in.DN); err != nil {
				return err
			}
		}
		if in.DeviceID != was.DeviceID {
			if row, err = t.movePhone(ctx, row, phone); err != nil {
				return err
			}
		}
		row = edit(t, row, func(s *Service) {
			s.Name, s.Type, s.LocationID, s.LocationKeptBy = in.Name, in.Type, in.LocationID, in.LocationKeptBy
			if phone == nil {
				s.DeviceType = in.DeviceType
			}
		})
		t.did("service.modified", row.ref(), "")
		out = copyOf(row)
		if in.LocationID != was.LocationID {
			if err := t.warnOfE911(ctx, row); err != nil {
				return err
			}
		}
		if in.Type == was.Type {
			return nil
		}
		return t.typeChanged(ctx, was, row, typ)
	})
	return out, err
}

// prefetchModification is what saving a changed service reads.
func (s *Service) prefetchModification(p *prefetch) {
	was := p.withMailbox(s.ID)
	was.users().place()
	was.to(serviceTypesTable.Key(), "type")
	was.to(extensionsTable.Key(), "dn")
	was.to(serviceKeysTable.Key(), "id")
	was.to(devicesTable.Key(), "device_id")
	p.device(s.DeviceID).to(usersTable.Key(), "user_id")
	p.get(servicesByDevice, s.DeviceID).to(serviceKeysTable.Key(), "id")
	p.location(s.LocationID)
	p.serviceType(s.Type)
	p.extension(s.DN).to(extensionsByUser, "user_id")
	p.get(mailboxesByNumber, string(s.DN))
}

// editable refuses what may not be edited here: a remote service (SVC-11).
func (t *tx) editable(s *Service) error {
	if s.RemoteSystem == "" {
		return nil
	}
	return &Error{Code: rule.SVC11, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: Ref{Kind: "system", ID: s.RemoteSystem, Name: s.RemoteSystem},
		Reason: s.ref().String() + " is a remote service: edit or delete it in " + s.RemoteSystem}
}

// validateModifiedService checks a changed service, and returns the type that it is
// to have, and the device that it moves to, if it does.
func (t *tx) validateModifiedService(ctx context.Context, in, was *Service) (*ServiceType, *Device, error) {
	var check validation
	check.text(rule.SVC2, "Name", in.Name, maxName)
	check.unchanged(rule.SVC2, "Status", in.Status == was.Status)
	check.unchanged(rule.SVC2, "Category", in.Category == was.Category)
	check.text(rule.OWN8, "LocationKeptBy", in.LocationKeptBy, maxName)
	check.unchanged(rule.SVC2, "RemoteSystem", in.RemoteSystem == was.RemoteSystem)
	check.unchanged(rule.SVC2, "Number", in.Number == was.Number)
	check.unchanged(rule.SVC2, "CreatedAt", in.CreatedAt.Equal(was.CreatedAt))
	check.unchanged(rule.SVC2, "ActivatedAt", in.ActivatedAt.Equal(was.ActivatedAt))
	check.unchanged(rule.SVC2, "CancelAt", in.CancelAt.Equal(was.CancelAt))
	check.unchanged(rule.SVC2, "Failure", in.Failure == was.Failure)
	check.unchanged(rule.SVC2, "ActivateLater", in.ActivateLater == was.ActivateLater)
	phone, err := t.validatePhone(ctx, in, was, &check)
	if err != nil {
		return nil, nil, err
	}
	typ, err := t.serviceType(ctx, in.Type)
	if err := check.collect(err); err != nil {
		return nil, nil, err
	}
	if err := t.validateMoved(ctx, in, was, &check); err != nil {
		return nil, nil, err
	}
	return typ, phone, check.err()
}

// validateDeviceType lets a device type change within its category (SVC-14), where
// no device of the inventory settles it.
func (t *tx) validateDeviceType(in, was *Service, check *validation) {
	model, known := t.core.models[in.DeviceType]
	switch {
	case !known:
		check.refuse(rule.SVC2, "DeviceType", "not a known model of phone")
	case model.Category != was.Category:
		check.refusals = append(check.refusals, was.otherCategory("DeviceType", model.Category))
	case !in.DeviceID.IsZero():
		check.refuse(rule.SVC2, "DeviceType", "the service is on a device, which is a %s", was.DeviceType)
	}
}

// validateMoved checks the DN and the location of a changed service, together.
func (t *tx) validateMoved(ctx context.Context, in, was *Service, check *validation) error {
	relocated := in.LocationID != was.LocationID
	if relocated {
		if err := check.collect(was.relocatable()); err != nil {
			return err
		}
	}
	at, err := t.location(ctx, in.LocationID)
	if err := check.collect(err); err != nil {
		return err
	}
	switch {
	case in.DN != was.DN:
		homes, err := t.homesOf(ctx, was.ID)
		if err != nil {
			return err
		}
		users, err := t.othersOf(ctx, was.ID, UserID{})
		if err != nil {
			return err
		}
		_, err = t.takeDN(ctx, "DN", in.DN, users, append(homes, at)...)
		return check.collect(err)
	case relocated:
		return check.collect(t.clearOfEmergency("LocationID", in.DN, at))
	}
	return nil
}

// homesOf reads the locations of a service's users: its DN keeps clear of the
// emergency numbers there too (EXT-3).
func (t *tx) homesOf(ctx context.Context, service ServiceID) ([]*Location, error) {
	users, err := t.othersOf(ctx, service, UserID{})
	if err != nil {
		return nil, err
	}
	var homes []*Location
	for _, u := range users {
		home, err := t.location(ctx, u.LocationID)
		if err != nil {
			return nil, err
		}
		homes = append(homes, home)
	}
	return homes, nil
}

// moveDN stages a service's new DN, which takeDN let pass: its entry in the dial
// plan goes, the new one comes, or passes to it from a user, and the mailbox follows
// or ends (VM-3).
func (t *tx) moveDN(ctx context.Context, s *Service, dn Extension) (*Service, error) {
	entry, err := t.extension(ctx, s.DN)
	if err != nil {
		return nil, err
	}
	passes, err := one[*DialEntry](ctx, t, extensionsTable.Key(), t.tenantID, string(dn))
	if err != nil {
		return nil, err
	}
	t.leaveDialPlan(entry)
	row := edit(t, s, func(s *Service) { s.DN = dn })
	if err := t.enterDN(ctx, row, passes); err != nil {
		return nil, err
	}
	t.did("service.dn-changed", row.ref(), string(s.DN)+" "+string(dn))
	return row, t.mailboxFollows(ctx, s, row)
}

// typeChanged orders a service's change from its type to another, and takes
// from its users what the new one does not include.
func (t *tx) typeChanged(ctx context.Context, was, now *Service, to *ServiceType) error {
	from, err := t.serviceType(ctx, was.Type)
	if err != nil {
		return err
	}
	var bills []bill
	if from != nil {
		bills = append(bills, bill{was.LocationID, []charge{{from.Code, from.Name, -1, from.Monthly, 0}}})
	}
	if to != nil {
		bills = append(bills, bill{now.LocationID, []charge{{to.Code, to.Name, 1, to.Monthly, to.OneTime}}})
	}
	t.placeOrders(UserID{}, now.billing(t.now), bills...)
	if err := t.prefetch(ctx, func(p *prefetch) { p.service(now.ID).users().entitled() }); err != nil {
		return err
	}
	users, err := t.othersOf(ctx, now.ID, UserID{})
	if err != nil {
		return err
	}
	for _, u := range users {
		if err := t.trimApplications(ctx, u, was); err != nil {
			return err
		}
	}
	return nil
}
