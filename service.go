package pbx

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Service is a phone service, or line: what a DN reaches. It has any number of
// users, or none.
type Service struct {
	TenantID       TenantID
	ID             ServiceID
	Rev            int64
	DN             Extension // its entry in the dial plan
	Name           string    // what a line without a user is called: "Conference room 3"
	Type           string    // a code of the tenant's catalogue, or "" (SVC-16)
	Status         ServiceStatus
	DeviceType     string // the phone's model (SVC-2)
	Category       Category
	DeviceID       DeviceID // the device of the inventory that it is on, or zero
	LocationID     LocationID
	LocationKeptBy string // the self-service system in charge of its location, or "" (OWN-8)
	RemoteSystem   string // the other system that hosts it, or "". A remote service is not edited here (SVC-11)
	Number         E164   // its number, or ""
	CreatedAt      time.Time
	ActivatedAt    time.Time // when billing started; zero before
	CancelAt       time.Time // when it should be deleted; zero unless it is pending cancellation
	Failure        string    // why its order failed; "" unless it did
	// ActivateLater says that the service becomes pending activation when its order
	// is completed. Otherwise it becomes active at once.
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

// editable refuses to edit a remote service here (SVC-11).
func (t *tx) editable(s *Service) error {
	if s.RemoteSystem == "" {
		return nil
	}
	return &Error{Code: rule.SVC11, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: Ref{Kind: "system", ID: s.RemoteSystem, Name: s.RemoteSystem},
		Reason: s.ref().String() + " is a remote service: edit or delete it in " + s.RemoteSystem}
}

// Service returns a service of the tenant. Errors: ErrNotFound.
func (d *Directory) Service(ctx context.Context, id ServiceID) (*Service, error) {
	return read(ctx, d, "Service", func(p *prefetch) { p.service(id) }, func(t *tx) (*Service, error) {
		s, err := t.service(ctx, id)
		if err != nil {
			return nil, err
		}
		return copyOf(s), nil
	})
}

// ServiceQuery selects services. The zero value selects all of them.
type ServiceQuery struct {
	// Number selects services by how their DN begins or, where it starts with a +,
	// by how their E.164 number begins (SVC-1).
	Number string
	// CancelledBy selects the services whose cancellation is due by that time, the
	// earliest first (SVC-17). Number is ignored then.
	CancelledBy time.Time
	Limit       int       // 0: all
	Page        PageToken // from TokenAfter
}

func (q ServiceQuery) byE164() bool {
	return q.CancelledBy.IsZero() && strings.HasPrefix(q.Number, "+")
}

// TokenAfter returns the token of the page that begins after a service of this
// query's list, in the tenant that the Directory works in. It reads nothing (SVC-1).
//
// Errors: ErrInvalid for a service that this query does not list: one of another tenant,
// without a number or without a cancellation; ErrMisuse for nil.
func (q ServiceQuery) TokenAfter(d *Directory, s *Service) (PageToken, error) {
	if d == nil || d.core == nil || s == nil {
		return "", withoutList(rule.SVC1)
	}
	p := q.paged(d.scope())
	if q.byE164() {
		if s.Number == "" {
			return "", p.unlisted()
		}
		return d.tokenAfter(p, &Number{E164: s.Number, TenantID: s.TenantID, State: NumberAssigned})
	}
	return d.tokenAfter(p, s)
}

// paged is what the query's page tokens are bound to.
func (q ServiceQuery) paged(tenant TenantID) *pagedQuery {
	return &pagedQuery{code: rule.SVC1, operation: "Services", query: q.query(tenant)}
}

// query returns the range of the tenant's services, or of its assigned numbers.
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

// Services yields the tenant's services that a query selects: by DN, by number
// (SVC-1), or by the time of their cancellation (SVC-17). Errors: ErrInvalid for
// a page token of another query, and for a time outside the years 1 to 9999.
func (d *Directory) Services(ctx context.Context, q ServiceQuery) iter.Seq2[*Service, error] {
	var check validation
	check.time(rule.SVC17, "CancelledBy", q.CancelledBy)
	err := check.err()
	if err != nil {
		if _, denied := d.enter(ctx, "Services"); denied != nil {
			err = denied
		}
		return func(yield func(*Service, error) bool) { yield(nil, named("Services", err)) }
	}
	p := q.paged(d.scope())
	after, err := d.placeOf(ctx, "Services", p, q.Page)
	if err != nil {
		return func(yield func(*Service, error) bool) { yield(nil, err) }
	}
	query := p.query
	query.After = after
	if q.byE164() {
		return d.servicesOfNumbers(ctx, query, q.Limit)
	}
	return pages[*Service](ctx, d, "Services", query, q.Limit, nil)
}

// servicesOfNumbers yields the services to which a range of numbers is assigned.
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
