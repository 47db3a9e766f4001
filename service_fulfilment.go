package pbx

import (
	"context"

	"github.com/pbxkit/pbx/rule"
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
