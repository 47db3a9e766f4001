package endure_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
)

func TestSYS1_WhenOthersGetInTheWayAllRunsAgain(t *testing.T) {
	testbed.NotShort(t)
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			store := &refusing{Store: open(t)}
			w := testbed.NewWorld(t, store)
			for k := range 12 {
				runs := 0
				store.times = k
				require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
					runs++
					_, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: fmt.Sprintf("ann%d@example.com", k), Extension: pbx.Extension(fmt.Sprint(7000 + k))})
					return err
				}))
				require.Equal(t, k+1, runs)
			}
			require.Len(t, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{})), 12)
			store.times = 12
			w.Refused(rule.SYS1, pbx.ErrConflict, func() error {
				return w.Dir.SendWelcomeMail(w.Ctx, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{Limit: 1}))[0].ID)
			})
			require.Zero(t, store.times)

			store.times = 1000
			ctx, cancel := context.WithTimeout(w.Ctx, 5*time.Millisecond)
			defer cancel()
			err := w.Dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
				_, err := dir.AddLocation(ctx, pbx.NewLocation{Building: "B", Address: pbx.CivicAddress{Country: "US"}})
				return err
			})
			require.ErrorIs(t, err, context.DeadlineExceeded, "the caller's time is over")
		})
	}
}

// refusing is a store that asks for a retry a number of times.
type refusing struct {
	store.Store
	times int
}

func (r *refusing) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return r.Store.Update(ctx, tenant, func(w store.Writer) error {
		if err := fn(w); err != nil {
			return err
		}
		if r.times > 0 {
			r.times--
			return fmt.Errorf("in the way: %w", store.ErrRetry)
		}
		return nil
	})
}

// lossy is a store whose commits get no answer, and are not done.
type lossy struct{ store.Store }

func (s lossy) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return s.Store.Update(ctx, tenant, func(w store.Writer) error {
		mute := &muteWriter{Writer: w}
		if err := fn(mute); err != nil || !mute.applied {
			return err
		}
		return fmt.Errorf("no answer: %w", pbx.ErrCommitUnknown)
	})
}

type muteWriter struct {
	store.Writer
	applied bool
}

func (w *muteWriter) Apply(context.Context, []store.Change) error {
	w.applied = true
	return nil
}

func TestSYS1_GivingUpIsNoUnknownOutcome(t *testing.T) {
	w := testbed.NewWorld(t, memory.New())
	dir := pbx.New(lossy{w.Store}).As(pbx.Support("agent"))
	_, err := dir.StockNumbers(w.Ctx, "+16175550900")
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.NotErrorIs(t, err, pbx.ErrConflict, "nobody was in the way")
	require.NotErrorIs(t, err, pbx.ErrCommitUnknown, "it turned out each time that nothing was saved")
	require.Equal(t, pbx.Stats{Retries: 11, GaveUp: 1, Resolved: 12}, dir.Stats())
}

func TestSYS1_WhatWasDecidedOnAReadThatFailedIsDecidedAgain(t *testing.T) {
	testbed.Shaky(t, func(t *testing.T, w *testbed.World, store *faulty.Store) {
		u := w.User("Ann", "Lee", "7001")
		const reading = 3 // Update, the tenant, the user
		for i, verdict := range []error{nil, errDropped} {
			runs := 0
			careless := func(fault faulty.Fault) error {
				runs = 0
				store.Arm(faulty.Plan{At: reading, Fault: fault})
				return w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
					runs++
					if _, err := dir.AddServiceType(ctx, pbx.NewServiceType{Code: fmt.Sprint("NEW", i), Name: "New"}); err != nil {
						return verdict // whatever it was
					}
					return dir.SendWelcomeMail(ctx, u.ID)
				})
			}
			require.NoError(t, careless(faulty.Retry))
			require.Equal(t, 2, runs)
			require.Error(t, careless(faulty.ErrorBefore), "a store that failed is no reason to go on")
			require.Equal(t, 1, runs)
		}
	})
}

func TestSYS1_ErrorsOfAnotherStoreAreNotOurs(t *testing.T) {
	testbed.EachStore(t, func(t *testing.T, w *testbed.World) {
		for _, foreign := range []error{store.ErrRetry, pbx.ErrCommitUnknown, &pbx.Error{Kind: pbx.ErrConflict, Err: store.ErrRetry},
			&store.Error{Kind: pbx.ErrStorage, Err: store.ErrRetry}} {
			runs := 0
			err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				runs++
				return foreign
			})
			require.Same(t, foreign, err)
			require.Equal(t, 1, runs)
			_, err = w.Dir.Review(w.Ctx, func(context.Context, *pbx.Directory) error { return foreign })
			require.Same(t, foreign, err)
		}
	})
}

func TestSYS1_TheOuterOfTwoErrorsSaysWhatHappened(t *testing.T) {
	refusal := &pbx.Error{Code: rule.SVC2, Kind: pbx.ErrInvalid}
	for _, test := range []struct {
		err  error
		kind error
		code rule.Code
	}{
		{&store.Error{Kind: pbx.ErrConflict, Err: refusal}, pbx.ErrConflict, rule.SYS1},
		{&store.Error{Kind: pbx.ErrStorage, Err: errors.Join(store.ErrConstraint, refusal)}, pbx.ErrStorage, rule.SYS4},
		{&pbx.Error{Code: rule.VM5, Kind: pbx.ErrStale, Err: &store.Error{Kind: pbx.ErrConflict, Err: refusal}}, pbx.ErrStale, rule.VM5},
	} {
		list := pbx.Errors(fmt.Errorf("an import: %w", test.err))
		require.Len(t, list, 1)
		require.Equal(t, test.kind, list[0].Kind)
		require.Equal(t, test.code, list[0].Code)
	}
}

func TestSYS1_AnUnknownOutcomeIsResolvedAndNothingIsDoneTwice(t *testing.T) {
	operations := map[string]func(w *testbed.World) error{
		"CreateUser": func(w *testbed.World) error {
			_, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
			return err
		},
		"CreateTenant": func(w *testbed.World) error { // its last event is in another journal
			_, err := w.Support.CreateTenant(w.Ctx, pbx.NewTenant{Name: "New", Country: "US", SIPDomain: "new.example.com"})
			return err
		},
		"StockNumbers": func(w *testbed.World) error { _, err := w.Support.StockNumbers(w.Ctx, "+16175550900"); return err },
		"a mail": func(w *testbed.World) error {
			return w.Dir.SendWelcomeMail(w.Ctx, testbed.Collect(w.T, w.Dir.Users(w.Ctx, pbx.UserQuery{}))[0].ID)
		},
		"a batch": func(w *testbed.World) error {
			return w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				_, err := dir.SetUpUser(ctx, testbed.Newcomer("bob"))
				return err
			})
		},
		"a review": func(w *testbed.World) error {
			return w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.Ctx, testbed.Newcomer("bob")); return err }).Commit(w.Ctx)
		},
	}
	for name, run := range operations {
		commit, want := committing(t, run)
		for _, fault := range []faulty.Fault{faulty.ErrorBefore, faulty.ErrorAfter} {
			t.Run(fmt.Sprintf("%s, %s the commit", name, fault), func(t *testing.T) {
				testbed.Shaky(t, func(t *testing.T, w *testbed.World, store *faulty.Store) {
					w.User("Zed", "Fox", "7900")
					store.Arm(faulty.Plan{At: commit, Fault: fault})
					require.NoError(t, run(w))
					store.Arm(faulty.Plan{})
					require.Equal(t, want, events(w), "done once")
				})
			})
		}
	}
}

// committing runs an operation without a fault, and returns which call its
// commit is, and how many events there are then.
func committing(t *testing.T, run func(w *testbed.World) error) (call, made int) {
	store := faulty.New(testbed.Stores["memory"](t), faulty.Plan{})
	w := testbed.NewWorld(t, store)
	w.User("Zed", "Fox", "7900")
	store.Arm(faulty.Plan{})
	require.NoError(t, run(w))
	return slices.Index(store.Calls(), faulty.Commit) + 1, events(w)
}

// events counts those of the provider and of the US tenant.
func events(w *testbed.World) int {
	return len(testbed.Collect(w.T, w.Dir.Journal(w.Ctx, pbx.JournalQuery{}))) + len(testbed.Collect(w.T, w.Support.Journal(w.Ctx, pbx.JournalQuery{})))
}

func TestSYS1_AnOutcomeThatStaysUnknownIsSaidToBe(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.ErrorBefore, faulty.ErrorAfter} {
		for name, open := range testbed.StoresOf(t) {
			t.Run(fmt.Sprintf("%s %s", name, fault), func(t *testing.T) {
				inner := open(t)
				store := &closing{Store: faulty.New(inner, faulty.Plan{})}
				w := testbed.NewWorld(t, store)
				store.arm = true
				_, err := w.Dir.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "NEW", Name: "New"})
				require.ErrorIs(t, err, pbx.ErrCommitUnknown)
				require.NotErrorIs(t, err, pbx.ErrConflict)
				require.Equal(t, rule.SYS1, pbx.CodeOf(err))
				require.NotContains(t, err.Error(), "misuse", "what the store says is not shown")
			})
		}
	}
}

// closing is a store that loses an answer and then is closed.
type closing struct {
	store.Store
	arm bool
}

func (c *closing) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	err := c.Store.Update(ctx, tenant, fn)
	if c.arm && err == nil {
		_ = c.Store.Close()
		return &pbx.Error{Code: rule.SYS1, Kind: pbx.ErrCommitUnknown, Reason: "no answer"}
	}
	return err
}

func TestSYS1_AnEndedContextChangesNothing(t *testing.T) {
	testbed.EachStore(t, func(t *testing.T, w *testbed.World) {
		ended, cancel := context.WithCancel(w.Ctx)
		cancel()
		before := testbed.Dump(t, w.Store)
		_, err := w.Dir.CreateUser(ended, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
		require.ErrorIs(t, err, context.Canceled)
		_, err = w.Dir.Tenant(ended)
		require.ErrorIs(t, err, context.Canceled)
		ending, stop := context.WithCancel(w.Ctx)
		err = w.Dir.Batch(ending, func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
			stop()
			return err
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, before, testbed.Dump(t, w.Store))
	})
}
