// Package store is the contract between the domain and what keeps its records.
package store

import "errors"

// The kinds of an Error. The domain's kinds of the same names are these.
var (
	// ErrInvalid: a value that no column can have.
	ErrInvalid = errors.New("invalid")
	// ErrConflict: others are in the way.
	ErrConflict = errors.New("conflict")
	// ErrCommitUnknown: the store could not tell whether the change was
	// committed. It is never retried blindly.
	ErrCommitUnknown = errors.New("commit outcome unknown")
	// ErrMisuse: the store was called in a way that can never work.
	ErrMisuse = errors.New("misuse")
	// ErrStorage: the store failed; nothing was changed.
	ErrStorage = errors.New("storage failure")
)

// Error is how a store says what went wrong. Its message is safe to show: it
// holds no driver text.
type Error struct {
	Kind   error  // ErrInvalid, ErrConflict, ErrCommitUnknown, ErrMisuse or ErrStorage
	Field  string // the column or option, if one is to blame
	Reason string // the sentence to show
	Err    error  // an underlying cause, never shown by Error
}

// Error returns the field, if there is one, and the reason.
func (e *Error) Error() string {
	text := e.Reason
	if text == "" && e.Kind != nil {
		text = e.Kind.Error()
	}
	if e.Field != "" {
		return e.Field + ": " + text
	}
	return text
}

// Is reports whether target is the error's kind.
func (e *Error) Is(target error) bool { return e.Kind == target }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Misuse is an Error of kind ErrMisuse.
func Misuse(reason string) error { return &Error{Kind: ErrMisuse, Reason: reason} }
