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
	o := prepareOriginal(t, memory.New())
	disk := prepareFile(t)
	for name, replicate := range map[string]func(*testing.T) *replica{"memory": o.inMemory, "sqlite": disk.onDisk} {
		for i, op := range operations {
			if op.method == "CheckPIN" || name == "sqlite" && !testbed.Sampled(i+5, sampleOfOperations) {
				continue
			}
			t.Run(fmt.Sprintf("%s %s %d", name, op.method, i), func(t *testing.T) {
				direct, later := replicate(t), replicate(t)
				before := later.state()
				require.NoError(t, atOnce(op, direct.ctx, direct))

				later.draws.Drawn++ // the operation draws its own ID first
				r, err := op.by.of(later.world).Review(later.ctx, func(ctx context.Context, dir *pbx.Directory) error { return op.call(ctx, dir, later.x) })
				require.NoError(t, err)
				require.NotEmpty(t, r.Effects)
				require.Empty(t, cmp.Diff(before, later.state()))
				drawn := later.draws.Drawn
				later.draws.Drawn = later.made // and the commit last
				require.NoError(t, r.Commit(later.ctx))
				later.draws.Drawn = drawn
				require.Empty(t, cmp.Diff(direct.state(), later.state()))
				require.Equal(t, direct.draws.Drawn, drawn)
				require.NoError(t, r.Commit(later.ctx))
				require.Empty(t, cmp.Diff(direct.state(), later.state()), "committing again does nothing")
			})
		}
	}
}

func TestORD1_TheReviewedIDsExtensionAndNumberAreTheOnesCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := newcomer("ann")
		in.Station = "STANDARD"
		r, made := w.setUpReview(in)
		// Nothing that the outcome depends on changes, but a good deal else.
		w.unrelated()
		w.seat(1, "STANDARD")
		require.NoError(t, w.modifyPool("STANDARD", func(p *pbx.StationPool) { p.Total, p.Applications = 7, []string{"crm"} }))
		_, err := w.dir.AddService(w.ctx, pbx.NewService{DN: "7500", DeviceType: "Cisco 8851", Type: "PRO", Number: pbx.OfferedNumber("+16175550109")})
		require.NoError(t, err)
		w.clock = w.clock.Add(3 * time.Hour)
		require.NoError(t, r.Commit(w.ctx))

		u, err := w.dir.UserByLogin(w.ctx, "ann@example.com")
		require.NoError(t, err)
		require.Equal(t, made.User.ID, u.ID)
		_, services, err := w.dir.UserServices(w.ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, made.Service.ID, services[0].ID)
		require.Equal(t, made.Service.DN, services[0].DN)
		require.Equal(t, made.Service.Number, services[0].Number)
		o := w.lastOrder()
		require.Equal(t, made.Order.ID, o.ID)
		require.Equal(t, int64(2), o.Number, "the number of the order is given when it is placed")
		require.Equal(t, int64(2), w.pool("STANDARD").Used)
		require.Equal(t, int64(7), w.pool("STANDARD").Total)
	})
}

func TestORD4_AnOrderIsPlacedWhenItsReviewIsCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, between := range []func(){func() {}, w.unrelated} {
			r, _ := w.setUpReview(newcomer(fmt.Sprint("ann", w.clock.Hour())))
			between()
			w.clock = w.clock.Add(3 * time.Hour)
			require.NoError(t, r.Commit(w.ctx))
			require.Equal(t, w.clock, w.lastOrder().PlacedAt)
			require.Equal(t, w.clock, collect(t, w.dir.Journal(w.ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0].At)
		}
	})
}

func TestORD1_WhatOthersChangedOnTheSameRecordStays(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.ChangeStation(ctx, u.ID, "STANDARD")
			return err
		})
		u.Department = "Sales"
		_, err := w.dir.ModifyUser(w.ctx, u)
		require.NoError(t, err)
		require.NoError(t, r.Commit(w.ctx))
		now, err := w.dir.User(w.ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, "STANDARD", now.Station)
		require.Equal(t, "Sales", now.Department)
	})
}

func TestORD1_AnythingThatChangedTheOutcomeRefusesWithAFreshReview(t *testing.T) {
	changes := map[string]func(w *world){
		"the extension is taken": func(w *world) { w.user("Zed", "Fox", "7000") },
		"the number is taken in the tenant": func(w *world) {
			_, err := w.dir.AddService(w.ctx, pbx.NewService{DN: "7500", DeviceType: "Cisco 8851", Number: pbx.OfferedNumber("+16175550100")})
			require.NoError(w.t, err)
		},
		"the number is taken by another tenant": func(w *world) {
			other := w.tenant("Other", "US", "other.example.com")
			_, err := w.support.In(other.ID).AddService(w.ctx, pbx.NewService{DN: "7500", DeviceType: "Cisco 8851", Number: pbx.OfferedNumber("+16175550100")})
			require.NoError(w.t, err)
		},
		"the price rises": func(w *world) {
			_, err := w.dir.ModifyServiceType(w.ctx, &pbx.ServiceType{Code: "PRO", Rev: w.product("PRO").Rev, Name: "Connect Pro", Monthly: 9900, Applications: []string{"fax"}})
			require.NoError(w.t, err)
		},
		"the advice changes": func(w *world) { w.policy(func(p *pbx.Policy) { p.AdvisedExtension = "8xxx" }) },
		"the day changes":    func(w *world) { w.clock = w.clock.Add(15 * time.Hour) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, w *world) {
				in := newcomer("ann")
				in.LocationID = w.boston.ID
				r, _ := w.setUpReview(in)
				change(w)
				fresh := w.stale(r)
				w.stale(r) // and again
				require.NotEmpty(t, fresh.Effects)
				require.NoError(t, fresh.Commit(w.ctx))
				o := w.lastOrder()
				require.Equal(t, fresh.Orders[0].ID, o.ID)
				require.Equal(t, fresh.Monthly(), o.Monthly)
				require.Equal(t, fresh.Orders[0].BillingFrom, o.BillingFrom)
				w.overtaken(r, rule.USR3, pbx.ErrConflict) // the old one is of no use any more
			})
		})
	}
}

func TestORD2_AReviewThatOrdersNothingOutlivesTheDay(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.AddExtension(ctx, u.ID, "7002")
			return err
		})
		w.clock = w.clock.Add(40 * 24 * time.Hour)
		require.NoError(t, r.Commit(w.ctx))
		last := collect(t, w.dir.Journal(w.ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0]
		require.Equal(t, w.clock, last.At, "the journal has the time of the commit")
	})
}

func TestORD1_AFreshReviewCanBecomeStaleToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r, _ := w.setUpReview(newcomer("ann"))
		w.user("Bob", "Day", "7000")
		fresh := w.stale(r)
		w.user("Cid", "Fox", "7001")
		fresh = w.stale(fresh)
		require.NoError(t, fresh.Commit(w.ctx))
		u, err := w.dir.UserByLogin(w.ctx, "ann@example.com")
		require.NoError(t, err)
		e, err := w.dir.MainExtension(w.ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7002"), e)
	})
}

func TestSYS2_ACommitGivesTheConfirmationsThatWereAskedForAndNoOthers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.user("Ann", "Lee", "7001"), w.user("Bob", "Day", "7002")
		s := w.service(ann.ID, "7003")
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error { return dir.DeleteService(ctx, s.ID) })
		require.Empty(t, r.Confirmations)
		_, err := w.dir.Associate(w.ctx, bob.ID, s.ID)
		require.NoError(t, err)
		fresh := w.stale(r)
		require.Equal(t, []rule.Code{rule.SVC9}, codes(fresh.Confirmations))
		require.NoError(t, fresh.Commit(w.ctx))
		_, err = w.dir.Service(w.ctx, s.ID)
		require.ErrorIs(t, err, pbx.ErrNotFound)

		given := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			return dir.Confirm(rule.USR9).DeleteUser(ctx, ann.ID, pbx.UserOnly)
		})
		require.Equal(t, []rule.Code{rule.USR9}, codes(given.Confirmations), "what was confirmed before is shown too")
		require.NoError(t, given.Commit(w.ctx))
	})
}

func TestORD4_ManyCommitsOfOneReviewAtOncePlaceOneOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r, _ := w.setUpReview(newcomer("ann"))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := r.Commit(w.ctx); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Len(t, collect(t, w.dir.Orders(w.ctx, 0)), 1)
	})
}

func TestORD4_ManyReviewsCommittedAtOnceAllComeThrough(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		const n = 6
		var reviews []*pbx.Review
		for i := range n {
			r, _ := w.setUpReview(newcomer(fmt.Sprint("user", i)))
			reviews = append(reviews, r)
		}
		var all sync.WaitGroup
		for _, r := range reviews {
			all.Go(func() {
				for {
					err := r.Commit(w.ctx)
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
		for _, o := range collect(t, w.dir.Orders(w.ctx, 0)) {
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
				r, made := w.setUpReview(newcomer("ann"))
				store.answers = []error{&pbx.Error{Kind: pbx.ErrCommitUnknown}, &pbx.Error{Kind: pbx.ErrMisuse}}
				require.ErrorIs(t, r.Commit(w.ctx), pbx.ErrCommitUnknown)
				store.answers = []error{&pbx.Error{Kind: pbx.ErrMisuse}}
				require.ErrorIs(t, r.Commit(w.ctx), pbx.ErrCommitUnknown, "it still is")
				require.NoError(t, r.Commit(w.ctx))
				require.Len(t, collect(t, w.dir.Orders(w.ctx, 0)), 1)
				require.Equal(t, made.Order.ID, w.lastOrder().ID)
			})
		}
	}
}

func TestSYS2_ACommitThatIsNoLongerPossibleIsRefusedAsThatWhateverTheCauses(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"}
		r := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error { return second(dir.CreateUser(ctx, in)) })
		_, err := w.dir.CreateUser(w.ctx, in)
		require.NoError(t, err)
		e := w.refused(rule.SYS2, pbx.ErrStale, func() error { return r.Commit(w.ctx) })
		require.Len(t, pbx.Errors(e), 1)
		require.Len(t, pbx.Errors(e.Err), 2, "the extension and the user ID")
	})
}
