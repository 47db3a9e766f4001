package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/pbxkit/pbx/store"
)

// Retry asks for another run, with the cause at hand: Again is store.ErrRetry or
// store.ErrHostRetry. Failed is the sentence for the operator where it was a failure
// that asks for it, and "" where others got in the way.
type Retry struct {
	Again, Cause error
	Failed       string
}

// Error returns the message of Again.
func (r *Retry) Error() string { return r.Again.Error() }

// Failure returns the sentence, as store.ErrRetry says.
func (r *Retry) Failure() string { return r.Failed }

// Unwrap returns both errors.
func (r *Retry) Unwrap() []error { return []error{r.Again, r.Cause} }

// Unknown is the error of a commit that got no answer.
func Unknown(err error) error {
	return &store.Error{Kind: store.ErrCommitUnknown, Err: err,
		Reason: "the database could not say whether the change was saved"}
}

// Foreign is the error of a database that is not the library's.
func Foreign(reason string, err error) error {
	return &store.Error{Kind: store.ErrStorage, Reason: reason, Err: errors.Join(store.ErrForeignStore, err)}
}

// Pause waits, and returns early with the context's error when that ends.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
