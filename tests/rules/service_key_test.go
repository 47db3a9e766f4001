package rules_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// keys are those of a service.
func (w *world) keys(service pbx.ServiceID) (set []pbx.PhoneKey) {
	w.T.Helper()
	for _, k := range testbed.Collect(w.T, w.Dir.Keys(w.Ctx, service)) {
		set = append(set, k.PhoneKey)
	}
	return set
}

// setKeys saves keys of a service, and returns it as it is then.
func (w *world) setKeys(s *pbx.Service, keys ...pbx.PhoneKey) *pbx.Service {
	w.T.Helper()
	now, err := w.Dir.SetKeys(w.Ctx, s.ID, s.Rev, keys)
	require.NoError(w.T, err)
	return now
}

// dial is a key that dials an extension.
func dial(position int64, target string) pbx.PhoneKey {
	return pbx.PhoneKey{Position: position, Kind: pbx.KeySpeedDial, Target: target}
}

func TestDEV7_TheKeysOfAServiceAreSavedInOneAct(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		require.Empty(t, w.keys(s.ID))
		all := []pbx.PhoneKey{
			{Position: 1, Kind: pbx.KeyLine},
			{Position: 2, Kind: pbx.KeyLine, Label: "Lobby", Target: "7101"},
			{Position: 3, Kind: pbx.KeyBusyLamp, Label: "Zoë, 1st floor", Target: "7101"},
			{Position: 4, Kind: pbx.KeySpeedDial, Label: strings.Repeat("é", 64), Target: "+442079460001"},
			{Position: 5, Kind: pbx.KeySpeedDial, Label: "Emergency", Target: "911"},
			{Position: 12, Kind: pbx.KeyFeature, Label: "Forward", Target: "*21*7001#"},
		}
		saved := w.setKeys(s, all[5], all[0], all[2], all[1], all[4], all[3])
		require.Equal(t, s.Rev+1, saved.Rev)
		require.Equal(t, all, w.keys(s.ID), "by position")
		require.Equal(t, &pbx.ServiceKey{TenantID: w.US.ID, ServiceID: s.ID, Rev: 1, PhoneKey: all[0]}, testbed.Collect(t, w.Dir.Keys(w.Ctx, s.ID))[0])

		all[2].Target = "7102" // one changes, one goes, one comes
		all[3].Position = 7
		saved = w.setKeys(saved, all...)
		changed := testbed.Collect(t, w.Dir.Keys(w.Ctx, s.ID))
		require.Equal(t, []pbx.PhoneKey{all[0], all[1], all[2], all[4], all[3], all[5]}, w.keys(s.ID))
		require.EqualValues(t, []int64{1, 1, 2, 1, 1, 1}, []int64{changed[0].Rev, changed[1].Rev, changed[2].Rev, changed[3].Rev, changed[4].Rev, changed[5].Rev})
		last := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0]
		require.Equal(t, "service.keys-set "+s.ID.String(), last.Type+" "+last.Subject)
		require.Empty(t, last.Detail, "labels may name persons")

		before := w.revision()
		require.Equal(t, saved, w.setKeys(saved, all...), "nothing changed")
		require.Equal(t, before, w.revision())
		w.setKeys(saved)
		require.Empty(t, w.keys(s.ID))
		require.Empty(t, w.keys(pbx.ServiceID{1}))
	})
}

func TestDEV7_EveryBadKeyIsReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		set := func(keys ...pbx.PhoneKey) error { _, err := w.Dir.SetKeys(w.Ctx, s.ID, s.Rev, keys); return err }
		for kind, targets := range map[pbx.KeyKind][]string{
			pbx.KeySpeedDial: {"", "7", "12345678", "7001x", "+1617", "+0617555", "16175550100", "*21"},
			pbx.KeyBusyLamp:  {"", "7", "12345678", "+16175550100", "*21"},
			pbx.KeyLine:      {"7", "12345678", "+16175550100", "*21"},
			pbx.KeyFeature:   {"", "*", "7001", "21*", "*2a", "*" + strings.Repeat("1", 16), "*2\x00"},
		} {
			for _, target := range targets {
				e := w.Refused(rule.DEV7, pbx.ErrInvalid, func() error { return set(dial(1, "7001"), pbx.PhoneKey{Position: 2, Kind: kind, Target: target}) })
				require.Equal(t, "Keys[1].Target", e.Field, "%s %s", kind, target)
			}
		}
		for _, kind := range []pbx.KeyKind{"", "doorbell"} {
			e := w.Refused(rule.DEV7, pbx.ErrInvalid, func() error { return set(pbx.PhoneKey{Position: 1, Kind: kind, Target: "7001"}) })
			require.Equal(t, "Keys[0].Kind", e.Field)
		}
		for _, label := range []string{strings.Repeat("x", 65), " x", "a\nb", "\xff", "\x00"} {
			e := w.Refused(rule.DEV7, pbx.ErrInvalid, func() error {
				return set(pbx.PhoneKey{Position: 1, Kind: pbx.KeyLine, Label: label})
			})
			require.Equal(t, "Keys[0].Label", e.Field)
		}
		w.Refused(rule.DEV7, pbx.ErrInvalid, func() error {
			err := set(pbx.PhoneKey{Position: 13, Kind: "bell", Label: " "}, dial(2, "x"), dial(2, "7001"))
			var fields []string
			for _, e := range pbx.Errors(err) {
				fields = append(fields, e.Field)
			}
			require.Equal(t, []string{"Keys[0].Label", "Keys[0].Kind", "Keys[0].Position", "Keys[1].Target", "Keys[2].Position"}, fields)
			return err
		})
	})
}

func TestDEV7_KeysFitTheModelOfThePhone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101") // 12 keys
		w.setKeys(s, dial(12, "7001"))
		for _, position := range []int64{-1, 0, 13} {
			e := w.Refused(rule.DEV7, pbx.ErrInvalid, func() error {
				_, err := w.Dir.SetKeys(w.Ctx, s.ID, s.Rev+1, []pbx.PhoneKey{dial(position, "7001")})
				return err
			})
			require.Equal(t, "Keys[0].Position", e.Field)
			require.Contains(t, e.Reason, "between 1 and 12, the number of keys of a Polycom VVX 450")
		}
		e := w.Refused(rule.DEV7, pbx.ErrInvalid, func() error {
			_, err := w.Dir.SetKeys(w.Ctx, s.ID, s.Rev+1, make([]pbx.PhoneKey, 100_000))
			require.Len(t, pbx.Errors(err), 1, "not each of them")
			return err
		})
		require.Equal(t, "Keys", e.Field)
		for i, model := range []string{"SIP softphone", "Polycom Trio 8500", "Grandstream HT802"} {
			none, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: pbx.Extension(fmt.Sprint(7110 + i)), DeviceType: model})
			require.NoError(t, err)
			e := w.Refused(rule.DEV7, pbx.ErrInvalid, func() error {
				_, err := w.Dir.SetKeys(w.Ctx, none.ID, none.Rev, []pbx.PhoneKey{dial(1, "7001")})
				return err
			})
			require.Equal(t, "a "+model+" has no programmable keys", e.Reason)
			require.Equal(t, none, w.setKeys(none), "none is what it has")
		}
	})
}

func TestDEV7_ADeviceTypeWithoutTheKeysThatAreSetIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Yealink T46U", Keys: []pbx.PhoneKey{dial(1, "7001"), dial(6, "7001"), dial(13, "7001"), dial(27, "7001")}})
		require.NoError(t, err)
		become := func(model string) func() error {
			return func() error {
				in := *s
				in.DeviceType = model
				_, err := w.Dir.ModifyService(w.Ctx, &in)
				return err
			}
		}
		for model, positions := range map[string]string{"Polycom VVX 450": "12 programmable keys, and 13, 27 are set", "Cisco 8851": "5 programmable keys, and 6, 13, 27 are set"} {
			e := w.Refused(rule.DEV7, pbx.ErrFailedPrecondition, become(model))
			require.Equal(t, "DeviceType", e.Field)
			require.Equal(t, s.ID.String(), e.Subject.ID)
			require.Contains(t, e.Reason, positions)
		}
		w.Refused(rule.SVC14, pbx.ErrFailedPrecondition, func() error {
			err := become("Polycom Trio 8500")()
			require.Len(t, pbx.Errors(err), 1, "the category is enough")
			return err
		})
		require.NoError(t, become("Yealink T58W")(), "it has as many")
		s.Rev++
		s.DeviceType = "Yealink T58W"
		s = w.setKeys(s, dial(1, "7001"), dial(12, "7001"))
		require.NoError(t, become("Polycom VVX 450")())
		require.Equal(t, []pbx.PhoneKey{dial(1, "7001"), dial(12, "7001")}, w.keys(s.ID), "the keys stay")
	})
}

func TestDEV7_ALineMovesToAPhoneThatHasItsKeysAndWhereTheyAreNobodysElse(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		first := w.assign(w.handset("00:1b:54:aa:bb:01", "Yealink T46U"), ann, 2)
		second := w.assign(w.handset("00:1b:54:aa:bb:02", "Cisco 8851"), ann, 2)
		add := func(dn pbx.Extension, on *pbx.Device, keys ...pbx.PhoneKey) *pbx.Service {
			s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: dn, DeviceID: on.ID, Keys: keys})
			require.NoError(t, err)
			return s
		}
		far, near, there := add("7101", first, dial(9, "7001")), add("7102", first, dial(2, "7001")), add("7103", second, dial(2, "7001"))
		move := func(s *pbx.Service, to *pbx.Device) error {
			in := *s
			in.DeviceID = to.ID
			_, err := w.Dir.ModifyService(w.Ctx, &in)
			return err
		}
		e := w.Refused(rule.DEV7, pbx.ErrFailedPrecondition, func() error { return move(far, second) })
		require.Equal(t, "DeviceID", e.Field)
		require.Contains(t, e.Reason, "9")
		e = w.Refused(rule.DEV7, pbx.ErrConflict, func() error { return move(near, second) })
		require.Equal(t, "DeviceID", e.Field)
		require.Equal(t, there.ID.String(), e.Holder.ID)
		w.setKeys(there)
		require.NoError(t, move(near, second))
		require.Len(t, w.keys(near.ID), 1, "they go with the line")
	})
}

func TestDEV7_AKeyOfAPhoneIsOneServices(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		phone := w.assign(w.handset("00:1b:54:aa:bb:01", "Cisco 8851"), ann, 2)
		add := func(dn pbx.Extension, keys ...pbx.PhoneKey) (*pbx.Service, error) {
			return w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: dn, DeviceID: phone.ID, Keys: keys})
		}
		first, err := add("7101", dial(1, "7001"), dial(2, "7001"))
		require.NoError(t, err)
		e := w.Refused(rule.DEV7, pbx.ErrConflict, func() error { _, err := add("7102", dial(3, "7001"), dial(2, "7001")); return err })
		require.Equal(t, "Keys[1].Position", e.Field)
		require.Equal(t, first.ID.String(), e.Holder.ID)
		second, err := add("7102", dial(3, "7001"))
		require.NoError(t, err)
		e = w.Refused(rule.DEV7, pbx.ErrConflict, func() error {
			_, err := w.Dir.SetKeys(w.Ctx, second.ID, second.Rev, []pbx.PhoneKey{dial(1, "7001")})
			return err
		})
		require.Equal(t, first.ID.String(), e.Holder.ID)
		first = w.setKeys(first, dial(2, "7002"))
		second = w.setKeys(second, dial(1, "7001"), dial(3, "7001"))

		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, phone.ID))
		require.Len(t, w.keys(first.ID), 1, "they are the service's, and stay with it")
		first, err = w.Dir.Service(w.Ctx, first.ID)
		require.NoError(t, err)
		w.setKeys(first, dial(1, "7001"))
		w.assign(phone, ann, 2)
		_, err = add("7103", dial(1, "7001"))
		require.NoError(t, err)
	})
}

func TestDEV7_ABusyLampForAnExtensionThatNothingHasWarns(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bob := w.User("Bob", "Ray", "7002")
		s := w.Service(pbx.UserID{}, "7101")
		lamp := func(position int64, target string) pbx.PhoneKey {
			return pbx.PhoneKey{Position: position, Kind: pbx.KeyBusyLamp, Target: target}
		}
		review := w.Review(w.Dir, func(dir *pbx.Directory) error {
			_, err := dir.SetKeys(w.Ctx, s.ID, s.Rev, []pbx.PhoneKey{lamp(1, "7002"), lamp(2, "7009"), dial(3, "7009")})
			return err
		})
		require.Equal(t, []pbx.Notice{{Code: rule.DEV7, Subject: pbx.Ref{Kind: "extension", ID: "7009", Name: "7009"},
			Text: "nothing has the extension 7009: the lamp of key 2 stays dark"}}, review.Warnings)
		require.NoError(t, review.Commit(w.Ctx))
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, bob.ID, pbx.UserOnly))
		require.Equal(t, []pbx.PhoneKey{lamp(1, "7002"), lamp(2, "7009"), dial(3, "7009")}, w.keys(s.ID), "the key stays, and its lamp is dark")
		w.User("Cid", "Ray", "7002")
	})
}

func TestDEV7_KeysAreChangedOnTheServiceAsItWasRead(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		now := w.setKeys(s, dial(1, "7001"))
		w.Refused(rule.SVC15, pbx.ErrStale, func() error {
			none, err := w.Dir.SetKeys(w.Ctx, s.ID, s.Rev, []pbx.PhoneKey{dial(2, "7001")})
			require.Nil(t, none)
			stale, ok := errors.AsType[*pbx.StaleError](err)
			require.True(t, ok)
			require.Equal(t, now, stale.Current, "the current one is at hand")
			return err
		})
		w.Refused(rule.SVC15, pbx.ErrStale, func() error { _, err := w.Dir.ModifyService(w.Ctx, s); return err })
		w.Refused(rule.SVC15, pbx.ErrStale, func() error { _, err := w.Dir.SetKeys(w.Ctx, s.ID, 0, nil); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.SetKeys(w.Ctx, pbx.ServiceID{1}, 1, nil); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.British.SetKeys(w.Ctx, s.ID, now.Rev, nil); return err })

		review := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.SetKeys(ctx, s.ID, now.Rev, []pbx.PhoneKey{dial(2, "7001")})
			return err
		})
		require.Equal(t, []pbx.PhoneKey{dial(1, "7001")}, w.keys(s.ID), "a review changes nothing")
		now = w.setKeys(now, dial(3, "7001"))
		w.Refused(rule.SYS2, pbx.ErrStale, func() error { return review.Commit(w.Ctx) })
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			later, err := dir.SetKeys(ctx, s.ID, now.Rev, []pbx.PhoneKey{dial(4, "7001")})
			if err != nil {
				return err
			}
			later, err = dir.SetKeys(ctx, s.ID, later.Rev, []pbx.PhoneKey{dial(3, "7002"), dial(4, "7003")})
			if err != nil {
				return err
			}
			later.Name = "Lobby"
			_, err = dir.ModifyService(ctx, later)
			return err
		}))
		require.Equal(t, []pbx.PhoneKey{dial(3, "7002"), dial(4, "7003")}, w.keys(s.ID))
	})
}

func TestDEV7_TheKeysOfARemoteServiceAreNotSetHere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.remote(pbx.UserID{}, "7101")
		e := w.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error {
			_, err := w.Dir.SetKeys(w.Ctx, s.ID, s.Rev, []pbx.PhoneKey{dial(1, "7001")})
			return err
		})
		require.Equal(t, s.RemoteSystem, e.Holder.Name)
		e = w.Refused(rule.SVC11, pbx.ErrInvalid, func() error {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7102", DeviceType: "Cisco 8851", RemoteSystem: "Leeds", Keys: []pbx.PhoneKey{dial(1, "7001")}})
			return err
		})
		require.Equal(t, "Keys", e.Field)
	})
}

func TestDEV7_KeysGoWithTheirService(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		s := w.Service(ann.ID, "7101")
		w.setKeys(s, dial(1, "7001"), dial(2, "7001"))
		other := w.Service(pbx.UserID{}, "7102")
		w.setKeys(other, dial(1, "7001"))
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, ann.ID, pbx.UserAndPhones))
		require.Empty(t, w.keys(s.ID))
		require.Len(t, testbed.Dump(t, w.Store)["service_keys"], 1)
		require.NoError(t, w.Dir.DeleteService(w.Ctx, other.ID))
		require.Empty(t, testbed.Dump(t, w.Store)["service_keys"])
	})
}

func TestSVC2_ApplicationsAndKeysAreSavedInTheOneAct(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		phone := w.Phone("00:1b:54:00:00:01", "Polycom VVX 450")
		keys := []pbx.PhoneKey{dial(1, "+16175550199"), {Position: 2, Kind: pbx.KeyBusyLamp, Target: "7000"}}
		in := w.setUp(phone.ID)
		in.Keys = keys
		before := w.revision()
		require.Empty(t, w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.Ctx, in); return err }).Warnings,
			"7000 will be its own DN")
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		require.Equal(t, before+1, w.revision(), "one change")
		require.Equal(t, keys, w.keys(made.Service.ID))
		require.Equal(t, in.Applications, made.User.Applications)

		before = w.revision()
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: made.User.ID, DN: "7101", DeviceType: "Yealink T46U", Keys: []pbx.PhoneKey{dial(27, "7000")}})
		require.NoError(t, err)
		require.Equal(t, before+1, w.revision(), "one change")
		require.Equal(t, []pbx.PhoneKey{dial(27, "7000")}, w.keys(s.ID))

		for name, add := range map[string]func(keys ...pbx.PhoneKey) error{
			"AddService": func(keys ...pbx.PhoneKey) error {
				_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: made.User.ID, DN: "1", DeviceType: "Cisco 8851", Keys: keys})
				return err
			},
			"SetUpUser": func(keys ...pbx.PhoneKey) error {
				_, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Bob", Email: "bob@example.com", Extension: "1"}, DeviceType: "Cisco 8851", Keys: keys})
				return err
			},
		} {
			e := w.Refused(rule.DEV7, pbx.ErrInvalid, func() error {
				err := add(dial(1, "7000"), dial(6, "7000"))
				require.Len(t, pbx.Errors(err), 2, "the extension too: %s", name)
				return err
			})
			require.Equal(t, "Keys[1].Position", e.Field, name)
			e = w.Refused(rule.DEV7, pbx.ErrInvalid, func() error { return add(dial(1, "x")) })
			require.Equal(t, "Keys[0].Target", e.Field, name)
			e = w.Refused(rule.EXT1, pbx.ErrInvalid, func() error { return add(dial(1, "7000")) })
			require.Equal(t, map[string]string{"AddService": "DN", "SetUpUser": "Extension"}[name], e.Field)
		}
		w.Refused(rule.SVC2, pbx.ErrInvalid, func() error { // an unknown model has no keys that could be wrong
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7102", DeviceType: "Drum", Keys: []pbx.PhoneKey{dial(99, "7000")}})
			require.Len(t, pbx.Errors(err), 1)
			return err
		})

		review := w.reviewOf(func(ctx context.Context, dir *pbx.Directory) (err error) {
			s, err = dir.AddService(ctx, pbx.NewService{UserID: made.User.ID, DN: "7103", DeviceType: "Cisco 8851", Keys: []pbx.PhoneKey{dial(5, "7000")}})
			return err
		})
		require.Contains(t, effects(review), "service 7103 keys set")
		require.Empty(t, w.keys(s.ID))
		require.NoError(t, review.Commit(w.Ctx))
		require.Equal(t, []pbx.PhoneKey{dial(5, "7000")}, w.keys(s.ID))
	})
}
