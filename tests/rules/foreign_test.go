package rules_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// attach adds a foreign service that its system provides.
func (w *world) attach(line pbx.ServiceID, in pbx.NewForeign) *pbx.ForeignService {
	w.T.Helper()
	f, err := w.Dir.AttachForeign(w.Ctx, line, in)
	require.NoError(w.T, err)
	return f
}

// foreign reads a foreign service.
func (w *world) foreign(id pbx.ForeignID) *pbx.ForeignService {
	w.T.Helper()
	f, err := w.Dir.ForeignService(w.Ctx, id)
	require.NoError(w.T, err)
	return f
}

func TestSVC13_AForeignServiceShowsItsNameItsSystemAndALink(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line, other := w.Service(pbx.UserID{}, "7101"), w.Service(pbx.UserID{}, "7102")
		b := w.attach(line.ID, testbed.MiCollab("Beta"))
		a := w.attach(line.ID, testbed.OwnMiCollab("Alpha"))
		c := w.attach(other.ID, pbx.NewForeign{System: "CRM", Name: "Contacts", Link: "http://crm.example.com"})
		want := &pbx.ForeignService{
			TenantID: w.US.ID, ID: b.ID, Rev: 1, ServiceID: line.ID, System: "MICOLLAB", Name: "Beta", Link: "https://micollab.example.com/beta",
			Deletable: true, State: pbx.ForeignActive, At: w.Clock,
		}
		require.Empty(t, cmp.Diff(want, w.foreign(b.ID)))
		require.Equal(t, []*pbx.ForeignService{a, b}, testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, line.ID)), "by system and name")
		require.Equal(t, []*pbx.ForeignService{b, a, c}, testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{})), "as they came")
		require.Empty(t, testbed.Collect(t, w.British.ForeignServices(w.Ctx, pbx.ServiceID{})))
	})
}

func TestSVC13_EveryBadFieldOfAForeignServiceIsReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line := w.Service(pbx.UserID{}, "7101")
		bad := func(in pbx.NewForeign) []string {
			_, err := w.Dir.AttachForeign(w.Ctx, line.ID, in)
			require.ErrorIs(t, err, pbx.ErrInvalid)
			return badFields(err)
		}
		all := []string{"Link SVC-13", "Name SVC-13", "System SVC-13"}
		require.Equal(t, all, bad(pbx.NewForeign{}))
		require.Equal(t, all, bad(pbx.NewForeign{System: strings.Repeat("S", 25), Name: "a\nb", Link: "micollab.example.com"}))
		for _, link := range []string{
			"javascript:alert(1)", "https://", "https://u:secret@x.example.com", "ftp://x.example.com", "https://x.example.com/\x00", "https://x.example.com/a b\n",
			"https://x.example.com/" + strings.Repeat("x", 512),
		} {
			in := testbed.MiCollab("Client")
			in.Link = link
			require.Equal(t, []string{"Link SVC-13"}, bad(in), link)
		}
		_, err := w.Dir.RequestForeign(w.Ctx, line.ID, pbx.NewForeign{System: "A#B", Link: "x"})
		require.Equal(t, all, badFields(err), "a link that is given is looked at")
		require.Empty(t, testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{})))
	})
}

func TestSVC13_ALineHasEachForeignServiceOnceAndThirtyTwoAtMost(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line, other := w.Service(pbx.UserID{}, "7101"), w.Service(pbx.UserID{}, "7102")
		f := w.attach(line.ID, testbed.MiCollab("Client"))
		w.attach(other.ID, testbed.MiCollab("Client"))
		for _, call := range []func(*pbx.Directory) error{
			func(dir *pbx.Directory) error {
				return second(dir.AttachForeign(w.Ctx, line.ID, testbed.MiCollab("Client")))
			},
			func(dir *pbx.Directory) error {
				return second(dir.RequestForeign(w.Ctx, line.ID, testbed.MiCollab("Client")))
			},
		} {
			refusal := w.Refused(rule.SVC13, pbx.ErrConflict, func() error { return call(w.Dir) })
			require.Equal(t, "Name", refusal.Field)
			require.Equal(t, f.ID.String(), refusal.Holder.ID)
			require.Equal(t, line.ID.String(), refusal.Subject.ID)
			w.Refused(rule.SVC13, pbx.ErrConflict, func() error {
				_, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error { return call(dir) })
				return err
			})
		}
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 31 {
				if _, err := dir.AttachForeign(ctx, line.ID, testbed.MiCollab(fmt.Sprint("C", i))); err != nil {
					return err
				}
			}
			return nil
		}))
		w.Refused(rule.SVC13, pbx.ErrExhausted, func() error { return second(w.Dir.AttachForeign(w.Ctx, line.ID, testbed.MiCollab("X"))) })
		many := make([]pbx.NewForeign, 33)
		refusal := w.Refused(rule.SVC13, pbx.ErrInvalid, func() error {
			return second(w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7103", DeviceType: "Cisco 8851", Foreign: many}))
		})
		require.Equal(t, "Foreign", refusal.Field)
	})
}

func TestSVC13_AForeignServiceIsForgottenOnlyWhereNothingIsLeftToDo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		x := testbed.Foreigners(w.World)
		for _, f := range []*pbx.ForeignService{x.There, x.Asked, x.Deleting} {
			refusal := w.Refused(rule.SVC13, pbx.ErrFailedPrecondition, func() error { return w.Dir.DetachForeign(w.Ctx, f.ID) })
			require.Equal(t, f.ID.String(), refusal.Subject.ID)
			require.Equal(t, "MICOLLAB", refusal.Holder.ID)
			require.Contains(t, refusal.Reason, f.Link)
		}
		for _, f := range []*pbx.ForeignService{x.Refused, x.Undying, x.Left} {
			require.NoError(t, w.Dir.DetachForeign(w.Ctx, f.ID))
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.Dir.ForeignService(w.Ctx, f.ID)) })
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.DetachForeign(w.Ctx, f.ID) })
		}
	})
}

func TestSVC11_WhatARemoteServiceHasIsItsOwnSystems(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.remote(pbx.UserID{}, "7101")
		w.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.AttachForeign(w.Ctx, s.ID, testbed.MiCollab("Client"))) })
		w.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.RequestForeign(w.Ctx, s.ID, testbed.MiCollab("Client"))) })
		refusal := w.Refused(rule.SVC11, pbx.ErrInvalid, func() error {
			return second(w.Dir.AddService(w.Ctx, pbx.NewService{
				DN: "7102", DeviceType: "Cisco 8851", RemoteSystem: "Leeds", Foreign: []pbx.NewForeign{testbed.MiCollab("Client")},
			}))
		})
		require.Equal(t, "Foreign", refusal.Field)
	})
}

func TestSVC10_DeletingALineNamesWhatGoesWithItAndWhatOnlyItsOwnSystemDeletes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line := w.Service(pbx.UserID{}, "7101")
		w.attach(line.ID, testbed.MiCollab("Client"))
		w.attach(line.ID, testbed.OwnMiCollab("Teleworker"))
		const text = "service 7101 has foreign services; deleted with it: Client in MICOLLAB (https://micollab.example.com/client); " +
			"affected, and deleted only there: Teleworker in MICOLLAB (https://micollab.example.com/teleworker)"
		refusal := w.Refused(rule.SVC10, pbx.ErrUnconfirmed, func() error { return w.Dir.DeleteService(w.Ctx, line.ID) })
		require.Equal(t, text, refusal.Reason)
		require.Equal(t, line.ID.String(), refusal.Subject.ID)
		w.Refused(rule.SVC10, pbx.ErrUnconfirmed, func() error {
			return w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error { return dir.DeleteService(ctx, line.ID) })
		})
		before := testbed.Dump(t, w.Store)
		review, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error { return dir.DeleteService(ctx, line.ID) })
		require.NoError(t, err)
		require.Equal(t, []pbx.Notice{{Code: rule.SVC10, Subject: pbx.Ref{Kind: "service", ID: line.ID.String(), Name: "7101"}, Text: text}}, review.Confirmations)
		require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
		require.NoError(t, review.Commit(w.Ctx))
		require.Len(t, testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{})), 2)
	})
}

func TestSVC10_ALineThatGoesAsksTheOtherSystemInTheSameAct(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line := w.Service(pbx.UserID{}, "7101")
		client, worker := w.attach(line.ID, testbed.MiCollab("Client")), w.attach(line.ID, testbed.OwnMiCollab("Teleworker"))
		asked, err := w.Dir.RequestForeign(w.Ctx, line.ID, pbx.NewForeign{System: "CRM", Name: "Asked", Deletable: true})
		require.NoError(t, err)
		never, err := w.Dir.RequestForeign(w.Ctx, line.ID, pbx.NewForeign{System: "CRM", Name: "Never", Deletable: true})
		require.NoError(t, err)
		_, err = w.Support.In(w.US.ID).SettleForeign(w.Ctx, never.ID, pbx.Settlement{State: pbx.ForeignFailed, Outcome: "no"})
		require.NoError(t, err)
		w.Clock = w.Clock.Add(time.Hour)
		require.NoError(t, w.Dir.Confirm(rule.SVC10).DeleteService(w.Ctx, line.ID))

		for _, f := range []*pbx.ForeignService{client, asked, worker} {
			f.Rev, f.ServiceID, f.FormerDN, f.At = 2, pbx.ServiceID{}, "7101", w.Clock
			f.State, f.Requests = pbx.ForeignDeleting, f.Requests+1
			if f == worker {
				f.State, f.Requests = pbx.ForeignLeft, 0
			}
			require.Empty(t, cmp.Diff(f, w.foreign(f.ID)))
		}
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.Dir.ForeignService(w.Ctx, never.ID)) })
		require.Empty(t, testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, line.ID)))

		said := map[string]string{}
		events := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{}))
		for _, e := range events {
			if e.Seq == events[len(events)-1].Seq && e.Kind == "foreign service" {
				said[e.Subject] = e.Type + " " + e.Detail
			}
		}
		require.Equal(t, map[string]string{
			client.ID.String(): "foreign.delete-requested " + line.ID.String() + " MICOLLAB",
			asked.ID.String():  "foreign.delete-requested " + line.ID.String() + " CRM#2",
			worker.ID.String(): "foreign.left " + line.ID.String() + " MICOLLAB",
			never.ID.String():  "foreign.detached " + line.ID.String() + " CRM",
		}, said, "in the commit that deletes the line")
	})
}

func TestSVC10_ALineWhoseForeignServicesFailedNeedsNoConfirmation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line := w.Service(pbx.UserID{}, "7101")
		f, err := w.Dir.RequestForeign(w.Ctx, line.ID, pbx.NewForeign{System: "CRM", Name: "Never"})
		require.NoError(t, err)
		_, err = w.Support.In(w.US.ID).SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: pbx.ForeignFailed})
		require.NoError(t, err)
		require.NoError(t, w.Dir.DeleteService(w.Ctx, line.ID))
		require.Empty(t, testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{})))
	})
}

func TestSVC10_ALineThatComesAndGoesInOneBatchLeavesItsRequests(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		require.NoError(t, w.Dir.Confirm(rule.SVC10).Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			s, err := dir.AddService(ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: []pbx.NewForeign{testbed.MiCollab("Client"), testbed.OwnMiCollab("Own")}})
			if err != nil {
				return err
			}
			return dir.DeleteService(ctx, s.ID)
		}))
		list := testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{}))
		require.Len(t, list, 2)
		require.Equal(t, pbx.ForeignDeleting, list[0].State)
		require.Equal(t, pbx.ForeignLeft, list[1].State)
	})
}

func TestUSR11_PhonesWithForeignServicesThatOnlyTheirSystemDeletesStayWithTheirUser(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		one, two := w.Service(ann.ID, "7101"), w.Service(ann.ID, "7102")
		w.attach(one.ID, testbed.MiCollab("Client"))
		a, b := w.attach(one.ID, testbed.OwnMiCollab("A")), w.attach(two.ID, testbed.OwnMiCollab("B"))
		far := w.remote(ann.ID, "7103")
		all := w.Dir.Confirm(rule.USR9, rule.USR10, rule.SVC10)
		before := testbed.Dump(t, w.Store)
		err := all.DeleteUser(w.Ctx, ann.ID, pbx.UserAndPhones)
		var said []string
		for _, e := range pbx.Errors(err) {
			require.Equal(t, rule.USR11, e.Code)
			require.ErrorIs(t, e, pbx.ErrFailedPrecondition)
			said = append(said, e.Subject.ID+" "+e.Holder.Kind+" "+e.Holder.ID)
		}
		require.ElementsMatch(t, []string{
			one.ID.String() + " foreign service " + a.ID.String(), two.ID.String() + " foreign service " + b.ID.String(),
			far.ID.String() + " system Leeds",
		}, said, "all at once")
		require.Contains(t, err.Error(), "user Ann Lee has service 7101 with A, which only its own system can delete: MICOLLAB (https://micollab.example.com/a)")
		require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
		_, err = w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			return dir.DeleteUser(ctx, ann.ID, pbx.UserAndPhones)
		})
		require.Equal(t, rule.USR11, pbx.CodeOf(err))
	})
}

func TestUSR11_AUserAloneIsDeletedAndHisForeignServicesStayWithTheirLines(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		line := w.Service(ann.ID, "7101")
		f := w.attach(line.ID, testbed.OwnMiCollab("A"))
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, ann.ID, pbx.UserOnly))
		require.Equal(t, f, w.foreign(f.ID))
	})
}

// outspoken gives a user's line foreign services with outcomes that name the
// user, and returns these services.
func (w *world) outspoken(line pbx.ServiceID) []*pbx.ForeignService {
	w.T.Helper()
	visiting := w.Support.In(w.US.ID)
	for name, state := range map[string]pbx.ForeignState{"Chat": pbx.ForeignActive, "Fax": pbx.ForeignFailed} {
		f, err := w.Dir.RequestForeign(w.Ctx, line, pbx.NewForeign{System: "MICOLLAB", Name: name, Deletable: true})
		require.NoError(w.T, err)
		_, err = visiting.SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: state, Outcome: "Zanzibar Quetzal is known here", Link: "https://m.example.com/1"})
		require.NoError(w.T, err)
	}
	return testbed.Collect(w.T, w.Dir.ForeignServices(w.Ctx, line))
}

// cleared asserts that foreign services are as they were, except for their
// outcomes.
func (w *world) cleared(was []*pbx.ForeignService) {
	w.T.Helper()
	for _, f := range was {
		want := *f
		want.Rev, want.Outcome = f.Rev+1, ""
		require.Equal(w.T, &want, w.foreign(f.ID))
	}
}

func TestUSR9_WhatOtherSystemsSaidOfADeletedUserIsCleared(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for dn, form := range map[pbx.Extension]pbx.Deletion{"7101": pbx.UserOnly, "7102": pbx.UserAndPhones} {
			u := w.User("Zanzibar", "Quetzal", "7001")
			line := w.Service(u.ID, dn)
			said := w.outspoken(line.ID)
			before := w.revision()
			require.NoError(t, w.Dir.Confirm(rule.USR9, rule.SVC10).DeleteUser(w.Ctx, u.ID, form))
			if form == pbx.UserOnly {
				w.cleared(said)
				require.Contains(t, w.journal(w.Dir, before), "foreign.outcome-cleared")
			}
			for table, rows := range testbed.Dump(t, w.Store) {
				require.NotContains(t, strings.ToLower(strings.Join(rows, " ")), "quetzal", "%s: %s", form, table)
			}
		}
	})
}

func TestUSR15_WhatOtherSystemsSaidOfTheOldPersonIsCleared(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, bob := w.User("Zanzibar", "Quetzal", "7001"), w.User("Bob", "Roe", "7002")
		line := w.Service(u.ID, "7101")
		_, err := w.Dir.Associate(w.Ctx, bob.ID, line.ID)
		require.NoError(t, err)
		said := w.outspoken(line.ID)
		require.NoError(t, w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.Ctx, u.ID, ina)) }).Commit(w.Ctx))
		w.cleared(said)
		again := w.revision()
		_, err = w.Dir.HandOver(w.Ctx, u.ID, pbx.Successor{FirstName: "Uma", Email: "uma@example.com"})
		require.NoError(t, err)
		require.NotContains(t, w.journal(w.Dir, again), "foreign.outcome-cleared", "nothing is left to clear")
	})
}

func TestSVC10_DeletingAUserAndHisPhonesConfirmsTheirForeignServicesToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		line := w.Service(ann.ID, "7101")
		f := w.attach(line.ID, testbed.MiCollab("Client"))
		refusal := w.Refused(rule.SVC10, pbx.ErrUnconfirmed, func() error {
			return w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, ann.ID, pbx.UserAndPhones)
		})
		require.Contains(t, refusal.Reason, "Client in MICOLLAB (https://micollab.example.com/client)")
		require.NoError(t, w.Dir.Confirm(rule.USR9, rule.SVC10).DeleteUser(w.Ctx, ann.ID, pbx.UserAndPhones))
		require.Equal(t, pbx.ForeignDeleting, w.foreign(f.ID).State)
	})
}
