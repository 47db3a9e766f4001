package pbx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/rule"
)

// Effect is one thing that an operation does, in the journal's words.
type Effect struct {
	Type    string // "user.created", "number.assigned", …
	Subject Ref
	Object  Ref // who or what else it is about, if so: the user of a service
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

// Notice is a warning, or something that has to be confirmed.
type Notice struct {
	Code    rule.Code
	Subject Ref
	Text    string
}

// String returns the code and the text.
func (n Notice) String() string { return string(n.Code) + ": " + n.Text }

// outcome is what operations say about themselves: what they did, what they
// warn of, what has to be confirmed, what it costs.
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

// did records what an operation did: an effect to review, an event to keep.
// The event takes the subject's ID and the detail, never its name.
func (o *outcome) did(typ string, subject Ref, detail string) {
	o.relate(typ, subject, Ref{}, detail)
}

// relate is did for an effect on two things; the event's detail begins with the
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

// warn records a warning; the change goes through.
func (o *outcome) warn(code rule.Code, subject Ref, format string, args ...any) {
	o.warnings = append(o.warnings, Notice{code, subject, fmt.Sprintf(format, args...)})
}

// confirm asks for a confirmation: a review lists it, and a direct call is
// refused in the end unless it was given by Directory.Confirm.
func (o *outcome) confirm(code rule.Code, subject Ref, format string, args ...any) {
	if o.reviewing || !slices.Contains(o.confirmed, code) {
		o.confirmations = append(o.confirmations, Notice{code, subject, fmt.Sprintf(format, args...)})
	}
}

// unconfirmed refuses an operation whose confirmations, those from the n-th
// on, nobody gave.
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
