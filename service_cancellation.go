package pbx

import (
	"context"
	"time"

	"github.com/pbxkit/pbx/rule"
)

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
