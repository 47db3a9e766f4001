package rules_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

func TestSVC11_ARemoteServiceHasNoNumberAndNoPhoneOfThisSystem(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := pbx.NewService{
			DN: "7101", DeviceID: w.Phone("00:1b:54:00:00:01", "Cisco 8851").ID, RemoteSystem: "Leeds", Number: pbx.ProposedNumber(),
			Keys: []pbx.PhoneKey{{Position: 1, Kind: pbx.KeyLine}}, Foreign: []pbx.NewForeign{testbed.MiCollab("Client")},
		}
		w.Refused(rule.SVC11, pbx.ErrInvalid, func() error {
			_, err := w.Dir.AddService(w.Ctx, in)
			require.Equal(t, []string{"DeviceID SVC-11", "Foreign SVC-11", "Keys SVC-11", "Number SVC-11"}, badFields(err))
			return err
		})
		bare := pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", RemoteSystem: "Leeds", Type: "PRO", Name: "Leeds reception"}
		for field, wrong := range map[string]func(*pbx.NewService){
			"Number":   func(bare *pbx.NewService) { bare.Number = in.Number },
			"DeviceID": func(bare *pbx.NewService) { bare.DeviceID = in.DeviceID },
			"Foreign":  func(bare *pbx.NewService) { bare.Foreign = in.Foreign },
			"Keys":     func(bare *pbx.NewService) { bare.Keys = in.Keys },
		} {
			one := bare
			wrong(&one)
			e := w.Refused(rule.SVC11, pbx.ErrInvalid, func() error { return second(w.Dir.AddService(w.Ctx, one)) })
			require.Equal(t, field, e.Field)
		}
		_, err := w.Dir.AddService(w.Ctx, bare)
		require.NoError(t, err)
		in.RemoteSystem = ""
		in.DN = "7102"
		_, err = w.Dir.AddService(w.Ctx, in)
		require.NoError(t, err, "one that is hosted here has all that")
	})
}

// dns lists services by their DNs.
func dns(services []*pbx.Service) []pbx.Extension {
	var list []pbx.Extension
	for _, s := range services {
		list = append(list, s.DN)
	}
	return list
}

// remote adds a service that another system hosts.
func (w *world) remote(user pbx.UserID, dn pbx.Extension) *pbx.Service {
	w.T.Helper()
	s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: user, DN: dn, DeviceType: "Cisco 8851", RemoteSystem: "Leeds"})
	require.NoError(w.T, err)
	return s
}

func TestSVC1_ServicesAreListedOrSearchedByNumber(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, dn := range []pbx.Extension{"7002", "7001", "70", "7010", "8001"} {
			w.Service(pbx.UserID{}, dn)
		}
		for i, dn := range []pbx.Extension{"7004", "7003"} {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: dn, DeviceType: "Cisco 8851", Number: pbx.OfferedNumber(pbx.E164(fmt.Sprintf("+1617555010%d", 8-i)))})
			require.NoError(t, err)
		}
		_, err := w.Support.In(w.UK.ID).AddNumbers(w.Ctx, "+16175550170")
		require.NoError(t, err)
		_, err = w.British.AddService(w.Ctx, pbx.NewService{DN: "7001", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber("+16175550170")})
		require.NoError(t, err)
		for _, c := range []struct {
			number string
			limit  int
			want   []pbx.Extension
		}{
			{"", 0, []pbx.Extension{"70", "7001", "7002", "7003", "7004", "7010", "8001"}},
			{"", 2, []pbx.Extension{"70", "7001"}},
			{"70", 0, []pbx.Extension{"70", "7001", "7002", "7003", "7004", "7010"}},
			{"7001", 0, []pbx.Extension{"7001"}},
			{"9", 0, nil},
			{"x", 0, nil},
			{"70\x00", 0, nil},
			{"+", 0, []pbx.Extension{"7003", "7004"}},
			{"+1617", 1, []pbx.Extension{"7003"}},
			{"+16175550108", 0, []pbx.Extension{"7004"}},
			{"+16175550170", 0, nil}, // another tenant's
			{"+44", 0, nil},
		} {
			got := dns(testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{Number: c.number, Limit: c.limit})))
			require.Equal(t, c.want, got, "%q", c.number)
		}
	})
}

func TestSVC1_APageTokenHoldsForItsOwnQueryAlone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		s := w.Service(ann.ID, "7002")
		for _, token := range []pbx.PageToken{"x", "bm90IG9uZQ", tokenAfter(w, pbx.ServiceQuery{Number: "7"}, s), tokenAfter(w, pbx.UserQuery{}, ann)} {
			e := w.Refused(rule.SVC1, pbx.ErrInvalid, func() error { return testbed.Drain(w.Dir.Services(w.Ctx, pbx.ServiceQuery{Page: token})) })
			require.Equal(t, "Page", e.Field)
		}
		require.Empty(t, testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{Page: tokenAfter(w, pbx.ServiceQuery{}, s)})), "it is the last one")
	})
}

func TestSVC1_TheListIsPaged(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Own(testbed.Numbers("+161755502%02d", 40)...)
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 150 {
				in := pbx.NewService{DN: pbx.Extension(fmt.Sprint(7000 + i)), DeviceType: "Cisco 8851"}
				if i < 40 {
					in.Number = pbx.ExistingNumber(pbx.E164(fmt.Sprintf("+161755502%02d", 39-i)))
				}
				if _, err := dir.AddService(ctx, in); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, number := range []string{"", "7", "+", "+16175550"} {
			q := pbx.ServiceQuery{Number: number}
			whole := testbed.Collect(t, w.Dir.Services(w.Ctx, q))
			require.Len(t, whole, 40+110*(1-strings.Count(number, "+")))
			var paged []*pbx.Service
			for q.Limit = 13; ; {
				page := testbed.Collect(t, w.Dir.Services(w.Ctx, q))
				paged = append(paged, page...)
				if len(page) < q.Limit {
					break
				}
				last := page[len(page)-1]
				q.Page = tokenAfter(w, q, last)
			}
			require.Equal(t, whole, paged)
		}
		for s, err := range w.Dir.Services(w.Ctx, pbx.ServiceQuery{Number: "+", Page: tokenAfter(w, pbx.ServiceQuery{}, w.Service(pbx.UserID{}, "7999"))}) {
			require.Nil(t, s)
			require.Equal(t, []string{"Page SVC-1"}, badFields(err))
		}
	})
}

func TestSVC2_ANewPhoneIsSavedInOneActWithItsAssociation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, err := w.userAt(w.Boston, "ann", "7001")
		require.NoError(t, err)
		phone := w.Phone("00:1b:54:00:00:01", "Cisco 8851")
		before := w.revision()
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{
			UserID: u.ID, DN: "7101", DeviceID: phone.ID, Name: "Desk", Type: "PRO", Number: pbx.ProposedNumber(), LocationKeptBy: "ESS",
		})
		require.NoError(t, err)
		require.Equal(t, before+1, w.revision(), "one change")
		read, err := w.Dir.Service(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, s, read)
		require.Equal(t, "Cisco 8851", s.DeviceType, "the device's model")
		require.Equal(t, pbx.MultiLine, s.Category)
		require.Equal(t, w.Boston.ID, s.LocationID, "the user's location")
		require.Equal(t, pbx.E164("+16175550100"), s.Number)
		require.Equal(t, pbx.StatusActive, s.Status)
		require.Equal(t, "service Desk (7101)", w.reaches("7101"))
		services, err := w.Dir.UserServices(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, s.ID, services[0].Association.ServiceID)
		device, err := w.Dir.Device(w.Ctx, phone.ID)
		require.NoError(t, err)
		require.Equal(t, u.ID, device.UserID)
		require.Equal(t, pbx.Money(2500), testbed.Collect(t, w.Dir.Orders(w.Ctx, 1))[0].Monthly)
	})
}

func TestSVC2_DNAndDeviceTypeAreRequiredAndEverythingBadIsReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		taken := w.Phone("00:1b:54:00:00:01", "Cisco 8851")
		_, err := w.Dir.AssignDevice(w.Ctx, taken.ID, w.User("Bob", "Ray", "7002").ID, 1)
		require.NoError(t, err)
		for name, c := range map[string]struct {
			in   pbx.NewService
			want []string
		}{
			"nothing":             {pbx.NewService{}, []string{"DN SVC-2", "DeviceType SVC-2"}},
			"without a number":    {pbx.NewService{DeviceType: "Cisco 8851", Number: pbx.ExistingNumber("+1")}, []string{"DN SVC-2", "Number NUM-2"}},
			"an unknown model":    {pbx.NewService{DN: "7101", DeviceType: "Drum"}, []string{"DeviceType SVC-2"}},
			"an unknown device":   {pbx.NewService{DN: "7101", DeviceID: pbx.DeviceID{1}}, []string{"DeviceID ACC-1"}},
			"another model":       {pbx.NewService{DN: "7101", DeviceID: w.Phone("00:1b:54:00:00:09", "Yealink T46U").ID, DeviceType: "Cisco 8851"}, []string{"DeviceType SVC-2"}},
			"an unknown location": {pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", LocationID: w.London.ID}, []string{"LocationID ACC-1"}},
			"everything": {pbx.NewService{
				UserID: u.ID, DN: "7002", DeviceID: taken.ID, DeviceType: "Drum", Name: "\n", Type: "GOLD", LocationID: pbx.LocationID{1},
				Number: pbx.OfferedNumber("+16175550199"), LocationKeptBy: strings.Repeat("x", 65), RemoteSystem: " Leeds",
			}, []string{
				"DN EXT-2", "DeviceID DEV-2", "DeviceID SVC-11", "DeviceType SVC-2", "LocationID ACC-1", "LocationKeptBy OWN-8", "Name SVC-2",
				"Number NUM-4", "Number SVC-11", "RemoteSystem SVC-11", "Type SVC-16",
			}},
		} {
			before := testbed.Dump(t, w.Store)
			_, err := w.Dir.AddService(w.Ctx, c.in)
			require.Equal(t, c.want, badFields(err), "%s: %v", name, err)
			require.Equal(t, before, testbed.Dump(t, w.Store))
		}
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: pbx.UserID{1}, DN: "7101", DeviceType: "Cisco 8851"})
			return err
		})
	})
}

func TestSVC8_APrimaryServiceIsNotDeletedWhileAnyOfItsUsersHasOthers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob, cid := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002"), w.User("Cid", "Fox", "7003")
		s, other := w.Service(ann.ID, "7101"), w.Service(pbx.UserID{}, "7102")
		for _, u := range []*pbx.User{bob, cid} {
			_, err := w.Dir.Associate(w.Ctx, u.ID, s.ID)
			require.NoError(t, err)
		}
		for _, u := range []*pbx.User{ann, cid} {
			_, err := w.Dir.Associate(w.Ctx, u.ID, other.ID)
			require.NoError(t, err)
		}
		confirmed := w.Dir.Confirm(rule.SVC9)
		e := w.Refused(rule.SVC8, pbx.ErrFailedPrecondition, func() error { return w.Dir.Confirm(rule.SVC9).DeleteService(w.Ctx, s.ID) })
		require.Contains(t, e.Reason, "Ann Lee")
		require.Contains(t, e.Reason, "Cid Fox")
		require.NotContains(t, e.Reason, "Bob Ray", "it is his only one")
		for _, u := range []*pbx.User{ann, cid} {
			require.NoError(t, w.Dir.SetPrimary(w.Ctx, u.ID, other.ID))
		}
		require.NoError(t, confirmed.DeleteService(w.Ctx, s.ID))
		for u, want := range map[*pbx.User]int{ann: 1, bob: 0, cid: 1} {
			services, err := w.Dir.UserServices(w.Ctx, u.ID)
			require.NoError(t, err)
			require.Len(t, services, want)
		}
	})
}

func TestSVC9_DeletingASharedServiceIsConfirmedWithTheNamesOfItsUsers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002")
		s := w.Service(ann.ID, "7101")
		_, err := w.Dir.Associate(w.Ctx, bob.ID, s.ID)
		require.NoError(t, err)
		e := w.Refused(rule.SVC9, pbx.ErrUnconfirmed, func() error { return w.Dir.DeleteService(w.Ctx, s.ID) })
		require.Contains(t, e.Reason, "Ann Lee, Bob Ray")
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.DeleteService(w.Ctx, s.ID) })
		require.Equal(t, []rule.Code{rule.SVC9}, testbed.Codes(review.Confirmations))
		require.NoError(t, review.Commit(w.Ctx))
		_, err = w.Dir.Service(w.Ctx, s.ID)
		require.ErrorIs(t, err, pbx.ErrNotFound)
		require.NoError(t, w.Dir.DeleteService(w.Ctx, w.Service(ann.ID, "7102").ID), "his alone goes at once")
	})
}

func TestSVC12_OneServiceIsDeletedAtATimeWithEverythingThatHangsOnIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		require.NoError(t, w.Dir.SetPrimary(w.Ctx, u.ID, services[1].ID))
		require.NoError(t, w.Dir.DeleteService(w.Ctx, services[0].ID))
		require.Equal(t, []pbx.Extension{"7505"}, dns(testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{}))))
		require.Equal(t, pbx.NumberAvailable, w.number(services[0].Number).State)
		for _, table := range []string{"mailboxes", "owners"} {
			require.Empty(t, testbed.Dump(t, w.Store)[table])
		}
		read, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"crm", "softphone"}, read.Applications, "what only the service type included is gone (STN-2)")
		require.Len(t, testbed.Collect(t, w.Dir.Devices(w.Ctx, pbx.DeviceQuery{UserID: u.ID})), 2, "his devices stay his")
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.DeleteService(w.Ctx, services[0].ID) })
	})
}

func TestSVC11_ARemoteServiceIsListedAndAssociatedButNotEditedOrDeletedHere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002")
		s := w.remote(ann.ID, "7101")
		require.Equal(t, []pbx.Extension{"7101"}, dns(testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{Number: "71"}))))
		_, err := w.Dir.Associate(w.Ctx, bob.ID, s.ID)
		require.NoError(t, err)
		require.NoError(t, w.Dir.Confirm(rule.SVC5).Disassociate(w.Ctx, bob.ID, s.ID))
		s.Name = "Mine"
		e := w.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.ModifyService(w.Ctx, s); return err })
		require.Equal(t, "Leeds", e.Holder.Name)
		w.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return w.Dir.Confirm(rule.SVC9).DeleteService(w.Ctx, s.ID) })
	})
}

func TestSVC14_ADeviceTypeChangesOnlyWithinItsCategory(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		modify := func(deviceType string) error {
			in := *s
			in.DeviceType = deviceType
			out, err := w.Dir.ModifyService(w.Ctx, &in)
			if err == nil {
				s = out
			}
			return err
		}
		for _, fit := range []string{"Yealink T46U", "Cisco 8851", "Cisco 8851"} {
			require.NoError(t, modify(fit))
			require.Equal(t, fit, s.DeviceType)
		}
		for _, other := range []string{"Grandstream HT802", "SIP softphone", "Polycom Trio 8500"} {
			e := w.Refused(rule.SVC14, pbx.ErrFailedPrecondition, func() error { return modify(other) })
			require.Equal(t, "DeviceType", e.Field)
		}
		for _, none := range []string{"", "Drum"} {
			w.Refused(rule.SVC2, pbx.ErrInvalid, func() error { return modify(none) })
		}
		carried, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7102", DeviceID: w.Phone("00:1b:54:00:00:01", "Cisco 8851").ID})
		require.NoError(t, err)
		s = carried
		w.Refused(rule.SVC2, pbx.ErrInvalid, func() error { return modify("Yealink T46U") })
		in := *s
		in.DeviceID = w.Phone("00:1b:54:00:00:02", "Grandstream HT802").ID
		e := w.Refused(rule.SVC14, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.ModifyService(w.Ctx, &in)) })
		require.Equal(t, "DeviceID", e.Field)
	})
}

func TestOWN8_ALocationKeptElsewhereIsNotModifiedWithTheService(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", LocationID: w.Boston.ID, LocationKeptBy: "ESS"})
		require.NoError(t, err)
		moved := *s
		moved.LocationID = w.BareSite("B").ID
		e := w.Refused(rule.OWN8, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.ModifyService(w.Ctx, &moved); return err })
		require.Equal(t, "ESS", e.Holder.Name)
		s.Name = "Lobby"
		_, err = w.Dir.ModifyService(w.Ctx, s)
		require.NoError(t, err)
	})
}

func TestSVC16_AServicesTypeIsInTheTenantsCatalogue(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.British.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "GOLD", Name: "Gold", Monthly: 9900})
		require.NoError(t, err)
		add := func(code string) (*pbx.Service, error) {
			return w.Dir.AddService(w.Ctx, pbx.NewService{Type: code, DeviceType: "Cisco 8851"})
		}
		for _, none := range []string{"GOLD", "pro", "no code"} {
			e := w.Refused(rule.SVC16, pbx.ErrNotFound, func() error { _, err := add(none); return err })
			require.Equal(t, "Type", e.Field)
		}
		s, err := add("PRO")
		require.NoError(t, err)
		s.Type = "GOLD"
		w.Refused(rule.SVC16, pbx.ErrNotFound, func() error { _, err := w.Dir.ModifyService(w.Ctx, s); return err })
		for _, bad := range []pbx.NewServiceType{{}, {Code: "a b", Name: "x"}, {Code: "A", Name: " "}, {Code: "A", Name: "A", Monthly: -1}, {Code: "A", Name: "A", OneTime: -1}} {
			w.Refused(rule.SVC16, pbx.ErrInvalid, func() error { return second(w.Dir.AddServiceType(w.Ctx, bad)) })
		}
		w.Refused(rule.STN2, pbx.ErrInvalid, func() error {
			return second(w.Dir.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "A", Name: "A", Applications: []string{"x", "x"}}))
		})
	})
}

func TestSVC16_TypesCarryChargesAndApplications(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, Type: "PRO", DeviceType: "Cisco 8851", LocationID: w.Boston.ID})
		require.NoError(t, err)
		u.Applications = []string{"fax"}
		_, err = w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		_, err = w.Dir.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "BIG", Name: "Big", Monthly: 4000, OneTime: 500})
		require.NoError(t, err)

		s.Type = "BIG"
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.ModifyService(w.Ctx, s); return err })
		require.Equal(t, pbx.Money(1500), review.Monthly(), "4000 instead of 2500")
		require.Equal(t, pbx.Money(500), review.OneTime())
		require.Equal(t, []rule.Code{rule.STN2}, testbed.Codes(review.Warnings), "Big includes no fax")
		require.NoError(t, review.Commit(w.Ctx))
		u, err = w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Empty(t, u.Applications)
		o := testbed.Collect(t, w.Dir.Orders(w.Ctx, 1))[0]
		require.Equal(t, w.Boston.ID, o.LocationID)
		require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID))
		require.Equal(t, pbx.Money(-4000), testbed.Collect(t, w.Dir.Orders(w.Ctx, 1))[0].Monthly)
	})
}

// product is a product of the tenant's catalogue.
func (w *world) product(code string) *pbx.ServiceType {
	w.T.Helper()
	for _, p := range testbed.Collect(w.T, w.Dir.ServiceTypes(w.Ctx)) {
		if p.Code == code {
			return p
		}
	}
	require.Fail(w.T, "no product "+code)
	return nil
}

func TestSVC16_AStaleProductNeverOverwritesTheCatalogue(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		pro := *w.product("PRO")
		dearer, err := w.Dir.ModifyServiceType(w.Ctx, &pbx.ServiceType{TenantID: w.US.ID, Code: "PRO", Rev: pro.Rev, Name: "Connect Pro", Monthly: 3000})
		require.NoError(t, err)
		pro.Monthly = 100
		saved, err := w.Dir.ModifyServiceType(w.Ctx, &pro)
		require.Nil(t, saved)
		require.Equal(t, dearer, currentIn[*pbx.ServiceType](t, err))
		dearer.Monthly = 3100
		_, err = w.Dir.ModifyServiceType(w.Ctx, dearer)
		require.NoError(t, err)
	})
}

func TestSVC16_AProductIsAddedOnceAndOnlyOneThatThereIsIsModified(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		applications := []string{"crm"}
		made, err := w.Dir.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "GOLD", Name: "Gold", Monthly: 9900, OneTime: 100, Applications: applications, Fulfilment: true})
		require.NoError(t, err)
		require.Equal(t, &pbx.ServiceType{TenantID: w.US.ID, Code: "GOLD", Rev: 1, Name: "Gold", Monthly: 9900, OneTime: 100, Applications: []string{"crm"}, Fulfilment: true}, made)
		applications[0], made.Applications[0] = "changed", "changed"
		require.Equal(t, []string{"crm"}, w.product("GOLD").Applications)
		e := w.Refused(rule.SVC16, pbx.ErrConflict, func() error {
			again, err := w.Dir.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "GOLD", Name: "Mine"})
			require.Nil(t, again)
			return err
		})
		require.Equal(t, "Code", e.Field)
		require.Equal(t, pbx.Ref{Kind: "service type", ID: "GOLD", Name: "Gold"}, e.Holder)

		read := w.product("GOLD")
		read.Name, read.Monthly, read.OneTime, read.Applications, read.Fulfilment = "Pure gold", 1, 2, nil, false
		saved, err := w.Dir.ModifyServiceType(w.Ctx, read)
		require.NoError(t, err)
		require.Equal(t, &pbx.ServiceType{TenantID: w.US.ID, Code: "GOLD", Rev: 2, Name: "Pure gold", Monthly: 1, OneTime: 2}, saved)
		require.Equal(t, saved, w.product("GOLD"))
		saved.Name, saved.Monthly, saved.OneTime, saved.Applications = "", -1, -1, []string{"a", "a"}
		_, err = w.Dir.ModifyServiceType(w.Ctx, saved)
		require.Equal(t, []string{"Applications STN-2", "Monthly SVC-16", "Name SVC-16", "OneTime SVC-16"}, badFields(err))
		for _, none := range []string{"pro", "no code", ""} {
			e := w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
				now, err := w.Dir.ModifyServiceType(w.Ctx, &pbx.ServiceType{Code: none, Name: "Gold", Rev: 1})
				require.Nil(t, now)
				return err
			})
			require.Equal(t, none, e.Subject.ID)
		}
		require.ErrorIs(t, second(w.British.ModifyServiceType(w.Ctx, saved)), pbx.ErrNotFound)
	})
}

func TestSVC17_AServiceAddedForLaterIsActivatedOnceAndThenBilled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", Name: "Lobby", DeviceType: "Cisco 8851", Type: "PRO", ActivateLater: true})
		require.NoError(t, err)
		require.Equal(t, pbx.StatusPendingActivation, s.Status)
		require.True(t, s.ActivatedAt.IsZero())

		w.Clock = w.Clock.Add(time.Hour)
		s, err = w.Dir.ActivateService(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, s.Status)
		require.Equal(t, w.Clock, s.ActivatedAt)
		w.Refused(rule.SVC17, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.ActivateService(w.Ctx, s.ID); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.ActivateService(w.Ctx, pbx.ServiceID{1}); return err })

		made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", ActivateLater: true}, ServiceType: "PRO"})
		require.NoError(t, err)
		e := w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.ActivateService(w.Ctx, made.Service.ID); return err })
		require.Equal(t, "Ann", e.Holder.Name)
	})
}

func TestOWN8_WhoKeepsALocationIsSetAndClearedWithTheService(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{
			NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7101", LocationID: w.Boston.ID}, LocationKeptBy: "ESS"})
		require.NoError(t, err)
		save := func(change func(*pbx.Service)) error {
			s, err := w.Dir.Service(w.Ctx, made.Service.ID)
			if err == nil {
				change(s)
				_, err = w.Dir.ModifyService(w.Ctx, s)
			}
			return err
		}
		moved := func(s *pbx.Service) { s.LocationID = pbx.LocationID{} }
		free := func(s *pbx.Service) { s.LocationKeptBy = "" }
		w.Refused(rule.OWN8, pbx.ErrFailedPrecondition, func() error { return save(moved) })
		w.Refused(rule.OWN8, pbx.ErrFailedPrecondition, func() error { return save(func(s *pbx.Service) { moved(s); free(s) }) })
		require.NoError(t, save(free))
		require.NoError(t, save(moved))
		e := w.Refused(rule.OWN8, pbx.ErrInvalid, func() error { return save(func(s *pbx.Service) { s.LocationKeptBy = "ESS\n" }) })
		require.Equal(t, "LocationKeptBy", e.Field)
		e = w.Refused(rule.OWN8, pbx.ErrInvalid, func() error {
			return second(w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Bo", Email: "bo@example.com", Extension: "7102"}, LocationKeptBy: " "}))
		})
		require.Equal(t, "LocationKeptBy", e.Field)
		require.NoError(t, save(func(s *pbx.Service) { s.LocationKeptBy = "ESS" }))
		w.Refused(rule.OWN8, pbx.ErrFailedPrecondition, func() error { return save(func(s *pbx.Service) { s.LocationID = w.Boston.ID }) })
	})
}
