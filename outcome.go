package pbx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/rule"
)

// Effect is one thing that an operation does, with the journal's name for it.
type Effect struct {
	Type    string // "user.created", "number.assigned", …
	Subject Ref
	Object  Ref // the other party, if there is one: the user of a service
	Detail  string
}

// String returns the effect as a line of text.
func (e Effect) String() string {
	_, verb, _ := strings.Cut(e.Type, ".")
	line := e.Subject.String() + " " + strings.ReplaceAll(verb, "-", " ")
	if e.Object.Name != "" {
		line += ", " + e.Object.String()
	}
	if e.Detail != "" {
		line += ": " + e.Detail
	}
	return line
}

// Notice is a warning, or something that has to be confirmed (SYS-2).
type Notice struct {
	Code    rule.Code
	Subject Ref
	Text    string
}

// String returns the code and the text.
func (n Notice) String() string { return string(n.Code) + ": " + n.Text }

// outcome is what came of operations besides the staged records: effects, events,
// warnings, confirmations, orders and passwords.
type outcome struct {
	journal   TenantID    // whose journal the events are for
	actor     Actor       // of the operation that runs
	confirmed []rule.Code // by the operation that runs
	reviewing bool        // confirmations are listed, not asked for

	effects       []Effect
	events        []*Event
	warnings      []Notice
	confirmations []Notice
	orders        []*Order
	passwords     []*drawn
}

// did records what an operation did: an effect for the review and an event for the
// journal. The event has the subject's ID and the detail, never its name.
func (o *outcome) did(typ string, subject Ref, detail string) {
	o.relate(typ, subject, Ref{}, detail)
}

// relate is did for an effect on two things. The event's detail begins with the
// object's ID.
func (o *outcome) relate(typ string, subject, object Ref, detail string) {
	o.effects = append(o.effects, Effect{Type: typ, Subject: subject, Object: object, Detail: detail})
	if object.ID != "" {
		detail = strings.TrimSpace(object.ID + " " + detail)
	}
	o.events = append(o.events, &Event{
		TenantID: o.journal, Actor: o.actor.Principal, Role: o.actor.Role,
		Type: typ, Kind: subject.Kind, Subject: subject.ID, Detail: detail,
	})
}

// warn records a warning, which does not stop the change.
func (o *outcome) warn(code rule.Code, subject Ref, format string, args ...any) {
	o.warnings = append(o.warnings, Notice{code, subject, fmt.Sprintf(format, args...)})
}

// confirm asks for a confirmation. A review lists it; a direct call is refused in the
// end unless Directory.Confirm gave it.
func (o *outcome) confirm(code rule.Code, subject Ref, format string, args ...any) {
	if o.reviewing || !slices.Contains(o.confirmed, code) {
		o.confirmations = append(o.confirmations, Notice{code, subject, fmt.Sprintf(format, args...)})
	}
}

// unconfirmed refuses an operation for the confirmations that it asked for, which are
// those from the n-th on, unless this is a review.
func (o *outcome) unconfirmed(n int) error {
	if o.reviewing {
		return nil
	}
	var missing []*Error
	for _, c := range o.confirmations[n:] {
		missing = append(missing, &Error{Code: c.Code, Kind: ErrUnconfirmed, Subject: c.Subject, Reason: c.Text})
	}
	return all(missing)
}
