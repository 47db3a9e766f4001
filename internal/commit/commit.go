// Package commit gets a change committed: the one loop that runs an update
// again when it conflicted with others, and that finds out the outcome of a
// commit without an answer. It knows stores and no domain.
package commit

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pbxkit/pbx/store"
)

// How often an update is tried when it conflicts with others, and how long it
// waits before the next try: a random part of a bound that doubles.
const (
	maxAttempts = 12
	firstPause  = time.Millisecond
	longestWait = 100 * time.Millisecond
	resolveTime = 10 * time.Second
)

// Update is a change of one tenant that is to be committed.
type Update struct {
	Store  store.Store
	Tenant [16]byte

	// Attempt stages the change and gives it to Apply. It runs again, on what is
	// committed by then, whenever it conflicted with others. What it returns in
	// Final ends the update; any other error is the store's.
	Attempt func(store.Writer) error

	// Committed reports whether the last attempt, whose commit got no answer, was
	// committed. Its first read locks the tenant, so no commit can still be under
	// way. One that always says no leaves it to Attempt to see what an earlier one
	// left.
	Committed func(context.Context, store.Reader) (bool, error)

	Counts *Counts // nil: nobody counts
}

// Counts counts what came between updates and their commits.
type Counts struct {
	Retries  atomic.Int64 // attempts after the first
	GaveUp   atomic.Int64 // updates that conflicted with others too often
	Resolved atomic.Int64 // commits without an answer whose outcome was found out
	Unknown  atomic.Int64 // and those whose outcome was not
}

// Run makes attempts until one is committed, refused, or given up. An unknown
// outcome is resolved before anything is tried again.
//
// Errors: those of Attempt and of the store; a *store.Error of kind ErrConflict
// when conflicts with others went on, of kind ErrStorage around ErrConstraint,
// and of kind ErrCommitUnknown; the context's own while waiting for the next try.
func (u *Update) Run(ctx context.Context) error {
	counts := u.Counts
	if counts == nil {
		counts = new(Counts)
	}
	pause := firstPause
	for n := 1; ; n++ {
		err := u.Store.Update(ctx, u.Tenant, u.Attempt)
		final, err := Unwrap(err)
		switch {
		case err == nil || final:
			return err
		case errors.Is(err, store.ErrCommitUnknown):
			if done, resolveErr := u.resolve(ctx, counts); done || resolveErr != nil {
				return resolveErr
			}
			err = store.ErrRetry // it is known now: nothing was committed
		case errors.Is(err, store.ErrHostRetry):
			return &store.Error{Kind: store.ErrConflict, Reason: "other changes got in the way: roll your transaction back and run it again", Err: err}
		case errors.Is(err, store.ErrConstraint):
			return &store.Error{Kind: store.ErrStorage, Reason: "the store refused a change that would break its constraints", Err: err}
		case !errors.Is(err, store.ErrRetry):
			return err
		}
		if n == maxAttempts {
			counts.GaveUp.Add(1)
			return &store.Error{Kind: store.ErrConflict, Reason: "other changes kept getting in the way; nothing was changed", Err: err}
		}
		if err := sleep(ctx, rand.N(pause)); err != nil {
			return err
		}
		pause = min(2*pause, longestWait)
		counts.Retries.Add(1)
	}
}

func (u *Update) resolve(ctx context.Context, counts *Counts) (done bool, err error) {
	if done, err = u.Resolve(ctx); err != nil {
		counts.Unknown.Add(1)
	} else {
		counts.Resolved.Add(1)
	}
	return done, err
}

// Resolve finds out whether an attempt whose commit got no answer was
// committed. The caller's time may be over: the answer is worth waiting for. A
// store that says that asking is no use (ErrMisuse, ErrReopen) is asked once.
// Errors: a *store.Error of kind ErrCommitUnknown when the store gives none.
func (u *Update) Resolve(ctx context.Context) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTime)
	defer cancel()
	pause := firstPause
	for {
		err := u.Store.Update(ctx, u.Tenant, func(w store.Writer) (err error) {
			done, err = u.Committed(ctx, w)
			return err
		})
		if err == nil {
			return done, nil
		}
		if errors.Is(err, store.ErrMisuse) || errors.Is(err, store.ErrReopen) || sleep(ctx, rand.N(pause)) != nil {
			return false, &store.Error{Kind: store.ErrCommitUnknown, Err: err,
				Reason: "the store did not say whether the change was saved: look before trying again"}
		}
		pause = min(2*pause, longestWait)
	}
}

// finalError is an error that the caller's own code gave, and not the store.
type finalError struct{ error }

func (f finalError) Unwrap() error { return f.error }

// Final marks an error of an Attempt as its own. It ends the update, whatever it
// wraps: the code may have asked another store, whose ErrRetry or
// ErrCommitUnknown says nothing of this one.
func Final(err error) error { return finalError{err} }

// Unwrap takes the mark of Final off an error, and reports whether it was there.
func Unwrap(err error) (final bool, _ error) {
	if f, ok := errors.AsType[finalError](err); ok {
		return true, f.error
	}
	return false, err
}

func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
