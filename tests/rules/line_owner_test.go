package rules_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// The numbers of the harness's stock, as they are typed in the United States.
const (
	aliceLine = "6175550101"
	otherLine = "6175550102"
	noLine    = "6175550109"
)

// line adds a service with a number to the US tenant, and owners to the line.
func (w *world) line(national string, in pbx.NewService, owners ...pbx.Principal) *pbx.Service {
	w.T.Helper()
	in.Number = pbx.OfferedNumber(pbx.E164("+1" + national))
	in.DeviceType = "Polycom VVX 450"
	if in.DN == "" {
		in.DN = pbx.Extension("7" + national[7:])
	}
	s, err := w.Dir.AddService(w.Ctx, in)
	require.NoError(w.T, err)
	if len(owners) > 0 {
		_, err = w.Dir.ChangeLine(w.Ctx, national, pbx.LineChange{AddOwners: owners})
		require.NoError(w.T, err)
	}
	return s
}

// owner is a Directory on which somebody acts in the role of owner.
func (w *world) owner(p pbx.Principal) *pbx.Directory {
	return w.Support.As(pbx.LineOwner(p, w.US.ID))
}

func TestOWN3_OwnersAreAddedAndRemovedByPrincipal(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		alice := w.owner("alice")
		line, err := alice.AddOwner(w.Ctx, aliceLine, "bob@EXAMPLE.COM")
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice", "bob@EXAMPLE.COM"}, line.Owners)
		_, err = w.owner("bob@EXAMPLE.COM").Line(w.Ctx, aliceLine)
		require.NoError(t, err)

		as := w.acting(alice)
		e := as.Refused(rule.OWN3, pbx.ErrConflict, func() error { _, err := as.Dir.AddOwner(w.Ctx, aliceLine, "bob@EXAMPLE.COM"); return err })
		require.Equal(t, "bob@EXAMPLE.COM is an owner of the line already", e.Reason)
		as.Refused(rule.OWN3, pbx.ErrNotFound, func() error { _, err := as.Dir.RemoveOwner(w.Ctx, aliceLine, "carol"); return err })
		for _, bad := range []pbx.Principal{"", "two words", "line\nbreak", "ümlaut", pbx.Principal(fmt.Sprintf("%0255d", 1)), "o'brien", "o'brien@",
			pbx.Principal(strings.Repeat("o", 243) + "@example.com")} {
			as.Refused(rule.OWN3, pbx.ErrInvalid, func() error { _, err := as.Dir.AddOwner(w.Ctx, aliceLine, bad); return err })
			as.Refused(rule.OWN3, pbx.ErrInvalid, func() error { _, err := as.Dir.RemoveOwner(w.Ctx, aliceLine, bad); return err })
		}
		as.Refused(rule.OWN3, pbx.ErrInvalid, func() error {
			_, err := as.Dir.ChangeLine(w.Ctx, aliceLine, pbx.LineChange{AddOwners: []pbx.Principal{"dan", "dan"}})
			return err
		})

		line, err = alice.RemoveOwner(w.Ctx, aliceLine, "bob@EXAMPLE.COM")
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice"}, line.Owners)
		w.Refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := w.owner("bob@EXAMPLE.COM").Line(w.Ctx, aliceLine); return err })
	})
}

func TestOWN3_OwnersOfALineThatLosesItsNumberAreWarnedOf(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7201")
		s := w.line(aliceLine, pbx.NewService{UserID: ann.ID, Type: "PRO"}, "alice")
		change := func(choice pbx.NumberChoice) func(dir *pbx.Directory) error {
			return func(dir *pbx.Directory) error {
				return second(dir.ChangeNumber(w.Ctx, ann.ID, pbx.NumberChange{Number: choice, Previous: pbx.KeepNumber}))
			}
		}
		require.Empty(t, w.Review(w.Dir, change(pbx.ProposedNumber())).Warnings, "they open it by another number")
		review := w.Review(w.Dir, change(pbx.NumberChoice{}))
		require.Equal(t, []rule.Code{rule.OWN3}, testbed.Codes(review.Warnings))
		require.Equal(t, s.ID.String(), review.Warnings[0].Subject.ID)
		require.NoError(t, review.Commit(w.Ctx))
		w.Refused(rule.OWN2, pbx.ErrNotFound, func() error { return second(w.owner("alice").Line(w.Ctx, aliceLine)) })
		require.NoError(t, change(pbx.ExistingNumber("+1"+aliceLine))(w.Dir))
		line, err := w.owner("alice").Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice"}, line.Owners)
	})
}

func TestOWN3_EveryUserIDCanBeAnOwners(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		for i, login := range []string{"ann+pbx@example.com", "o'brien@example.com", "zoë@example.com", strings.Repeat("o", 242) + "@example.com"} {
			u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: login, Extension: pbx.Extension(fmt.Sprint(7400 + i))})
			require.NoError(t, err)
			_, err = w.Dir.AddOwner(w.Ctx, aliceLine, pbx.Principal(u.Login))
			require.NoError(t, err)
			_, err = w.owner(pbx.Principal(u.Login)).Line(w.Ctx, aliceLine)
			require.NoError(t, err)
		}
	})
}

func TestOWN3_APrincipalIsValidatedWhereThatIsPossible(t *testing.T) {
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			asked := []pbx.Principal{}
			directory := func(_ context.Context, p pbx.Principal) error {
				asked = append(asked, p)
				if p == "ghost" {
					return errors.New("ldap://10.0.0.1: no such entry")
				}
				return nil
			}
			w := newWorld(t, open(t), pbx.WithPrincipals(directory))
			w.line(aliceLine, pbx.NewService{}, "alice")
			asked = nil
			e := w.Refused(rule.OWN3, pbx.ErrInvalid, func() error { _, err := w.owner("alice").AddOwner(w.Ctx, aliceLine, "ghost"); return err })
			require.NotContains(t, e.Error(), "ldap")
			_, err := w.owner("alice").AddOwner(w.Ctx, aliceLine, "bob")
			require.NoError(t, err)
			require.Equal(t, []pbx.Principal{"ghost", "bob"}, asked)

			// Somebody who may not change the line learns nothing about
			// principals either.
			w.Refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := w.owner("eve").AddOwner(w.Ctx, aliceLine, "ghost"); return err })
			// Owners may remove somebody whom the sign-in no longer knows.
			_, err = w.owner("alice").RemoveOwner(w.Ctx, aliceLine, "bob")
			require.NoError(t, err)
			require.Len(t, asked, 2)
		})
	}
}

func TestOWN4_AnOwnerWhoRemovesHimselfHasNoAccessFromThatMoment(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice", "bob")
		alice := w.owner("alice")
		review := w.Review(alice, func(dir *pbx.Directory) error {
			line, err := dir.RemoveOwner(w.Ctx, aliceLine, "alice")
			require.Nil(t, line)
			_, again := dir.Line(w.Ctx, aliceLine)
			require.Equal(t, rule.OWN2, pbx.CodeOf(again))
			return err
		})
		require.Equal(t, []rule.Code{rule.OWN4}, testbed.Codes(review.Warnings))
		_, err := alice.Line(w.Ctx, aliceLine)
		require.NoError(t, err, "a review that was not committed removed an owner")

		require.NoError(t, review.Commit(w.Ctx))
		w.Refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := alice.Line(w.Ctx, aliceLine); return err })
		w.Refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := alice.RemoveOwner(w.Ctx, aliceLine, "alice"); return err })
		w.Refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := alice.AddOwner(w.Ctx, aliceLine, "alice"); return err })

		line, err := w.owner("bob").ChangeLine(w.Ctx, aliceLine, pbx.LineChange{RemoveOwners: []pbx.Principal{"bob"}, Building: "BOS-1"})
		require.NoError(t, err)
		require.Nil(t, line)
		line, err = w.Dir.Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		require.Empty(t, line.Owners)
		require.Equal(t, "BOS-1", line.Building)
	})
}

func TestOWN4_RemovingTheLastOwnerWarns(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice", "bob")
		for _, c := range []struct {
			dir    *pbx.Directory
			change pbx.LineChange
			want   []rule.Code
		}{
			{w.Dir, pbx.LineChange{RemoveOwners: []pbx.Principal{"bob"}}, nil},
			{w.Dir, pbx.LineChange{RemoveOwners: []pbx.Principal{"alice", "bob"}}, []rule.Code{rule.OWN4}},
			{w.Dir, pbx.LineChange{RemoveOwners: []pbx.Principal{"alice", "bob"}, AddOwners: []pbx.Principal{"carol"}}, nil},
			{w.owner("bob"), pbx.LineChange{RemoveOwners: []pbx.Principal{"alice", "bob"}}, []rule.Code{rule.OWN4, rule.OWN4}},
			{w.owner("bob"), pbx.LineChange{RemoveOwners: []pbx.Principal{"alice"}}, nil},
		} {
			review := w.Review(c.dir, func(dir *pbx.Directory) error {
				_, err := dir.ChangeLine(w.Ctx, aliceLine, c.change)
				return err
			})
			require.Equal(t, c.want, testbed.Codes(review.Warnings))
		}
		line, err := w.Dir.ChangeLine(w.Ctx, aliceLine, pbx.LineChange{RemoveOwners: []pbx.Principal{"alice", "bob"}})
		require.NoError(t, err, "a warning does not stop the change")
		require.Empty(t, line.Owners)
	})
}

func TestOWN5_OwnershipHasNoOtherEffect(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7201")
		s := w.line(aliceLine, pbx.NewService{UserID: ann.ID, LocationID: w.Boston.ID}, "alice")
		_, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{})
		require.NoError(t, err)
		seen, err := w.Dir.Line(w.Ctx, aliceLine)
		require.NoError(t, err)

		before := testbed.Dump(t, w.Store)
		_, err = w.owner("alice").AddOwner(w.Ctx, aliceLine, "bob")
		require.NoError(t, err)
		_, err = w.owner("bob").RemoveOwner(w.Ctx, aliceLine, "alice")
		require.NoError(t, err)
		after := testbed.Dump(t, w.Store)
		require.Len(t, after["events"], len(before["events"])+2)
		require.NotEqual(t, before["owners"], after["owners"])
		for _, rows := range []map[string][]string{before, after} {
			delete(rows, "events")
			delete(rows, "owners")
			delete(rows, "tenants") // its revision, which TestOWN5_Nothing… checks
		}
		require.Empty(t, cmp.Diff(before, after))

		line, err := w.owner("bob").Line(w.Ctx, aliceLine)
		require.NoError(t, err)
		require.Equal(t, seen.Rev, line.Rev)
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { _, err := w.owner("bob").Service(w.Ctx, s.ID); return err })
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { _, err := w.owner("bob").Mailbox(w.Ctx, s.ID); return err })
	})
}

func TestOWN5_NothingOfTheTenantButItsRevisionChanges(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		before, err := w.Dir.Tenant(w.Ctx)
		require.NoError(t, err)
		_, err = w.owner("alice").AddOwner(w.Ctx, aliceLine, "bob")
		require.NoError(t, err)
		after, err := w.Dir.Tenant(w.Ctx)
		require.NoError(t, err)
		before.Rev++
		require.Equal(t, before, after)
	})
}

func TestOWN6_CancellingReassigningAndCreatingAreNotAnOwners(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7201")
		s := w.line(aliceLine, pbx.NewService{UserID: ann.ID}, "alice")
		for name, call := range map[string]func(dir *pbx.Directory) error{
			"AddService": func(dir *pbx.Directory) error {
				_, err := dir.AddService(w.Ctx, pbx.NewService{DN: "7301", DeviceType: "Polycom VVX 450"})
				return err
			},
			"DeleteService": func(dir *pbx.Directory) error { return dir.DeleteService(w.Ctx, s.ID) },
			"Associate":     func(dir *pbx.Directory) error { _, err := dir.Associate(w.Ctx, ann.ID, s.ID); return err },
			"CancelService": func(dir *pbx.Directory) error {
				return second(dir.CancelService(w.Ctx, s.ID, w.Clock))
			},
			"WithdrawCancellation": func(dir *pbx.Directory) error { return second(dir.WithdrawCancellation(w.Ctx, s.ID)) },
			"Disassociate":         func(dir *pbx.Directory) error { return dir.Disassociate(w.Ctx, ann.ID, s.ID) },
			"SetPrimary":           func(dir *pbx.Directory) error { return dir.SetPrimary(w.Ctx, ann.ID, s.ID) },
			"CreateUser": func(dir *pbx.Directory) error {
				_, err := dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Eve", Email: "eve@example.com", Extension: "7302"})
				return err
			},
			"SetUpUser": func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.Ctx, pbx.SetUp{}); return err },
		} {
			e := w.Refused(rule.OWN6, pbx.ErrDenied, func() error { return call(w.owner("alice")) })
			require.Equal(t, name, e.Subject.ID)
			w.Refused(rule.OWN6, pbx.ErrDenied, func() error {
				return w.owner("alice").Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error { return call(dir) })
			})
		}
		// A call by nobody, and one that is not about a line, is refused by
		// ACC-2 as always.
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { return w.owner("").DeleteService(w.Ctx, s.ID) })
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { return w.owner("alice").DeleteLocation(w.Ctx, w.Boston.ID) })
		require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID), "an administrator cancels a line, owners and all")
		w.Refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := w.owner("alice").Line(w.Ctx, aliceLine); return err })
	})
}

func TestACC4_AnOwnersChangesAreJournalledUnderHisName(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.line(aliceLine, pbx.NewService{}, "alice")
		_, err := w.owner("alice").ChangeLine(w.Ctx, aliceLine, pbx.LineChange{AddOwners: []pbx.Principal{"bob"}, Building: "BOS-1"})
		require.NoError(t, err)
		events := testbed.Dump(t, w.Store)["events"]
		var mine []string
		for _, e := range events {
			if strings.Contains(e, "actor=alice role=owner") && strings.Contains(e, s.ID.String()) {
				mine = append(mine, e)
			}
		}
		require.Len(t, mine, 2)
		require.Contains(t, mine[0], "type=owner.added kind=owner")
		require.NotContains(t, mine[0], "bob", "the journal keeps names of actors only")
		require.Contains(t, mine[1], "type=service.relocated kind=service")
		require.Contains(t, mine[1], "detail=BOS-1")
	})
}
