package pbx

import (
	"context"
	"slices"
	"time"

	"github.com/pbxkit/pbx/rule"
)

// ServiceStatus is the status of a service (SVC-17):
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
// A new service is in order processing if its type needs work by the provider
// (ServiceType.Fulfilment); else pending activation if it is added for later, or
// for a user who is not active; else active. It works and is billed while it is
// active or pending cancellation, and in no other status. It can be deleted in any
// of them. A remote service has StatusNone: the system that hosts it keeps its status.
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

// CompleteOrder records that the provider has done the work that a service's type
// needs. The service works, and is billed, from now on. It is pending activation
// instead if it was added for later, if one of its users is pending, or if all of its
// users are disabled (SVC-17, USR-13). Only support can.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a service that is not in order
// processing.
func (d *Directory) CompleteOrder(ctx context.Context, id ServiceID) (*Service, error) {
	return d.changeStatus(ctx, "CompleteOrder", id, prefetchStart(id), func(t *tx, s *Service) (*Service, error) {
		if err := s.requireStatus(StatusOrderProcessing); err != nil {
			return nil, err
		}
		users, err := t.othersOf(ctx, s.ID, UserID{})
		if err != nil {
			return nil, err
		}
		later := s.ActivateLater || stopped(users) || pendingOf(users) != nil
		s = edit(t, s, func(s *Service) { s.Status, s.ActivateLater = StatusPendingActivation, false })
		t.did("service.order-completed", s.ref(), s.Type)
		if later {
			return s, nil
		}
		return t.startService(ctx, s)
	})
}

// FailOrder records that the provider cannot do the work that a service's type needs,
// and why (SVC-17). The service is not billed; its order can be retried, or the
// service deleted. Only support can.
//
// Errors: ErrNotFound; ErrInvalid for a reason that is missing or longer than 256
// characters; ErrFailedPrecondition for a service that is not in order processing.
func (d *Directory) FailOrder(ctx context.Context, id ServiceID, reason string) (*Service, error) {
	return d.changeStatus(ctx, "FailOrder", id, prefetchService(id), func(t *tx, s *Service) (*Service, error) {
		var check validation
		if check.required(rule.SVC17, "Reason", reason, maxOutcome); check.err() != nil {
			return nil, check.err()
		}
		if err := s.requireStatus(StatusOrderProcessing); err != nil {
			return nil, err
		}
		s = edit(t, s, func(s *Service) { s.Status, s.Failure = StatusOrderFailed, reason })
		t.did("service.order-failed", s.ref(), s.Type)
		return s, nil
	})
}

// RetryOrder asks the provider again for a service whose order failed (SVC-17).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a service whose order did not
// fail.
func (d *Directory) RetryOrder(ctx context.Context, id ServiceID) (*Service, error) {
	return d.changeStatus(ctx, "RetryOrder", id, prefetchService(id), func(t *tx, s *Service) (*Service, error) {
		if err := s.requireStatus(StatusOrderFailed); err != nil {
			return nil, err
		}
		s = edit(t, s, func(s *Service) { s.Status, s.Failure = StatusOrderProcessing, "" })
		t.did("service.order-processing", s.ref(), s.Type)
		return s, nil
	})
}

// ActivateService activates a service that was added for later and has no pending
// user: it works, and is billed, from now on (SVC-17). The services of a pending user
// are activated together with the user, by [Directory.ActivateUser]. For a remote
// service only the billing starts.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a service that is not pending
// activation, and for one with a pending user, or whose users are all disabled, naming
// the user (USR-13).
func (d *Directory) ActivateService(ctx context.Context, id ServiceID) (*Service, error) {
	return d.changeStatus(ctx, "ActivateService", id, prefetchStart(id), func(t *tx, s *Service) (*Service, error) {
		if !s.waits() {
			return nil, s.wrongStatus(StatusPendingActivation)
		}
		users, err := t.othersOf(ctx, s.ID, UserID{})
		if err != nil {
			return nil, err
		}
		if u := pendingOf(users); u != nil {
			return nil, &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: u.ref(),
				Reason: s.ref().String() + " is activated with " + u.ref().String() + ", who is pending"}
		}
		if err := t.serving(ctx, s); err != nil {
			return nil, err
		}
		return t.startService(ctx, s)
	})
}

// maxNotice is how far ahead a service can be cancelled.
const maxNotice = 10 * 366 * 24 * time.Hour

// CancelService marks a service to be cancelled at a time. It works and is billed
// until it is deleted (SVC-17). It is not deleted automatically: list what is due with
// [Directory.Services] and ServiceQuery.CancelledBy, and delete it with
// [Directory.DeleteService], which says what has to be confirmed.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service (SVC-11); and both of
// these at once: ErrInvalid for a time that is past or more than ten years ahead, and
// ErrFailedPrecondition for a service that is not active.
func (d *Directory) CancelService(ctx context.Context, id ServiceID, at time.Time) (*Service, error) {
	at = at.UTC().Truncate(time.Microsecond)
	return d.changeStatus(ctx, "CancelService", id, prefetchService(id), func(t *tx, s *Service) (*Service, error) {
		if err := t.editable(s); err != nil {
			return nil, err
		}
		var check validation
		if at.Before(t.now) || at.After(t.now.Add(maxNotice)) {
			check.refuse(rule.SVC17, "At", "not a time between now and ten years ahead")
		}
		if err := check.collect(s.requireStatus(StatusActive)); err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		s = edit(t, s, func(s *Service) { s.Status, s.CancelAt = StatusPendingCancellation, at })
		t.did("service.cancelled", s.ref(), at.Format(time.RFC3339))
		return s, nil
	})
}

// WithdrawCancellation makes a service active again that was to be cancelled
// (SVC-17).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a service that is not pending
// cancellation.
func (d *Directory) WithdrawCancellation(ctx context.Context, id ServiceID) (*Service, error) {
	return d.changeStatus(ctx, "WithdrawCancellation", id, prefetchService(id), func(t *tx, s *Service) (*Service, error) {
		if err := s.requireStatus(StatusPendingCancellation); err != nil {
			return nil, err
		}
		s = edit(t, s, func(s *Service) { s.Status, s.CancelAt = StatusActive, time.Time{} })
		t.did("service.cancellation-withdrawn", s.ref(), "")
		return s, nil
	})
}

// changeStatus runs an operation on the status of a service. move checks whether the
// service may pass to another status, and stages that.
func (d *Directory) changeStatus(ctx context.Context, operation string, id ServiceID, plan prefetchPlan,
	move func(*tx, *Service) (*Service, error)) (*Service, error) {
	return change(ctx, d, operation, plan, func(t *tx) (*Service, error) {
		s, err := t.service(ctx, id)
		if err != nil {
			return nil, err
		}
		if s, err = move(t, s); err != nil {
			return nil, err
		}
		return copyOf(s), nil
	})
}

// prefetchService plans to read a service alone.
func prefetchService(id ServiceID) prefetchPlan { return func(p *prefetch) { p.service(id) } }

// prefetchStart plans what starting a service reads: its number and its users.
func prefetchStart(id ServiceID) prefetchPlan {
	return func(p *prefetch) {
		p.service(id).to(numbersTable.Key(), "number")
		p.usersOf(id)
	}
}

// requireStatus refuses what only a service of another status allows (SVC-17).
func (s *Service) requireStatus(wanted ServiceStatus) error {
	if s.Status == wanted {
		return nil
	}
	return s.wrongStatus(wanted)
}

func (s *Service) wrongStatus(wanted ServiceStatus) *Error {
	return &Error{Code: rule.SVC17, Kind: ErrFailedPrecondition, Subject: s.ref(),
		Reason: s.ref().String() + " is " + string(s.Status) + ", not " + string(wanted)}
}

// pendingOf returns the first of the users who is pending, or nil.
func pendingOf(users []*User) *User {
	if at := slices.IndexFunc(users, func(u *User) bool { return u.State == UserPending }); at >= 0 {
		return users[at]
	}
	return nil
}

// startsWith reports whether a service is activated together with one of its users:
// none of the others is still pending, and none was active when the service was added.
// If one was, it was added for later, and does not wait for a user.
func (s *Service) startsWith(others []*User) bool {
	return pendingOf(others) == nil && !slices.ContainsFunc(others, func(u *User) bool {
		return u.State == UserActive && !u.ActivatedAt.After(s.CreatedAt)
	})
}

// waits reports whether a service can be activated. Of a remote service only the
// billing can be started.
func (s *Service) waits() bool {
	return s.Status == StatusPendingActivation || s.Status == StatusNone && !s.billed()
}

// works reports whether the status of a service that is hosted here is one in which
// it works.
func (s *Service) works() bool {
	return s.Status == StatusActive || s.Status == StatusPendingCancellation
}

// billed reports whether a service's billing has started.
func (s *Service) billed() bool { return !s.ActivatedAt.IsZero() }

// billing returns when the billing of a change to a service starts: now, or zero, on
// activation, if the service was not activated yet.
func (s *Service) billing(now time.Time) time.Time {
	if !s.billed() {
		return time.Time{}
	}
	return now
}

// activateWith activates a service together with one of its users; others are the
// rest of them. A service in order processing becomes active when its order is
// completed.
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

// startService stages that a service works, and is billed together with its number,
// from now on.
func (t *tx) startService(ctx context.Context, s *Service) (*Service, error) {
	s = edit(t, s, func(s *Service) {
		if s.Status == StatusPendingActivation {
			s.Status = StatusActive
		}
		s.ActivatedAt = t.now
	})
	t.did("service.activated", s.ref(), "")
	if err := t.billNumber(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
}
