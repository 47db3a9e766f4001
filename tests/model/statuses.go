package model

import (
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// begin gives a new service its first status (SVC-17).
func (x *step) begin(s *Service, later bool) {
	st := x.t.serviceType(s.Type)
	processing := s.RemoteSystem == "" && st != nil && st.Fulfilment
	switch {
	case s.RemoteSystem != "":
		s.Status = pbx.StatusNone
	case processing:
		s.Status, s.ActivateLater = pbx.StatusOrderProcessing, later
	case later:
		s.Status = pbx.StatusPendingActivation
	default:
		s.Status = pbx.StatusActive
	}
	if !processing && !later {
		s.ActivatedAt = x.Now
	}
}

// billed reports whether a service's billing has started.
func (s *Service) billed() bool { return !s.ActivatedAt.IsZero() }

// billing is when billing for a change to a service starts (ORD-2).
func (s *Service) billing(now time.Time) time.Time {
	if !s.billed() {
		return time.Time{}
	}
	return now
}

// waits reports whether a service waits to be activated.
func (s *Service) waits() bool {
	return s.Status == pbx.StatusPendingActivation || s.Status == pbx.StatusNone && !s.billed()
}

// pending reports whether any of the users is pending.
func pending(users []*User) bool {
	return first(users, func(u *User) bool { return u.State == pbx.UserPending }) != nil
}

// activateWith activates a service with one of its users, unless another is
// pending, or was active before the service existed.
func (x *step) activateWith(u *User, s *Service) {
	others := x.t.others(s, u)
	early := func(u *User) bool { return u.State == pbx.UserActive && !u.ActivatedAt.After(s.CreatedAt) }
	if !pending(others) && first(others, early) == nil {
		x.activate(s)
	}
}

// activate makes a service that waits for it work, now or as soon as its order is
// completed.
func (x *step) activate(s *Service) {
	if !s.waits() {
		s.ActivateLater = false
		return
	}
	if s.Status == pbx.StatusPendingActivation {
		s.Status = pbx.StatusActive
	}
	s.ActivatedAt = x.Now
	x.did("service.activated", s.ref(), "")
	if n := x.Number(s.Number); n != nil && n.Monthly > 0 && !n.Billed {
		n.edit(func(n *Number) { n.Billed = true })
	}
}

// ActivateService is the method of that name.
type ActivateService struct{ Service Handle }

func (o ActivateService) do(x *step) {
	s := x.service(o.Service)
	switch {
	case s == nil:
	case !s.waits():
		x.refuse(rule.SVC17, pbx.ErrFailedPrecondition, "")
	case pending(x.t.usersOf(s.ID)):
		x.refuse(rule.USR13, pbx.ErrFailedPrecondition, "")
	case x.serving(s):
		x.activate(s)
	}
}

// in is a service that has a status; one that has another is refused.
func (x *step) inStatus(id Handle, status pbx.ServiceStatus) *Service {
	s := x.service(id)
	if s != nil && s.Status != status {
		x.refuse(rule.SVC17, pbx.ErrFailedPrecondition, "")
		return nil
	}
	return s
}

// CompleteOrder is the method of that name.
type CompleteOrder struct{ Service Handle }

func (o CompleteOrder) do(x *step) {
	if s := x.inStatus(o.Service, pbx.StatusOrderProcessing); s != nil {
		users := x.t.usersOf(s.ID)
		later := s.ActivateLater || stopped(users) || pending(users)
		s.Status, s.ActivateLater = pbx.StatusPendingActivation, false
		x.did("service.order-completed", s.ref(), s.Type)
		if !later {
			x.activate(s)
		}
	}
}

// FailOrder is the method of that name.
type FailOrder struct {
	Service Handle
	Reason  string
}

func (o FailOrder) do(x *step) {
	if x.service(o.Service) == nil {
		return
	}
	if x.required(rule.SVC17, "Reason", o.Reason, 256); len(x.bad) > 0 {
		return
	}
	if s := x.inStatus(o.Service, pbx.StatusOrderProcessing); s != nil {
		s.Status, s.Failure = pbx.StatusOrderFailed, o.Reason
		x.did("service.order-failed", s.ref(), s.Type)
	}
}

// RetryOrder is the method of that name.
type RetryOrder struct{ Service Handle }

func (o RetryOrder) do(x *step) {
	if s := x.inStatus(o.Service, pbx.StatusOrderFailed); s != nil {
		s.Status, s.Failure = pbx.StatusOrderProcessing, ""
		x.did("service.order-processing", s.ref(), s.Type)
	}
}

// CancelService is the method of that name: so long from now.
type CancelService struct {
	Service Handle
	After   time.Duration
}

func (o CancelService) do(x *step) {
	s := x.service(o.Service)
	if s == nil || !x.editable(s) {
		return
	}
	if o.After < 0 || o.After > 3660*day {
		x.invalid(rule.SVC17, "At")
	}
	if s.Status != pbx.StatusActive {
		x.refuse(rule.SVC17, pbx.ErrFailedPrecondition, "")
	}
	s.Status, s.CancelAt = pbx.StatusPendingCancellation, x.Now.Add(o.After)
	x.did("service.cancelled", s.ref(), s.CancelAt.Format(time.RFC3339))
}

// WithdrawCancellation is the method of that name.
type WithdrawCancellation struct{ Service Handle }

func (o WithdrawCancellation) do(x *step) {
	if s := x.inStatus(o.Service, pbx.StatusPendingCancellation); s != nil {
		s.Status, s.CancelAt = pbx.StatusActive, noTime
		x.did("service.cancellation-withdrawn", s.ref(), "")
	}
}
