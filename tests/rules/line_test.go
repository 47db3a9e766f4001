package rules_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

func TestOWN1_ALineIsOpenedByItsNationalNumber(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7201"), w.User("Bob", "Day", "7202")
		s := w.line(aliceLine, pbx.NewService{UserID: bob.ID, DN: "7101", LocationID: w.Boston.ID, Type: "PRO", Name: "Front desk"}, "alice")
		_, err := w.Dir.Associate(w.Ctx, ann.ID, s.ID)
		require.NoError(t, err)

		line, err := w.owner("alice").Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		want := &pbx.Line{
			ServiceID: s.ID, Rev: line.Rev, Number: "+16175550101", DN: "7101", Name: "Front desk", Type: "PRO",
			Status: pbx.StatusActive, DeviceType: "Polycom VVX 450",
			Users:    []pbx.LineUser{{Name: "Ann Lee", SIPAddress: ann.SIPAddress}, {Name: "Bob Day", SIPAddress: bob.SIPAddress}},
			Building: "BOS-1", Address: w.Boston.Address,
			Owners: []pbx.Principal{"alice"},
		}
		require.Empty(t, cmp.Diff(want, line))
		byAdmin, err := w.Dir.Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		require.Equal(t, line, byAdmin)
		bySupport, err := w.Support.In(w.US.ID).Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		require.Equal(t, line, bySupport)
	})
}

func TestOWN1_AnythingButTenDigitsIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		for _, bad := range []string{
			"", "617-555-0101", "617 555 0101", "(617)5550101", "+16175550101", "16175550101", "617555010", "61755501011",
			"6175550101 ", "617.555.0101", "617555O101", "٦١٧٥٥٥٠١٠١", "617555010\x00", "\xff175550101",
		} {
			for _, dir := range []*pbx.Directory{w.Dir, w.owner("alice")} {
				e := w.Refused(rule.OWN1, pbx.ErrInvalid, func() error { _, err := dir.Line(w.Ctx, bad); return err })
				require.Equal(t, "Number", e.Field)
				require.Contains(t, e.Reason, "10 digits")
				w.Refused(rule.OWN1, pbx.ErrInvalid, func() error { _, err := dir.SetLineLocation(w.Ctx, bad, "BOS-1"); return err })
			}
		}
	})
}

func TestOWN1_ABritishLineIsOpenedByItsOwnNationalNumber(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.In(w.UK.ID).AddNumbers(w.Ctx, "+442079461001")
		require.NoError(t, err)
		s, err := w.British.AddService(w.Ctx, pbx.NewService{DN: "7001", DeviceType: "Polycom VVX 450", Number: pbx.ExistingNumber("+442079461001")})
		require.NoError(t, err)
		for _, typed := range []string{"2079461001", "02079461001"} {
			line, err := w.British.Line(w.Ctx, typed)
			require.NoError(t, err)
			require.Equal(t, s.ID, line.ServiceID)
		}
		w.Refused(rule.OWN1, pbx.ErrInvalid, func() error { _, err := w.British.Line(w.Ctx, "442079461001"); return err })
		// A number of another country is never one of ours, whoever has it.
		w.Refused(rule.OWN1, pbx.ErrInvalid, func() error { _, err := w.Dir.Line(w.Ctx, "02079461001"); return err })
	})
}

func TestOWN2_ALineNotOwnedIsRefusedAsOneThatDoesNotExist(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		calls := map[string]func(dir *pbx.Directory, number string) error{
			"Line":            func(dir *pbx.Directory, n string) error { _, err := dir.Line(w.Ctx, n); return err },
			"AddOwner":        func(dir *pbx.Directory, n string) error { _, err := dir.AddOwner(w.Ctx, n, "eve"); return err },
			"RemoveOwner":     func(dir *pbx.Directory, n string) error { _, err := dir.RemoveOwner(w.Ctx, n, "alice"); return err },
			"bad owner":       func(dir *pbx.Directory, n string) error { _, err := dir.AddOwner(w.Ctx, n, "not one"); return err },
			"SetLineLocation": func(dir *pbx.Directory, n string) error { _, err := dir.SetLineLocation(w.Ctx, n, "BOS-1"); return err },
			"bad location": func(dir *pbx.Directory, n string) error {
				_, err := dir.SetLineLocation(w.Ctx, n, "NOWHERE")
				return err
			},
			"stale": func(dir *pbx.Directory, n string) error {
				_, err := dir.ChangeLine(w.Ctx, n, pbx.LineChange{Rev: 99})
				return err
			},
		}
		before, alice := map[string]*pbx.Error{}, w.acting(w.owner("alice"))
		for name, call := range calls {
			before[name] = alice.Refused(rule.OWN2, pbx.ErrNotFound, func() error { return call(alice.Dir, otherLine) })
		}
		w.line(otherLine, pbx.NewService{LocationKeptBy: "ESS"}, "bob")
		for name, call := range calls {
			after := alice.Refused(rule.OWN2, pbx.ErrNotFound, func() error { return call(alice.Dir, otherLine) })
			require.Equal(t, before[name], after)
			require.Equal(t, before[name].Error(), after.Error())
			require.NotContains(t, after.Error(), "bob")
		}
		// Somebody from another tenant is not an owner here, and finds nothing.
		stranger := w.Support.As(pbx.LineOwner("alice", w.UK.ID))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := stranger.In(w.US.ID).Line(w.Ctx, aliceLine); return err })

		_, err := w.owner("alice").Line(w.Ctx, aliceLine)
		require.NoError(t, err)
	})
}

func TestOWN2_AnAdministratorIsToldThatThereIsNoSuchLine(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		// A number of another tenant's line, and one of nobody's.
		other := w.Tenant("Other", "US", "other.example.com")
		_, err := w.Support.In(other.ID).AddService(w.Ctx, pbx.NewService{DN: "7001", DeviceType: "Polycom VVX 450", Number: pbx.OfferedNumber("+1" + otherLine)})
		require.NoError(t, err)
		for _, dir := range []*pbx.Directory{w.Dir, w.Support.In(w.US.ID)} {
			theirs := w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := dir.Line(w.Ctx, otherLine); return err })
			nobodys := w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := dir.Line(w.Ctx, noLine); return err })
			require.Equal(t, nobodys.Error(), theirs.Error())
		}
	})
}

func TestOWN7_ALineMovesToABuildingKnownToTheTenant(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		cambridge := w.Location(w.Dir, "CAM-32", "US", "+1617")
		w.line(aliceLine, pbx.NewService{LocationID: w.Boston.ID}, "alice")
		alice := w.owner("alice")
		line, err := alice.SetLineLocation(w.Ctx, aliceLine, "CAM-32")
		require.NoError(t, err)
		require.Equal(t, "CAM-32", line.Building)
		require.Equal(t, cambridge.Address, line.Address)

		as := w.acting(alice)
		to := func(building string) func() error {
			return func() error { return second(as.Dir.SetLineLocation(w.Ctx, aliceLine, building)) }
		}
		as.Refused(rule.OWN7, pbx.ErrNotFound, to("NOWHERE"))
		as.Refused(rule.OWN7, pbx.ErrNotFound, to("LON-3"))
		as.Refused(rule.OWN7, pbx.ErrInvalid, to("32 Vassar St"))
		as.Refused(rule.OWN7, pbx.ErrInvalid, to(""))

		// A move to where it already is changes nothing, and nothing is
		// journalled.
		before := testbed.Dump(t, w.Store)
		_, err = alice.SetLineLocation(w.Ctx, aliceLine, "CAM-32")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
	})
}

func TestOWN7_ABuildingIsLookedAtForSomebodyWhoMayMoveTheLineOnly(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		for _, building := range []string{"32 Vassar St", ""} {
			nobody := w.Support.As(pbx.Actor{Tenant: w.US.ID})
			w.Refused(rule.ACC2, pbx.ErrDenied, func() error { return second(nobody.SetLineLocation(w.Ctx, aliceLine, building)) })
			stranger := w.Support.As(pbx.Administrator("admin", w.UK.ID)).In(w.US.ID)
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(stranger.SetLineLocation(w.Ctx, aliceLine, building)) })
			nowhere := w.Support.In(pbx.TenantID{1})
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(nowhere.SetLineLocation(w.Ctx, aliceLine, building)) })
			w.Refused(rule.OWN2, pbx.ErrNotFound, func() error { return second(w.owner("bob").SetLineLocation(w.Ctx, aliceLine, building)) })
		}
	})
}

func TestOWN7_ALineDoesNotMoveToWhereItsDNMeetsAnEmergencyNumber(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Location(w.Dir, "LON-9", "GB", "")
		w.line(aliceLine, pbx.NewService{DN: "9991"}, "alice")
		e := w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := w.owner("alice").SetLineLocation(w.Ctx, aliceLine, "LON-9"); return err })
		require.Equal(t, "Building", e.Field)
	})
}

func TestOWN8_ALocationKeptElsewhereIsNotChangedHere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Location(w.Dir, "CAM-32", "US", "+1617")
		w.line(aliceLine, pbx.NewService{LocationID: w.Boston.ID, LocationKeptBy: "Employee Self Service"}, "alice")
		w.line(otherLine, pbx.NewService{LocationID: w.Boston.ID, Name: "Conference room 3"}, "alice")
		for _, dir := range []*pbx.Directory{w.owner("alice"), w.Dir} {
			e := w.Refused(rule.OWN8, pbx.ErrFailedPrecondition, func() error { _, err := dir.SetLineLocation(w.Ctx, aliceLine, "CAM-32"); return err })
			require.Equal(t, "Employee Self Service", e.Holder.Name)
			require.Contains(t, e.Reason, "Employee Self Service")
		}
		for _, bad := range []string{strings.Repeat("x", 65), " ESS", "E\nSS"} {
			e := w.Refused(rule.OWN8, pbx.ErrInvalid, func() error {
				return second(w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7990", DeviceType: "Cisco 8851", LocationKeptBy: bad}))
			})
			require.Equal(t, "LocationKeptBy", e.Field)
		}
		line, err := w.owner("alice").SetLineLocation(w.Ctx, otherLine, "CAM-32")
		require.NoError(t, err)
		require.Equal(t, "CAM-32", line.Building)
		// Its owners are kept here all the same.
		line, err = w.owner("alice").ChangeLine(w.Ctx, aliceLine, pbx.LineChange{AddOwners: []pbx.Principal{"bob"}, Building: "BOS-1"})
		require.NoError(t, err)
		require.Equal(t, "Employee Self Service", line.LocationKeptBy)
	})
}

func TestOWN9_OwnerAndLocationChangesAreSavedTogetherOrNotAtAll(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Location(w.Dir, "CAM-32", "US", "+1617")
		w.line(aliceLine, pbx.NewService{LocationID: w.Boston.ID}, "alice", "bob")
		alice := w.owner("alice")
		good := pbx.LineChange{AddOwners: []pbx.Principal{"carol"}, RemoveOwners: []pbx.Principal{"bob"}, Building: "CAM-32"}
		for _, spoil := range []func(c *pbx.LineChange){
			func(c *pbx.LineChange) { c.AddOwners = []pbx.Principal{"carol", "alice"} },
			func(c *pbx.LineChange) { c.RemoveOwners = []pbx.Principal{"bob", "nobody"} },
			func(c *pbx.LineChange) { c.Building = "NOWHERE" },
			func(c *pbx.LineChange) { c.Rev = 99 },
		} {
			bad := good
			spoil(&bad)
			before := testbed.Dump(t, w.Store)
			line, err := alice.ChangeLine(w.Ctx, aliceLine, bad)
			require.Error(t, err)
			require.Nil(t, line)
			stale, ok := errors.AsType[*pbx.StaleError](err)
			require.Equal(t, errors.Is(err, pbx.ErrStale), ok && stale.Current != nil, "what there is now comes with a stale view alone")
			require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
		}
		// All bad fields are reported at once.
		_, err := alice.ChangeLine(w.Ctx, aliceLine, pbx.LineChange{
			AddOwners: []pbx.Principal{"alice", "two words"}, RemoveOwners: []pbx.Principal{"nobody"}, Building: "NOWHERE",
		})
		var fields []string
		for _, e := range pbx.Errors(err) {
			fields = append(fields, e.Field)
		}
		require.Equal(t, []string{"AddOwners", "AddOwners", "RemoveOwners", "Building"}, fields)

		line, err := alice.ChangeLine(w.Ctx, aliceLine, good)
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice", "carol"}, line.Owners)
		require.Equal(t, "CAM-32", line.Building)
	})
}

func TestOWN9_InABatchAndThroughAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		change := func(ctx context.Context, dir *pbx.Directory) error {
			if _, err := dir.AddOwner(ctx, aliceLine, "bob"); err != nil {
				return err
			}
			_, err := dir.SetLineLocation(ctx, aliceLine, "BOS-1")
			return err
		}
		err := w.owner("alice").Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.NoError(t, change(ctx, dir))
			_, err := dir.Line(ctx, noLine)
			return err
		})
		require.ErrorIs(t, err, pbx.ErrNotFound)
		line, err := w.Dir.Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice"}, line.Owners, "a batch that was dropped left an owner")

		review, err := w.owner("alice").Review(w.Ctx, change)
		require.NoError(t, err)
		require.Len(t, review.Effects, 2)
		require.Contains(t, review.Effects[0].String(), "bob")
		require.Equal(t, "service 7101 relocated: BOS-1", review.Effects[1].String())
		require.NoError(t, review.Commit(w.Ctx))
		line, err = w.Dir.Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice", "bob"}, line.Owners)
		require.Equal(t, "BOS-1", line.Building)
	})
}

func TestSVC11_ARemoteLineIsNotChangedHere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.line(aliceLine, pbx.NewService{}, "alice")
		remote := *s // as could be made in the past
		remote.Rev, remote.RemoteSystem, remote.Status = s.Rev+1, "Geneva", pbx.StatusNone
		w.Apply(store.Change{Old: s, New: &remote})
		for what, change := range map[string]pbx.LineChange{
			"its place": {Building: "BOS-1"}, "a new owner": {AddOwners: []pbx.Principal{"bob"}}, "an owner who goes": {RemoveOwners: []pbx.Principal{"alice"}},
		} {
			for _, a := range []*world{w, w.acting(w.owner("alice"))} {
				e := a.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return second(a.Dir.ChangeLine(w.Ctx, aliceLine, change)) })
				require.Equal(t, "Geneva", e.Holder.Name, what)
			}
		}
		w.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.AddOwner(w.Ctx, aliceLine, "bob")) })
		require.Equal(t, []string{"SVC-11 service"}, w.Violations(w.Support))
		s.Rev = remote.Rev + 1
		w.Apply(store.Change{Old: &remote, New: s})
	})
}

func TestSVC15_AChangeOfALineBasedOnAnOldRevisionIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Location(w.Dir, "CAM-32", "US", "+1617")
		w.line(aliceLine, pbx.NewService{LocationID: w.Boston.ID}, "alice")
		seen, err := w.owner("alice").Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		_, err = w.Dir.ChangeLine(w.Ctx, aliceLine, pbx.LineChange{Building: "CAM-32", Rev: seen.Rev})
		require.NoError(t, err)
		alice := w.acting(w.owner("alice"))
		alice.Refused(rule.SVC15, pbx.ErrStale, func() error {
			none, err := alice.Dir.ChangeLine(w.Ctx, aliceLine, pbx.LineChange{Building: "BOS-1", Rev: seen.Rev})
			require.Nil(t, none)
			stale, ok := errors.AsType[*pbx.StaleError](err)
			require.True(t, ok)
			now := stale.Current.(*pbx.Line) // the current one is at hand
			require.Equal(t, "CAM-32", now.Building)
			require.Equal(t, []pbx.Principal{"alice"}, now.Owners)
			return err
		})
	})
}

func TestUSR6_ALineThatMovesAwayFromAUserWithE911IsWarnedOf(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		there := w.Location(w.Dir, "BOS-2", "US", "")
		ann, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7201", LocationID: w.Boston.ID, E911: true})
		require.NoError(t, err)
		s := w.line(aliceLine, pbx.NewService{UserID: ann.ID, LocationID: there.ID}, "alice")
		bob := w.User("Bob", "Ray", "7202")
		_, err = w.Dir.Associate(w.Ctx, bob.ID, s.ID)
		require.NoError(t, err)
		save := func(to pbx.LocationID) func(dir *pbx.Directory) error {
			return func(dir *pbx.Directory) error {
				s, err := dir.Service(w.Ctx, s.ID)
				if err == nil {
					s.LocationID, s.Name = to, "Desk"
					_, err = dir.ModifyService(w.Ctx, s)
				}
				return err
			}
		}
		move := func(building string) func(dir *pbx.Directory) error {
			return func(dir *pbx.Directory) error { return second(dir.SetLineLocation(w.Ctx, aliceLine, building)) }
		}
		warned := func(dir *pbx.Directory, move func(dir *pbx.Directory) error) {
			t.Helper()
			review := w.Review(dir, move)
			require.Equal(t, []rule.Code{rule.USR6}, testbed.Codes(review.Warnings))
			require.Equal(t, pbx.Ref{Kind: "user", ID: ann.ID.String(), Name: "Ann"}, review.Warnings[0].Subject)
		}
		require.Empty(t, w.Review(w.Dir, save(there.ID)).Warnings, "it stays")
		require.Empty(t, w.Review(w.Dir, save(w.Boston.ID)).Warnings, "it comes to where he is")
		require.NoError(t, move("BOS-1")(w.Dir))
		warned(w.Dir, move("BOS-2"))
		warned(w.owner("alice"), move("BOS-2"))
		warned(w.Dir, save(there.ID))
		warned(w.Dir, save(pbx.LocationID{}))
		require.NoError(t, w.Review(w.Dir, move("BOS-2")).Commit(w.Ctx))
	})
}
