package rules_test

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// collect lists what a sequence yields, and fails on an error in it.
func collect[R any](t testing.TB, seq iter.Seq2[R, error]) []R {
	t.Helper()
	var all []R
	for r, err := range seq {
		require.NoError(t, err)
		all = append(all, r)
	}
	return all
}

func (w *world) alias(user pbx.UserID, name string, e pbx.Extension) *pbx.Alias {
	w.t.Helper()
	a, err := w.dir.AddAlias(w.ctx, pbx.NewAlias{UserID: user, Name: name, Extension: e})
	require.NoError(w.t, err)
	return a
}

func TestEXT6_ASIPAddressIsGeneratedFromTheUserIDAndThenTheExtension(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		require.Equal(t, pbx.SIPAddress("ann.lee@acme.example.com"), ann.SIPAddress)

		make := func(email string, e pbx.Extension) pbx.SIPAddress {
			u, err := w.dir.CreateUser(w.ctx, pbx.NewUser{FirstName: "X", Email: email, Extension: e})
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
			_, err := w.dir.AddAlias(w.ctx, pbx.NewAlias{UserID: ann.ID, Name: "B", SIPAddress: "ann.lee-7007@acme.example.com"})
			require.NoError(t, err)
			return make("ann.lee@third.example", "7007")
		}())
	})
}

func TestEXT6_TheSameLocalPartIsFreeInAnotherTenantsDomain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.user("Ann", "Lee", "7001")
		u, err := w.british.CreateUser(w.ctx, pbx.NewUser{LastName: "Lee", Email: "ann.lee@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("ann.lee@uk.acme.example.com"), u.SIPAddress)
	})
}

func TestEXT6_AWantedSIPAddressIsWellFormedInTheTenantsDomainAndFree(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		for _, address := range []pbx.SIPAddress{
			"bob", "@acme.example.com", "bob@", "b ob@acme.example.com", "bøb@acme.example.com", "bob@uk.acme.example.com",
			"sip:bob@acme.example.com", "bob@bob@acme.example.com", pbx.SIPAddress(strings.Repeat("b", 65) + "@acme.example.com"),
		} {
			refusal := w.refused(rule.EXT6, pbx.ErrInvalid, func() error {
				_, err := w.dir.AddAlias(w.ctx, pbx.NewAlias{UserID: ann.ID, Name: "Bob", SIPAddress: address})
				return err
			})
			require.Equal(t, "SIPAddress", refusal.Field, address)
		}
		refusal := w.refused(rule.EXT6, pbx.ErrConflict, func() error {
			_, err := w.dir.AddAlias(w.ctx, pbx.NewAlias{UserID: ann.ID, Name: "Bob", SIPAddress: "Ann.LEE@Acme.example.com"})
			return err
		})
		require.Equal(t, pbx.Ref{Kind: "user", ID: ann.ID.String(), Name: "Ann Lee"}, refusal.Holder)

		a, err := w.dir.AddAlias(w.ctx, pbx.NewAlias{UserID: ann.ID, Name: "Bob", SIPAddress: "A-Z.09_+@ACME.example.com"})
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("a-z.09_+@acme.example.com"), a.SIPAddress)
		refusal = w.refused(rule.EXT6, pbx.ErrConflict, func() error {
			_, err := w.dir.CreateUser(w.ctx, pbx.NewUser{LastName: "Z", Email: "z@example.com", Extension: "7002", SIPAddress: a.SIPAddress})
			return err
		})
		require.Equal(t, "alias", refusal.Holder.Kind)
		require.Contains(t, refusal.Error(), "alias Bob")
	})
}

func TestEXT6_TheSearchForAFreeAddressComesToAnEnd(t *testing.T) {
	n := byte(0)
	ids := func() [16]byte { n++; return [16]byte{6: 0x70, 8: 0x80, 11: n} } // all end alike
	w := newWorld(t, stores["memory"](t), pbx.WithIDs(ids))
	ann := w.user("Ann", "Lee", "7001")
	require.Equal(t, pbx.SIPAddress("ann@acme.example.com"), w.alias(ann.ID, "Ann", "").SIPAddress)
	require.Equal(t, pbx.SIPAddress("ann-00000000@acme.example.com"), w.alias(ann.ID, "Ann", "").SIPAddress)
	w.refused(rule.EXT6, pbx.ErrExhausted, func() error {
		_, err := w.dir.AddAlias(w.ctx, pbx.NewAlias{UserID: ann.ID, Name: "Ann"})
		return err
	})
}

func TestEXT6_AUsersAddressIsAdjustedInTheBatchThatCreatesHim(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
		users := collect(t, w.dir.Users(w.ctx, pbx.UserQuery{}))
		require.Equal(t, pbx.SIPAddress("ann.lee@acme.example.com"), users[0].SIPAddress)
		require.Equal(t, pbx.SIPAddress("boss@acme.example.com"), users[1].SIPAddress)
	})
}

func TestEXT6_TheAddressOfADeletedUserIsFreeAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		first := w.user("Ann", "Lee", "7001")
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, first.ID, pbx.UserOnly))
		_, err := w.dir.SIPIdentity(w.ctx, first.SIPAddress)
		require.ErrorIs(t, err, pbx.ErrNotFound)
		require.Equal(t, first.SIPAddress, w.user("Ann", "Lee", "7001").SIPAddress)
	})
}

func TestEXT6_AnAddressOfAnotherTenantIsTakenWithoutSayingByWhom(t *testing.T) {
	// No operation makes such a claim, for a domain is one tenant's alone: it
	// is written past the rules.
	w := newWorld(t, stores["memory"](t))
	ann := w.user("Ann", "Lee", "7001")
	u, err := w.british.CreateUser(w.ctx, pbx.NewUser{LastName: "Brit", Email: "brit@example.co.uk", Extension: "7001"})
	require.NoError(t, err)
	claim := &pbx.SIPIdentity{Address: "brit@acme.example.com", TenantID: w.uk.ID, Rev: 1, UserID: u.ID}
	require.NoError(t, w.store.Update(w.ctx, w.uk.ID, func(s store.Writer) error {
		return s.Apply(w.ctx, []store.Change{{New: claim}})
	}))
	refusal := w.refused(rule.EXT6, pbx.ErrConflict, func() error {
		_, err := w.dir.AddAlias(w.ctx, pbx.NewAlias{UserID: ann.ID, Name: "Bob", SIPAddress: claim.Address})
		return err
	})
	require.Equal(t, pbx.Ref{}, refusal.Holder)
	require.NotContains(t, refusal.Error(), " by ")
}

func TestEXT7_AUserHasAnyNumberOfAliasesWithNamesAndAddressesOfTheirOwn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		support := w.alias(john.ID, "John Support", "7100")
		sales := w.alias(john.ID, "John Sales", "")
		require.Equal(t, pbx.SIPAddress("john.support@acme.example.com"), support.SIPAddress)
		require.Equal(t, pbx.SIPAddress("john.sales@acme.example.com"), sales.SIPAddress)
		again := w.alias(john.ID, "John Support", "7101")
		require.Equal(t, pbx.SIPAddress("john.support-7101@acme.example.com"), again.SIPAddress)

		require.Equal(t, []*pbx.Alias{support, sales, again}, collect(t, w.dir.Aliases(w.ctx, john.ID)))
		require.Len(t, collect(t, w.dir.Aliases(w.ctx, pbx.UserID{})), 3)
		require.Empty(t, collect(t, w.british.Aliases(w.ctx, john.ID)))
		one, err := w.dir.Alias(w.ctx, sales.ID)
		require.NoError(t, err)
		require.Equal(t, sales, one)
		reached, err := w.dir.Lookup(w.ctx, "7100")
		require.NoError(t, err)
		require.Equal(t, pbx.Ref{Kind: "alias", ID: support.ID.String(), Name: "John Support"}, reached.Ref)
	})
}

func TestEXT7_AnAliasTakesNoLicenceAndCostsNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		pools := collect(t, w.dir.StationPools(w.ctx))
		review, err := w.dir.Review(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			_, err := dir.AddAlias(ctx, pbx.NewAlias{UserID: john.ID, Name: "John Support", Extension: "8100"})
			return err
		})
		require.NoError(t, err)
		require.Empty(t, review.Orders)
		require.Len(t, review.Warnings, 1, "the advice of EXT-4")
		require.NoError(t, review.Commit(w.ctx))
		require.Equal(t, pools, collect(t, w.dir.StationPools(w.ctx)))
	})
}

func TestEXT7_ANewAliasReportsAllBadFieldsAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		add := func(in pbx.NewAlias) func() error {
			return func() error { _, err := w.dir.AddAlias(w.ctx, in); return err }
		}
		bad := pbx.NewAlias{UserID: john.ID, Name: " x", SIPAddress: "?", Extension: "911"}
		var fields []string
		for _, e := range pbx.Errors(add(bad)()) {
			fields = append(fields, string(e.Code)+" "+e.Field)
		}
		require.Equal(t, []string{"EXT-7 Name", "EXT-3 Extension", "EXT-6 SIPAddress"}, fields)
		w.refused(rule.EXT7, pbx.ErrInvalid, add(bad))
		w.refused(rule.EXT1, pbx.ErrInvalid, add(pbx.NewAlias{UserID: john.ID, Name: "A", Extension: "7"}))
		refusal := w.refused(rule.EXT2, pbx.ErrConflict, add(pbx.NewAlias{UserID: john.ID, Name: "A", Extension: "7001"}))
		require.Equal(t, "user John Doe", refusal.Holder.String())
		w.refused(rule.ACC1, pbx.ErrNotFound, add(pbx.NewAlias{Name: "A"}))
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.british.AddAlias(w.ctx, pbx.NewAlias{UserID: john.ID, Name: "A"})
			return err
		})
	})
}

func TestEXT7_AnAliasIsRenamedAndReaddressed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		mary := w.user("Mary", "Doe", "7002")
		a := w.alias(john.ID, "John Support", "7100")
		old := a.SIPAddress
		a.Name, a.SIPAddress = "Help", "Help@acme.example.com"
		now, err := w.dir.ModifyAlias(w.ctx, a)
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("help@acme.example.com"), now.SIPAddress)
		require.Equal(t, "Help", now.Name)
		again, err := w.dir.AddAlias(w.ctx, pbx.NewAlias{UserID: mary.ID, Name: "X", SIPAddress: old})
		require.NoError(t, err, "the address is free again")

		modify := func(change func(*pbx.Alias)) func() error {
			row := *now
			change(&row)
			return func() error { _, err := w.dir.ModifyAlias(w.ctx, &row); return err }
		}
		w.refused(rule.SVC15, pbx.ErrStale, modify(func(a *pbx.Alias) { a.Rev-- }))
		w.refused(rule.EXT7, pbx.ErrInvalid, modify(func(a *pbx.Alias) { a.Name = "" }))
		w.refused(rule.EXT7, pbx.ErrInvalid, modify(func(a *pbx.Alias) { a.UserID = mary.ID }))
		w.refused(rule.EXT6, pbx.ErrInvalid, modify(func(a *pbx.Alias) { a.SIPAddress = "" }))
		taken := w.refused(rule.EXT6, pbx.ErrConflict, modify(func(a *pbx.Alias) { a.SIPAddress = again.SIPAddress }))
		require.Equal(t, "alias X", taken.Holder.String())
		w.refused(rule.ACC1, pbx.ErrNotFound, modify(func(a *pbx.Alias) { a.ID = pbx.AliasID(john.ID) }))
		upper := modify(func(a *pbx.Alias) { a.SIPAddress = "HELP@acme.example.com" })
		require.NoError(t, upper(), "its own address in another case is its own")
	})
}

func TestEXT7_AnAliasGoesWithItsExtensionAddressAndMemberships(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		a := w.alias(john.ID, "John Support", "7100")
		g := w.group("Support", "7200")
		require.NoError(t, w.dir.AddMember(w.ctx, g.ID, pbx.AliasMember(a.ID)))
		require.NoError(t, w.dir.DeleteAlias(w.ctx, a.ID))

		require.Empty(t, collect(t, w.dir.Members(w.ctx, g.ID)))
		reached, err := w.dir.Lookup(w.ctx, "7100")
		require.ErrorIs(t, err, pbx.ErrNotFound)
		require.Nil(t, reached)
		require.Equal(t, a.SIPAddress, w.alias(john.ID, "John Support", "7100").SIPAddress)
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.DeleteAlias(w.ctx, a.ID) })
	})
}

func TestEXT7_AliasesGoWithTheirUser(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		a := w.alias(john.ID, "John Support", "7100")
		w.alias(john.ID, "John Sales", "")
		g := w.group("Support", "7200")
		require.NoError(t, w.dir.AddMember(w.ctx, g.ID, pbx.AliasMember(a.ID)))
		require.NoError(t, w.dir.AddMember(w.ctx, g.ID, pbx.UserMember(john.ID)))
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, john.ID, pbx.UserOnly))
		require.Empty(t, collect(t, w.dir.Aliases(w.ctx, pbx.UserID{})))
		require.Empty(t, collect(t, w.dir.Members(w.ctx, g.ID)))
		require.Empty(t, dump(t, w.store)["sip_identities"])
		require.Len(t, dump(t, w.store)["extensions"], 1)
	})
}

func TestEXT7_AliasesAreAddedChangedAndDeletedInABatchAndInAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		g := w.group("Support", "")
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
			left := collect(t, w.dir.Aliases(w.ctx, john.ID))
			require.Len(t, left, 2)
			require.Equal(t, pbx.SIPAddress("moved@acme.example.com"), left[0].SIPAddress)
			require.Len(t, collect(t, w.dir.Members(w.ctx, g.ID)), 1)
		}
		require.NoError(t, w.dir.Batch(w.ctx, everything))
		check()
		for _, a := range collect(t, w.dir.Aliases(w.ctx, john.ID)) {
			require.NoError(t, w.dir.DeleteAlias(w.ctx, a.ID))
		}
		before := dump(t, w.store)
		review, err := w.dir.Review(w.ctx, everything)
		require.NoError(t, err)
		require.Equal(t, before, dump(t, w.store))
		w.user("Someone", "Else", "7050") // the tenant has changed, what was reviewed has not
		require.NoError(t, review.Commit(w.ctx))
		check()
	})
}
