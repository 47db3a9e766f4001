package model

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// Actor is the caller. Home is the tenant of an administrator or an owner.
type Actor struct {
	Role pbx.Role
	Name pbx.Principal
	Home Handle
}

// String returns the name, the role and the tenant.
func (a Actor) String() string {
	if a.Role == "" {
		return "nobody"
	}
	return strings.TrimSuffix(fmt.Sprintf("%s %s@%s", a.Role, a.Name, a.Home), "@")
}

// Op is one operation with its arguments: a struct that has the method's name,
// whose fields can each be left at zero.
type Op interface {
	do(x *step)
}

// Call is one operation, called by somebody, somewhere. N is its number, which
// gives the records that it makes their handles.
type Call struct {
	N       int
	As      Actor
	In      Handle // the tenant chosen, or "": the actor's own
	Confirm []rule.Code
	Op      Op
}

// Refusal describes a refused operation: the parts of an *pbx.Error that a
// model can predict.
type Refusal struct {
	Code  rule.Code
	Kind  string
	Field string
}

// Notice is a warning or a confirmation that is asked for.
type Notice struct {
	Code    rule.Code
	Subject string // kind and handle
	about   string // what else the text names
}

// Event is an entry of the journal. Subject and Object are handles, or what else
// names the record.
type Event struct {
	Type, Kind      string
	Subject, Object Handle
	Detail          string
	name            string // of the subject and the object, as a review shows them
}

// Outcome is the result of a command.
type Outcome struct {
	Op       string
	Refused  []Refusal // sorted; none: it was done
	Parts    []Outcome // of a batch or a review
	Warnings []Notice  // that a review shows
	Asked    []Notice  // confirmations that a review shows
	Effects  []Event   // in their order, that a review shows
	Monthly  pbx.Money // what a review costs
	OneTime  pbx.Money
	Journal  []string // lines added to journals, sorted
	Answer   []string // of an operation that reads
}

// step is an operation under way, on a copy of the state.
type step struct {
	*State
	n         int
	which     string // of the records that it makes, if there are several
	in        Handle
	t         *Tenant
	actor     Actor
	confirmed []rule.Code
	reviewing bool
	batched   bool

	bad      []Refusal
	stands   bool // what it did stands although it is refused
	warnings []Notice
	asked    []Notice
	effects  []Event
	orders   []*Order
	answer   []string
}

func (x *step) refuse(code rule.Code, kind error, field string) {
	x.bad = append(x.bad, Refusal{code, kind.Error(), field})
}

func (x *step) invalid(code rule.Code, field string) { x.refuse(code, pbx.ErrInvalid, field) }

// missing is the refusal of a record that the tenant does not have.
func (x *step) missing(field string) { x.refuse(rule.ACC1, pbx.ErrNotFound, field) }

func (x *step) warn(code rule.Code, subject ref, about ...string) {
	x.warnings = append(x.warnings, Notice{code, subject.String(), subject.name + " " + strings.Join(about, " ")})
}

// confirm asks for a confirmation, unless it was given.
func (x *step) confirm(code rule.Code, subject ref, about ...string) {
	if x.reviewing || !slices.Contains(x.confirmed, code) {
		x.asked = append(x.asked, Notice{code, subject.String(), subject.name + " " + strings.Join(about, " ")})
	}
}

// ref is a record as events and notices name it.
type ref struct {
	kind string
	id   Handle
	name string
}

// String returns what can be predicted of it; of an order that is nothing.
func (r ref) String() string { return strings.TrimSpace(r.kind + " " + string(r.id)) }

func (x *step) did(typ string, subject ref, detail string) {
	x.relate(typ, subject, ref{}, detail)
}

func (x *step) relate(typ string, subject, object ref, detail string) {
	x.effects = append(x.effects, Event{typ, subject.kind, subject.id, object.id,
		strings.Join(strings.Fields(detail), " "), subject.name + "/" + object.kind + " " + object.name})
}

// handle is the handle of the record of a kind that this call makes.
func (x *step) handle(kind string) Handle { return Handle(fmt.Sprint(kind, x.n, x.which)) }

// run runs one operation on a copy of the state. It returns what the operation
// said and the state after it, which is the old one if the operation was
// refused.
func (s *State) run(c Call, in Handle, reviewing, batched bool) (*step, *State) {
	x := &step{State: s.clone(in), n: c.N, in: in, actor: c.As, confirmed: c.Confirm, reviewing: reviewing, batched: batched}
	if x.enter(nameOf(c.Op)) {
		x.t = x.Tenant(in)
		if early, ok := c.Op.(interface{ first(*step) }); ok {
			early.first(x)
		}
		switch {
		case len(x.bad) > 0:
		case x.t == nil:
			x.missing("")
		default:
			c.Op.do(x)
		}
	}
	if len(x.bad) == 0 && !reviewing {
		for _, asked := range x.asked {
			x.refuse(asked.Code, pbx.ErrUnconfirmed, "")
		}
	}
	sort.Slice(x.bad, func(i, j int) bool { return fmt.Sprint(x.bad[i]) < fmt.Sprint(x.bad[j]) })
	if len(x.bad) > 0 && !x.stands {
		return x, s
	}
	return x, x.State
}

// nameOf is the name of the method that an operation stands for.
func nameOf(op any) string {
	_, name, _ := strings.Cut(fmt.Sprintf("%T", op), ".")
	return name
}

// scope is the tenant that a call works in.
func (a Actor) scope(in Handle) Handle {
	switch {
	case in != "":
		return in
	case a.Role == pbx.RoleSupport:
		return Provider
	}
	return a.Home
}

// commit ends a change of a tenant: its revision goes up by one, and the events
// are in its journal. Without an event there is nothing to commit.
func (s *State) commit(in Handle, by Actor, events []Event) []string {
	if len(events) == 0 {
		return nil
	}
	t := s.Tenant(in)
	t.Rev++
	var lines []string
	for _, e := range events {
		lines = append(lines, e.line(in, t.Rev, by))
		if e.Type == "tenant.created" { // the first line of its own journal too
			lines = append(lines, e.line(e.Subject, 1, by))
		}
	}
	slices.Sort(lines)
	return lines
}

// line is the event as a line of a journal.
func (e Event) line(in Handle, seq int, by Actor) string {
	return fmt.Sprintf("%s %d %s by %s %s", in, seq, e, by.Role, by.Name)
}

// String returns the event in the words of the journal.
func (e Event) String() string {
	subject := e.Subject
	if e.Kind == "order" {
		subject = "" // in a review it has no number yet
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", e.Type, e.Kind, subject, e.Object, e.Detail)), " ")
}

// Next is the state after a call that acts at once.
func (c Call) Next(s *State) *State {
	x, after := s.run(c, c.As.scope(c.In), false, false)
	out := x.outcome(c.Op)
	if after == s {
		next := *s
		next.N, next.Last = max(s.N, c.N), out
		return &next
	}
	after.N = max(s.N, c.N)
	out.Journal = after.commit(x.in, c.As, x.effects)
	after.Last = out
	return after
}

func (x *step) outcome(op Op) Outcome {
	return Outcome{Op: nameOf(op), Refused: x.bad, Answer: x.answer}
}

// Wait makes time pass.
type Wait struct{ Time time.Duration }

// Next is the state after it.
func (w Wait) Next(s *State) *State {
	next := *s
	next.Now = s.Now.Add(w.Time)
	next.Last = Outcome{Op: "Wait"}
	return &next
}
