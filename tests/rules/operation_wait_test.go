package rules_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// hurried is an administrator who waits for a batch for a moment.
func (w *world) hurried() *pbx.Directory {
	return pbx.New(w.Store, pbx.WithClock(func() time.Time { return w.Clock }), pbx.WithBatchWait(50*time.Millisecond), testbed.Sealed(w.T)).
		As(pbx.Administrator("admin", w.US.ID))
}

func TestSYS1_TheOuterDirectoryWithTheOuterContextIsRefusedAfterAWhile(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		dir := w.hurried()
		add := func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.AddExtension(ctx, u.ID, "7002")
			return err
		}
		review, err := dir.Review(w.Ctx, add)
		require.NoError(t, err)
		outer := map[string]func() error{
			"a change": func() error { return add(w.Ctx, dir) },
			"a batch":  func() error { return dir.Batch(w.Ctx, add) },
			"a commit": func() error { return review.Commit(w.Ctx) },
			"a delivery": func() error {
				return second(dir.As(pbx.Support("agent")).Deliver(w.Ctx, "mail", func(context.Context, *pbx.Event) error { return nil }))
			},
			"another goroutine": func() error {
				got := make(chan error)
				go func() { got <- add(w.Ctx, dir) }()
				return <-got
			},
		}
		before := testbed.Dump(t, w.Store)
		for name, call := range outer {
			soon(t, func() {
				err := dir.Batch(w.Ctx, func(ctx context.Context, in *pbx.Directory) error {
					if _, err := in.CreateGroup(ctx, pbx.NewGroup{Name: "Sales"}); err != nil {
						return err
					}
					err := call()
					require.ErrorIs(t, err, pbx.ErrConflict, name)
					require.Equal(t, rule.SYS1, pbx.CodeOf(err), name)
					require.ErrorContains(t, err, "has to use the Directory and the context that it was given", name)
					_, err = dir.User(w.Ctx, u.ID)
					require.NoError(t, err, "who reads does not wait")
					return errGaveUp
				})
				require.ErrorIs(t, err, errGaveUp, name)
			})
		}
		after := testbed.Dump(t, w.Store)
		delete(after, "cursors") // of the other tenants, which the delivery could reach on some stores
		require.Equal(t, before, after)
		require.NoError(t, review.Commit(w.Ctx), "it can still be committed")
	})
}

func TestSYS1_WhoeverWaitsForABatchThatEndsInTimeIsServed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, dir := w.User("Ann", "Lee", "7001"), w.Dir
		got := make(chan error, 1)
		require.NoError(t, dir.Batch(w.Ctx, func(ctx context.Context, in *pbx.Directory) error {
			go func() { got <- second(dir.AddExtension(w.Ctx, u.ID, "7002")) }()
			time.Sleep(20 * time.Millisecond)
			return in.SendWelcomeMail(ctx, u.ID)
		}))
		require.NoError(t, <-got)
	})
}

func TestSYS1_TheContextStillEndsAWaitForABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, in *pbx.Directory) error {
			if err := in.SendWelcomeMail(ctx, u.ID); err != nil {
				return err
			}
			short, cancel := context.WithTimeout(w.Ctx, 20*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, w.Dir.SendWelcomeMail(short, u.ID), context.DeadlineExceeded)
			return nil
		}))
	})
}
