package faulty

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pbxkit/pbx/store"
)

// ErrInjected is wrapped by every error that the package injects, and is the value
// of its panics.
var ErrInjected = errors.New("faulty: injected")

// Point is a kind of call that can go wrong.
type Point string

// The points. View and Update are their beginnings: everything else happens
// inside. Find is the beginning of a loop over its sequence, and Step each
// record that the loop gets. Commit comes when the closure of an update has
// applied changes and returned nil.
const (
	View   Point = "View"
	Update Point = "Update"
	Get    Point = "Get"
	Fetch  Point = "Fetch"
	Find   Point = "Find"
	Step   Point = "Step"
	Apply  Point = "Apply"
	Commit Point = "Commit"
)

// Fault is what goes wrong at a point.
type Fault string

// The faults.
const (
	// ErrorBefore is an error instead of the call. Instead of a commit, it says
	// that the outcome is unknown; nothing was committed.
	ErrorBefore Fault = "error before"
	// ErrorAfter is an error although the call was made: what was read is lost,
	// what was begun or applied is rolled back. After a commit, it says that the
	// outcome is unknown; everything was committed.
	ErrorAfter Fault = "error after"
	// Panic is a panic instead of the call.
	Panic Fault = "panic"
	// ContextEnded ends the context of the call first.
	ContextEnded Fault = "context ended"
	// Retry is store.ErrRetry instead of the call. A view, which is never asked to
	// retry, gets ErrorBefore.
	Retry Fault = "retry"
)

// Faults are all faults.
var Faults = []Fault{ErrorBefore, ErrorAfter, Panic, ContextEnded, Retry}

// Plan says which calls fail, and how. With the zero Plan none does.
type Plan struct {
	At    int   // the call, counted from 1 over all points
	Fault Fault // what happens there
	// On makes every later call fail too, as when a database stays unavailable.
	On bool
	// Cancel, if not nil, is called by ContextEnded, to end the caller's own
	// context.
	Cancel context.CancelFunc
}

// String says what the plan does.
func (p Plan) String() string {
	switch {
	case p.At == 0:
		return "no fault"
	case p.On:
		return fmt.Sprintf("%s from call %d on", p.Fault, p.At)
	}
	return fmt.Sprintf("%s at call %d", p.Fault, p.At)
}

// Plans yields each fault at each of the calls: at that call only, and from that
// call on.
func Plans(calls int) iter.Seq[Plan] {
	return func(yield func(Plan) bool) {
		for at := 1; at <= calls; at++ {
			for _, fault := range Faults {
				if !yield(Plan{At: at, Fault: fault}) || !yield(Plan{At: at, Fault: fault, On: true}) {
					return
				}
			}
		}
	}
}

// at returns what goes wrong at the n-th call, or "".
func (p Plan) at(n int) Fault {
	if n == p.At || p.On && p.At > 0 && n > p.At {
		return p.Fault
	}
	return ""
}

func injected(at Point) error {
	return &store.Error{Kind: store.ErrStorage, Reason: "the store failed at " + string(at), Err: ErrInjected}
}

func unknown() error {
	return &store.Error{Kind: store.ErrCommitUnknown, Reason: "the store lost the outcome of a commit", Err: ErrInjected}
}
