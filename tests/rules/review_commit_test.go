package rules_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/memory"
)

func TestSYS2_AReviewChangesNothingAndItsCommitEqualsTheOperation(t *testing.T) {
	testbed.NotShort(t)
	o := testbed.PrepareOriginal(t, memory.New())
	disk := testbed.PrepareFile(t)
	for name, replicate := range map[string]func(*testing.T) *testbed.Replica{"memory": o.InMemory, "sqlite": disk.OnDisk} {
		for i, op := range testbed.Operations {
			if op.Method == "CheckPIN" || name == "sqlite" && !testbed.Sampled(i+5, testbed.SampleOfOperations) {
				continue
			}
			t.Run(fmt.Sprintf("%s %s %d", name, op.Method, i), func(t *testing.T) {
				direct, later := replicate(t), replicate(t)
				before := later.State()
				require.NoError(t, testbed.AtOnce(direct.Ctx, op, direct))

				later.Draws.Drawn++ // the operation draws its own ID first
				r, err := op.By.Of(later.World).Review(later.Ctx, func(ctx context.Context, dir *pbx.Directory) error { return op.Call(ctx, dir, later.X) })
				require.NoError(t, err)
				require.NotEmpty(t, r.Effects)
				require.Empty(t, cmp.Diff(before, later.State()))
				drawn := later.Draws.Drawn
				later.Draws.Drawn = later.Made // and the commit last
				require.NoError(t, r.Commit(later.Ctx))
				later.Draws.Drawn = drawn
				require.Empty(t, cmp.Diff(direct.State(), later.State()))
				require.Equal(t, direct.Draws.Drawn, drawn)
				require.NoError(t, r.Commit(later.Ctx))
				require.Empty(t, cmp.Diff(direct.State(), later.State()), "committing again does nothing")
			})
		}
	}
}

func TestORD1_TheReviewedIDsExtensionAndNumberAreTheOnesCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := testbed.Newcomer("ann")
		in.Station = "STANDARD"
		r, made := w.setUpReview(in)
		// Nothing that the outcome depends on changes, but much else does.
		w.unrelated()
		w.seat(1, "STANDARD")
		require.NoError(t, w.ModifyPool("STANDARD", func(p *pbx.StationPool) { p.Total, p.Applications = 7, []string{"crm"} }))
		_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7500", DeviceType: "Cisco 8851", Type: "PRO", Number: pbx.OfferedNumber("+16175550109")})
		require.NoError(t, err)
		w.Clock = w.Clock.Add(3 * time.Hour)
		require.NoError(t, r.Commit(w.Ctx))

		u, err := w.Dir.UserByLogin(w.Ctx, "ann@example.com")
		require.NoError(t, err)
		require.Equal(t, made.User.ID, u.ID)
		services, err := w.Dir.UserServices(w.Ctx, u.ID)
		require.NoError(t, err)
		s := services[0].Service
		require.Equal(t, made.Service.ID, s.ID)
		require.Equal(t, made.Service.DN, s.DN)
		require.Equal(t, made.Service.Number, s.Number)
		o := w.lastOrder()
		require.Equal(t, made.Order.ID, o.ID)
		require.Equal(t, int64(2), o.Number, "the number of the order is given when it is placed")
		require.Equal(t, int64(2), w.Pool("STANDARD").Used)
		require.Equal(t, int64(7), w.Pool("STANDARD").Total)
	})
}

func TestORD4_AnOrderIsPlacedWhenItsReviewIsCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, between := range []func(){func() {}, w.unrelated} {
			r, _ := w.setUpReview(testbed.Newcomer(fmt.Sprint("ann", w.Clock.Hour())))
			between()
			w.Clock = w.Clock.Add(3 * time.Hour)
			require.NoError(t, r.Commit(w.Ctx))
			require.Equal(t, w.Clock, w.lastOrder().PlacedAt)
			require.Equal(t, w.Clock, testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0].At)
		}
	})
}

func TestORD1_WhatOthersChangedOnTheSameRecordStays(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.ChangeStation(ctx, u.ID, "STANDARD")
			return err
		})
		u.Department = "Sales"
		_, err := w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		require.NoError(t, r.Commit(w.Ctx))
		now, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, "STANDARD", now.Station)
		require.Equal(t, "Sales", now.Department)
	})
}

func TestORD1_AnythingThatChangedTheOutcomeRefusesWithAFreshReview(t *testing.T) {
	changes := map[string]func(w *world){
		"the extension is taken": func(w *world) { w.User("Zed", "Fox", "7000") },
		"the number is taken in the tenant": func(w *world) {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7500", DeviceType: "Cisco 8851", Number: pbx.OfferedNumber("+16175550100")})
			require.NoError(w.T, err)
		},
		"the number is taken by another tenant": func(w *world) {
			other := w.Tenant("Other", "US", "other.example.com")
			_, err := w.Support.In(other.ID).AddService(w.Ctx, pbx.NewService{DN: "7500", DeviceType: "Cisco 8851", Number: pbx.OfferedNumber("+16175550100")})
			require.NoError(w.T, err)
		},
		"the price rises": func(w *world) {
			_, err := w.Dir.ModifyServiceType(w.Ctx, &pbx.ServiceType{TenantID: w.US.ID, Code: "PRO", Rev: w.product("PRO").Rev, Name: "Connect Pro", Monthly: 9900, Applications: []string{"fax"}})
			require.NoError(w.T, err)
		},
		"the advice changes": func(w *world) { w.ModifyPolicy(func(p *pbx.Policy) { p.AdvisedExtension = "8xxx" }) },
		"the day changes":    func(w *world) { w.Clock = w.Clock.Add(15 * time.Hour) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, w *world) {
				in := testbed.Newcomer("ann")
				in.LocationID = w.Boston.ID
				r, _ := w.setUpReview(in)
				change(w)
				fresh := w.stale(r)
				w.stale(r) // and again
				require.NotEmpty(t, fresh.Effects)
				require.NoError(t, fresh.Commit(w.Ctx))
				o := w.lastOrder()
				require.Equal(t, fresh.Orders[0].ID, o.ID)
				require.Equal(t, fresh.Monthly(), o.Monthly)
				require.Equal(t, fresh.Orders[0].BillingFrom, o.BillingFrom)
				w.overtaken(r, rule.USR3, pbx.ErrConflict) // the old one can no longer be used
			})
		})
	}
}

func TestORD2_AReviewThatOrdersNothingOutlivesTheDay(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.AddExtension(ctx, u.ID, "7002")
			return err
		})
		w.Clock = w.Clock.Add(40 * 24 * time.Hour)
		require.NoError(t, r.Commit(w.Ctx))
		last := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0]
		require.Equal(t, w.Clock, last.At, "the journal has the time of the commit")
	})
}

func TestORD1_AFreshReviewCanBecomeStaleToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r, _ := w.setUpReview(testbed.Newcomer("ann"))
		w.User("Bob", "Day", "7000")
		fresh := w.stale(r)
		w.User("Cid", "Fox", "7001")
		fresh = w.stale(fresh)
		require.NoError(t, fresh.Commit(w.Ctx))
		u, err := w.Dir.UserByLogin(w.Ctx, "ann@example.com")
		require.NoError(t, err)
		e, err := w.Dir.MainExtension(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7002"), e)
	})
}

func TestSYS2_ACommitGivesTheConfirmationsThatWereAskedForAndNoOthers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Day", "7002")
		s := w.Service(ann.ID, "7003")
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error { return dir.DeleteService(ctx, s.ID) })
		require.Empty(t, r.Confirmations)
		_, err := w.Dir.Associate(w.Ctx, bob.ID, s.ID)
		require.NoError(t, err)
		fresh := w.stale(r)
		require.Equal(t, []rule.Code{rule.SVC9}, testbed.Codes(fresh.Confirmations))
		require.NoError(t, fresh.Commit(w.Ctx))
		_, err = w.Dir.Service(w.Ctx, s.ID)
		require.ErrorIs(t, err, pbx.ErrNotFound)

		given := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			return dir.Confirm(rule.USR9).DeleteUser(ctx, ann.ID, pbx.UserOnly)
		})
		require.Equal(t, []rule.Code{rule.USR9}, testbed.Codes(given.Confirmations), "what was confirmed before is shown too")
		require.NoError(t, given.Commit(w.Ctx))
	})
}

func TestORD4_ManyCommitsOfOneReviewAtOncePlaceOneOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r, _ := w.setUpReview(testbed.Newcomer("ann"))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := r.Commit(w.Ctx); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 1)
	})
}

func TestORD4_ManyReviewsCommittedAtOnceAllComeThrough(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		const n = 6
		var reviews []*pbx.Review
		for i := range n {
			r, _ := w.setUpReview(testbed.Newcomer(fmt.Sprint("user", i)))
			reviews = append(reviews, r)
		}
		var all sync.WaitGroup
		for _, r := range reviews {
			all.Go(func() {
				for {
					err := r.Commit(w.Ctx)
					var stale *pbx.StaleReview
					if !errors.As(err, &stale) {
						if err != nil {
							t.Error(err)
						}
						return
					}
					r = stale.Fresh
				}
			})
		}
		all.Wait()
		numbers := map[int64]bool{}
		for _, o := range testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)) {
			numbers[o.Number] = true
		}
		require.Len(t, numbers, n)
	})
}

func TestORD4_AfterAnUnknownOutcomeCommittingAgainFindsOutFirst(t *testing.T) {
	for _, there := range []bool{true, false} {
		for name, open := range testbed.StoresOf(t) {
			t.Run(fmt.Sprintf("%s %v", name, there), func(t *testing.T) {
				store := &silent{Store: open(t), commits: there}
				w := newWorld(t, store)
				r, made := w.setUpReview(testbed.Newcomer("ann"))
				store.answers = []error{&pbx.Error{Kind: pbx.ErrCommitUnknown}, &pbx.Error{Kind: pbx.ErrMisuse}}
				require.ErrorIs(t, r.Commit(w.Ctx), pbx.ErrCommitUnknown)
				store.answers = []error{&pbx.Error{Kind: pbx.ErrMisuse}}
				require.ErrorIs(t, r.Commit(w.Ctx), pbx.ErrCommitUnknown, "it still is")
				require.NoError(t, r.Commit(w.Ctx))
				require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 1)
				require.Equal(t, made.Order.ID, w.lastOrder().ID)
			})
		}
	}
}

func TestSYS2_ACommitThatIsNoLongerPossibleIsRefusedAsThatWhateverTheCauses(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"}
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error { return second(dir.CreateUser(ctx, in)) })
		_, err := w.Dir.CreateUser(w.Ctx, in)
		require.NoError(t, err)
		e := w.Refused(rule.SYS2, pbx.ErrStale, func() error { return r.Commit(w.Ctx) })
		require.Len(t, pbx.Errors(e), 1)
		require.Len(t, pbx.Errors(e.Err), 2, "the extension and the user ID")
	})
}
