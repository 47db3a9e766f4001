package pbx

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// ErrRefused is what a Connector's error wraps where its system refused for good
// and asking again would change nothing. The error's text is then shown to the
// tenant's administrators: it holds no secret.
var ErrRefused = errors.New("refused by the other system")

// Connector is the way to another system that provides foreign services (SVC-18).
// Its methods are called by several goroutines at once, though never for two
// requests of one tenant, and may be called again with the same request: a
// receiver drops repeats by the Key, or does nothing where what is asked for is so
// already. An error that wraps ErrRefused is final, and stands in the record; any
// other is taken for a passing one, and the request comes again at the next call of
// Connect, before all later ones of its tenant.
type Connector interface {
	// Create makes what is asked for, and returns its page there, or "".
	Create(ctx context.Context, r ForeignRequest) (link string, err error)
	// Delete deletes it. What is not there is deleted.
	Delete(ctx context.Context, r ForeignRequest) error
}

// ForeignRequest is one request to another system. The records are as they are
// when the request is made, and the receiver's to keep.
type ForeignRequest struct {
	Key     string // the event's own, the same whenever this request comes (SYS-3)
	Tenant  TenantID
	Foreign *ForeignService
	Line    *Service // to be made on; nil where it is to be deleted: that line is gone
	Users   []*User  // of the line
}

// Connect takes to another system what it is asked for: the foreign services that
// are to be made, and those to be deleted (SVC-10, SVC-18). It returns how many
// requests came to an end. Call it again, by a clock or after changes. It is a
// delivery to the subscriber "foreign." and the system's code, and keeps all that
// Deliver promises: no request is lost, those of a tenant come in their order, each
// at least once under a key of its own, and any number of processes may share the
// work. What the other system says is settled in the record and in the journal. A
// request that was overtaken, because its line was deleted before it was made or
// because it was asked for again since, is passed over, and so is its answer.
//
// Errors: those of Deliver; a passing error of the connector is in a *DeliveryError,
// and holds up its tenant's requests to that system.
func (d *Directory) Connect(ctx context.Context, system string, c Connector) (int, error) {
	if _, err := d.enter(ctx, "Connect"); err != nil {
		return 0, err
	}
	var check validation
	check.system("System", system)
	if err := check.err(); err != nil {
		return 0, err
	}
	var settled atomic.Int64
	_, err := d.Deliver(ctx, "foreign."+system, func(ctx context.Context, e *Event) error {
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

// carryOut makes the request of an event, unless it is overtaken, and settles it.
func (d *Directory) carryOut(ctx context.Context, c Connector, e *Event) (done bool, err error) {
	r, err := d.foreignRequest(ctx, e)
	if r == nil || err != nil {
		return false, err
	}
	id, request := r.Foreign.ID, r.Foreign.Requests // the records are the receiver's
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
		said.Link, said.Outcome = "", "the other system gave a link that leads to no page"
	}
	said.Request = request
	_, err = d.SettleForeign(ctx, id, said)
	if errors.Is(err, ErrFailedPrecondition) || errors.Is(err, ErrNotFound) {
		return false, nil // overtaken while it was under way: what overtook it is in the journal
	}
	return err == nil, err
}

// foreignRequest is the request of an event, or nil where it is overtaken.
func (d *Directory) foreignRequest(ctx context.Context, e *Event) (*ForeignRequest, error) {
	id, err := ParseID[ForeignService](e.Subject)
	if err != nil {
		return nil, err
	}
	var r *ForeignRequest
	err = d.read(ctx, "ForeignService", func(p *prefetch) {
		line := p.foreign(id).to(servicesTable.Key(), "service_id")
		line.users()
	}, func(t *tx) error {
		r = nil
		f, err := t.foreign(ctx, id)
		if err != nil {
			return err
		}
		wanted := ForeignRequested
		if e.Type == foreignDeleteRequested {
			wanted = ForeignDeleting
		}
		if _, request := readErrand(e.Detail); f.State != wanted || f.Requests != request {
			return nil
		}
		r, err = t.foreignRequest(ctx, f)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if r != nil {
		r.Key = e.Key()
	}
	return r, err
}

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

// presentable makes a line that can be kept and shown of another system's words.
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
