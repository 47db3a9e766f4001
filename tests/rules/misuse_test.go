package rules_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

func TestSYS1_TheOuterDirectoryInsideABatchIsAMisuseAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		review, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.AddExtension(ctx, u.ID, "7002")
			return err
		})
		require.NoError(t, err)
		misuses := map[string]func(ctx context.Context) error{
			"read":  func(ctx context.Context) error { _, err := w.Dir.User(ctx, u.ID); return err },
			"write": func(ctx context.Context) error { _, err := w.Dir.AddExtension(ctx, u.ID, "7002"); return err },
			"batch": func(ctx context.Context) error {
				return w.Dir.Batch(ctx, func(context.Context, *pbx.Directory) error { return nil })
			},
			"review": func(ctx context.Context) error {
				_, err := w.Dir.Review(ctx, func(context.Context, *pbx.Directory) error { return nil })
				return err
			},
			"commit":        review.Commit,
			"check":         func(ctx context.Context) error { _, err := w.Dir.Check(ctx); return err },
			"another actor": func(ctx context.Context) error { _, err := w.Support.In(w.US.ID).User(ctx, u.ID); return err },
			"deliver": func(ctx context.Context) error {
				_, err := w.Support.Deliver(ctx, "x", func(context.Context, *pbx.Event) error { return nil })
				return err
			},
			"pages": func(ctx context.Context) error {
				for _, err := range w.Dir.Users(ctx, pbx.UserQuery{}) {
					return err
				}
				return nil
			},
			"another goroutine": func(ctx context.Context) error {
				got := make(chan error)
				go func() { _, err := w.Dir.AddExtension(ctx, u.ID, "7002"); got <- err }()
				return <-got
			},
		}
		before := testbed.Dump(t, w.Store)
		for name, misuse := range misuses {
			soon(t, func() {
				body := func(inner context.Context, dir *pbx.Directory) error {
					if err := misuse(inner); !errors.Is(err, pbx.ErrMisuse) {
						t.Errorf("%s: %v", name, err)
					}
					return dir.Batch(inner, func(deeper context.Context, dir *pbx.Directory) error {
						if err := misuse(deeper); !errors.Is(err, pbx.ErrMisuse) {
							t.Errorf("%s, deeper: %v", name, err)
						}
						return errGaveUp
					})
				}
				if err := w.Dir.Batch(w.Ctx, body); !errors.Is(err, errGaveUp) {
					t.Error(err)
				}
				if _, err := w.Dir.Review(w.Ctx, body); !errors.Is(err, errGaveUp) {
					t.Error(err)
				}
			})
		}
		require.Equal(t, before, testbed.Dump(t, w.Store))
		require.NoError(t, misuses["read"](w.Ctx), "and outside it is none")
		require.NoError(t, review.Commit(w.Ctx))

		// Another library over another store has nothing to do with it.
		other := newWorld(t, testbed.Stores["memory"](t))
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, _ *pbx.Directory) error {
			_, err := other.Dir.Tenant(ctx)
			return err
		}))
	})
}

func TestSYS1_ABatchsDirectoryIsOfNoUseAfterItsEnd(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		var kept []*pbx.Directory
		keep := func(_ context.Context, dir *pbx.Directory) error { kept = append(kept, dir); return nil }
		require.NoError(t, w.Dir.Batch(w.Ctx, keep))
		_, err := w.Dir.Review(w.Ctx, keep)
		require.NoError(t, err)
		require.Error(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error { _ = keep(ctx, dir); return errGaveUp }))
		for _, dir := range kept {
			for _, run := range []func() error{
				func() error { _, err := dir.User(w.Ctx, u.ID); return err },
				func() error { _, err := dir.AddExtension(w.Ctx, u.ID, "7002"); return err },
				func() error { return dir.Batch(w.Ctx, func(context.Context, *pbx.Directory) error { return nil }) },
				func() error { return dir.As(pbx.Support("agent")).SendWelcomeMail(w.Ctx, u.ID) },
			} {
				w.Refused(rule.SYS1, pbx.ErrMisuse, run)
			}
		}
	})
}

func TestSYS1_ABatchStaysInOneTenantAndWithItsRights(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		require.NoError(t, w.Support.In(w.US.ID).Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.In(w.UK.ID).Tenant(ctx)
			require.ErrorIs(t, err, pbx.ErrMisuse)
			_, err = dir.In(pbx.Provider).StockNumbers(ctx, "+16175550400")
			require.ErrorIs(t, err, pbx.ErrMisuse)
			_, err = dir.As(pbx.Administrator("admin", w.UK.ID)).Tenant(ctx)
			require.ErrorIs(t, err, pbx.ErrNotFound)
			_, err = dir.As(pbx.LineOwner("kate", w.US.ID)).AddNumbers(ctx, "+16175550400")
			require.ErrorIs(t, err, pbx.ErrDenied)
			_, err = dir.As(pbx.Administrator("boss", w.US.ID)).AddLocation(ctx, pbx.NewLocation{Building: "B", Address: pbx.CivicAddress{Country: "US"}})
			require.NoError(t, err)
			_, err = dir.AddNumbers(ctx, "+16175550400")
			require.NoError(t, err)
			return nil
		}))
		events := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 2}))
		require.Equal(t, pbx.RoleSupport, events[0].Role)
		require.Equal(t, pbx.Principal("boss"), events[1].Actor, "each event has the actor of its own operation")
		require.Equal(t, events[0].Operation, events[1].Operation)
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error {
			return pbx.New(w.Store).Batch(w.Ctx, func(context.Context, *pbx.Directory) error { return nil })
		})
	})
}
