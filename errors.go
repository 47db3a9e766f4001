package pbx

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// The kinds of refusal. errors.Is finds exactly one of them in every error that the
// library returns, and the Code of the *Error is the rule that was broken. Two errors
// are returned unchanged: a context's, after which nothing was changed, and that of a
// caller's function.
var (
	// ErrNotFound: no such record in this tenant. A record of another tenant gets
	// the same answer, word for word, as one that never existed (ACC-1).
	ErrNotFound = errors.New("not found")
	// ErrInvalid: a field is missing, too long or malformed.
	ErrInvalid = store.ErrInvalid
	// ErrConflict: something that must be unique is taken, and Holder says by whom;
	// or other changes, or a batch of this program, kept getting in the way (SYS-1).
	ErrConflict = store.ErrConflict
	// ErrDenied: the actor's role does not grant the operation.
	ErrDenied = errors.New("denied")
	// ErrFailedPrecondition: the input is well formed, but the present state forbids it.
	ErrFailedPrecondition = errors.New("failed precondition")
	// ErrExhausted: a station pool, a range of extensions or the stock of numbers is
	// used up.
	ErrExhausted = errors.New("exhausted")
	// ErrStale: the change is based on a revision that is no longer current.
	ErrStale = errors.New("stale")
	// ErrUnconfirmed: the operation needs a confirmation that was not given.
	ErrUnconfirmed = errors.New("unconfirmed")
	// ErrCommitUnknown: the store could not tell whether the change was committed.
	// Check before trying again.
	ErrCommitUnknown = store.ErrCommitUnknown
	// ErrMisuse: the library was called in a way that can never work, such as
	// the outer Directory inside a batch, or a batch's Directory after its end.
	ErrMisuse = store.ErrMisuse
	// ErrStorage: the store failed, or the source of IDs or of randomness; nothing
	// was changed. Where no rule is broken the code is rule.Storage. The verb %+v and
	// LogValue show the cause.
	ErrStorage = store.ErrStorage
)

// Ref names a record in a message: what it is, its ID as text, and a name that
// is safe to show to whoever may see the record.
type Ref struct {
	Kind string // "user", "service", "number", …
	ID   string
	Name string
}

// String returns the kind and the name, or the ID where there is no name.
func (r Ref) String() string {
	if r == (Ref{}) {
		return ""
	}
	if r.Name != "" {
		return r.Kind + " " + r.Name
	}
	if r.ID != "" {
		return r.Kind + " " + r.ID
	}
	return r.Kind
}

// Error is one refusal. Its message is safe to show: it holds no driver text,
// no secret and nothing of another tenant. The verb %+v and a log record show the
// operation, the kind and the causes too, which may be a driver's words: they are for
// operators, and hold no secret either.
type Error struct {
	Code      rule.Code // the rule, as in docs/rules.md; or rule.Storage
	Kind      error     // one of the Err… sentinels
	Field     string    // the input field, if one is to blame
	Subject   Ref       // what it is about
	Holder    Ref       // who or what stands in the way
	Reason    string    // the sentence to show
	Operation string    // the method that was refused, such as "CreateUser", as far as it is known
	Err       error     // an underlying cause, never shown by Error
}

// Error returns the code, the field if there is one, and the reason.
func (e *Error) Error() string {
	if e == nil {
		return "refused" // by an error that this library did not make
	}
	var b strings.Builder
	if e.Code != "" {
		b.WriteString(string(e.Code))
		b.WriteString(": ")
	}
	if e.Field != "" {
		b.WriteString(e.Field)
		b.WriteString(": ")
	}
	switch {
	case e.Reason != "":
		b.WriteString(e.Reason)
	case e.Kind != nil:
		b.WriteString(e.Kind.Error())
	}
	return b.String()
}

// Is reports whether target is the error's kind.
func (e *Error) Is(target error) bool { return e.Kind == target }

// Unwrap returns the cause, so that errors.Is finds context.Canceled and the like.
func (e *Error) Unwrap() error { return e.Err }

// Format writes the message, and for the verb %+v also the operation, the kind and
// the causes.
func (e *Error) Format(s fmt.State, verb rune) {
	switch {
	case verb == 'q':
		_, _ = fmt.Fprintf(s, "%q", e.Error())
	case verb == 'v' && (s.Flag('+') || s.Flag('#')):
		var parts []string
		for _, a := range e.details() {
			parts = append(parts, a.Key+": "+a.Value.String())
		}
		_, _ = fmt.Fprintf(s, "%s (%s)", e.Error(), strings.Join(parts, "; "))
	default:
		_, _ = io.WriteString(s, e.Error())
	}
}

// LogValue returns a group of the message, the code, the field, the operation, the
// kind and the causes.
func (e *Error) LogValue() slog.Value {
	list := append([]slog.Attr{slog.String("message", e.Error())}, e.details()...)
	if e.Code != "" {
		list = append(list, slog.String("code", string(e.Code)))
	}
	if e.Field != "" {
		list = append(list, slog.String("field", e.Field))
	}
	return slog.GroupValue(list...)
}

// details are what the message does not say.
func (e *Error) details() []slog.Attr {
	var list []slog.Attr
	if e.Operation != "" {
		list = append(list, slog.String("operation", e.Operation))
	}
	if e.Kind != nil {
		list = append(list, slog.String("kind", e.Kind.Error()))
	}
	if causes := store.Causes(e); causes != "" {
		list = append(list, slog.String("cause", causes))
	}
	return list
}

// named notes the operation that gave an error.
func named(operation string, err error) error {
	for _, e := range Errors(err) {
		if e.Operation == "" {
			e.Operation = operation
		}
	}
	return err
}

// several are errors of which none is the cause of another.
type several struct{ errs []error }

// allOf returns the errors of an operation as one, or nil where there is none.
func allOf(operation string, errs []error) error {
	for _, err := range errs {
		if _, theirs := errors.AsType[*DeliveryError](err); !theirs { // a handler's error is left as it is
			_ = named(operation, err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return &several{errs}
}

// Error returns the messages, each in a line.
func (s *several) Error() string { return errors.Join(s.errs...).Error() }

// Unwrap returns the errors.
func (s *several) Unwrap() []error { return s.errs }

// Format writes each of the errors in its own way, in a line.
func (s *several) Format(f fmt.State, verb rune) {
	for i, err := range s.errs {
		if i > 0 {
			_, _ = io.WriteString(f, "\n")
		}
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), err)
	}
}

// LogValue returns what Format writes for the verb %+v.
func (s *several) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", s)) }

// StaleError refuses a change that is based on a revision which is no longer
// current (SVC-15). errors.Is finds ErrStale in it, and Errors its *Error.
type StaleError struct {
	// Current is what there is now, in the type that the operation returns:
	// *User for ModifyUser, *Line for ChangeLine, and so on.
	Current any
	err     *Error
}

// Error returns the refusal's message.
func (s *StaleError) Error() string { return s.err.Error() }

// Unwrap returns the *Error, of kind ErrStale.
func (s *StaleError) Unwrap() error { return s.err }

// Errors lists the single refusals that err stands for: the bad fields that
// were reported at once, the confirmations that are missing, or the one *Error.
func Errors(err error) []*Error {
	if err == nil {
		return nil // before the variables below, which are allocated
	}
	var one *Error
	var many *multierror.Error
	switch {
	case errors.As(err, &many) && !causes(many, err):
		var list []*Error
		for _, e := range many.Errors {
			list = append(list, Errors(e)...)
		}
		return list
	case errors.As(asRefusal(err), &one):
		return []*Error{one}
	}
	return nil
}

// fromStore returns a store's error as operations give it.
func fromStore(e *store.Error) *Error {
	code := rule.SYS1
	switch {
	case errors.Is(e, store.ErrConstraint):
		code = rule.SYS4
	case e.Kind == ErrStorage:
		code = rule.Storage
	}
	return &Error{Code: code, Kind: e.Kind, Field: e.Field, Reason: e.Reason, Err: e}
}

// asRefusal returns a store's error as operations give it, and any other error
// unchanged: an *Error with a store's error as its cause is a refusal already.
func asRefusal(err error) error {
	if err == nil {
		return nil // on the path of every read, so before the variables below, which are allocated
	}
	var ofStore *store.Error
	var refusal, within *Error
	switch {
	case !errors.As(err, &ofStore):
		return err
	case errors.As(err, &refusal) && !(errors.As(ofStore.Err, &within) && within == refusal):
		return err
	}
	return fromStore(ofStore)
}

// causes reports whether several refusals are only the cause of the one refusal that
// err stands for.
func causes(many *multierror.Error, err error) bool {
	var one *Error
	var cause *multierror.Error
	return errors.As(err, &one) && errors.As(one.Err, &cause) && cause == many
}

// CodeOf returns the code of the first refusal in err, or "".
func CodeOf(err error) rule.Code {
	if list := Errors(err); len(list) > 0 {
		return list[0].Code
	}
	return ""
}

// all returns nil, the one error, or all of them as a *multierror.Error.
func all(errs []*Error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	many := &multierror.Error{ErrorFormat: oneLine}
	for _, e := range errs {
		many.Errors = append(many.Errors, e)
	}
	return many
}

// oneLine is the message of several refusals.
func oneLine(errs []error) string {
	parts := make([]string, len(errs))
	for i, e := range errs {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}
