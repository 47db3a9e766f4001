package rules_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
)

// reviewOf reviews one operation of an administrator.
func (w *world) reviewOf(fn func(ctx context.Context, dir *pbx.Directory) error) *pbx.Review {
	w.T.Helper()
	r, err := w.Dir.Review(w.Ctx, fn)
	require.NoError(w.T, err)
	return r
}

// setUpReview reviews the set-up of a newcomer, and says what it will make.
func (w *world) setUpReview(in pbx.SetUp) (*pbx.Review, *pbx.Provisioned) {
	w.T.Helper()
	var made *pbx.Provisioned
	r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) (err error) {
		made, err = dir.SetUpUser(ctx, in)
		return err
	})
	return r, made
}

// stale asserts that a commit was refused with a fresh review, and that it
// changed nothing.
func (w *world) stale(r *pbx.Review) *pbx.Review {
	w.T.Helper()
	var stale *pbx.StaleReview
	w.Refused(rule.SYS2, pbx.ErrStale, func() error {
		err := r.Commit(w.Ctx)
		require.ErrorAs(w.T, err, &stale)
		require.EqualError(w.T, err, "SYS-2: something changed since the review; review it again")
		return err
	})
	return stale.Fresh
}

// overtaken asserts that a commit was refused because the operations would be.
func (w *world) overtaken(r *pbx.Review, code rule.Code, kind error) {
	w.T.Helper()
	e := w.Refused(rule.SYS2, pbx.ErrStale, func() error {
		err := r.Commit(w.Ctx)
		require.False(w.T, errors.As(err, new(*pbx.StaleReview)))
		return err
	})
	require.Equal(w.T, code, pbx.CodeOf(e.Err))
	require.ErrorIs(w.T, e.Err, kind)
	require.Contains(w.T, e.Reason, e.Err.Error())
}

// unrelated changes something in the tenant that no review of these tests
// depends on.
func (w *world) unrelated() {
	w.T.Helper()
	w.Location(w.Dir, fmt.Sprintf("X%d", len(testbed.Collect(w.T, w.Dir.Locations(w.Ctx)))), "US", "")
}

func TestSYS2_TheRefusalsOfAReviewAreTheOperationsOwn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.User("Ann", "Lee", "7001")
		w.Refused(rule.EXT2, pbx.ErrConflict, func() error {
			_, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				_, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@example.com", Extension: "7001"})
				return err
			})
			return err
		})
		w.Refused(rule.SYS1, pbx.ErrMisuse, func() error {
			_, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				_, err := dir.Review(ctx, func(context.Context, *pbx.Directory) error { return nil })
				return err
			})
			return err
		})
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.Support.In(pbx.TenantID{9}).Review(w.Ctx, func(context.Context, *pbx.Directory) error { return nil })
			return err
		})
		empty := w.reviewOf(func(context.Context, *pbx.Directory) error { return nil })
		require.Empty(t, empty.Effects)
		require.Empty(t, empty.NextInvoice())
		before := testbed.Dump(t, w.Store)
		require.NoError(t, empty.Commit(w.Ctx))
		require.Equal(t, before, testbed.Dump(t, w.Store))
	})
}

func TestSYS2_AReviewListsEffectsWarningsConfirmationsAndCharges(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			if _, err := dir.AddExtension(ctx, ann.ID, "6001"); err != nil {
				return err
			}
			if _, err := dir.SetUpUser(ctx, testbed.Newcomer("bob")); err != nil {
				return err
			}
			return dir.DeleteUser(ctx, ann.ID, pbx.UserOnly)
		})
		require.Equal(t, []rule.Code{rule.EXT4}, testbed.Codes(r.Warnings))
		require.Equal(t, []rule.Code{rule.USR9}, testbed.Codes(r.Confirmations))
		require.Equal(t, "USR-9: user Ann Lee will be deleted and cannot be recovered", r.Confirmations[0].String())
		require.Equal(t, pbx.Money(2500), r.Monthly())
		require.Equal(t, "user Ann Lee added: 6001", pbx.Effect{Type: "extension.added", Subject: pbx.Ref{Kind: "user", Name: "Ann Lee"}, Detail: "6001"}.String())
		types := map[string]bool{}
		for _, e := range r.Effects {
			types[e.Type] = true
		}
		for _, typ := range []string{"extension.added", "user.created", "number.assigned", "order.placed", "user.deleted"} {
			require.True(t, types[typ], typ)
		}
	})
}

func TestSVC15_AReviewedChangeOfAStaleViewIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		mine := *u
		mine.Mobile = "+16175550999"
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error { _, err := dir.ModifyUser(ctx, &mine); return err })
		u.Department = "Sales"
		_, err := w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		w.overtaken(r, rule.SVC15, pbx.ErrStale)
	})
}

func TestSTN1_OfTwoReviewsThatWantTheLastStationOneIsPlaced(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.seat(1, "STANDARD")
		w.seat(2, "STANDARD")
		a, _ := w.setUpReview(seated(3, "STANDARD"))
		b, _ := w.setUpReview(seated(4, "STANDARD"))
		require.NoError(t, a.Commit(w.Ctx))
		w.overtaken(b, rule.STN1, pbx.ErrExhausted)
		require.NoError(t, w.ModifyPool("STANDARD", func(p *pbx.StationPool) { p.Total = 4 }))
		require.NoError(t, b.Commit(w.Ctx), "more were ordered, and it is as reviewed again")
		require.Zero(t, w.Pool("STANDARD").Available())
	})
}

func TestSYS2_WhatAnotherTenantTookMeanwhileIsNamedAsTaken(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			mine, theirs func(ctx context.Context, dir *pbx.Directory) error
			code         rule.Code
		}{
			"MAC": {
				func(ctx context.Context, dir *pbx.Directory) error {
					return second(dir.AddDevice(ctx, pbx.NewDevice{MAC: "001b54aabb01", Model: "Cisco 8851"}))
				},
				func(ctx context.Context, dir *pbx.Directory) error {
					return second(dir.AddDevice(ctx, pbx.NewDevice{MAC: "001b54aabb01", Model: "Cisco 8851"}))
				},
				rule.DEV1,
			},
			"user ID": {
				func(ctx context.Context, dir *pbx.Directory) error {
					return second(dir.CreateUser(ctx, pbx.NewUser{FirstName: "A", Email: "a@example.com", Extension: "7001"}))
				},
				func(ctx context.Context, dir *pbx.Directory) error {
					return second(dir.CreateUser(ctx, pbx.NewUser{FirstName: "B", Email: "A@example.com", Extension: "7002"}))
				},
				rule.USR3,
			},
			"ported number": {
				func(ctx context.Context, dir *pbx.Directory) error {
					return second(dir.RequestPort(ctx, pbx.NewPort{Carrier: "C", Date: w.Clock, Numbers: []pbx.E164{"+16175550700"}}))
				},
				func(ctx context.Context, dir *pbx.Directory) error {
					return second(dir.RequestPort(ctx, pbx.NewPort{Carrier: "C", Date: w.Clock, Numbers: []pbx.E164{"+16175550700"}}))
				},
				rule.NUM1,
			},
		} {
			r := w.reviewOf(c.mine)
			require.NoError(t, c.theirs(w.Ctx, w.British), name)
			w.overtaken(r, c.code, pbx.ErrConflict)
		}
	})
}

func TestSYS2_ANumberRestsAsLongAsItsReviewSaid(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Own("+16175550150")
		giveBack := func(dir *pbx.Directory) error { return dir.ReturnNumber(w.Ctx, "+16175550150") }
		r := w.Review(w.Dir, giveBack)
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberRest = 3650 * 24 * time.Hour })
		err := r.Commit(w.Ctx)
		stale, is := errors.AsType[*pbx.StaleReview](err)
		require.True(t, is, "%v", err)
		require.ErrorIs(t, err, pbx.ErrStale)
		require.Equal(t, pbx.NumberAvailable, w.number("+16175550150").State)

		w.Clock = w.Clock.Add(time.Hour)
		w.ModifyPolicy(func(p *pbx.Policy) { p.PINTries++ })
		require.NoError(t, stale.Fresh.Commit(w.Ctx), "what else changes is not in its way, nor is the time")
		free := w.get("numbers", where{"e164": pbx.E164("+16175550150")}, "free_from").(time.Time)
		require.Equal(t, w.Clock.Add(3650*24*time.Hour), free, "and it rests from the commit on")
	})
}

func TestSYS2_IDsAreDrawnAgainInTheSamePlacesAfterARefusedPart(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var reviewed, committed []string
		ids := &reviewed
		fn := func(ctx context.Context, dir *pbx.Directory) error {
			*ids = nil
			for i := range 3 {
				made, err := dir.SetUpUser(ctx, testbed.Newcomer(fmt.Sprint("user", i)))
				if err != nil {
					return err
				}
				*ids = append(*ids, made.User.ID.String(), made.Service.ID.String(), made.Order.ID.String())
				err = dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error { // draws, and gives up
					if _, err := dir.SetUpUser(ctx, testbed.Newcomer("nobody")); err != nil {
						return err
					}
					return errGaveUp
				})
				require.ErrorIs(t, err, errGaveUp)
			}
			return nil
		}
		r := w.reviewOf(fn)
		w.unrelated() // so that the commit runs it again
		ids = &committed
		require.NoError(t, r.Commit(w.Ctx))
		require.Equal(t, reviewed, committed)
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 3)
	})
}

func TestSYS1_AReviewCommittedInsideItselfIsAMisuseAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var r *pbx.Review
		inside := errors.New("not called")
		r = w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			if r != nil {
				inside = r.Commit(ctx)
			}
			_, err := dir.SetUpUser(ctx, testbed.Newcomer("ann"))
			return err
		})
		w.unrelated() // so that the commit runs it again
		soon(t, func() {
			if err := r.Commit(w.Ctx); err != nil {
				t.Error(err)
			}
		})
		require.ErrorIs(t, inside, pbx.ErrMisuse)
	})
}

func TestSYS1_ACommitThatTheStoreFailedCanBeTriedAgain(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.ErrorBefore, faulty.ErrorAfter, faulty.Panic, faulty.ContextEnded} {
		t.Run(string(fault), func(t *testing.T) {
			shaky(t, func(t *testing.T, w *world, store *faulty.Store) {
				r, made := w.setUpReview(testbed.Newcomer("ann"))
				store.Arm(faulty.Plan{At: 3, Fault: fault}) // Update, the tenant, Apply
				err, panicked := testbed.Attempt(func() error { return r.Commit(w.Ctx) })
				require.True(t, err != nil || panicked)
				require.NotErrorIs(t, err, pbx.ErrStale)
				store.Arm(faulty.Plan{})
				require.Empty(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)))
				require.NoError(t, r.Commit(w.Ctx))
				require.Equal(t, made.Order.ID, w.lastOrder().ID)
			})
		})
	}
}

// If the tenant has changed the operations run again; a store that fails during
// them does not make the review stale.
func TestSYS1_AStoreThatFailsWhileReviewedOperationsRunAgainLeavesTheReviewGood(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.ErrorBefore, faulty.ErrorAfter, faulty.ContextEnded} {
		for name, says := range map[string]func(error) error{
			"it":             func(err error) error { return err },
			"something else": func(error) error { return errGaveUp },
		} {
			t.Run(string(fault)+", and the function says "+name, func(t *testing.T) {
				shaky(t, func(t *testing.T, w *world, store *faulty.Store) {
					r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
						if _, err := dir.SetUpUser(ctx, testbed.Newcomer("ann")); err != nil {
							return says(err)
						}
						return nil
					})
					w.unrelated()
					before := testbed.Dump(t, w.Store)
					for at := 2; ; at++ { // the first is the update itself
						store.Arm(faulty.Plan{At: at, Fault: fault})
						err := r.Commit(w.Ctx)
						failed := store.Calls()[at-1]
						store.Arm(faulty.Plan{})
						require.Error(t, err)
						require.NotErrorIs(t, err, pbx.ErrStale)
						require.NotErrorIs(t, err, errGaveUp)
						require.Equal(t, fault != faulty.ContextEnded, errors.Is(err, pbx.ErrStorage), "%v", err)
						require.Equal(t, before, testbed.Dump(t, w.Store))
						if failed == faulty.Apply {
							break
						}
					}
					require.NoError(t, r.Commit(w.Ctx))
				})
			})
		}
	}
}

// silent is a store that gives some answers of its own to updates, and commits
// the first of them or not.
type silent struct {
	store.Store
	commits bool
	answers []error
}

func (s *silent) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	if len(s.answers) == 0 {
		return s.Store.Update(ctx, tenant, fn)
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	if errors.Is(answer, pbx.ErrMisuse) {
		return answer
	}
	_ = s.Store.Update(ctx, tenant, func(w store.Writer) error {
		if err := fn(w); err != nil || s.commits {
			return err
		}
		return errGaveUp
	})
	return answer
}
