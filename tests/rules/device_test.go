package rules_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// handset adds a device to the US tenant.
func (w *world) handset(mac, model string) *pbx.Device {
	w.T.Helper()
	d, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: mac, Model: model, LocationID: w.Boston.ID})
	require.NoError(w.T, err)
	return d
}

func (w *world) assign(d *pbx.Device, u *pbx.User, ports int64) *pbx.Device {
	w.T.Helper()
	now, err := w.Dir.AssignDevice(w.Ctx, d.ID, u.ID, ports)
	require.NoError(w.T, err)
	return now
}

func (w *world) device(d *pbx.Device) *pbx.Device {
	w.T.Helper()
	now, err := w.Dir.Device(w.Ctx, d.ID)
	require.NoError(w.T, err)
	return now
}

func TestDEV1_ADeviceIsAddedWithModelMACAndLocation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		d := w.handset("00:1B:54:AA:BB:01", "Polycom VVX 450")
		require.Equal(t, &pbx.Device{TenantID: w.US.ID, ID: d.ID, Rev: 1, MAC: "00:1b:54:aa:bb:01", Model: "Polycom VVX 450", Category: pbx.MultiLine,
			Ports: 12, LocationID: w.Boston.ID, State: pbx.DeviceAvailable}, d)
		require.Equal(t, d, w.device(d))
		_, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "001b54aabb02", Model: "Cisco 8851"})
		require.NoError(t, err, "the location may come later")

		for field, in := range map[string]pbx.NewDevice{
			"MAC":   {MAC: "00:1b:54:aa:bb", Model: "Cisco 8851"},
			"Model": {MAC: "00:1b:54:aa:bb:03", Model: "Rotary"},
		} {
			e := w.Refused(rule.DEV1, pbx.ErrInvalid, func() error { _, err := w.Dir.AddDevice(w.Ctx, in); return err })
			require.Equal(t, field, e.Field)
		}
		w.Refused(rule.DEV1, pbx.ErrInvalid, func() error { // no phone
			_, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "00:1b:54:aa:bb:03", Model: "SIP softphone"})
			return err
		})
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "00:1b:54:aa:bb:03", Model: "Cisco 8851", LocationID: w.London.ID})
			return err
		})
		_, err = w.Dir.AddDevice(w.Ctx, pbx.NewDevice{LocationID: w.London.ID})
		require.Len(t, pbx.Errors(err), 3, "all bad fields at once")
	})
}

func TestDEV1_AMACIsUniqueEverywhereInWhateverNotation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		d := w.handset("00:1b:54:aa:bb:01", "Cisco 8851")
		for _, same := range []string{"00:1b:54:aa:bb:01", "00-1B-54-AA-BB-01", "001b.54aa.bb01", "001b54aabb01", "001B54AABB01", "00:1B:54:aa:BB:01"} {
			mine := w.Refused(rule.DEV1, pbx.ErrConflict, func() error {
				_, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: same, Model: "Polycom VVX 450"})
				return err
			})
			require.Equal(t, "MAC", mine.Field)
			require.Equal(t, d.ID.String(), mine.Holder.ID)
			theirs := w.Refused(rule.DEV1, pbx.ErrConflict, func() error {
				_, err := w.British.AddDevice(w.Ctx, pbx.NewDevice{MAC: same, Model: "Polycom VVX 450"})
				return err
			})
			require.Empty(t, theirs.Holder, "another tenant's device is not named")
		}
		for _, bad := range []string{
			"", "00:1b:54:aa:bb", "00:1b:54:aa:bb:01:02", "00:1b:54:aa:bb:0g", "001b54aabb0", "001b54aabb011", "00:1b:54:aa:bb:01:02:03",
			"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00", "00:1b:54-aa:bb:01", " 001b54aabb01", "001b54aabb0\x00", "éééééé",
		} {
			w.Refused(rule.DEV1, pbx.ErrInvalid, func() error {
				_, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: bad, Model: "Polycom VVX 450"})
				return err
			})
		}
		require.NoError(t, w.Dir.DeleteDevice(w.Ctx, d.ID))
		_, err := w.British.AddDevice(w.Ctx, pbx.NewDevice{MAC: "001B54AABB01", Model: "Polycom VVX 450"})
		require.NoError(t, err)
	})
}

func TestDEV1_ADeletedMACIsAddedAgainInTheSameBatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		d := w.handset("00:1b:54:aa:bb:01", "Cisco 8851")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			if err := dir.DeleteDevice(ctx, d.ID); err != nil {
				return err
			}
			again, err := dir.AddDevice(ctx, pbx.NewDevice{MAC: "001b.54aa.bb01", Model: "Yealink T46U"})
			if err != nil {
				return err
			}
			_, err = dir.AddDevice(ctx, pbx.NewDevice{MAC: "001b54aabb01", Model: "Yealink T46U"})
			require.ErrorIs(t, err, pbx.ErrConflict)
			require.Equal(t, again.ID.String(), pbx.Errors(err)[0].Holder.ID)
			return nil
		}))
		require.Equal(t, "Yealink T46U", testbed.Collect(t, w.Dir.Devices(w.Ctx, pbx.DeviceQuery{}))[0].Model)
	})
}

func TestDEV2_OnlyAnAvailableDeviceIsAssigned(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Day", "7002")
		d, other := w.handset("00:1b:54:aa:bb:01", "Cisco 8851"), w.handset("00:1b:54:aa:bb:02", "Cisco 8851")
		carrying := w.handset("00:1b:54:aa:bb:03", "Cisco 8851")
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceID: carrying.ID})
		require.NoError(t, err)
		w.assign(d, ann, 2)
		paths := map[string]func(id pbx.DeviceID) error{
			"AssignDevice": func(id pbx.DeviceID) error { _, err := w.Dir.AssignDevice(w.Ctx, id, bob.ID, 1); return err },
			"SetUpUser": func(id pbx.DeviceID) error {
				_, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Cid", Email: "cid@example.com", Extension: "7003"}, DeviceID: id})
				return err
			},
			"AddService": func(id pbx.DeviceID) error {
				_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: bob.ID, DN: "7101", DeviceID: id})
				return err
			},
			"AddService for nobody": func(id pbx.DeviceID) error {
				_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceID: id})
				return err
			},
		}
		for name, take := range paths {
			e := w.Refused(rule.DEV2, pbx.ErrConflict, func() error { return take(d.ID) })
			require.Equal(t, ann.ID.String(), e.Holder.ID, name)
			require.Equal(t, "DeviceID", e.Field)
			require.Contains(t, e.Reason, "Ann Lee: remove the assignment first")
			e = w.Refused(rule.DEV2, pbx.ErrConflict, func() error { return take(carrying.ID) })
			require.Equal(t, s.ID.String(), e.Holder.ID, name)
			require.Contains(t, e.Reason, "take it off the service first")
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return take(pbx.DeviceID{1}) })
		}
		w.Refused(rule.DEV2, pbx.ErrConflict, func() error { _, err := w.Dir.AssignDevice(w.Ctx, d.ID, ann.ID, 1); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.AssignDevice(w.Ctx, other.ID, pbx.UserID{1}, 1); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.British.AssignDevice(w.Ctx, other.ID, ann.ID, 1); return err })

		list := func(q pbx.DeviceQuery) (macs []pbx.MAC) {
			for _, d := range testbed.Collect(t, w.Dir.Devices(w.Ctx, q)) {
				macs = append(macs, d.MAC)
			}
			return macs
		}
		require.Equal(t, []pbx.MAC{other.MAC}, list(pbx.DeviceQuery{}), "the search lists the available ones")
		require.Equal(t, []pbx.MAC{other.MAC}, list(pbx.DeviceQuery{MAC: "00:1B:54:AA"}))
		require.Empty(t, list(pbx.DeviceQuery{MAC: "00:1b:55"}))
		require.Equal(t, []pbx.MAC{d.MAC}, list(pbx.DeviceQuery{State: pbx.DeviceAssigned}))
		require.Equal(t, []pbx.MAC{carrying.MAC}, list(pbx.DeviceQuery{State: pbx.DeviceInService}))
		require.Equal(t, []pbx.MAC{d.MAC}, list(pbx.DeviceQuery{UserID: ann.ID}))
		require.Empty(t, testbed.Collect(t, w.British.Devices(w.Ctx, pbx.DeviceQuery{})))
	})
}

func TestDEV3_AsManyPortsAsTheModelHas(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		for model, ports := range map[string]int64{"Cisco 8851": 5, "Polycom VVX 450": 12, "Polycom Trio 8500": 1} {
			d := w.handset("00:1b:54:aa:bb:01", model)
			require.Equal(t, ports, d.Ports)
			for _, bad := range []int64{-1, ports + 1, 1 << 62} {
				e := w.Refused(rule.DEV3, pbx.ErrInvalid, func() error { _, err := w.Dir.AssignDevice(w.Ctx, d.ID, u.ID, bad); return err })
				require.Equal(t, "Ports", e.Field)
				w.Refused(rule.DEV3, pbx.ErrInvalid, func() error {
					_, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Bob", Email: "bob@example.com", Extension: "7002"}, DeviceID: d.ID, Ports: bad})
					return err
				})
			}
			for _, good := range []int64{0, 1, ports} {
				now := w.assign(d, u, good)
				require.Equal(t, max(1, good), now.PortsUsed, "0 is the default, 1")
				require.NoError(t, w.Dir.UnassignDevice(w.Ctx, d.ID))
			}
			require.NoError(t, w.Dir.DeleteDevice(w.Ctx, d.ID))
		}
	})
}

func TestDEV4_AUserHasOnePrimaryDeviceAndAnyNumberOfSecondaryOnes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		a, b, c := w.handset("00:1b:54:aa:bb:01", "Cisco 8851"), w.handset("00:1b:54:aa:bb:02", "Cisco 8851"), w.handset("00:1b:54:aa:bb:03", "Cisco 8851")
		primaries := func() (macs []pbx.MAC) {
			for _, d := range testbed.Collect(t, w.Dir.Devices(w.Ctx, pbx.DeviceQuery{UserID: u.ID})) {
				require.Equal(t, pbx.DeviceAssigned, d.State)
				if d.PrimaryOf == u.ID {
					macs = append(macs, d.MAC)
				}
			}
			return macs
		}
		w.assign(a, u, 1)
		w.assign(b, u, 2)
		w.assign(c, u, 1)
		require.Equal(t, []pbx.MAC{a.MAC}, primaries(), "the first one")
		require.NoError(t, w.Dir.SetPrimaryDevice(w.Ctx, c.ID))
		require.Equal(t, []pbx.MAC{c.MAC}, primaries())
		before := testbed.Dump(t, w.Store)
		require.NoError(t, w.Dir.SetPrimaryDevice(w.Ctx, c.ID), "it is already")
		require.Equal(t, before, testbed.Dump(t, w.Store))

		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, b.ID))
		require.Equal(t, []pbx.MAC{c.MAC}, primaries(), "a secondary one goes")
		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, c.ID))
		require.Equal(t, []pbx.MAC{a.MAC}, primaries(), "the primary goes, another becomes it")
		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, a.ID))
		require.Empty(t, primaries())
		w.Refused(rule.DEV5, pbx.ErrFailedPrecondition, func() error { return w.Dir.SetPrimaryDevice(w.Ctx, a.ID) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.SetPrimaryDevice(w.Ctx, pbx.DeviceID{1}) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.British.SetPrimaryDevice(w.Ctx, a.ID) })
		require.Equal(t, b.ID, w.assign(b, u, 1).ID)
		require.Equal(t, []pbx.MAC{b.MAC}, primaries(), "a first one again")
	})
}

func TestDEV2_ThePhoneOfALineWithoutAUserBecomesItsFirstUsers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Day", "7002")
		lobby, desk := w.handset("00:1b:54:aa:bb:01", "Cisco 8851"), w.handset("00:1b:54:aa:bb:02", "Cisco 8851")
		w.assign(desk, bob, 1)
		first, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceID: lobby.ID})
		require.NoError(t, err)

		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.Associate(w.Ctx, ann.ID, first.ID)) })
		require.Equal(t, []string{
			"service 7100 associated, user Ann Lee", "device Cisco 8851 00:1b:54:aa:bb:01 assigned, user Ann Lee",
		}, effects(review))
		require.NoError(t, review.Commit(w.Ctx))
		got := w.device(lobby)
		require.Equal(t, pbx.DeviceAssigned, got.State)
		require.Equal(t, ann.ID, got.UserID)
		require.Equal(t, ann.ID, got.PrimaryOf, "his first one")
		require.EqualValues(t, 1, got.PortsUsed)
		who, err := w.Dir.LineIdentity(w.Ctx, lobby.ID, 1)
		require.NoError(t, err)
		require.Equal(t, ann.ID, who.UserID)

		_, err = w.Dir.Associate(w.Ctx, bob.ID, first.ID)
		require.NoError(t, err)
		require.Equal(t, ann.ID, w.device(lobby).UserID, "who joins takes it from nobody")
		_, err = w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: "7101", DeviceID: lobby.ID})
		require.NoError(t, err, "a second line of hers on her phone")

		hall := w.handset("00:1b:54:aa:bb:03", "Cisco 8851")
		other, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7102", DeviceID: hall.ID})
		require.NoError(t, err)
		_, err = w.Dir.Associate(w.Ctx, bob.ID, other.ID)
		require.NoError(t, err)
		require.True(t, w.device(hall).PrimaryOf.IsZero(), "he has a primary one")
	})
}

func TestDEV2_WhoLeavesALineKeepsHisPhoneAndTheLineIsOnNone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Day", "7002")
		phone := w.assign(w.handset("00:1b:54:aa:bb:01", "Cisco 8851"), ann, 2)
		line := func(dn pbx.Extension) *pbx.Service {
			s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: dn, DeviceID: phone.ID})
			require.NoError(t, err)
			_, err = w.Dir.Associate(w.Ctx, bob.ID, s.ID)
			require.NoError(t, err)
			return s
		}
		on := func(s *pbx.Service) pbx.DeviceID {
			s, err := w.Dir.Service(w.Ctx, s.ID)
			require.NoError(t, err)
			return s.DeviceID
		}
		line("7100")
		desk, hers, bobs := line("7101"), line("7102"), line("7103")
		confirmed := w.Dir.Confirm(rule.SVC5)
		require.NoError(t, confirmed.Disassociate(w.Ctx, bob.ID, bobs.ID))
		require.Equal(t, phone.ID, on(bobs), "it was not his phone")

		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.Disassociate(w.Ctx, ann.ID, desk.ID) })
		require.Equal(t, []string{
			"service 7101 disassociated, user Ann Lee", "service 7101 phone removed, device Cisco 8851 00:1b:54:aa:bb:01",
		}, effects(review))
		require.NoError(t, review.Commit(w.Ctx))
		require.Zero(t, on(desk))
		require.Equal(t, ann.ID, w.device(phone).UserID, "the phone stays hers")
		require.NoError(t, confirmed.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			return dir.Disassociate(ctx, ann.ID, hers.ID)
		}))
		require.Zero(t, on(hers))

		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, ann.ID, pbx.UserOnly))
		require.Zero(t, on(bobs))
		require.Equal(t, pbx.DeviceAvailable, w.device(phone).State)
	})
}

func TestDEV2_ALineMovesToAPhoneOfItsUsersOrToOneThatNobodyHas(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Day", "7002")
		old := w.assign(w.handset("00:1b:54:aa:bb:01", "Cisco 8851"), ann, 1)
		spare, bobs := w.handset("00:1b:54:aa:bb:02", "Yealink T46U"), w.assign(w.handset("00:1b:54:aa:bb:03", "Cisco 8851"), bob, 1)
		line, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: "7100", DeviceID: old.ID})
		require.NoError(t, err)
		hall := w.handset("00:1b:54:aa:bb:04", "Cisco 8851")
		nobodys, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceID: hall.ID})
		require.NoError(t, err)
		move := func(dir *pbx.Directory, s *pbx.Service, to pbx.DeviceID) (*pbx.Service, error) {
			in := *s
			in.DeviceID = to
			return dir.ModifyService(w.Ctx, &in)
		}

		// A broken phone is replaced: the line moves to the one that its user gets instead.
		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, old.ID))
		line, err = w.Dir.Service(w.Ctx, line.ID)
		require.NoError(t, err)
		for to, holder := range map[*pbx.Device]string{spare: "", bobs: bob.ID.String(), hall: nobodys.ID.String()} {
			kind := map[bool]error{true: pbx.ErrFailedPrecondition, false: pbx.ErrConflict}[to == spare]
			e := w.Refused(rule.DEV2, kind, func() error { return second(move(w.Dir, line, to.ID)) })
			require.Equal(t, "DeviceID", e.Field)
			require.Equal(t, holder, e.Holder.ID)
		}
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(move(w.Dir, line, pbx.DeviceID{1})) })
		w.assign(spare, ann, 1)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return second(move(dir, line, spare.ID)) })
		require.Equal(t, []string{"service 7100 phone set, device Yealink T46U 00:1b:54:aa:bb:02", "service 7100 modified"}, effects(review))
		require.NoError(t, review.Commit(w.Ctx))
		line, err = w.Dir.Service(w.Ctx, line.ID)
		require.NoError(t, err)
		require.Equal(t, spare.ID, line.DeviceID)
		require.Equal(t, "Yealink T46U", line.DeviceType)
		wrong := *line
		wrong.DeviceID, wrong.DeviceType = w.assign(w.handset("00:1b:54:aa:bb:05", "Cisco 8851"), ann, 1).ID, "Polycom VVX 450"
		w.Refused(rule.SVC2, pbx.ErrInvalid, func() error { return second(w.Dir.ModifyService(w.Ctx, &wrong)) })

		// One without a user takes one that nobody has, and gives it back.
		w.Refused(rule.DEV2, pbx.ErrConflict, func() error { return second(move(w.Dir, nobodys, bobs.ID)) })
		require.NoError(t, w.Dir.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error {
			nobodys, err = move(dir, nobodys, old.ID)
			return err
		}))
		require.Equal(t, pbx.DeviceInService, w.device(old).State)
		require.Equal(t, pbx.DeviceAvailable, w.device(hall).State)
		nobodys.DeviceID, nobodys.DeviceType = pbx.DeviceID{}, "Polycom VVX 450"
		nobodys, err = w.Dir.ModifyService(w.Ctx, nobodys)
		require.NoError(t, err)
		require.Equal(t, pbx.DeviceAvailable, w.device(old).State)
		require.Equal(t, "Polycom VVX 450", nobodys.DeviceType, "on no phone, it is of any model")
	})
}

func TestDEV5_RemovingAnAssignmentMakesTheDeviceAvailable(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		d := w.handset("00:1b:54:aa:bb:01", "Cisco 8851")
		w.assign(d, u, 2)
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: "7100", DeviceID: d.ID})
		require.NoError(t, err)
		require.Equal(t, "Cisco 8851", s.DeviceType)
		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, d.ID))
		free := w.device(d)
		require.Equal(t, pbx.DeviceAvailable, free.State)
		require.True(t, free.UserID.IsZero())
		require.True(t, free.PrimaryOf.IsZero())
		require.Zero(t, free.PortsUsed)
		s, err = w.Dir.Service(w.Ctx, s.ID)
		require.NoError(t, err)
		require.True(t, s.DeviceID.IsZero(), "it carries nothing any more")
		require.Equal(t, "Cisco 8851", s.DeviceType)

		w.Refused(rule.DEV5, pbx.ErrFailedPrecondition, func() error { return w.Dir.UnassignDevice(w.Ctx, d.ID) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.UnassignDevice(w.Ctx, pbx.DeviceID{1}) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.British.UnassignDevice(w.Ctx, d.ID) })
		bob := w.User("Bob", "Day", "7002")
		require.Equal(t, bob.ID, w.assign(d, bob, 1).UserID)
	})
}

func TestDEV5_ADeviceOfAServiceWithoutAUserIsFreeWhenTheServiceGoes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		d := w.handset("00:1b:54:aa:bb:01", "Cisco 8851")
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceID: d.ID})
		require.NoError(t, err)
		require.Equal(t, pbx.DeviceInService, w.device(d).State)
		w.Refused(rule.DEV5, pbx.ErrFailedPrecondition, func() error { return w.Dir.UnassignDevice(w.Ctx, d.ID) })
		require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID))
		require.Equal(t, pbx.DeviceAvailable, w.device(d).State)
	})
}

func TestDEV6_AnAssignedDeviceIsNotDeleted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		d, carrying := w.handset("00:1b:54:aa:bb:01", "Cisco 8851"), w.handset("00:1b:54:aa:bb:02", "Cisco 8851")
		w.assign(d, u, 1)
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceID: carrying.ID})
		require.NoError(t, err)
		e := w.Refused(rule.DEV6, pbx.ErrFailedPrecondition, func() error { return w.Dir.DeleteDevice(w.Ctx, d.ID) })
		require.Equal(t, u.ID.String(), e.Holder.ID)
		e = w.Refused(rule.DEV6, pbx.ErrFailedPrecondition, func() error { return w.Dir.DeleteDevice(w.Ctx, carrying.ID) })
		require.Equal(t, s.ID.String(), e.Holder.ID)
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.British.DeleteDevice(w.Ctx, d.ID) })

		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, d.ID))
		require.NoError(t, w.Dir.DeleteDevice(w.Ctx, d.ID))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.DeleteDevice(w.Ctx, d.ID) })
		_, err = w.Dir.Device(w.Ctx, d.ID)
		require.ErrorIs(t, err, pbx.ErrNotFound)
	})
}
