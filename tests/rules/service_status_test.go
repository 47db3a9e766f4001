package rules_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

func TestSVC17_EveryStatusIsReachedAndLeftOnlyByItsOwnOperations(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		x := testbed.EveryStatus(w.World)
		pending, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7645", DeviceType: "Cisco 8851", ActivateLater: true})
		require.NoError(t, err)
		reached := map[pbx.ServiceStatus]*pbx.Service{}
		for _, s := range []*pbx.Service{x.Processing, x.Failed, x.Cancelled, x.Elsewhere, pending, w.Service(pbx.UserID{}, "7646")} {
			reached[s.Status] = s
		}
		require.Len(t, reached, 6)
		for _, move := range testbed.Moves {
			for status, s := range reached {
				about := move.Name + " of one that is " + string(status)
				call := func(dir *pbx.Directory) error {
					_, err := move.Call(w.Ctx, dir, s.ID, w.Clock.Add(time.Hour))
					return err
				}
				review, reviewErr := w.Support.In(w.US.ID).Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error { return call(dir) })
				if status == move.From {
					require.NoError(t, reviewErr, about)
					require.NotEmpty(t, review.Effects, about)
					continue
				}
				code := rule.SVC17
				if move.Name == "CancelService" && s == x.Elsewhere {
					code = rule.SVC11
				}
				require.Equal(t, code, pbx.CodeOf(reviewErr), about)
				refusal := w.Refused(code, pbx.ErrFailedPrecondition, func() error { return call(w.Support.In(w.US.ID)) })
				require.Equal(t, s.ID.String(), refusal.Subject.ID, about)
				w.Refused(code, pbx.ErrFailedPrecondition, func() error {
					return w.Support.In(w.US.ID).Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error { return call(dir) })
				})
			}
		}
	})
}

func TestSVC17_WhatTheProviderHasToDoIsDoneBeforeAServiceWorksAndIsBilled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Fibre()
		visiting := w.Support.In(w.US.ID)
		at := w.Clock
		for i, c := range []struct {
			later bool
			want  pbx.ServiceStatus
		}{{false, pbx.StatusActive}, {true, pbx.StatusPendingActivation}} {
			s := w.Order(pbx.NewService{DN: pbx.Extension([]byte{'7', '1', '0', byte('0' + i)}), ActivateLater: c.later})
			require.Equal(t, pbx.StatusOrderProcessing, s.Status)
			require.Zero(t, s.ActivatedAt)
			require.Zero(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 1))[0].BillingFrom, "on activation")

			w.Clock = w.Clock.Add(time.Hour)
			failed, err := visiting.FailOrder(w.Ctx, s.ID, "No fibre in the street")
			require.NoError(t, err)
			require.Equal(t, pbx.StatusOrderFailed, failed.Status)
			require.Equal(t, "No fibre in the street", failed.Failure)
			again, err := w.Dir.RetryOrder(w.Ctx, s.ID)
			require.NoError(t, err)
			require.Equal(t, pbx.StatusOrderProcessing, again.Status)
			require.Empty(t, again.Failure)

			w.Clock = w.Clock.Add(time.Hour)
			done, err := visiting.CompleteOrder(w.Ctx, s.ID)
			require.NoError(t, err)
			require.Equal(t, c.want, done.Status)
			require.False(t, done.ActivateLater)
			if c.later {
				require.Zero(t, done.ActivatedAt)
				done, err = w.Dir.ActivateService(w.Ctx, s.ID)
				require.NoError(t, err)
			}
			require.Equal(t, w.Clock, done.ActivatedAt)
			read, err := w.Dir.Service(w.Ctx, s.ID)
			require.NoError(t, err)
			require.Equal(t, done, read)
		}
		require.Equal(t, at.Add(4*time.Hour), w.Clock)
	})
}

func TestSVC17_AnOrderIsCompletedBySupportAndItsFailureHasAReason(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Fibre()
		s := w.Order(pbx.NewService{DN: "7101"})
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { _, err := w.Dir.CompleteOrder(w.Ctx, s.ID); return err })
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { _, err := w.Dir.FailOrder(w.Ctx, s.ID, "No"); return err })
		for _, reason := range []string{"", " x", "a\x00b"} {
			refusal := w.Refused(rule.SVC17, pbx.ErrInvalid, func() error { _, err := w.Support.In(w.US.ID).FailOrder(w.Ctx, s.ID, reason); return err })
			require.Equal(t, "Reason", refusal.Field)
		}
	})
}

func TestSVC17_APendingUsersOrderIsCompletedBeforeOrAfterHisActivation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Fibre()
		visiting := w.Support.In(w.US.ID)
		for i, first := range []string{"order", "user"} {
			made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{
				NewUser: pbx.NewUser{FirstName: first, Email: first + "@example.com", ActivateLater: true}, ServiceType: "FIBRE",
			})
			require.NoError(t, err)
			require.Equal(t, pbx.StatusOrderProcessing, made.Service.Status)
			complete := func() (*pbx.Service, error) { return visiting.CompleteOrder(w.Ctx, made.Service.ID) }
			activate := func() error { _, err := w.Dir.ActivateUser(w.Ctx, made.User.ID); return err }
			if i == 0 {
				s, err := complete()
				require.NoError(t, err)
				require.Equal(t, pbx.StatusPendingActivation, s.Status, "with its user")
				require.NoError(t, activate())
			} else {
				require.NoError(t, activate())
				s, err := complete()
				require.NoError(t, err)
				require.Equal(t, pbx.StatusActive, s.Status, "its user is active already")
			}
			s, err := w.Dir.Service(w.Ctx, made.Service.ID)
			require.NoError(t, err)
			require.Equal(t, pbx.StatusActive, s.Status)
			require.Equal(t, w.Clock, s.ActivatedAt)
		}
	})
}

func TestUSR13_AnOrderThatIsCompletedForAPendingUserStartsWithHim(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Fibre()
		visiting := w.Support.In(w.US.ID)
		ann, pat := w.User("Ann", "Lee", "7001"), w.pending("Pat", "7002")
		line := w.Order(pbx.NewService{DN: "7101"})
		_, err := w.Dir.Associate(w.Ctx, pat.ID, line.ID)
		require.NoError(t, err)
		done, err := visiting.CompleteOrder(w.Ctx, line.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusPendingActivation, done.Status)
		require.Zero(t, done.ActivatedAt)
		e := w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.ActivateService(w.Ctx, line.ID)) })
		require.Equal(t, pat.ID.String(), e.Holder.ID)
		_, err = w.Dir.ActivateUser(w.Ctx, pat.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, w.serviceNow(line).Status)

		theirs := w.Order(pbx.NewService{UserID: ann.ID, DN: "7102"})
		_, err = visiting.CompleteOrder(w.Ctx, theirs.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, w.serviceNow(theirs).Status, "an active user's")
	})
}

func TestUSR13_ASharedLineStartsWithTheLastOfThoseItWaitsForAndNotWhenItIsForLater(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, pat, sam := w.User("Ann", "Lee", "7001"), w.pending("Pat", "7002"), w.pending("Sam", "7003")
		add := func(dn pbx.Extension, user *pbx.User, later bool, joins ...*pbx.User) *pbx.Service {
			s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: user.ID, DN: dn, DeviceType: "Cisco 8851", ActivateLater: later})
			require.NoError(t, err)
			for _, u := range joins {
				_, err = w.Dir.Associate(w.Ctx, u.ID, s.ID)
				require.NoError(t, err)
			}
			return s
		}
		later, common, own := add("7101", ann, true, pat), add("7102", pat, false, sam), add("7103", pat, false)
		w.Clock = w.Clock.Add(time.Hour)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.ActivateUser(w.Ctx, pat.ID)) })
		require.Equal(t, []string{"user Pat activated", "service 7103 activated"}, effects(review))
		require.NoError(t, review.Commit(w.Ctx))
		require.Equal(t, pbx.StatusActive, w.serviceNow(own).Status)
		require.Equal(t, pbx.StatusPendingActivation, w.serviceNow(common).Status, "Sam is pending")
		w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.ActivateService(w.Ctx, common.ID)) })
		require.NoError(t, w.Dir.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error { return second(dir.ActivateUser(w.Ctx, sam.ID)) }))
		require.Equal(t, pbx.StatusActive, w.serviceNow(common).Status)

		require.Equal(t, pbx.StatusPendingActivation, w.serviceNow(later).Status, "Ann's was added for later")
		started, err := w.Dir.ActivateService(w.Ctx, later.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, started.Status)
	})
}

// pending is a user who is to be activated later.
func (w *world) pending(name string, e pbx.Extension) *pbx.User {
	w.T.Helper()
	u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: name, Email: strings.ToLower(name) + "@example.com", Extension: e, ActivateLater: true})
	require.NoError(w.T, err)
	return u
}

// serviceNow is a service as it is now.
func (w *world) serviceNow(s *pbx.Service) *pbx.Service {
	w.T.Helper()
	now, err := w.Dir.Service(w.Ctx, s.ID)
	require.NoError(w.T, err)
	return now
}

func TestSVC17_NobodyGetsIntoTheMailboxOfALineThatDoesNotWork(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		x := testbed.EveryStatus(w.World)
		later, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7651", DeviceType: "Cisco 8851", ActivateLater: true})
		require.NoError(t, err)
		for s, opens := range map[*pbx.Service]bool{
			later: false, x.Processing: false, x.Failed: false, x.Cancelled: true, w.Service(pbx.UserID{}, "7650"): true,
		} {
			_, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{PIN: "482915"})
			require.NoError(t, err)
			if opens {
				require.NoError(t, w.Dir.CheckPIN(w.Ctx, s.ID, "482915"), s.Status)
				continue
			}
			e := w.Refused(rule.SVC17, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, s.ID, "482915") })
			require.Equal(t, s.ID.String(), e.Subject.ID)
			require.Contains(t, e.Reason, string(s.Status))
			w.Refused(rule.SVC17, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, s.ID, "739164") })
		}
		_, err = w.Dir.ActivateService(w.Ctx, later.ID)
		require.NoError(t, err)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, later.ID, "482915"))
	})
}

func TestUSR13_AnOrderThatIsCompletedForADisabledUserStartsNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Fibre()
		visiting := w.Support.In(w.US.ID)
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Roe", "7002")
		own, common := w.Order(pbx.NewService{UserID: ann.ID, DN: "7101"}), w.Order(pbx.NewService{UserID: ann.ID, DN: "7102"})
		_, err := w.Dir.Associate(w.Ctx, bob.ID, common.ID)
		require.NoError(t, err)
		_, err = w.Dir.DisableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		before := w.revision()
		done, err := visiting.CompleteOrder(w.Ctx, own.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusPendingActivation, done.Status)
		require.Zero(t, done.ActivatedAt, "nothing is billed that does not work")
		require.Equal(t, []string{"service.order-completed"}, w.journal(w.Dir, before))
		done, err = visiting.CompleteOrder(w.Ctx, common.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, done.Status, "it serves somebody else")
		_, err = w.Dir.EnableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		done, err = w.Dir.ActivateService(w.Ctx, own.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, done.Status)
	})
}

func TestSVC17_ACancelledServiceWorksAndIsBilledUntilItIsDeleted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Type: "PRO"})
		require.NoError(t, err)
		end := w.Clock.Add(48 * time.Hour)
		cancelled, err := w.Dir.CancelService(w.Ctx, s.ID, end)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusPendingCancellation, cancelled.Status)
		require.Equal(t, end, cancelled.CancelAt)
		require.Equal(t, s.ActivatedAt, cancelled.ActivatedAt)

		back, err := w.Dir.WithdrawCancellation(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, back.Status)
		require.Zero(t, back.CancelAt)

		_, err = w.Dir.CancelService(w.Ctx, s.ID, end)
		require.NoError(t, err)
		require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID))
		order := testbed.Collect(t, w.Dir.Orders(w.Ctx, 1))[0]
		require.Equal(t, pbx.Money(-2500), order.Monthly, "it was billed until now")
	})
}

func TestSVC17_CancellationsThatAreDueAreListedTheEarliestFirst(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Service(pbx.UserID{}, "7100")
		for i, dn := range []pbx.Extension{"7103", "7101", "7102"} {
			_, err := w.Dir.CancelService(w.Ctx, w.Service(pbx.UserID{}, dn).ID, w.Clock.Add(time.Duration(3-i)*time.Hour))
			require.NoError(t, err)
		}
		due := func(by time.Duration) []pbx.Extension {
			return dns(testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{CancelledBy: w.Clock.Add(by)})))
		}
		require.Empty(t, due(time.Hour-time.Microsecond))
		require.Equal(t, []pbx.Extension{"7102", "7101"}, due(2*time.Hour))
		require.Equal(t, []pbx.Extension{"7102", "7101", "7103"}, due(9*time.Hour))

		q := pbx.ServiceQuery{CancelledBy: w.Clock.Add(9 * time.Hour), Limit: 1}
		first := testbed.Collect(t, w.Dir.Services(w.Ctx, q))
		q.Page = tokenAfter(w, q, first[0])
		require.Equal(t, []pbx.Extension{"7101"}, dns(testbed.Collect(t, w.Dir.Services(w.Ctx, q))))
		require.ErrorIs(t, testbed.Drain(w.Dir.Services(w.Ctx, pbx.ServiceQuery{Page: q.Page})), pbx.ErrInvalid, "a token of another query")
	})
}

func TestSVC17_AServiceIsCancelledForATimeThatIsToCome(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		for _, at := range []time.Time{{}, w.Clock.Add(-time.Microsecond), w.Clock.AddDate(11, 0, 0)} {
			refusal := w.Refused(rule.SVC17, pbx.ErrInvalid, func() error { _, err := w.Dir.CancelService(w.Ctx, s.ID, at); return err })
			require.Equal(t, "At", refusal.Field)
		}
		zone := time.FixedZone("east", 3600)
		cancelled, err := w.Dir.CancelService(w.Ctx, s.ID, w.Clock.Add(time.Hour+time.Nanosecond).In(zone))
		require.NoError(t, err)
		require.Equal(t, w.Clock.Add(time.Hour), cancelled.CancelAt, "UTC, to the microsecond")
	})
}

func TestSVC17_TheStatusOfARemoteServiceIsItsOwnSystems(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Fibre()
		for i, in := range []pbx.NewService{{}, {ActivateLater: true}, {Type: "FIBRE"}} {
			in.DN, in.DeviceType, in.RemoteSystem = pbx.Extension([]byte{'7', '1', '0', byte('0' + i)}), "Cisco 8851", "Leeds"
			s, err := w.Dir.AddService(w.Ctx, in)
			require.NoError(t, err)
			require.Equal(t, pbx.StatusNone, s.Status)
			if in.ActivateLater {
				require.Zero(t, s.ActivatedAt, "of a remote one the billing alone is ours")
				s, err = w.Dir.ActivateService(w.Ctx, s.ID)
				require.NoError(t, err)
				require.Equal(t, pbx.StatusNone, s.Status)
			}
			require.Equal(t, w.Clock, s.ActivatedAt)
		}
	})
}

func TestSVC17_ANewTypeLeavesTheStatusAsItIs(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Fibre()
		s := w.Service(pbx.UserID{}, "7101")
		s.Type = "FIBRE"
		s, err := w.Dir.ModifyService(w.Ctx, s)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, s.Status, "a line that works goes on working")

		waiting := w.Order(pbx.NewService{DN: "7102"})
		waiting.Type = "PRO"
		waiting, err = w.Dir.ModifyService(w.Ctx, waiting)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusOrderProcessing, waiting.Status)
		require.Zero(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 1))[0].BillingFrom, "on activation")
		require.NoError(t, w.Dir.DeleteService(w.Ctx, waiting.ID))
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 3, "what was never billed saves nothing")
	})
}
