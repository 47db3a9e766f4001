package pbx

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// PortState is the state of a port request (NUM-11).
type PortState string

// The states of a port request.
const (
	PortRequested PortState = "requested"
	PortConfirmed PortState = "confirmed"
	PortActivated PortState = "activated"
	PortCancelled PortState = "cancelled"
	PortFailed    PortState = "failed"
)

// PortRequest brings numbers in from another carrier.
type PortRequest struct {
	TenantID  TenantID
	ID        PortID
	Rev       int64
	Carrier   string    // up to 64 characters
	Date      time.Time // the day wanted, in UTC
	State     PortState
	TollFree  bool // toll-free and geographic numbers are not mixed
	CreatedAt time.Time
}

// Table returns the declaration of port requests.
func (p *PortRequest) Table() *store.Table { return portRequestsTable }

// Fields appends the request's columns.
func (p *PortRequest) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &p.TenantID), id("id", &p.ID), revision(&p.Rev),
		words("carrier", &p.Carrier), moment("date", &p.Date), words("state", (*string)(&p.State)),
		boolean("toll_free", &p.TollFree), moment("created_at", &p.CreatedAt),
	)
}

func (p *PortRequest) ref() Ref { return Ref{"port request", p.ID.String(), p.Carrier} }

// NewPort is the input of [Directory.RequestPort].
type NewPort struct {
	Carrier string    // the losing carrier: required, up to 64 characters
	Date    time.Time // the day wanted, in UTC: required, today or later
	Numbers []E164    // 1 to 1,000, all geographic or all toll-free
}

// RequestPort requests that numbers be ported in. From then on they can be chosen for
// services, which have a temporary number until the port is activated (NUM-3, NUM-11).
//
// Errors, all at once: ErrInvalid for bad fields (NUM-1, NUM-11), and for toll-free and
// geographic numbers in one request (NUM-11); ErrConflict for numbers that are in the
// system already (NUM-1).
func (d *Directory) RequestPort(ctx context.Context, in NewPort) (*PortRequest, error) {
	return change(ctx, d, "RequestPort", nil, func(t *tx) (*PortRequest, error) {
		tollFree, err := t.validatePort(ctx, in)
		if err != nil {
			return nil, err
		}
		p := &PortRequest{TenantID: t.tenantID, ID: t.newID(), Carrier: in.Carrier, Date: in.Date.UTC().Truncate(24 * time.Hour),
			State: PortRequested, TollFree: tollFree, CreatedAt: t.now}
		t.Insert(p)
		t.did("port.requested", p.ref(), "")
		for _, e := range in.Numbers {
			n := &Number{E164: e, TenantID: t.tenantID, State: NumberPorting, PortID: p.ID, CreatedAt: t.now}
			t.Insert(n)
			t.did("number.added", n.ref(), string(NumberPorting))
		}
		return copyOf(p), nil
	})
}

// validatePort checks a port request, and reports whether its numbers are toll-free.
func (t *tx) validatePort(ctx context.Context, in NewPort) (tollFree bool, err error) {
	var check validation
	check.required(rule.NUM11, "Carrier", in.Carrier, maxName)
	switch {
	case in.Date.IsZero():
		check.refuse(rule.NUM11, "Date", "is missing")
	case in.Date.UTC().Truncate(24 * time.Hour).Before(t.now.UTC().Truncate(24 * time.Hour)):
		check.refuse(rule.NUM11, "Date", "is past")
	default:
		check.time(rule.NUM11, "Date", in.Date)
	}
	if err := check.collect(t.unknownNumbers(ctx, in.Numbers)); err != nil {
		return false, err
	}
	free := 0
	for _, e := range in.Numbers {
		if numplan.TollFreeE164(string(e)) {
			free++
		}
	}
	if free != 0 && free != len(in.Numbers) {
		check.refuse(rule.NUM11, "Numbers", "toll-free and geographic numbers cannot be ported in one request")
	}
	if err := check.err(); err != nil {
		return false, err
	}
	return free > 0, nil
}

// ConfirmPort records that the losing carrier has agreed (NUM-11). Only support can.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a port that is not requested.
func (d *Directory) ConfirmPort(ctx context.Context, id PortID) (*PortRequest, error) {
	return d.movePort(ctx, "ConfirmPort", id, PortConfirmed, nil, PortRequested)
}

// ActivatePort records that the numbers have been ported in. A number for which a service
// waits replaces the service's temporary number, which is returned; any other becomes
// available (NUM-3, NUM-11). Only support can.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a port that is activated, cancelled or
// failed.
func (d *Directory) ActivatePort(ctx context.Context, id PortID) (*PortRequest, error) {
	return d.movePort(ctx, "ActivatePort", id, PortActivated, (*tx).numberArrives, PortRequested, PortConfirmed)
}

// CancelPort cancels a port: its numbers are the tenant's no longer. A temporary number
// stays with its service, on loan, until it is replaced, and is returned then whatever
// Disposal is chosen (NUM-3, NUM-11).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a port that is activated, cancelled or
// failed.
func (d *Directory) CancelPort(ctx context.Context, id PortID) (*PortRequest, error) {
	return d.movePort(ctx, "CancelPort", id, PortCancelled, (*tx).numberFails, PortRequested, PortConfirmed)
}

// FailPort records that a port failed. Its numbers are treated as by
// [Directory.CancelPort] (NUM-11). Only support can.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a port that is activated, cancelled or
// failed.
func (d *Directory) FailPort(ctx context.Context, id PortID) (*PortRequest, error) {
	return d.movePort(ctx, "FailPort", id, PortFailed, (*tx).numberFails, PortRequested, PortConfirmed)
}

// movePort takes a port request from one of the states from to another, and calls each,
// unless it is nil, for its numbers.
func (d *Directory) movePort(ctx context.Context, operation string, id PortID, to PortState,
	each func(*tx, context.Context, *Number) error, from ...PortState) (*PortRequest, error) {
	return change(ctx, d, operation, func(p *prefetch) {
		p.get(portRequestsTable.Key(), id)
		numbers := p.get(numbersByPort, id)
		numbers.to(servicesTable.Key(), "waiting_id")
		numbers.to(numbersByTemporary, "e164")
	}, func(t *tx) (*PortRequest, error) {
		p, err := t.portRequest(ctx, id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(from, p.State) {
			return nil, &Error{Code: rule.NUM11, Kind: ErrFailedPrecondition, Subject: p.ref(),
				Reason: "the port request is " + string(p.State) + " and cannot become " + string(to)}
		}
		numbers, err := store.Collect(find[*Number](ctx, t, store.Query{Index: numbersByPort, Equal: []any{t.tenantID, id}}))
		if err != nil {
			return nil, err
		}
		row := edit(t, p, func(p *PortRequest) { p.State = to })
		t.did("port."+string(to), row.ref(), "")
		for _, n := range numbers {
			if each == nil {
				break
			}
			if err := each(t, ctx, n); err != nil {
				return nil, err
			}
		}
		return copyOf(row), nil
	})
}

// numberArrives stages that a number has been ported in, and replaces the temporary one
// of the service that waits for it, if there is one.
func (t *tx) numberArrives(ctx context.Context, n *Number) error {
	if n.WaitingID.IsZero() {
		edit(t, n, func(n *Number) { n.State = NumberAvailable })
		t.did("number.ported-in", n.ref(), "")
		return nil
	}
	s, err := t.service(ctx, n.WaitingID)
	if err != nil {
		return err
	}
	temporary, err := one[*Number](ctx, t, numbersByTemporary, string(n.E164))
	if err != nil {
		return err
	}
	if temporary != nil {
		t.giveBack(temporary)
	}
	now := edit(t, s, func(s *Service) { s.Number = n.E164 })
	edit(t, n, func(n *Number) { n.State, n.ServiceID, n.WaitingID = NumberAssigned, s.ID, ServiceID{} })
	t.relate("number.ported-in", n.ref(), s.ref(), "")
	t.did("service.number-changed", now.ref(), string(s.Number)+" "+string(now.Number))
	return nil
}

// numberFails stages that a number will not be ported in, and is removed. Its temporary
// number stays with the service, on loan (NUM-3).
func (t *tx) numberFails(ctx context.Context, n *Number) error {
	temporary, err := one[*Number](ctx, t, numbersByTemporary, string(n.E164))
	if err != nil {
		return err
	}
	if temporary != nil {
		s, err := t.service(ctx, temporary.ServiceID)
		if err != nil {
			return err
		}
		edit(t, temporary, func(n *Number) { n.TemporaryFor = "" })
		t.relate("number.no-longer-temporary", temporary.ref(), s.ref(), string(n.E164))
	}
	t.Remove(n)
	t.did("number.removed", n.ref(), "")
	return nil
}

// PortRequest returns a port request of the tenant. Errors: ErrNotFound.
func (d *Directory) PortRequest(ctx context.Context, id PortID) (*PortRequest, error) {
	return read(ctx, d, "PortRequest", func(p *prefetch) { p.get(portRequestsTable.Key(), id) }, func(t *tx) (*PortRequest, error) {
		p, err := t.portRequest(ctx, id)
		if err != nil {
			return nil, err
		}
		return copyOf(p), nil
	})
}

// portRequest reads a port request of the tenant.
func (t *tx) portRequest(ctx context.Context, id PortID) (*PortRequest, error) {
	p, err := one[*PortRequest](ctx, t, portRequestsTable.Key(), t.tenantID, id)
	if err == nil && p == nil {
		err = notFound("port request", id.String())
	}
	return p, err
}

// PortRequests yields the tenant's port requests, the oldest first.
func (d *Directory) PortRequests(ctx context.Context) iter.Seq2[*PortRequest, error] {
	return pages[*PortRequest](ctx, d, "PortRequests", store.Query{Index: portRequestsTable.Key(), Equal: []any{d.scope()}}, 0, nil)
}
