package pbx

import (
	"context"
	"slices"
	"time"

	"github.com/pbxkit/pbx/rule"
)

// ServiceStatus is where a service stands in its life (SVC-17):
//
//	          ┌─► order processing ─CompleteOrder─┐
//	          │    │FailOrder   ▲RetryOrder       │
//	          │    ▼            │                 │
//	          │   order failed ─┘                 │
//	added ────┼─► pending activation ◄─(later)────┤
//	          │            │Activate…             │
//	          │            ▼                      │
//	          └─► active ◄──────────(at once)─────┘
//	                │CancelService  ▲WithdrawCancellation
//	                ▼               │
//	              pending cancellation
//
// A service begins in order processing where its type takes something of the
// provider (ServiceType.Fulfilment), else pending activation where it is added
// for later or for a user who is not active, else active. It works and is billed
// while it is active or pending cancellation, and in no other status. In any of
// them it can be deleted. A remote service is none of this: its status is its
// own system's.
type ServiceStatus string

// The statuses of a service.
const (
	StatusNone                ServiceStatus = "none" // a remote service, and no other
	StatusOrderProcessing     ServiceStatus = "order processing"
	StatusOrderFailed         ServiceStatus = "order failed"
	StatusPendingActivation   ServiceStatus = "pending activation"
	StatusActive              ServiceStatus = "active"
	StatusPendingCancellation ServiceStatus = "pending cancellation"
)

// CompleteOrder says that the provider has done what a service's type takes: the
// service works and its billing starts now, or, where it was added for later, a user
// of it is pending or its users are all disabled by now (USR-13), it is pending
// activation (SVC-17). Only support can.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a service whose order is not in
// process.
func (d *Directory) CompleteOrder(ctx context.Context, id ServiceID) (*Service, error) {
	var out *Service
	err := d.change(ctx, "CompleteOrder", func(p *prefetch) {
		p.service(id).to(numbersTable.Key(), "number")
		p.usersOf(id)
	}, func(t *tx) error {
		s, err := t.service(ctx, id)
		if err != nil {
			return err
		}
		if s.Status != StatusOrderProcessing {
			return s.not(StatusOrderProcessing)
		}
		users, err := t.othersOf(ctx, s.ID, UserID{})
		if err != nil {
			return err
		}
		later := s.ActivateLater || stopped(users) || pendingOf(users) != nil
		s = edit(t, s, func(s *Service) { s.Status, s.ActivateLater = StatusPendingActivation, false })
		t.did("service.order-completed", s.ref(), s.Type)
		if !later {
			s, err = t.startService(ctx, s)
		}
		out = copyOf(s)
		return err
	})
	return out, err
}

// FailOrder says that the provider cannot do what a service's type takes, and why
// (SVC-17). The service is not billed; its order can be retried, or the service
// deleted. Only support can.
//
// Errors: ErrNotFound; ErrInvalid for a reason that is missing or longer than 256
// characters; ErrFailedPrecondition for a service whose order is not in process.
func (d *Directory) FailOrder(ctx context.Context, id ServiceID, reason string) (*Service, error) {
	var check validation
	check.required(rule.SVC17, "Reason", reason, maxOutcome)
	return d.moveServiceIf(ctx, "FailOrder", id, StatusOrderProcessing, check.err(), func(t *tx, s *Service) *Service {
		s = edit(t, s, func(s *Service) { s.Status, s.Failure = StatusOrderFailed, reason })
		t.did("service.order-failed", s.ref(), s.Type)
		return s
	})
}

// RetryOrder asks the provider again for a service whose order failed (SVC-17).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a service whose order did not
// fail.
func (d *Directory) RetryOrder(ctx context.Context, id ServiceID) (*Service, error) {
	return d.moveService(ctx, "RetryOrder", id, StatusOrderFailed, func(t *tx, s *Service) *Service {
		s = edit(t, s, func(s *Service) { s.Status, s.Failure = StatusOrderProcessing, "" })
		t.did("service.order-processing", s.ref(), s.Type)
		return s
	})
}

// ActivateService activates a service that was added for later and has no
// pending user: it works and its billing starts now (SVC-17). The services of a
// pending user are activated with him, by ActivateUser. Of a remote service it
// is the billing alone that starts.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a service that is not pending
// activation, or naming the user who is pending, or disabled without anybody else
// who has it (USR-13).
func (d *Directory) ActivateService(ctx context.Context, id ServiceID) (*Service, error) {
	var out *Service
	err := d.change(ctx, "ActivateService", func(p *prefetch) {
		p.service(id).to(numbersTable.Key(), "number")
		p.usersOf(id)
	}, func(t *tx) error {
		s, err := t.service(ctx, id)
		if err != nil {
			return err
		}
		if !s.waits() {
			return s.not(StatusPendingActivation)
		}
		users, err := t.othersOf(ctx, s.ID, UserID{})
		if err != nil {
			return err
		}
		if u := pendingOf(users); u != nil {
			return &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: u.ref(),
				Reason: s.ref().String() + " is activated with " + u.ref().String() + ", who is pending"}
		}
		if err := t.serving(ctx, s); err != nil {
			return err
		}
		s, err = t.startService(ctx, s)
		out = copyOf(s)
		return err
	})
	return out, err
}

// maxNotice is how far ahead a service can be cancelled.
const maxNotice = 10 * 366 * 24 * time.Hour

// CancelService marks a service to be cancelled at a time: until then, and until it
// is deleted, it works and is billed (SVC-17). Nothing deletes it by itself: what is
// due is listed by Services with a ServiceQuery of CancelledBy, and deleted with
// DeleteService, which says then what has to be confirmed.
//
// Errors: ErrNotFound; ErrInvalid for a time that is past or more than ten years
// ahead; ErrFailedPrecondition for a remote service (SVC-11) and for one that is not
// active.
func (d *Directory) CancelService(ctx context.Context, id ServiceID, at time.Time) (*Service, error) {
	at = at.UTC().Truncate(time.Microsecond)
	var out *Service
	err := d.change(ctx, "CancelService", func(p *prefetch) { p.service(id) }, func(t *tx) error {
		s, err := t.service(ctx, id)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		var check validation
		if at.Before(t.now) || at.After(t.now.Add(maxNotice)) {
			check.refuse(rule.SVC17, "At", "not a time between now and ten years ahead")
		}
		if s.Status != StatusActive {
			check.refusals = append(check.refusals, s.not(StatusActive))
		}
		if err := check.err(); err != nil {
			return err
		}
		s = edit(t, s, func(s *Service) { s.Status, s.CancelAt = StatusPendingCancellation, at })
		t.did("service.cancelled", s.ref(), at.Format(time.RFC3339))
		out = copyOf(s)
		return nil
	})
	return out, err
}

// WithdrawCancellation makes a service active again that was to be cancelled
// (SVC-17).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a service that is not pending
// cancellation.
func (d *Directory) WithdrawCancellation(ctx context.Context, id ServiceID) (*Service, error) {
	return d.moveService(ctx, "WithdrawCancellation", id, StatusPendingCancellation, func(t *tx, s *Service) *Service {
		s = edit(t, s, func(s *Service) { s.Status, s.CancelAt = StatusActive, time.Time{} })
		t.did("service.cancellation-withdrawn", s.ref(), "")
		return s
	})
}

// moveService takes a service from one status to another.
func (d *Directory) moveService(ctx context.Context, operation string, id ServiceID, from ServiceStatus, move func(*tx, *Service) *Service) (*Service, error) {
	return d.moveServiceIf(ctx, operation, id, from, nil, move)
}

// moveServiceIf is moveService with input, which may be refused.
func (d *Directory) moveServiceIf(ctx context.Context, operation string, id ServiceID, from ServiceStatus, refusal error,
	move func(*tx, *Service) *Service) (*Service, error) {
	var out *Service
	err := d.change(ctx, operation, func(p *prefetch) { p.service(id) }, func(t *tx) error {
		s, err := t.service(ctx, id)
		if err != nil {
			return err
		}
		if refusal != nil {
			return refusal
		}
		if s.Status != from {
			return s.not(from)
		}
		out = copyOf(move(t, s))
		return nil
	})
	return out, err
}

// not refuses what only a service of another status allows (SVC-17).
func (s *Service) not(wanted ServiceStatus) *Error {
	return &Error{Code: rule.SVC17, Kind: ErrFailedPrecondition, Subject: s.ref(),
		Reason: s.ref().String() + " is " + string(s.Status) + ", not " + string(wanted)}
}

// pendingOf is the first of the users who is pending, or nil.
func pendingOf(users []*User) *User {
	if at := slices.IndexFunc(users, func(u *User) bool { return u.State == UserPending }); at >= 0 {
		return users[at]
	}
	return nil
}

// startsWith reports whether a service is activated with one of its users: none
// of the others is pending still, and none was active when it was added, for then
// it waits because it was added for later, and not for him.
func (s *Service) startsWith(others []*User) bool {
	return pendingOf(others) == nil && !slices.ContainsFunc(others, func(u *User) bool {
		return u.State == UserActive && !u.ActivatedAt.After(s.CreatedAt)
	})
}

// waits reports whether a service waits to be activated. Of a remote one that is
// its billing alone.
func (s *Service) waits() bool {
	return s.Status == StatusPendingActivation || s.Status == StatusNone && !s.billed()
}

// works reports whether a service that is hosted here does what it is for, as far
// as its status goes.
func (s *Service) works() bool {
	return s.Status == StatusActive || s.Status == StatusPendingCancellation
}

// billed reports whether the service's billing has started.
func (s *Service) billed() bool { return !s.ActivatedAt.IsZero() }

// billing is when the billing of a change to the service starts: now, or on
// activation where that is still to come.
func (s *Service) billing(now time.Time) time.Time {
	if !s.billed() {
		return time.Time{}
	}
	return now
}

// activateWith lets a service of a user who is activated work, and starts its
// billing. One whose order is not completed yet is active as soon as it is.
func (t *tx) activateWith(ctx context.Context, s *Service, others []*User) error {
	switch {
	case !s.startsWith(others):
	case s.waits():
		_, err := t.startService(ctx, s)
		return err
	case s.ActivateLater:
		edit(t, s, func(s *Service) { s.ActivateLater = false })
	}
	return nil
}

// startService stages that a service works, and is billed from now on together with
// its number.
func (t *tx) startService(ctx context.Context, s *Service) (*Service, error) {
	s = edit(t, s, func(s *Service) {
		if s.Status == StatusPendingActivation {
			s.Status = StatusActive
		}
		s.ActivatedAt = t.now
	})
	t.did("service.activated", s.ref(), "")
	return s, t.billNumber(ctx, s)
}
