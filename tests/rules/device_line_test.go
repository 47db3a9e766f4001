package rules_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// onLines lists who is on the lines of a phone, as "1 Ann Lee".
func (w *world) onLines(device pbx.DeviceID) (on []string) {
	w.T.Helper()
	for _, l := range testbed.Collect(w.T, w.Dir.DeviceLines(w.Ctx, device)) {
		on = append(on, fmt.Sprint(l.Line, " ", l.Name))
	}
	return on
}

// put puts an identity on a line.
func (w *world) put(device pbx.DeviceID, line int64, who pbx.MemberID) *pbx.DeviceLine {
	w.T.Helper()
	l, err := w.Dir.SetDeviceLine(w.Ctx, device, line, who)
	require.NoError(w.T, err)
	return l
}

// multiLine is John with a phone of three lines, and two aliases.
func (w *world) multiLine() (john *pbx.User, phone *pbx.Device, support, sales *pbx.Alias) {
	w.T.Helper()
	john = w.User("John", "Lee", "7001")
	phone = w.assign(w.handset("00:1b:54:aa:bb:01", "Polycom VVX 450"), john, 3)
	return john, phone, w.Alias(john.ID, "John Support", ""), w.Alias(john.ID, "John Sales", "")
}

func TestEXT9_EachLineOfAPhoneCarriesOneIdentityAndTellsWhomACallIsFor(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john, phone, support, sales := w.multiLine()
		require.Equal(t, []string{"1 John Lee"}, w.onLines(phone.ID), "the main user is on line 1 by himself")
		require.Equal(t, &pbx.DeviceLine{TenantID: w.US.ID, DeviceID: phone.ID, Line: 2, Rev: 1, AliasID: support.ID},
			w.put(phone.ID, 2, pbx.AliasMember(support.ID)))
		w.put(phone.ID, 3, pbx.AliasMember(sales.ID))
		require.Equal(t, []pbx.LineIdentity{
			{Line: 1, UserID: john.ID, Name: "John Lee", SIPAddress: john.SIPAddress},
			{Line: 2, AliasID: support.ID, Name: "John Support", SIPAddress: support.SIPAddress},
			{Line: 3, AliasID: sales.ID, Name: "John Sales", SIPAddress: sales.SIPAddress},
		}, testbed.Collect(t, w.Dir.DeviceLines(w.Ctx, phone.ID)))

		who, err := w.Dir.LineIdentity(w.Ctx, phone.ID, 3)
		require.NoError(t, err)
		require.Equal(t, pbx.LineIdentity{Line: 3, AliasID: sales.ID, Name: "John Sales", SIPAddress: sales.SIPAddress}, who)
		sales.Name, sales.SIPAddress = "John Orders", "orders@acme.example.com"
		_, err = w.Dir.ModifyAlias(w.Ctx, sales)
		require.NoError(t, err)
		who, err = w.Dir.LineIdentity(w.Ctx, phone.ID, 3)
		require.NoError(t, err)
		require.Equal(t, "John Orders", who.Name, "as the alias is now")
		require.Equal(t, pbx.SIPAddress("orders@acme.example.com"), who.SIPAddress)
	})
}

func TestEXT9_EveryWayOfAssigningAPhonePutsItsUserOnLine1(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bob := w.User("Bob", "Ray", "7002")
		given, taken, set := w.Phone("00:1b:54:00:00:01", "Cisco 8851"), w.Phone("00:1b:54:00:00:02", "Cisco 8851"), w.Phone("00:1b:54:00:00:03", "Cisco 8851")
		w.assign(given, bob, 2)
		require.Equal(t, []string{"1 Bob Ray"}, w.onLines(given.ID))
		_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: bob.ID, DN: "7003", DeviceID: taken.ID})
		require.NoError(t, err)
		require.Equal(t, []string{"1 Bob Ray"}, w.onLines(taken.ID))
		_, err = w.Dir.AddService(w.Ctx, pbx.NewService{UserID: bob.ID, DN: "7004", DeviceID: taken.ID})
		require.NoError(t, err)
		require.Equal(t, []string{"1 Bob Ray"}, w.onLines(taken.ID), "once")
		_, err = w.Dir.SetUpUser(w.Ctx, w.setUp(set.ID))
		require.NoError(t, err)
		require.Equal(t, []string{"1 Ann Lee"}, w.onLines(set.ID))

		lobby := w.Phone("00:1b:54:00:00:04", "Cisco 8851")
		_, err = w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceID: lobby.ID})
		require.NoError(t, err)
		require.Empty(t, w.onLines(lobby.ID), "nobody has it")
		require.Empty(t, w.onLines(pbx.DeviceID{1}))
	})
}

func TestEXT9_ALineIsChangedOrClearedLine1Too(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john, phone, support, sales := w.multiLine()
		w.put(phone.ID, 2, pbx.AliasMember(support.ID))
		require.EqualValues(t, 2, w.put(phone.ID, 2, pbx.AliasMember(sales.ID)).Rev, "in the place of the other one")
		before := w.revision()
		require.EqualValues(t, 2, w.put(phone.ID, 2, pbx.AliasMember(sales.ID)).Rev)
		require.Equal(t, before, w.revision(), "nothing changed")
		w.put(phone.ID, 1, pbx.AliasMember(support.ID))
		w.put(phone.ID, 3, pbx.UserMember(john.ID))
		require.Equal(t, []string{"1 John Support", "2 John Sales", "3 John Lee"}, w.onLines(phone.ID))
		require.NoError(t, w.Dir.ClearDeviceLine(w.Ctx, phone.ID, 1))
		require.Equal(t, []string{"2 John Sales", "3 John Lee"}, w.onLines(phone.ID))

		for name, try := range map[string]func(line int64) error{
			"ClearDeviceLine": func(line int64) error { return w.Dir.ClearDeviceLine(w.Ctx, phone.ID, line) },
			"LineIdentity":    func(line int64) error { _, err := w.Dir.LineIdentity(w.Ctx, phone.ID, line); return err },
		} {
			e := w.Refused(rule.EXT9, pbx.ErrNotFound, func() error { return try(1) })
			require.Equal(t, "line 1 of device Polycom VVX 450 00:1b:54:aa:bb:01 is free", e.Reason, name)
			for _, line := range []int64{-1, 0, 4} {
				e := w.Refused(rule.EXT9, pbx.ErrInvalid, func() error { return try(line) })
				require.Equal(t, "Line", e.Field, name)
			}
		}
	})
}

func TestEXT9_ALineIsOneOfThePortsThatTheUserWasGiven(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, phone, support, _ := w.multiLine()
		for _, line := range []int64{-1, 0, 4, 12} {
			e := w.Refused(rule.EXT9, pbx.ErrInvalid, func() error {
				_, err := w.Dir.SetDeviceLine(w.Ctx, phone.ID, line, pbx.AliasMember(support.ID))
				return err
			})
			require.Equal(t, "Line", e.Field)
			require.Equal(t, phone.ID.String(), e.Subject.ID)
			require.Contains(t, e.Reason, "1 and the 3 lines")
		}
		bob := w.User("Bob", "Ray", "7002")
		_, err := w.Dir.SetDeviceLine(w.Ctx, phone.ID, 4, pbx.UserMember(bob.ID))
		require.Len(t, pbx.Errors(err), 2, "both at once")
	})
}

func TestEXT9_AnIdentityIsThePhonesUserOrAnAliasOfHisOnOneLine(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john, phone, support, _ := w.multiLine()
		bob := w.User("Bob", "Ray", "7002")
		other := w.Alias(bob.ID, "Bob Support", "")
		w.put(phone.ID, 2, pbx.AliasMember(support.ID))
		set := func(line int64, who pbx.MemberID) func() error {
			return func() error { _, err := w.Dir.SetDeviceLine(w.Ctx, phone.ID, line, who); return err }
		}
		for _, who := range []pbx.MemberID{pbx.UserMember(bob.ID), pbx.AliasMember(other.ID)} {
			e := w.Refused(rule.EXT9, pbx.ErrConflict, set(3, who))
			require.Equal(t, "Identity", e.Field)
			require.Equal(t, who.String(), e.Subject.Kind+" "+e.Subject.ID)
			require.Equal(t, john.ID.String(), e.Holder.ID)
		}
		for line, who := range map[int64]pbx.MemberID{1: pbx.UserMember(john.ID), 2: pbx.AliasMember(support.ID)} {
			e := w.Refused(rule.EXT9, pbx.ErrConflict, set(3, who))
			require.Equal(t, "Identity", e.Field)
			require.Equal(t, who.String(), e.Subject.Kind+" "+e.Subject.ID)
			require.Equal(t, pbx.Ref{Kind: "line", ID: fmt.Sprintf("%s/%d", phone.ID, line), Name: fmt.Sprintf("%d of device Polycom VVX 450 00:1b:54:aa:bb:01", line)}, e.Holder)
		}
		for _, who := range []pbx.MemberID{{}, pbx.UserMember(pbx.UserID{1}), pbx.AliasMember(pbx.AliasID{1})} {
			w.Refused(rule.ACC1, pbx.ErrNotFound, set(3, who))
		}
		second := w.assign(w.handset("00:1b:54:aa:bb:02", "Cisco 8851"), john, 2)
		w.put(second.ID, 2, pbx.AliasMember(support.ID)) // on another of their phones as well: all ring
		require.Equal(t, []string{"1 John Lee", "2 John Support"}, w.onLines(second.ID))
	})
}

func TestEXT9_APhoneThatNobodyHasCarriesNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Lee", "7001")
		free, lobby := w.Phone("00:1b:54:00:00:01", "Cisco 8851"), w.Phone("00:1b:54:00:00:02", "Cisco 8851")
		_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceID: lobby.ID})
		require.NoError(t, err)
		for _, d := range []*pbx.Device{free, lobby} {
			for _, try := range []func() error{
				func() error { _, err := w.Dir.SetDeviceLine(w.Ctx, d.ID, 1, pbx.UserMember(john.ID)); return err },
				func() error { return w.Dir.ClearDeviceLine(w.Ctx, d.ID, 1) },
				func() error { _, err := w.Dir.LineIdentity(w.Ctx, d.ID, 1); return err },
			} {
				e := w.Refused(rule.EXT9, pbx.ErrFailedPrecondition, try)
				require.Equal(t, d.ID.String(), e.Subject.ID)
			}
		}
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.LineIdentity(w.Ctx, pbx.DeviceID{1}, 1); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.ClearDeviceLine(w.Ctx, pbx.DeviceID{1}, 1) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.Dir.SetDeviceLine(w.Ctx, pbx.DeviceID{1}, 1, pbx.UserMember(john.ID))
			return err
		})
	})
}

func TestEXT9_LinesGoWithTheAssignmentTheAliasAndTheUser(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john, phone, support, sales := w.multiLine()
		w.put(phone.ID, 2, pbx.AliasMember(support.ID))
		w.put(phone.ID, 3, pbx.AliasMember(sales.ID))
		require.NoError(t, w.Dir.DeleteAlias(w.Ctx, support.ID))
		require.Equal(t, []string{"1 John Lee", "3 John Sales"}, w.onLines(phone.ID))
		cleared := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 2}))[1]
		require.Equal(t, "device.line-cleared 2 "+phone.ID.String(), cleared.Type+" "+cleared.Detail+" "+cleared.Subject)

		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, phone.ID))
		require.Empty(t, w.onLines(phone.ID))
		bob := w.User("Bob", "Ray", "7002")
		w.assign(phone, bob, 1)
		require.Equal(t, []string{"1 Bob Ray"}, w.onLines(phone.ID))

		second := w.assign(w.handset("00:1b:54:aa:bb:02", "Cisco 8851"), john, 2)
		w.put(second.ID, 2, pbx.AliasMember(sales.ID))
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, john.ID, pbx.UserOnly))
		require.Empty(t, w.onLines(second.ID))
		require.Len(t, testbed.Dump(t, w.Store)["device_lines"], 1, "Bob's")
	})
}

func TestEXT9_LinesStayWhenTheUserIsHandedOver(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john, phone, support, _ := w.multiLine()
		w.put(phone.ID, 2, pbx.AliasMember(support.ID))
		jane, err := w.Dir.HandOver(w.Ctx, john.ID, pbx.Successor{FirstName: "Jane", LastName: "Ray", Email: "jane@example.com"})
		require.NoError(t, err)
		require.Equal(t, []string{"1 Jane Ray", "2 John Support"}, w.onLines(phone.ID))
		who, err := w.Dir.LineIdentity(w.Ctx, phone.ID, 1)
		require.NoError(t, err)
		require.Equal(t, jane.SIPAddress, who.SIPAddress)
	})
}

func TestEXT9_TwoIdentitiesChangePlacesInABatchAndThroughAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john, phone, support, sales := w.multiLine()
		w.put(phone.ID, 2, pbx.AliasMember(support.ID))
		swap := func(first, second pbx.MemberID) func(context.Context, *pbx.Directory) error {
			return func(ctx context.Context, dir *pbx.Directory) error {
				if err := dir.ClearDeviceLine(ctx, phone.ID, 2); err != nil {
					return err
				}
				if _, err := dir.SetDeviceLine(ctx, phone.ID, 1, first); err != nil {
					return err
				}
				_, err := dir.SetDeviceLine(ctx, phone.ID, 2, second)
				return err
			}
		}
		require.NoError(t, w.Dir.Batch(w.Ctx, swap(pbx.AliasMember(support.ID), pbx.UserMember(john.ID))))
		require.Equal(t, []string{"1 John Support", "2 John Lee"}, w.onLines(phone.ID))

		before := testbed.Dump(t, w.Store)
		review := w.reviewOf(swap(pbx.UserMember(john.ID), pbx.AliasMember(support.ID)))
		require.Equal(t, before, testbed.Dump(t, w.Store), "a review changes nothing")
		require.Equal(t, []string{
			"device Polycom VVX 450 00:1b:54:aa:bb:01 line cleared: 2",
			"device Polycom VVX 450 00:1b:54:aa:bb:01 line set, user John Lee: 1",
			"device Polycom VVX 450 00:1b:54:aa:bb:01 line set, alias John Support: 2",
		}, effects(review))
		require.NoError(t, review.Commit(w.Ctx))
		require.Equal(t, []string{"1 John Lee", "2 John Support"}, w.onLines(phone.ID))

		w.Refused(rule.EXT9, pbx.ErrConflict, func() error { // the whole batch
			return w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				if err := dir.ClearDeviceLine(ctx, phone.ID, 1); err != nil {
					return err
				}
				_, err := dir.SetDeviceLine(ctx, phone.ID, 3, pbx.AliasMember(support.ID))
				return err
			})
		})
		review = w.reviewOf(func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.SetDeviceLine(ctx, phone.ID, 3, pbx.AliasMember(sales.ID))
			return err
		})
		w.put(phone.ID, 2, pbx.AliasMember(sales.ID))
		w.Refused(rule.SYS2, pbx.ErrStale, func() error { return review.Commit(w.Ctx) })
	})
}

// effects are those of a review, as text.
func effects(r *pbx.Review) (lines []string) {
	for _, e := range r.Effects {
		lines = append(lines, e.String())
	}
	return lines
}
