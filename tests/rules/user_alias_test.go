package rules_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

func TestEXT6_ASIPAddressIsGeneratedFromTheUserIDAndThenTheExtension(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		require.Equal(t, pbx.SIPAddress("ann.lee@acme.example.com"), ann.SIPAddress)

		make := func(email string, e pbx.Extension) pbx.SIPAddress {
			u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "X", Email: email, Extension: e})
			require.NoError(t, err)
			return u.SIPAddress
		}
		require.Equal(t, pbx.SIPAddress("ann.lee-7002@acme.example.com"), make("ann.lee@elsewhere.example", "7002"))
		require.Equal(t, pbx.SIPAddress("o+brien_1@acme.example.com"), make("O+Brien_1@example.com", "7003"))
		require.Equal(t, pbx.SIPAddress("user@acme.example.com"), make("!#$%@example.com", "7004"))
		long := make(strings.Repeat("a", 64)+"@example.com", "7005")
		require.Equal(t, pbx.SIPAddress(strings.Repeat("a", 64)+"@acme.example.com"), long)
		require.Equal(t, pbx.SIPAddress(strings.Repeat("a", 59)+"-7006@acme.example.com"), make(strings.Repeat("a", 64)+"@example.org", "7006"))
		require.Regexp(t, `^ann\.lee-[0-9a-f]{8}@acme\.example\.com$`, func() pbx.SIPAddress {
			_, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: ann.ID, Name: "B", SIPAddress: "ann.lee-7007@acme.example.com"})
			require.NoError(t, err)
			return make("ann.lee@third.example", "7007")
		}())
	})
}

func TestEXT6_TheSameLocalPartIsFreeInAnotherTenantsDomain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.User("Ann", "Lee", "7001")
		u, err := w.British.CreateUser(w.Ctx, pbx.NewUser{LastName: "Lee", Email: "ann.lee@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("ann.lee@uk.acme.example.com"), u.SIPAddress)
	})
}

func TestEXT6_AWantedSIPAddressIsWellFormedInTheTenantsDomainAndFree(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		for _, address := range []pbx.SIPAddress{
			"bob", "@acme.example.com", "bob@", "b ob@acme.example.com", "bøb@acme.example.com", "bob@uk.acme.example.com",
			"sip:bob@acme.example.com", "bob@bob@acme.example.com", pbx.SIPAddress(strings.Repeat("b", 65) + "@acme.example.com"),
		} {
			refusal := w.Refused(rule.EXT6, pbx.ErrInvalid, func() error {
				_, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: ann.ID, Name: "Bob", SIPAddress: address})
				return err
			})
			require.Equal(t, "SIPAddress", refusal.Field, address)
		}
		refusal := w.Refused(rule.EXT6, pbx.ErrConflict, func() error {
			_, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: ann.ID, Name: "Bob", SIPAddress: "Ann.LEE@Acme.example.com"})
			return err
		})
		require.Equal(t, pbx.Ref{Kind: "user", ID: ann.ID.String(), Name: "Ann Lee"}, refusal.Holder)

		a, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: ann.ID, Name: "Bob", SIPAddress: "A-Z.09_+@ACME.example.com"})
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("a-z.09_+@acme.example.com"), a.SIPAddress)
		refusal = w.Refused(rule.EXT6, pbx.ErrConflict, func() error {
			_, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{LastName: "Z", Email: "z@example.com", Extension: "7002", SIPAddress: a.SIPAddress})
			return err
		})
		require.Equal(t, "alias", refusal.Holder.Kind)
		require.Contains(t, refusal.Error(), "alias Bob")
	})
}

func TestEXT6_TheSearchForAFreeAddressComesToAnEnd(t *testing.T) {
	n := byte(0)
	ids := func() [16]byte { n++; return [16]byte{6: 0x70, 8: 0x80, 11: n} } // all end alike
	w := newWorld(t, testbed.Stores["memory"](t), pbx.WithIDs(ids))
	ann := w.User("Ann", "Lee", "7001")
	require.Equal(t, pbx.SIPAddress("ann@acme.example.com"), w.Alias(ann.ID, "Ann", "").SIPAddress)
	require.Equal(t, pbx.SIPAddress("ann-00000000@acme.example.com"), w.Alias(ann.ID, "Ann", "").SIPAddress)
	w.Refused(rule.EXT6, pbx.ErrExhausted, func() error {
		_, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: ann.ID, Name: "Ann"})
		return err
	})
}

func TestEXT6_AUsersAddressIsAdjustedInTheBatchThatCreatesHim(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			u, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", LastName: "Lee", Email: "ann.lee@example.com", Extension: "7001"})
			if err != nil {
				return err
			}
			u.SIPAddress = "boss@acme.example.com"
			if _, err := dir.ModifyUser(ctx, u); err != nil {
				return err
			}
			_, err = dir.CreateUser(ctx, pbx.NewUser{LastName: "Heir", Email: "ann.lee@example.org", Extension: "7002"})
			return err
		}))
		users := testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{}))
		require.Equal(t, pbx.SIPAddress("ann.lee@acme.example.com"), users[0].SIPAddress)
		require.Equal(t, pbx.SIPAddress("boss@acme.example.com"), users[1].SIPAddress)
	})
}

func TestEXT6_TheAddressOfADeletedUserIsFreeAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		first := w.User("Ann", "Lee", "7001")
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, first.ID, pbx.UserOnly))
		_, err := w.Dir.SIPIdentity(w.Ctx, first.SIPAddress)
		require.ErrorIs(t, err, pbx.ErrNotFound)
		require.Equal(t, first.SIPAddress, w.User("Ann", "Lee", "7001").SIPAddress)
	})
}

func TestEXT6_AnAddressOfAnotherTenantIsTakenWithoutSayingByWhom(t *testing.T) {
	// No operation makes such a claim, because a domain belongs to one tenant
	// only: it is written past the rules.
	w := newWorld(t, testbed.Stores["memory"](t))
	ann := w.User("Ann", "Lee", "7001")
	u, err := w.British.CreateUser(w.Ctx, pbx.NewUser{LastName: "Brit", Email: "brit@example.co.uk", Extension: "7001"})
	require.NoError(t, err)
	claim := &pbx.SIPIdentity{Address: "brit@acme.example.com", TenantID: w.UK.ID, Rev: 1, UserID: u.ID}
	require.NoError(t, w.Store.Update(w.Ctx, w.UK.ID, func(s store.Writer) error {
		return s.Apply(w.Ctx, []store.Change{{New: claim}})
	}))
	refusal := w.Refused(rule.EXT6, pbx.ErrConflict, func() error {
		_, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: ann.ID, Name: "Bob", SIPAddress: claim.Address})
		return err
	})
	require.Equal(t, pbx.Ref{}, refusal.Holder)
	require.NotContains(t, refusal.Error(), " by ")
}

func TestEXT7_AUserHasAnyNumberOfAliasesWithNamesAndAddressesOfTheirOwn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		support := w.Alias(john.ID, "John Support", "7100")
		sales := w.Alias(john.ID, "John Sales", "")
		require.Equal(t, pbx.SIPAddress("john.support@acme.example.com"), support.SIPAddress)
		require.Equal(t, pbx.SIPAddress("john.sales@acme.example.com"), sales.SIPAddress)
		again := w.Alias(john.ID, "John Support", "7101")
		require.Equal(t, pbx.SIPAddress("john.support-7101@acme.example.com"), again.SIPAddress)

		require.Equal(t, []*pbx.Alias{support, sales, again}, testbed.Collect(t, w.Dir.Aliases(w.Ctx, john.ID)))
		require.Len(t, testbed.Collect(t, w.Dir.Aliases(w.Ctx, pbx.UserID{})), 3)
		require.Empty(t, testbed.Collect(t, w.British.Aliases(w.Ctx, john.ID)))
		one, err := w.Dir.Alias(w.Ctx, sales.ID)
		require.NoError(t, err)
		require.Equal(t, sales, one)
		reached, err := w.Dir.Lookup(w.Ctx, "7100")
		require.NoError(t, err)
		require.Equal(t, pbx.Ref{Kind: "alias", ID: support.ID.String(), Name: "John Support"}, reached.Ref)
	})
}

func TestEXT7_AnAliasTakesNoLicenceAndCostsNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		pools := testbed.Collect(t, w.Dir.StationPools(w.Ctx))
		review, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.AddAlias(ctx, pbx.NewAlias{UserID: john.ID, Name: "John Support", Extension: "8100"})
			return err
		})
		require.NoError(t, err)
		require.Empty(t, review.Orders)
		require.Len(t, review.Warnings, 1, "the advice of EXT-4")
		require.NoError(t, review.Commit(w.Ctx))
		require.Equal(t, pools, testbed.Collect(t, w.Dir.StationPools(w.Ctx)))
	})
}

func TestEXT7_ANewAliasReportsAllBadFieldsAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		add := func(in pbx.NewAlias) func() error {
			return func() error { _, err := w.Dir.AddAlias(w.Ctx, in); return err }
		}
		bad := pbx.NewAlias{UserID: john.ID, Name: " x", SIPAddress: "?", Extension: "911"}
		var fields []string
		for _, e := range pbx.Errors(add(bad)()) {
			fields = append(fields, string(e.Code)+" "+e.Field)
		}
		require.Equal(t, []string{"EXT-7 Name", "EXT-3 Extension", "EXT-6 SIPAddress"}, fields)
		w.Refused(rule.EXT7, pbx.ErrInvalid, add(bad))
		w.Refused(rule.EXT1, pbx.ErrInvalid, add(pbx.NewAlias{UserID: john.ID, Name: "A", Extension: "7"}))
		refusal := w.Refused(rule.EXT2, pbx.ErrConflict, add(pbx.NewAlias{UserID: john.ID, Name: "A", Extension: "7001"}))
		require.Equal(t, "user John Doe", refusal.Holder.String())
		w.Refused(rule.ACC1, pbx.ErrNotFound, add(pbx.NewAlias{Name: "A"}))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.British.AddAlias(w.Ctx, pbx.NewAlias{UserID: john.ID, Name: "A"})
			return err
		})
	})
}

func TestEXT7_AnAliasIsRenamedAndReaddressed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		mary := w.User("Mary", "Doe", "7002")
		a := w.Alias(john.ID, "John Support", "7100")
		old := a.SIPAddress
		a.Name, a.SIPAddress = "Help", "Help@acme.example.com"
		now, err := w.Dir.ModifyAlias(w.Ctx, a)
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("help@acme.example.com"), now.SIPAddress)
		require.Equal(t, "Help", now.Name)
		again, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: mary.ID, Name: "X", SIPAddress: old})
		require.NoError(t, err, "the address is free again")

		modify := func(change func(*pbx.Alias)) func() error {
			row := *now
			change(&row)
			return func() error { _, err := w.Dir.ModifyAlias(w.Ctx, &row); return err }
		}
		w.Refused(rule.SVC15, pbx.ErrStale, modify(func(a *pbx.Alias) { a.Rev-- }))
		w.Refused(rule.EXT7, pbx.ErrInvalid, modify(func(a *pbx.Alias) { a.Name = "" }))
		w.Refused(rule.EXT7, pbx.ErrInvalid, modify(func(a *pbx.Alias) { a.UserID = mary.ID }))
		w.Refused(rule.EXT6, pbx.ErrInvalid, modify(func(a *pbx.Alias) { a.SIPAddress = "" }))
		taken := w.Refused(rule.EXT6, pbx.ErrConflict, modify(func(a *pbx.Alias) { a.SIPAddress = again.SIPAddress }))
		require.Equal(t, "alias X", taken.Holder.String())
		w.Refused(rule.ACC1, pbx.ErrNotFound, modify(func(a *pbx.Alias) { a.ID = pbx.AliasID(john.ID) }))
		upper := modify(func(a *pbx.Alias) { a.SIPAddress = "HELP@acme.example.com" })
		require.NoError(t, upper(), "its own address in another case is its own")
	})
}

func TestEXT7_AnAliasGoesWithItsExtensionAddressAndMemberships(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		a := w.Alias(john.ID, "John Support", "7100")
		g := w.Group("Support", "7200")
		require.NoError(t, w.Dir.AddMember(w.Ctx, g.ID, pbx.AliasMember(a.ID)))
		require.NoError(t, w.Dir.DeleteAlias(w.Ctx, a.ID))

		require.Empty(t, testbed.Collect(t, w.Dir.Members(w.Ctx, g.ID)))
		reached, err := w.Dir.Lookup(w.Ctx, "7100")
		require.ErrorIs(t, err, pbx.ErrNotFound)
		require.Nil(t, reached)
		require.Equal(t, a.SIPAddress, w.Alias(john.ID, "John Support", "7100").SIPAddress)
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.DeleteAlias(w.Ctx, a.ID) })
	})
}

func TestEXT7_AliasesGoWithTheirUser(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		a := w.Alias(john.ID, "John Support", "7100")
		w.Alias(john.ID, "John Sales", "")
		g := w.Group("Support", "7200")
		require.NoError(t, w.Dir.AddMember(w.Ctx, g.ID, pbx.AliasMember(a.ID)))
		require.NoError(t, w.Dir.AddMember(w.Ctx, g.ID, pbx.UserMember(john.ID)))
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, john.ID, pbx.UserOnly))
		require.Empty(t, testbed.Collect(t, w.Dir.Aliases(w.Ctx, pbx.UserID{})))
		require.Empty(t, testbed.Collect(t, w.Dir.Members(w.Ctx, g.ID)))
		require.Empty(t, testbed.Dump(t, w.Store)["sip_identities"])
		require.Len(t, testbed.Dump(t, w.Store)["extensions"], 1)
	})
}

func TestEXT7_AliasesAreAddedChangedAndDeletedInABatchAndInAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		g := w.Group("Support", "")
		everything := func(ctx context.Context, dir *pbx.Directory) error {
			a, err := dir.AddAlias(ctx, pbx.NewAlias{UserID: john.ID, Name: "One", Extension: "7100"})
			if err != nil {
				return err
			}
			if err := dir.AddMember(ctx, g.ID, pbx.AliasMember(a.ID)); err != nil {
				return err
			}
			a.SIPAddress = "moved@acme.example.com"
			if _, err := dir.ModifyAlias(ctx, a); err != nil {
				return err
			}
			b, err := dir.AddAlias(ctx, pbx.NewAlias{UserID: john.ID, Name: "One"})
			if err != nil {
				return err
			}
			if b.SIPAddress != "one@acme.example.com" {
				t.Errorf("the batch does not see that the address was given up: %s", b.SIPAddress)
			}
			gone, err := dir.AddAlias(ctx, pbx.NewAlias{UserID: john.ID, Name: "Gone", Extension: "7101"})
			if err != nil {
				return err
			}
			return dir.DeleteAlias(ctx, gone.ID)
		}
		check := func() {
			left := testbed.Collect(t, w.Dir.Aliases(w.Ctx, john.ID))
			require.Len(t, left, 2)
			require.Equal(t, pbx.SIPAddress("moved@acme.example.com"), left[0].SIPAddress)
			require.Len(t, testbed.Collect(t, w.Dir.Members(w.Ctx, g.ID)), 1)
		}
		require.NoError(t, w.Dir.Batch(w.Ctx, everything))
		check()
		for _, a := range testbed.Collect(t, w.Dir.Aliases(w.Ctx, john.ID)) {
			require.NoError(t, w.Dir.DeleteAlias(w.Ctx, a.ID))
		}
		before := testbed.Dump(t, w.Store)
		review, err := w.Dir.Review(w.Ctx, everything)
		require.NoError(t, err)
		require.Equal(t, before, testbed.Dump(t, w.Store))
		w.User("Someone", "Else", "7050") // the tenant has changed, what was reviewed has not
		require.NoError(t, review.Commit(w.Ctx))
		check()
	})
}
