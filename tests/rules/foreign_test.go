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
	"github.com/pbxkit/pbx/rule"
)

// linked are foreign services in every state, and a line with some.
type linked struct {
	hub                                            *pbx.Service
	there, asked, refused, deleting, left, undying *pbx.ForeignService
}

// foreigners adds them: on the hub those that can be on a line, and of a line that
// is gone what it leaves.
func foreigners(w *world) (l linked) {
	w.t.Helper()
	ok := func(err error) { w.t.Helper(); require.NoError(w.t, err) }
	visiting := w.support.In(w.us.ID)
	var err error
	l.hub, err = w.dir.AddService(w.ctx, pbx.NewService{DN: "7651", DeviceType: "Cisco 8851", Foreign: []pbx.NewForeign{
		{System: "MICOLLAB", Name: "Client", Deletable: true, NeedsEmail: true, NeedsLogin: true}, {System: "MICOLLAB", Name: "Teleworker"},
	}})
	ok(err)
	l.there, err = w.dir.AttachForeign(w.ctx, l.hub.ID, miCollab("Softphone"))
	ok(err)
	on := collect(w.t, w.dir.ForeignServices(w.ctx, l.hub.ID))
	l.asked = on[0]
	l.refused, err = visiting.SettleForeign(w.ctx, on[2].ID, pbx.Settlement{State: pbx.ForeignFailed, Outcome: "no licence left"})
	ok(err)

	gone := w.service(pbx.UserID{}, "7652")
	for _, in := range []pbx.NewForeign{miCollab("A"), miCollab("B"), own("Own")} {
		_, err = w.dir.AttachForeign(w.ctx, gone.ID, in)
		ok(err)
	}
	ok(w.dir.Confirm(rule.SVC10).DeleteService(w.ctx, gone.ID))
	for _, f := range collect(w.t, w.dir.ForeignServices(w.ctx, pbx.ServiceID{})) {
		switch f.Name {
		case "A":
			l.deleting = f
		case "B":
			l.undying, err = visiting.SettleForeign(w.ctx, f.ID, pbx.Settlement{State: pbx.ForeignFailed, Outcome: "it is in use"})
			ok(err)
		case "Own":
			l.left = f
		}
	}
	return l
}

// miCollab is something that can be attached to a line, and that its system
// deletes.
func miCollab(name string) pbx.NewForeign {
	return pbx.NewForeign{System: "MICOLLAB", Name: name, Link: "https://micollab.example.com/" + strings.ToLower(name), Deletable: true}
}

// own is one that only its own system deletes.
func own(name string) pbx.NewForeign {
	in := miCollab(name)
	in.Deletable = false
	return in
}

// attach adds a foreign service that is there.
func (w *world) attach(line pbx.ServiceID, in pbx.NewForeign) *pbx.ForeignService {
	w.t.Helper()
	f, err := w.dir.AttachForeign(w.ctx, line, in)
	require.NoError(w.t, err)
	return f
}

// foreign reads a foreign service.
func (w *world) foreign(id pbx.ForeignID) *pbx.ForeignService {
	w.t.Helper()
	f, err := w.dir.ForeignService(w.ctx, id)
	require.NoError(w.t, err)
	return f
}

func TestSVC13_AForeignServiceShowsItsNameItsSystemAndALink(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line, other := w.service(pbx.UserID{}, "7101"), w.service(pbx.UserID{}, "7102")
		b := w.attach(line.ID, miCollab("Beta"))
		a := w.attach(line.ID, own("Alpha"))
		c := w.attach(other.ID, pbx.NewForeign{System: "CRM", Name: "Contacts", Link: "http://crm.example.com"})
		want := &pbx.ForeignService{
			TenantID: w.us.ID, ID: b.ID, Rev: 1, ServiceID: line.ID, System: "MICOLLAB", Name: "Beta", Link: "https://micollab.example.com/beta",
			Deletable: true, State: pbx.ForeignActive, At: w.clock,
		}
		require.Empty(t, cmp.Diff(want, w.foreign(b.ID)))
		require.Equal(t, []*pbx.ForeignService{a, b}, collect(t, w.dir.ForeignServices(w.ctx, line.ID)), "by system and name")
		require.Equal(t, []*pbx.ForeignService{b, a, c}, collect(t, w.dir.ForeignServices(w.ctx, pbx.ServiceID{})), "as they came")
		require.Empty(t, collect(t, w.british.ForeignServices(w.ctx, pbx.ServiceID{})))
	})
}

func TestSVC13_EveryBadFieldOfAForeignServiceIsReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line := w.service(pbx.UserID{}, "7101")
		bad := func(in pbx.NewForeign) []string {
			_, err := w.dir.AttachForeign(w.ctx, line.ID, in)
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
			in := miCollab("Client")
			in.Link = link
			require.Equal(t, []string{"Link SVC-13"}, bad(in), link)
		}
		_, err := w.dir.RequestForeign(w.ctx, line.ID, pbx.NewForeign{System: "A#B", Link: "x"})
		require.Equal(t, all, badFields(err), "a link that is given is looked at")
		require.Empty(t, collect(t, w.dir.ForeignServices(w.ctx, pbx.ServiceID{})))
	})
}

func TestSVC13_ALineHasEachForeignServiceOnceAndThirtyTwoAtMost(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line, other := w.service(pbx.UserID{}, "7101"), w.service(pbx.UserID{}, "7102")
		f := w.attach(line.ID, miCollab("Client"))
		w.attach(other.ID, miCollab("Client"))
		for _, call := range []func(*pbx.Directory) error{
			func(dir *pbx.Directory) error { return second(dir.AttachForeign(w.ctx, line.ID, miCollab("Client"))) },
			func(dir *pbx.Directory) error { return second(dir.RequestForeign(w.ctx, line.ID, miCollab("Client"))) },
		} {
			refusal := w.refused(rule.SVC13, pbx.ErrConflict, func() error { return call(w.dir) })
			require.Equal(t, "Name", refusal.Field)
			require.Equal(t, f.ID.String(), refusal.Holder.ID)
			require.Equal(t, line.ID.String(), refusal.Subject.ID)
			w.refused(rule.SVC13, pbx.ErrConflict, func() error {
				_, err := w.dir.Review(w.ctx, func(ctx context.Context, dir *pbx.Directory) error { return call(dir) })
				return err
			})
		}
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 31 {
				if _, err := dir.AttachForeign(ctx, line.ID, miCollab(fmt.Sprint("C", i))); err != nil {
					return err
				}
			}
			return nil
		}))
		w.refused(rule.SVC13, pbx.ErrExhausted, func() error { return second(w.dir.AttachForeign(w.ctx, line.ID, miCollab("X"))) })
		many := make([]pbx.NewForeign, 33)
		refusal := w.refused(rule.SVC13, pbx.ErrInvalid, func() error {
			return second(w.dir.AddService(w.ctx, pbx.NewService{DN: "7103", DeviceType: "Cisco 8851", Foreign: many}))
		})
		require.Equal(t, "Foreign", refusal.Field)
	})
}

func TestSVC13_AForeignServiceIsForgottenOnlyWhereNothingIsLeftToDo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		x := foreigners(w)
		for _, f := range []*pbx.ForeignService{x.there, x.asked, x.deleting} {
			refusal := w.refused(rule.SVC13, pbx.ErrFailedPrecondition, func() error { return w.dir.DetachForeign(w.ctx, f.ID) })
			require.Equal(t, f.ID.String(), refusal.Subject.ID)
			require.Equal(t, "MICOLLAB", refusal.Holder.ID)
			require.Contains(t, refusal.Reason, f.Link)
		}
		for _, f := range []*pbx.ForeignService{x.refused, x.undying, x.left} {
			require.NoError(t, w.dir.DetachForeign(w.ctx, f.ID))
			w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.dir.ForeignService(w.ctx, f.ID)) })
			w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.DetachForeign(w.ctx, f.ID) })
		}
	})
}

func TestSVC11_WhatARemoteServiceHasIsItsOwnSystems(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.remote(pbx.UserID{}, "7101")
		w.refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return second(w.dir.AttachForeign(w.ctx, s.ID, miCollab("Client"))) })
		w.refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return second(w.dir.RequestForeign(w.ctx, s.ID, miCollab("Client"))) })
		refusal := w.refused(rule.SVC11, pbx.ErrInvalid, func() error {
			return second(w.dir.AddService(w.ctx, pbx.NewService{
				DN: "7102", DeviceType: "Cisco 8851", RemoteSystem: "Leeds", Foreign: []pbx.NewForeign{miCollab("Client")},
			}))
		})
		require.Equal(t, "Foreign", refusal.Field)
	})
}

func TestSVC10_DeletingALineNamesWhatGoesWithItAndWhatOnlyItsOwnSystemDeletes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line := w.service(pbx.UserID{}, "7101")
		w.attach(line.ID, miCollab("Client"))
		w.attach(line.ID, own("Teleworker"))
		const text = "service 7101 has foreign services; deleted with it: Client in MICOLLAB (https://micollab.example.com/client); " +
			"affected, and deleted only there: Teleworker in MICOLLAB (https://micollab.example.com/teleworker)"
		refusal := w.refused(rule.SVC10, pbx.ErrUnconfirmed, func() error { return w.dir.DeleteService(w.ctx, line.ID) })
		require.Equal(t, text, refusal.Reason)
		require.Equal(t, line.ID.String(), refusal.Subject.ID)
		w.refused(rule.SVC10, pbx.ErrUnconfirmed, func() error {
			return w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error { return dir.DeleteService(ctx, line.ID) })
		})
		before := dump(t, w.store)
		review, err := w.dir.Review(w.ctx, func(ctx context.Context, dir *pbx.Directory) error { return dir.DeleteService(ctx, line.ID) })
		require.NoError(t, err)
		require.Equal(t, []pbx.Notice{{Code: rule.SVC10, Subject: pbx.Ref{Kind: "service", ID: line.ID.String(), Name: "7101"}, Text: text}}, review.Confirmations)
		require.Empty(t, cmp.Diff(before, dump(t, w.store)))
		require.NoError(t, review.Commit(w.ctx))
		require.Len(t, collect(t, w.dir.ForeignServices(w.ctx, pbx.ServiceID{})), 2)
	})
}

func TestSVC10_ALineThatGoesAsksTheOtherSystemInTheSameAct(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line := w.service(pbx.UserID{}, "7101")
		client, worker := w.attach(line.ID, miCollab("Client")), w.attach(line.ID, own("Teleworker"))
		asked, err := w.dir.RequestForeign(w.ctx, line.ID, pbx.NewForeign{System: "CRM", Name: "Asked", Deletable: true})
		require.NoError(t, err)
		never, err := w.dir.RequestForeign(w.ctx, line.ID, pbx.NewForeign{System: "CRM", Name: "Never", Deletable: true})
		require.NoError(t, err)
		_, err = w.support.In(w.us.ID).SettleForeign(w.ctx, never.ID, pbx.Settlement{State: pbx.ForeignFailed, Outcome: "no"})
		require.NoError(t, err)
		w.clock = w.clock.Add(time.Hour)
		require.NoError(t, w.dir.Confirm(rule.SVC10).DeleteService(w.ctx, line.ID))

		for _, f := range []*pbx.ForeignService{client, asked, worker} {
			f.Rev, f.ServiceID, f.FormerDN, f.At = 2, pbx.ServiceID{}, "7101", w.clock
			f.State, f.Requests = pbx.ForeignDeleting, f.Requests+1
			if f == worker {
				f.State, f.Requests = pbx.ForeignLeft, 0
			}
			require.Empty(t, cmp.Diff(f, w.foreign(f.ID)))
		}
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.dir.ForeignService(w.ctx, never.ID)) })
		require.Empty(t, collect(t, w.dir.ForeignServices(w.ctx, line.ID)))

		said := map[string]string{}
		events := collect(t, w.dir.Journal(w.ctx, pbx.JournalQuery{}))
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
		line := w.service(pbx.UserID{}, "7101")
		f, err := w.dir.RequestForeign(w.ctx, line.ID, pbx.NewForeign{System: "CRM", Name: "Never"})
		require.NoError(t, err)
		_, err = w.support.In(w.us.ID).SettleForeign(w.ctx, f.ID, pbx.Settlement{State: pbx.ForeignFailed})
		require.NoError(t, err)
		require.NoError(t, w.dir.DeleteService(w.ctx, line.ID))
		require.Empty(t, collect(t, w.dir.ForeignServices(w.ctx, pbx.ServiceID{})))
	})
}

func TestSVC10_ALineThatComesAndGoesInOneBatchLeavesItsRequests(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		require.NoError(t, w.dir.Confirm(rule.SVC10).Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			s, err := dir.AddService(ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: []pbx.NewForeign{miCollab("Client"), own("Own")}})
			if err != nil {
				return err
			}
			return dir.DeleteService(ctx, s.ID)
		}))
		list := collect(t, w.dir.ForeignServices(w.ctx, pbx.ServiceID{}))
		require.Len(t, list, 2)
		require.Equal(t, pbx.ForeignDeleting, list[0].State)
		require.Equal(t, pbx.ForeignLeft, list[1].State)
	})
}

func TestUSR11_PhonesWithForeignServicesThatOnlyTheirSystemDeletesStayWithTheirUser(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		one, two := w.service(ann.ID, "7101"), w.service(ann.ID, "7102")
		w.attach(one.ID, miCollab("Client"))
		a, b := w.attach(one.ID, own("A")), w.attach(two.ID, own("B"))
		far := w.remote(ann.ID, "7103")
		all := w.dir.Confirm(rule.USR9, rule.USR10, rule.SVC10)
		before := dump(t, w.store)
		err := all.DeleteUser(w.ctx, ann.ID, pbx.UserAndPhones)
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
		require.Empty(t, cmp.Diff(before, dump(t, w.store)))
		_, err = w.dir.Review(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			return dir.DeleteUser(ctx, ann.ID, pbx.UserAndPhones)
		})
		require.Equal(t, rule.USR11, pbx.CodeOf(err))
	})
}

func TestUSR11_AUserAloneIsDeletedAndHisForeignServicesStayWithTheirLines(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		line := w.service(ann.ID, "7101")
		f := w.attach(line.ID, own("A"))
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, ann.ID, pbx.UserOnly))
		require.Equal(t, f, w.foreign(f.ID))
	})
}

// outspoken gives a user's line foreign services of whom other systems said what
// names him, and returns those.
func (w *world) outspoken(line pbx.ServiceID) []*pbx.ForeignService {
	w.t.Helper()
	visiting := w.support.In(w.us.ID)
	for name, state := range map[string]pbx.ForeignState{"Chat": pbx.ForeignActive, "Fax": pbx.ForeignFailed} {
		f, err := w.dir.RequestForeign(w.ctx, line, pbx.NewForeign{System: "MICOLLAB", Name: name, Deletable: true})
		require.NoError(w.t, err)
		_, err = visiting.SettleForeign(w.ctx, f.ID, pbx.Settlement{State: state, Outcome: "Zanzibar Quetzal is known here", Link: "https://m.example.com/1"})
		require.NoError(w.t, err)
	}
	return collect(w.t, w.dir.ForeignServices(w.ctx, line))
}

// cleared asserts that foreign services are as they were, but for what was said.
func (w *world) cleared(was []*pbx.ForeignService) {
	w.t.Helper()
	for _, f := range was {
		want := *f
		want.Rev, want.Outcome = f.Rev+1, ""
		require.Equal(w.t, &want, w.foreign(f.ID))
	}
}

func TestUSR9_WhatOtherSystemsSaidOfADeletedUserIsCleared(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for dn, form := range map[pbx.Extension]pbx.Deletion{"7101": pbx.UserOnly, "7102": pbx.UserAndPhones} {
			u := w.user("Zanzibar", "Quetzal", "7001")
			line := w.service(u.ID, dn)
			said := w.outspoken(line.ID)
			before := w.revision()
			require.NoError(t, w.dir.Confirm(rule.USR9, rule.SVC10).DeleteUser(w.ctx, u.ID, form))
			if form == pbx.UserOnly {
				w.cleared(said)
				require.Contains(t, w.journal(w.dir, before), "foreign.outcome-cleared")
			}
			for table, rows := range dump(t, w.store) {
				require.NotContains(t, strings.ToLower(strings.Join(rows, " ")), "quetzal", "%s: %s", form, table)
			}
		}
	})
}

func TestUSR15_WhatOtherSystemsSaidOfTheOldPersonIsCleared(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, bob := w.user("Zanzibar", "Quetzal", "7001"), w.user("Bob", "Roe", "7002")
		line := w.service(u.ID, "7101")
		_, err := w.dir.Associate(w.ctx, bob.ID, line.ID)
		require.NoError(t, err)
		said := w.outspoken(line.ID)
		require.NoError(t, w.review(w.dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.ctx, u.ID, ina)) }).Commit(w.ctx))
		w.cleared(said)
		again := w.revision()
		_, err = w.dir.HandOver(w.ctx, u.ID, pbx.Successor{FirstName: "Uma", Email: "uma@example.com"})
		require.NoError(t, err)
		require.NotContains(t, w.journal(w.dir, again), "foreign.outcome-cleared", "nothing is left to clear")
	})
}

func TestSVC10_DeletingAUserAndHisPhonesConfirmsTheirForeignServicesToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		line := w.service(ann.ID, "7101")
		f := w.attach(line.ID, miCollab("Client"))
		refusal := w.refused(rule.SVC10, pbx.ErrUnconfirmed, func() error {
			return w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, ann.ID, pbx.UserAndPhones)
		})
		require.Contains(t, refusal.Reason, "Client in MICOLLAB (https://micollab.example.com/client)")
		require.NoError(t, w.dir.Confirm(rule.USR9, rule.SVC10).DeleteUser(w.ctx, ann.ID, pbx.UserAndPhones))
		require.Equal(t, pbx.ForeignDeleting, w.foreign(f.ID).State)
	})
}
