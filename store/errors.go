package store

import "errors"

// The kinds of an Error. The domain's kinds of the same names are these values.
var (
	// ErrInvalid: a value that no column can have.
	ErrInvalid = errors.New("invalid")
	// ErrConflict: other changes are in the way.
	ErrConflict = errors.New("conflict")
	// ErrCommitUnknown: the store could not tell whether the change was
	// committed. Nobody may simply run it again.
	ErrCommitUnknown = errors.New("commit outcome unknown")
	// ErrMisuse: the store was called in a way that can never work.
	ErrMisuse = errors.New("misuse")
	// ErrStorage: the store failed; nothing was changed.
	ErrStorage = errors.New("storage failure")
)

// The causes that an Error may wrap, and that errors.Is finds.
var (
	// ErrRetry is what Apply or Update returns when nothing was committed and the
	// whole closure has to run again: a record changed since it was read, another
	// record took a unique value meanwhile, or the engine asks for another run. The
	// rules then run again on what is there now, and name the holder.
	ErrRetry = errors.New("pbx: transaction must be retried")

	// ErrHostRetry is what a store inside a transaction of the host program
	// (postgres.FromTx, sqlite.FromTx) returns where another would return ErrRetry:
	// only the host can roll its transaction back and run it again. Operations
	// return it in an Error of kind ErrConflict.
	ErrHostRetry = errors.New("pbx: the host's transaction must be rolled back and run again")

	// ErrConstraint is what a store returns when the engine refused a change that
	// is neither stale nor takes a unique value: it violates a CHECK or a foreign
	// key. It means that a rule is missing; nothing was committed.
	ErrConstraint = errors.New("pbx: constraint violated")

	// ErrReopen is what a store returns in an Error of kind ErrStorage when it does
	// not write any more until it is opened again, because it cannot tell what of
	// the last changes is kept. Asking it again proves nothing.
	ErrReopen = errors.New("pbx: the store must be opened again")

	// ErrNewerSchema: a later version of the library wrote the file or database,
	// which was left as it is.
	ErrNewerSchema = errors.New("pbx: the schema is newer than this library")

	// ErrForeignStore: the file or database is corrupt or belongs to another
	// program, and was left as it is.
	ErrForeignStore = errors.New("pbx: not a store of this library")
)

// Error is how a store says what went wrong. Its message is safe to show: it
// holds no driver text.
type Error struct {
	Kind   error  // ErrInvalid, ErrConflict, ErrCommitUnknown, ErrMisuse or ErrStorage
	Field  string // the column or option that is wrong, if there is one
	Reason string // the sentence to show
	Err    error  // the cause, never part of the message
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

// Misuse returns an Error of kind ErrMisuse.
func Misuse(reason string) error { return &Error{Kind: ErrMisuse, Reason: reason} }
