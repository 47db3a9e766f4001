package rules_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// setUp is a complete guided set-up; every part of it is available.
func (w *world) setUp(device pbx.DeviceID) pbx.SetUp {
	return pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Ann", LastName: "Lee", Email: "ann@example.com", Login: "ann@corp.example", LocationID: w.Boston.ID, E911: true},
		Number:  pbx.ProposedNumber(), ServiceType: "PRO",
		Station: "STANDARD", Applications: []string{"crm", "fax", "softphone"},
		DeviceID: device, Ports: 3,
	}
}

func TestUSR2_GuidedSetUpIsOneAtomicAct(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		phone := w.Phone("00:1b:54:00:00:01", "Polycom VVX 450")
		before := w.revision()
		made, err := w.Dir.SetUpUser(w.Ctx, w.setUp(phone.ID))
		require.NoError(t, err)
		require.Equal(t, before+1, w.revision(), "one change")

		u, err := w.Dir.User(w.Ctx, made.User.ID)
		require.NoError(t, err)
		require.Equal(t, made.User, u)
		require.Equal(t, "STANDARD", u.Station)
		require.Equal(t, []string{"crm", "fax", "softphone"}, u.Applications)

		s, err := w.Dir.Service(w.Ctx, made.Service.ID)
		require.NoError(t, err)
		require.Equal(t, made.Service, s)
		require.Equal(t, pbx.Extension("7000"), s.DN)
		require.Equal(t, pbx.E164("+16175550100"), s.Number)
		require.Equal(t, "PRO", s.Type)
		require.Equal(t, "Polycom VVX 450", s.DeviceType)
		require.Equal(t, phone.ID, s.DeviceID)
		require.Equal(t, w.Boston.ID, s.LocationID)
		require.Equal(t, pbx.StatusActive, s.Status)
		main, err := w.Dir.MainExtension(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, s.DN, main)

		services, err := w.Dir.UserServices(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Len(t, services, 1)
		require.True(t, services[0].Association.Primary())
		d, err := w.Dir.Device(w.Ctx, phone.ID)
		require.NoError(t, err)
		require.Equal(t, u.ID, d.UserID)
		require.Equal(t, u.ID, d.PrimaryOf)
		require.EqualValues(t, 3, d.PortsUsed)
		require.EqualValues(t, 1, testbed.Collect(t, w.Dir.StationPools(w.Ctx))[0].Used)
		require.Equal(t, u.ID, made.Order.UserID)
		require.Equal(t, w.Boston.ID, made.Order.LocationID)
		require.Equal(t, pbx.Money(2500), made.Order.Monthly)
		require.Equal(t, pbx.Money(1000), made.Order.OneTime)
		require.Equal(t, w.Clock, made.Order.BillingFrom)
	})
}

func TestUSR2_AnyPartThatIsRefusedLeavesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		phone, taken := w.Phone("00:1b:54:00:00:01", "Polycom VVX 450"), w.Phone("00:1b:54:00:00:02", "Cisco 8851")
		bob := w.User("Bob", "Ray", "7001")
		_, err := w.Dir.AssignDevice(w.Ctx, taken.ID, bob.ID, 1)
		require.NoError(t, err)
		_, err = w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "NONE", Name: "None left"})
		require.NoError(t, err)
		for name, c := range map[string]struct {
			spoil func(*pbx.SetUp)
			want  []string
		}{
			"email":            {func(s *pbx.SetUp) { s.Email = "ann" }, []string{"Email USR-1"}},
			"extension":        {func(s *pbx.SetUp) { s.Extension = "7001" }, []string{"Extension EXT-2"}},
			"emergency":        {func(s *pbx.SetUp) { s.Extension = "9110" }, []string{"Extension EXT-3"}},
			"number":           {func(s *pbx.SetUp) { s.Number = pbx.ExistingNumber("+16175550109") }, []string{"Number NUM-2"}},
			"type":             {func(s *pbx.SetUp) { s.ServiceType = "GOLD"; s.Applications = nil }, []string{"ServiceType SVC-16"}},
			"location":         {func(s *pbx.SetUp) { s.LocationID = w.London.ID; s.E911 = false }, []string{"LocationID ACC-1"}},
			"no such device":   {func(s *pbx.SetUp) { s.DeviceID = pbx.DeviceID{1} }, []string{"DeviceID ACC-1"}},
			"somebody's":       {func(s *pbx.SetUp) { s.DeviceID = taken.ID }, []string{"DeviceID DEV-2"}},
			"ports":            {func(s *pbx.SetUp) { s.Ports = 13 }, []string{"Ports DEV-3"}},
			"device type":      {func(s *pbx.SetUp) { s.DeviceType = "Cisco 8851" }, []string{"DeviceType SVC-2"}},
			"no such model":    {func(s *pbx.SetUp) { s.DeviceID = pbx.DeviceID{}; s.DeviceType = "Drum" }, []string{"DeviceType SVC-2"}},
			"no such package":  {func(s *pbx.SetUp) { s.Station = "GOLD" }, []string{"Station STN-1"}},
			"none left":        {func(s *pbx.SetUp) { s.Station = "NONE"; s.Applications = nil }, []string{"Station STN-1"}},
			"not included":     {func(s *pbx.SetUp) { s.Applications = []string{"tv"} }, []string{"Applications STN-2"}},
			"without a source": {func(s *pbx.SetUp) { s.Station = ""; s.ServiceType = "FREE"; s.Applications = []string{"crm"} }, []string{"Applications STN-2"}},
			"everything": {func(s *pbx.SetUp) {
				s.FirstName, s.LastName, s.Email, s.Login, s.Extension, s.SIPAddress = "", "", "ann", "bob.ray@example.com", "7", "x"
				s.LocationID, s.Number, s.ServiceType, s.Station, s.DeviceID, s.Ports = pbx.LocationID{1}, pbx.ExistingNumber("+1"), "GOLD", "GOLD", taken.ID, 99
				s.Applications = []string{"no code"}
			}, []string{
				"Applications STN-2", "E911 USR-6", "Email USR-1", "Extension EXT-1", "LocationID ACC-1", "Login USR-3", "Name USR-1", "Number NUM-2",
				"Ports DEV-3", "SIPAddress EXT-6", "ServiceType SVC-16", "Station STN-1",
			}},
		} {
			t.Run(name, func(t *testing.T) {
				in := w.setUp(phone.ID)
				c.spoil(&in)
				before := testbed.Dump(t, w.Store)
				_, err := w.Dir.SetUpUser(w.Ctx, in)
				require.Equal(t, c.want, badFields(err), "%v", err)
				require.Equal(t, before, testbed.Dump(t, w.Store))
			})
		}
		_, err = w.Dir.SetUpUser(w.Ctx, w.setUp(phone.ID))
		require.NoError(t, err)
	})
}

func TestUSR2_ARefusedSetUpLeavesTheOthersOfItsBatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := func(first string) pbx.SetUp {
			return pbx.SetUp{NewUser: pbx.NewUser{FirstName: first, Email: first + "@example.com"}, ServiceType: "PRO", Station: "STANDARD", Number: pbx.ProposedNumber()}
		}
		var dns []pbx.Extension
		batch := func(spoilt error) error {
			dns = nil
			return w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				for _, first := range []string{"ann", "ann", "bob", "cid", "dan"} { // the second user ID is taken, the last station is gone
					made, err := dir.SetUpUser(ctx, in(first))
					if err == nil {
						dns = append(dns, made.Service.DN)
						continue
					}
					require.Len(t, pbx.Errors(err), 1, "%v", err)
				}
				return spoilt
			})
		}
		before := testbed.Dump(t, w.Store)
		require.ErrorIs(t, batch(context.Canceled), context.Canceled)
		require.Equal(t, before, testbed.Dump(t, w.Store), "all or nothing")
		require.NoError(t, batch(nil))
		require.Equal(t, []pbx.Extension{"7000", "7001", "7002"}, dns, "a refused one takes no extension")
		require.EqualValues(t, 3, testbed.Collect(t, w.Dir.StationPools(w.Ctx))[0].Used)
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 3)
		require.Len(t, w.stocked(), 7+10)
	})
}

func TestUSR2_AReviewedSetUpIsPlacedAsItWasReviewed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var made *pbx.Provisioned
		set := func(dir *pbx.Directory) (err error) {
			made, err = dir.SetUpUser(w.Ctx, w.setUp(pbx.DeviceID{}))
			return err
		}
		before := testbed.Dump(t, w.Store)
		review := w.Review(w.Dir, set)
		require.Equal(t, before, testbed.Dump(t, w.Store))
		require.Equal(t, pbx.Money(2500), review.Monthly())
		require.Equal(t, pbx.Money(1000), review.OneTime())
		require.NoError(t, review.Commit(w.Ctx))
		s, err := w.Dir.Service(w.Ctx, made.Service.ID)
		require.NoError(t, err)
		require.Equal(t, made.Service.Number, s.Number)
		require.Equal(t, "SIP softphone", s.DeviceType, "without a device")
		placed := testbed.Dump(t, w.Store)
		require.NoError(t, review.Commit(w.Ctx))
		require.Equal(t, placed, testbed.Dump(t, w.Store), "placing it twice places one")
	})
}

func TestUSR2_AReviewedSetUpWhoseExtensionWentMeanwhileIsReviewedAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.Ctx, w.setUp(pbx.DeviceID{})); return err })
		w.User("Bob", "Ray", "7000")
		var stale *pbx.StaleReview
		w.Refused(rule.SYS2, pbx.ErrStale, func() error { err := review.Commit(w.Ctx); require.ErrorAs(t, err, &stale); return err })
		require.NoError(t, stale.Fresh.Commit(w.Ctx))
		require.Equal(t, "service 7001", w.reaches("7001"))
	})
}

func TestUSR4_WithoutANumberAnExtensionMustBeGiven(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		person := pbx.NewUser{FirstName: "Ann", Email: "ann@example.com"}
		e := w.Refused(rule.USR4, pbx.ErrInvalid, func() error {
			_, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: person})
			require.Len(t, pbx.Errors(err), 1, "%v", err)
			return err
		})
		require.Equal(t, "Extension", e.Field)

		person.Extension = "7005"
		made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: person})
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7005"), made.Service.DN)
		require.Empty(t, made.Service.Number)
		require.Nil(t, made.Order, "nothing is charged")

		made, err = w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Bob", Email: "bob@example.com"}, Number: pbx.ProposedNumber()})
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7000"), made.Service.DN, "with a number it fills itself in")
		require.Equal(t, pbx.E164("+16175550100"), made.Service.Number)
	})
}

func TestUSR13_ASetUpForLaterIsPendingAsAWhole(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := w.setUp(pbx.DeviceID{})
		in.ActivateLater = true
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		require.Equal(t, pbx.UserPending, made.User.State)
		require.Equal(t, pbx.StatusPendingActivation, made.Service.Status)
		require.True(t, made.Service.ActivatedAt.IsZero())
		require.True(t, made.Order.BillingFrom.IsZero())
		w.Clock = w.Clock.Add(24 * time.Hour)
		_, err = w.Dir.ActivateUser(w.Ctx, made.User.ID)
		require.NoError(t, err)
		s, err := w.Dir.Service(w.Ctx, made.Service.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, s.Status)
		require.Equal(t, w.Clock, s.ActivatedAt)
	})
}

func TestUSR2_TheCallersListIsNotTheRecords(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := w.setUp(pbx.DeviceID{})
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		in.Applications[0], made.User.Applications[1] = "spoilt", "spoilt"
		u, err := w.Dir.User(w.Ctx, made.User.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"crm", "fax", "softphone"}, u.Applications)
	})
}

func TestUSR5_AMailboxComesWithTheGuidedSetUp(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := w.setUp(pbx.DeviceID{})
		in.DeviceID, in.Ports = pbx.DeviceID{}, 0
		in.Mailbox = &pbx.NewMailbox{Email: "ann@example.com", PIN: "482915"}
		var made *pbx.Provisioned
		review, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) (err error) {
			made, err = dir.SetUpUser(ctx, in)
			return err
		})
		require.NoError(t, err)
		require.NoError(t, review.Commit(w.Ctx))
		box, err := w.Dir.Mailbox(w.Ctx, made.Service.ID)
		require.NoError(t, err)
		require.Equal(t, made.Mailbox, box)
		require.Equal(t, string(made.Service.DN), box.Number)
		require.Equal(t, "ann@example.com", box.Email)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, made.Service.ID, "482915"))

		// Its bad fields are reported with all others.
		next := func(e pbx.Extension, m pbx.NewMailbox) func() error {
			return func() error {
				return second(w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Bo", Email: "bo@example.com", Extension: e}, Mailbox: &m}))
			}
		}
		fields := func(err error) []string {
			var list []string
			for _, e := range pbx.Errors(err) {
				list = append(list, e.Field+" "+string(e.Code))
			}
			slices.Sort(list)
			return list
		}
		require.Equal(t, []string{"Extension EXT-1", "Mailbox.Email VM-1", "Mailbox.Number VM-4", "Mailbox.PIN VM-5"},
			fields(next("x", pbx.NewMailbox{Number: "0700", Email: "nobody", PIN: "111111"})()))
		require.Equal(t, []string{"Extension EXT-1", "Mailbox.Email VM-1"}, fields(next("x", pbx.NewMailbox{Email: "nobody"})()))
		require.Equal(t, "Mailbox.Email", w.Refused(rule.VM1, pbx.ErrInvalid, next("7100", pbx.NewMailbox{Email: "nobody"})).Field)
		require.Equal(t, "Mailbox.Number", w.Refused(rule.VM4, pbx.ErrInvalid, next("7100", pbx.NewMailbox{Number: "0700"})).Field)
		require.Equal(t, "Mailbox.PIN", w.Refused(rule.VM5, pbx.ErrInvalid, next("7100", pbx.NewMailbox{PIN: "7100"})).Field)
		require.Equal(t, "Mailbox", w.Refused(rule.VM2, pbx.ErrFailedPrecondition, next("71000", pbx.NewMailbox{})).Field)
		taken := w.Refused(rule.VM4, pbx.ErrConflict, next("7100", pbx.NewMailbox{Number: box.Number}))
		require.Equal(t, "Mailbox.Number", taken.Field)
		require.Equal(t, made.Service.ID.String(), taken.Holder.ID)
		require.NoError(t, next("7100", pbx.NewMailbox{Number: "7500"})())
	})
}
