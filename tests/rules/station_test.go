package rules_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// seated sets up a user with a station.
func seated(n int, station string, applications ...string) pbx.SetUp {
	name := fmt.Sprintf("Seated%d", n)
	return pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: name, Email: strings.ToLower(name) + "@example.com", Extension: pbx.Extension(fmt.Sprintf("74%02d", n))},
		Station: station, Applications: applications,
	}
}

func (w *world) seat(n int, station string, applications ...string) *pbx.User {
	w.T.Helper()
	made, err := w.Dir.SetUpUser(w.Ctx, seated(n, station, applications...))
	require.NoError(w.T, err)
	return made.User
}

func TestSTN1_ThePoolAlwaysAddsUp(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		counts := func(available, used, total int64) {
			t.Helper()
			p := w.Pool("STANDARD")
			require.Equal(t, [3]int64{available, used, total}, [3]int64{p.Available(), p.Used, p.Total})
		}
		counts(3, 0, 3)
		ann := w.seat(1, "STANDARD")
		counts(2, 1, 3)
		w.seat(2, "STANDARD")
		bob := w.User("Bob", "Day", "7002")
		_, err := w.Dir.ChangeStation(w.Ctx, bob.ID, "STANDARD")
		require.NoError(t, err)
		counts(0, 3, 3)

		cid := w.User("Cid", "Fox", "7003")
		for _, take := range []func() error{
			func() error { _, err := w.Dir.SetUpUser(w.Ctx, seated(4, "STANDARD")); return err },
			func() error { _, err := w.Dir.ChangeStation(w.Ctx, cid.ID, "STANDARD"); return err },
		} {
			e := w.Refused(rule.STN1, pbx.ErrExhausted, take)
			require.Equal(t, "Station", e.Field)
			require.Contains(t, e.Reason, "order more")
		}
		before := testbed.Dump(t, w.Store)
		_, err = w.Dir.ChangeStation(w.Ctx, bob.ID, "STANDARD")
		require.NoError(t, err, "he has one, and keeps it though none is left")
		require.Equal(t, before, testbed.Dump(t, w.Store))

		_, err = w.Dir.ChangeStation(w.Ctx, bob.ID, "")
		require.NoError(t, err)
		counts(1, 2, 3)
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, ann.ID, pbx.UserAndPhones))
		counts(2, 1, 3)
		for _, unknown := range []string{"GOLD", "standard", "STANDARD\x00", " "} {
			w.Refused(rule.STN1, pbx.ErrNotFound, func() error { _, err := w.Dir.ChangeStation(w.Ctx, bob.ID, unknown); return err })
			w.Refused(rule.STN1, pbx.ErrNotFound, func() error { _, err := w.Dir.SetUpUser(w.Ctx, seated(5, unknown)); return err })
		}
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.British.ChangeStation(w.Ctx, bob.ID, "STANDARD"); return err })
	})
}

func TestSTN1_TheLastStationIsGivenOnceInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.seat(1, "STANDARD")
		w.seat(2, "STANDARD")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.SetUpUser(ctx, seated(3, "STANDARD"))
			require.NoError(t, err)
			_, err = dir.SetUpUser(ctx, seated(4, "STANDARD"))
			require.ErrorIs(t, err, pbx.ErrExhausted)
			return nil
		}))
		require.Equal(t, int64(3), w.Pool("STANDARD").Used)
		require.Empty(t, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{FirstName: "Seated4"})))
	})
}

func TestSTN1_APackageIsAddedAndChanged(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		applications := []string{"crm"}
		made, err := w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "GOLD", Name: "Gold", Total: 1, Applications: applications})
		require.NoError(t, err)
		require.Equal(t, &pbx.StationPool{TenantID: w.US.ID, Package: "GOLD", Rev: 1, Name: "Gold", Total: 1, Applications: []string{"crm"}}, made)
		applications[0] = "changed"
		made.Applications[0] = "changed"
		require.Equal(t, []string{"crm"}, w.Pool("GOLD").Applications)
		for field, p := range map[string]pbx.NewStationPool{
			"Package": {Package: "LE AD", Name: "Lead"}, "Name": {Package: "LEAD"}, "Total": {Package: "LEAD", Name: "Lead", Total: -1},
		} {
			e := w.Refused(rule.STN1, pbx.ErrInvalid, func() error { return second(w.Dir.AddStationPool(w.Ctx, p)) })
			require.Equal(t, field, e.Field)
		}
		w.Refused(rule.STN1, pbx.ErrInvalid, func() error {
			return second(w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "LEAD", Name: "Lead", Total: 1_000_001}))
		})
		w.Refused(rule.STN2, pbx.ErrInvalid, func() error {
			return second(w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "LEAD", Name: "Lead", Applications: []string{"a", "a"}}))
		})
		_, err = w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "P\x00", Total: -1})
		require.Len(t, pbx.Errors(err), 3, "all bad fields at once")

		read := w.Pool("GOLD")
		read.Name, read.Total, read.Applications = "Pure gold", 2, []string{"crm", "fax"}
		saved, err := w.Dir.ModifyStationPool(w.Ctx, read)
		require.NoError(t, err)
		require.Equal(t, &pbx.StationPool{TenantID: w.US.ID, Package: "GOLD", Rev: 2, Name: "Pure gold", Total: 2, Applications: []string{"crm", "fax"}}, saved)
		require.Equal(t, saved, w.Pool("GOLD"))
		saved.Name, saved.Total, saved.Used, saved.Applications = "", -1, 1, []string{"a", "a"}
		_, err = w.Dir.ModifyStationPool(w.Ctx, saved)
		require.Equal(t, []string{"Applications STN-2", "Name STN-1", "Total STN-1", "Used STN-1"}, badFields(err), "what is used is counted, not set")
	})
}

func TestSTN1_APackageIsAddedOnceAndOnlyOneThatThereIsIsModified(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		before := w.Pool("STANDARD")
		e := w.Refused(rule.STN1, pbx.ErrConflict, func() error {
			made, err := w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "STANDARD", Name: "Mine", Total: 99})
			require.Nil(t, made)
			return err
		})
		require.Equal(t, "Package", e.Field)
		require.Equal(t, pbx.Ref{Kind: "station package", ID: "STANDARD", Name: "Standard"}, e.Holder)
		require.Equal(t, before, w.Pool("STANDARD"))
		_, err := w.British.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "GOLD", Name: "Gold", Total: 1})
		require.NoError(t, err)
		for _, none := range []string{"GOLD", "standard", "no code", ""} {
			e := w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
				now, err := w.Dir.ModifyStationPool(w.Ctx, &pbx.StationPool{Package: none, Name: "Gold", Rev: 1})
				require.Nil(t, now)
				return err
			})
			require.Equal(t, none, e.Subject.ID)
		}
	})
}

func TestSTN2_OnlyApplicationsThatTheStationOrTheServiceTypeIncludes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := seated(1, "STANDARD", "crm", "softphone")
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		require.Equal(t, []string{"crm", "softphone"}, made.User.Applications)
		byType := seated(2, "", "fax")
		byType.ServiceType = "PRO"
		_, err = w.Dir.SetUpUser(w.Ctx, byType)
		require.NoError(t, err)

		for _, bad := range []pbx.SetUp{seated(3, "STANDARD", "fax"), seated(3, "", "crm"), seated(3, "STANDARD", "crm", "CRM"), seated(3, "STANDARD", "crm", "crm")} {
			e := w.Refused(rule.STN2, pbx.ErrInvalid, func() error { _, err := w.Dir.SetUpUser(w.Ctx, bad); return err })
			require.Equal(t, "Applications", e.Field)
		}
		u, err := w.Dir.User(w.Ctx, made.User.ID)
		require.NoError(t, err)
		u.Applications = []string{"fax"}
		w.Refused(rule.STN2, pbx.ErrInvalid, func() error { _, err := w.Dir.ModifyUser(w.Ctx, u); return err })
		u.Applications = []string{"crm"}
		_, err = w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
	})
}

func TestSTN2_WhoLosesAnApplicationWithAServiceIsWarnedOf(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := seated(1, "", "fax")
		in.ServiceType = "PRO"
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		_, err = w.Dir.AddExtension(w.Ctx, made.User.ID, "7444") // the user is reached without it too
		require.NoError(t, err)
		goes := func(dir *pbx.Directory) error { return dir.DeleteService(w.Ctx, made.Service.ID) }
		before := testbed.Dump(t, w.Store)
		review := w.Review(w.Dir, goes)
		require.Equal(t, []rule.Code{rule.STN2}, testbed.Codes(review.Warnings))
		require.Equal(t, made.User.ID.String(), review.Warnings[0].Subject.ID)
		require.Contains(t, review.Warnings[0].Text, "loses the applications fax")
		require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
		require.NoError(t, w.Dir.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error { return goes(dir) }), "and it goes through")
		u, err := w.Dir.User(w.Ctx, made.User.ID)
		require.NoError(t, err)
		require.Empty(t, u.Applications)
	})
}

func TestSTN2_WhatAPackageDroppedLaterStaysAndIsInTheWayOfNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.seat(1, "STANDARD", "crm", "softphone")
		require.NoError(t, w.ModifyPool("STANDARD", func(p *pbx.StationPool) { p.Applications = []string{"softphone"} }))
		for _, typ := range []string{"", "FREE", "PRO"} {
			s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: "7901", Type: typ, DeviceType: "Cisco 8851"})
			require.NoError(t, err)
			r := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.DeleteService(w.Ctx, s.ID) })
			require.Empty(t, r.Warnings, "a line that did not include it takes nothing along")
			require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID))
		}
		u, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"crm", "softphone"}, u.Applications)

		u.Applications = []string{"crm"}
		u, err = w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err, "another one is taken off him")
		u.Applications = []string{"crm", "fax"}
		w.Refused(rule.STN2, pbx.ErrInvalid, func() error { _, err := w.Dir.ModifyUser(w.Ctx, u); return err })
		u.Applications = nil
		u, err = w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		u.Applications = []string{"crm"}
		w.Refused(rule.STN2, pbx.ErrInvalid, func() error { _, err := w.Dir.ModifyUser(w.Ctx, u); return err })
	})
}

func TestSTN3_ALesserPackageTakesApplicationsAwayAfterConfirmation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "BASIC", Name: "Basic", Total: 1, Applications: []string{"softphone"}})
		require.NoError(t, err)
		u := w.seat(1, "STANDARD", "crm", "softphone")
		for _, lesser := range []string{"BASIC", ""} {
			e := w.Refused(rule.STN3, pbx.ErrUnconfirmed, func() error { _, err := w.Dir.ChangeStation(w.Ctx, u.ID, lesser); return err })
			require.Contains(t, e.Reason, "crm")
			require.Equal(t, u.ID.String(), e.Subject.ID)
			w.Refused(rule.STN3, pbx.ErrUnconfirmed, func() error {
				_, err := w.Dir.Confirm(rule.STN1, rule.USR9).ChangeStation(w.Ctx, u.ID, lesser)
				return err
			})
		}
		now, err := w.Dir.Confirm(rule.STN3).ChangeStation(w.Ctx, u.ID, "BASIC")
		require.NoError(t, err)
		require.Equal(t, "BASIC", now.Station)
		require.Equal(t, []string{"softphone"}, now.Applications)
		require.Zero(t, w.Pool("STANDARD").Used)
		require.Zero(t, w.Pool("BASIC").Available())
		back, err := w.Dir.ChangeStation(w.Ctx, u.ID, "STANDARD")
		require.NoError(t, err, "nothing goes, so nothing is asked")
		require.Equal(t, []string{"softphone"}, back.Applications)
	})
}

func TestSTN3_AnApplicationThatTheServiceTypeIncludesStays(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := seated(1, "STANDARD", "softphone")
		in.ServiceType = "PRO"
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		now, err := w.Dir.ChangeStation(w.Ctx, made.User.ID, "")
		require.NoError(t, err)
		require.Equal(t, []string{"softphone"}, now.Applications)
	})
}

func TestSTN2_ApplicationsComeWithANewServiceAndOnlyThoseThatItsTypeOrTheStationIncludes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.seat(1, "STANDARD").ID
		in := pbx.NewService{UserID: u, DN: "7501", DeviceType: "Cisco 8851", Type: "PRO", Applications: []string{"fax", "crm"}}
		for name, spoil := range map[string]func(*pbx.NewService){
			"not of that type": func(in *pbx.NewService) { in.Type = "FREE" },
			"included by none": func(in *pbx.NewService) { in.Applications = []string{"recording"} },
			"listed twice":     func(in *pbx.NewService) { in.Applications = []string{"fax", "fax"} },
			"nobody gets it":   func(in *pbx.NewService) { in.UserID = pbx.UserID{} },
			"no code":          func(in *pbx.NewService) { in.Applications = []string{"no code"} },
		} {
			bad := in
			spoil(&bad)
			e := w.Refused(rule.STN2, pbx.ErrInvalid, func() error { return second(w.Dir.AddService(w.Ctx, bad)) })
			require.Equal(t, "Applications", e.Field, name)
		}
		before := w.revision()
		s, err := w.Dir.AddService(w.Ctx, in)
		require.NoError(t, err)
		require.Equal(t, before+1, w.revision(), "one change")
		has := func() []string {
			now, err := w.Dir.User(w.Ctx, u)
			require.NoError(t, err)
			return now.Applications
		}
		require.Subset(t, has(), []string{"fax", "crm"})
		more := in
		more.DN, more.Applications = "7502", []string{"fax", "softphone"}
		require.NoError(t, w.Dir.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error { return second(dir.AddService(w.Ctx, more)) }))
		require.ElementsMatch(t, []string{"fax", "crm", "softphone"}, has(), "beside those that he has")
		require.NoError(t, w.Dir.Confirm(rule.SVC5).DeleteService(w.Ctx, s.ID), "the other one includes them still")
		require.ElementsMatch(t, []string{"fax", "crm", "softphone"}, has())
	})
}

func TestSTN4_APoolIsNeverLoweredBelowItsUse(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.seat(1, "STANDARD")
		w.seat(2, "STANDARD")
		set := func(total int64) error {
			return w.ModifyPool("STANDARD", func(p *pbx.StationPool) { p.Total = total })
		}
		e := w.Refused(rule.STN4, pbx.ErrFailedPrecondition, func() error { return set(1) })
		require.Equal(t, "Total", e.Field)
		require.NoError(t, set(2))
		require.Zero(t, w.Pool("STANDARD").Available())
		require.NoError(t, set(5))
		require.Equal(t, int64(3), w.Pool("STANDARD").Available())
	})
}

func TestSVC15_APackageThatWasChangedSinceIsNotOverwritten(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		read := w.Pool("STANDARD")
		w.seat(1, "STANDARD")
		saved, err := w.Dir.ModifyStationPool(w.Ctx, read)
		require.Nil(t, saved)
		now := currentIn[*pbx.StationPool](t, err)
		require.Equal(t, w.Pool("STANDARD"), now, "the current one is at hand")
		now.Total = 9
		_, err = w.Dir.ModifyStationPool(w.Ctx, now)
		require.NoError(t, err)
		require.Equal(t, int64(8), w.Pool("STANDARD").Available())
	})
}
