package pbx

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// ErrRefused is what an error of a [Connector] wraps if the other system refused for
// good, so that asking again would not help. The error's text is shown to the
// tenant's administrators, so it must hold no secret.
var ErrRefused = errors.New("refused by the other system")

// Connector talks to another system that provides foreign services (SVC-18).
//
// Its methods are called by several goroutines at once, but never for two requests
// of one tenant. They may be called again with the same request: an implementation
// drops repeats by the Key, or does nothing if the request is fulfilled already.
// An error that wraps ErrRefused is final, and its text is kept in the record. Any
// other error is taken as temporary: the request comes again at the next call of
// [Directory.Connect], before all later ones of its tenant.
type Connector interface {
	// Create creates the foreign service, and returns its page there, or "".
	Create(ctx context.Context, r ForeignRequest) (link string, err error)
	// Delete deletes the foreign service. If the other system does not have it,
	// that is no error.
	Delete(ctx context.Context, r ForeignRequest) error
}

// ForeignRequest is one request to another system. The records are copies of what
// there is when the Connector is called, and the Connector may keep them.
type ForeignRequest struct {
	Key     string // of the request's event; the same when the request is repeated (SYS-3)
	Tenant  TenantID
	Foreign *ForeignService
	Line    *Service // on which to create it; nil for Delete, as the line is deleted by then
	Users   []*User  // of the line
}

// connectorPrefix begins the names of the subscribers that Connect delivers to.
const connectorPrefix = "foreign."

// Connect takes the waiting requests for a system to a [Connector]: to create
// foreign services and to delete them (SVC-10, SVC-18). It records the other
// system's answers as SettleForeign does, and returns how many requests it settled.
// Call it again, periodically or after changes.
//
// It is a delivery to the subscriber "foreign." + system, and keeps all promises of
// [Directory.Deliver]: no request is lost, those of a tenant come in order, each at
// least once and under its own key, and any number of processes may share the work.
// A request is skipped, and its answer dropped, if it is out of date: because its
// line was deleted meanwhile, or because it was made again since.
//
// Errors: those of Deliver. A temporary error of the Connector is in a
// *DeliveryError, and holds up its tenant's requests to that system.
func (d *Directory) Connect(ctx context.Context, system string, c Connector) (int, error) {
	if _, err := d.enter(ctx, "Connect"); err != nil {
		return 0, err
	}
	if c == nil {
		return 0, misuse("requests are carried out by a Connector: nil was given")
	}
	var check validation
	check.system("System", system)
	if err := check.err(); err != nil {
		return 0, err
	}
	var settled atomic.Int64
	_, err := d.deliver(ctx, connectorPrefix+system, func(ctx context.Context, e *Event) error {
		if of, _ := readErrand(e.Detail); of != system || e.Type != foreignRequested && e.Type != foreignDeleteRequested {
			return nil
		}
		done, err := d.In(e.TenantID).carryOut(ctx, c, e)
		if done {
			settled.Add(1)
		}
		return err
	})
	return int(settled.Load()), err
}

// carryOut makes the request of an event, unless it is out of date, and settles it.
func (d *Directory) carryOut(ctx context.Context, c Connector, e *Event) (done bool, err error) {
	r, err := d.foreignRequest(ctx, e)
	if r == nil || err != nil {
		return false, err
	}
	id, request := r.Foreign.ID, r.Foreign.Requests // the Connector may change the records
	said := Settlement{State: ForeignGone}
	if e.Type == foreignRequested {
		said.State = ForeignActive
		said.Link, err = c.Create(ctx, *r)
	} else {
		err = c.Delete(ctx, *r)
	}
	switch {
	case errors.Is(err, ErrRefused):
		said = Settlement{State: ForeignFailed, Outcome: presentable(err.Error())}
	case err != nil:
		return false, err
	case said.Link != "" && (len(said.Link) > maxLink || !validLink(said.Link)):
		said.Link, said.Outcome = "", "the other system gave a link that is not the address of a page"
	}
	said.Request = request
	_, err = d.SettleForeign(ctx, id, said)
	if errors.Is(err, ErrFailedPrecondition) || errors.Is(err, ErrNotFound) {
		return false, nil // out of date by now; the journal has what came after it
	}
	return err == nil, err
}

// foreignRequest returns the request of an event, or nil if it is out of date.
func (d *Directory) foreignRequest(ctx context.Context, e *Event) (*ForeignRequest, error) {
	id, err := ParseID[ForeignService](e.Subject)
	if err != nil {
		return nil, err
	}
	r, err := read(ctx, d, "ForeignService", func(p *prefetch) {
		line := p.foreign(id).to(servicesTable.Key(), "service_id")
		line.users()
	}, func(t *tx) (*ForeignRequest, error) {
		f, err := t.foreign(ctx, id)
		if err != nil {
			return nil, err
		}
		wanted := ForeignRequested
		if e.Type == foreignDeleteRequested {
			wanted = ForeignDeleting
		}
		if _, request := readErrand(e.Detail); f.State != wanted || f.Requests != request {
			return nil, nil
		}
		return t.foreignRequest(ctx, f)
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case r != nil:
		r.Key = e.Key()
	}
	return r, nil
}

// foreignRequest reads what a request tells a Connector, but for its key.
func (t *tx) foreignRequest(ctx context.Context, f *ForeignService) (*ForeignRequest, error) {
	r := &ForeignRequest{Tenant: t.tenantID, Foreign: copyOf(f)}
	if f.ServiceID.IsZero() {
		return r, nil
	}
	line, err := t.service(ctx, f.ServiceID)
	if err != nil {
		return nil, err
	}
	users, err := t.othersOf(ctx, line.ID, UserID{})
	if err != nil {
		return nil, err
	}
	r.Line = copyOf(line)
	for _, u := range users {
		r.Users = append(r.Users, copyOf(u))
	}
	return r, nil
}

// presentable makes a line of text that can be kept and shown out of a message of
// another system.
func presentable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unprintable(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > maxOutcome {
		s = strings.TrimSpace(string([]rune(s)[:maxOutcome]))
	}
	return s
}
