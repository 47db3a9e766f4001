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
	w.t.Helper()
	in.Number = pbx.OfferedNumber(pbx.E164("+1" + national))
	in.DeviceType = "Polycom VVX 450"
	if in.DN == "" {
		in.DN = pbx.Extension("7" + national[7:])
	}
	s, err := w.dir.AddService(w.ctx, in)
	require.NoError(w.t, err)
	if len(owners) > 0 {
		_, err = w.dir.ChangeLine(w.ctx, national, pbx.LineChange{AddOwners: owners})
		require.NoError(w.t, err)
	}
	return s
}

// owner is a Directory on which somebody acts in the role of owner.
func (w *world) owner(p pbx.Principal) *pbx.Directory {
	return w.support.As(pbx.LineOwner(p, w.us.ID))
}

func (w *world) review(dir *pbx.Directory, fn func(dir *pbx.Directory) error) *pbx.Review {
	w.t.Helper()
	review, err := dir.Review(w.ctx, func(_ context.Context, dir *pbx.Directory) error { return fn(dir) })
	require.NoError(w.t, err)
	return review
}

func codes(notices []pbx.Notice) []rule.Code {
	var list []rule.Code
	for _, n := range notices {
		list = append(list, n.Code)
	}
	return list
}

func TestOWN3_OwnersAreAddedAndRemovedByPrincipal(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		alice := w.owner("alice")
		line, err := alice.AddOwner(w.ctx, aliceLine, "bob@EXAMPLE.COM")
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice", "bob@EXAMPLE.COM"}, line.Owners)
		_, err = w.owner("bob@EXAMPLE.COM").Line(w.ctx, aliceLine)
		require.NoError(t, err)

		as := w.acting(alice)
		e := as.refused(rule.OWN3, pbx.ErrConflict, func() error { _, err := as.dir.AddOwner(w.ctx, aliceLine, "bob@EXAMPLE.COM"); return err })
		require.Equal(t, "bob@EXAMPLE.COM is an owner of the line already", e.Reason)
		as.refused(rule.OWN3, pbx.ErrNotFound, func() error { _, err := as.dir.RemoveOwner(w.ctx, aliceLine, "carol"); return err })
		for _, bad := range []pbx.Principal{"", "two words", "line\nbreak", "ümlaut", pbx.Principal(fmt.Sprintf("%0255d", 1)), "o'brien", "o'brien@",
			pbx.Principal(strings.Repeat("o", 243) + "@example.com")} {
			as.refused(rule.OWN3, pbx.ErrInvalid, func() error { _, err := as.dir.AddOwner(w.ctx, aliceLine, bad); return err })
			as.refused(rule.OWN3, pbx.ErrInvalid, func() error { _, err := as.dir.RemoveOwner(w.ctx, aliceLine, bad); return err })
		}
		as.refused(rule.OWN3, pbx.ErrInvalid, func() error {
			_, err := as.dir.ChangeLine(w.ctx, aliceLine, pbx.LineChange{AddOwners: []pbx.Principal{"dan", "dan"}})
			return err
		})

		line, err = alice.RemoveOwner(w.ctx, aliceLine, "bob@EXAMPLE.COM")
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice"}, line.Owners)
		w.refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := w.owner("bob@EXAMPLE.COM").Line(w.ctx, aliceLine); return err })
	})
}

func TestOWN3_OwnersOfALineThatLosesItsNumberAreWarnedOf(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7201")
		s := w.line(aliceLine, pbx.NewService{UserID: ann.ID, Type: "PRO"}, "alice")
		change := func(choice pbx.NumberChoice) func(dir *pbx.Directory) error {
			return func(dir *pbx.Directory) error {
				return second(dir.ChangeNumber(w.ctx, ann.ID, pbx.NumberChange{Number: choice, Previous: pbx.KeepNumber}))
			}
		}
		require.Empty(t, w.review(w.dir, change(pbx.ProposedNumber())).Warnings, "they open it by another number")
		review := w.review(w.dir, change(pbx.NumberChoice{}))
		require.Equal(t, []rule.Code{rule.OWN3}, codes(review.Warnings))
		require.Equal(t, s.ID.String(), review.Warnings[0].Subject.ID)
		require.NoError(t, review.Commit(w.ctx))
		w.refused(rule.OWN2, pbx.ErrNotFound, func() error { return second(w.owner("alice").Line(w.ctx, aliceLine)) })
		require.NoError(t, change(pbx.ExistingNumber("+1"+aliceLine))(w.dir))
		line, err := w.owner("alice").Line(w.ctx, aliceLine)
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"alice"}, line.Owners)
	})
}

func TestOWN3_EveryUserIDCanBeAnOwners(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		for i, login := range []string{"ann+pbx@example.com", "o'brien@example.com", "zoë@example.com", strings.Repeat("o", 242) + "@example.com"} {
			u, err := w.dir.CreateUser(w.ctx, pbx.NewUser{FirstName: "Ann", Email: login, Extension: pbx.Extension(fmt.Sprint(7400 + i))})
			require.NoError(t, err)
			_, err = w.dir.AddOwner(w.ctx, aliceLine, pbx.Principal(u.Login))
			require.NoError(t, err)
			_, err = w.owner(pbx.Principal(u.Login)).Line(w.ctx, aliceLine)
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
			e := w.refused(rule.OWN3, pbx.ErrInvalid, func() error { _, err := w.owner("alice").AddOwner(w.ctx, aliceLine, "ghost"); return err })
			require.NotContains(t, e.Error(), "ldap")
			_, err := w.owner("alice").AddOwner(w.ctx, aliceLine, "bob")
			require.NoError(t, err)
			require.Equal(t, []pbx.Principal{"ghost", "bob"}, asked)

			// Who may not change the line learns nothing about principals either.
			w.refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := w.owner("eve").AddOwner(w.ctx, aliceLine, "ghost"); return err })
			// Removing somebody who is no longer known is what owners do.
			_, err = w.owner("alice").RemoveOwner(w.ctx, aliceLine, "bob")
			require.NoError(t, err)
			require.Len(t, asked, 2)
		})
	}
}

func TestOWN4_AnOwnerWhoRemovesHimselfHasNoAccessFromThatMoment(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice", "bob")
		alice := w.owner("alice")
		review := w.review(alice, func(dir *pbx.Directory) error {
			line, err := dir.RemoveOwner(w.ctx, aliceLine, "alice")
			require.Nil(t, line)
			_, again := dir.Line(w.ctx, aliceLine)
			require.Equal(t, rule.OWN2, pbx.CodeOf(again))
			return err
		})
		require.Equal(t, []rule.Code{rule.OWN4}, codes(review.Warnings))
		_, err := alice.Line(w.ctx, aliceLine)
		require.NoError(t, err, "a review that was not committed removed an owner")

		require.NoError(t, review.Commit(w.ctx))
		w.refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := alice.Line(w.ctx, aliceLine); return err })
		w.refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := alice.RemoveOwner(w.ctx, aliceLine, "alice"); return err })
		w.refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := alice.AddOwner(w.ctx, aliceLine, "alice"); return err })

		line, err := w.owner("bob").ChangeLine(w.ctx, aliceLine, pbx.LineChange{RemoveOwners: []pbx.Principal{"bob"}, Building: "BOS-1"})
		require.NoError(t, err)
		require.Nil(t, line)
		line, err = w.dir.Line(w.ctx, aliceLine)
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
			{w.dir, pbx.LineChange{RemoveOwners: []pbx.Principal{"bob"}}, nil},
			{w.dir, pbx.LineChange{RemoveOwners: []pbx.Principal{"alice", "bob"}}, []rule.Code{rule.OWN4}},
			{w.dir, pbx.LineChange{RemoveOwners: []pbx.Principal{"alice", "bob"}, AddOwners: []pbx.Principal{"carol"}}, nil},
			{w.owner("bob"), pbx.LineChange{RemoveOwners: []pbx.Principal{"alice", "bob"}}, []rule.Code{rule.OWN4, rule.OWN4}},
			{w.owner("bob"), pbx.LineChange{RemoveOwners: []pbx.Principal{"alice"}}, nil},
		} {
			review := w.review(c.dir, func(dir *pbx.Directory) error {
				_, err := dir.ChangeLine(w.ctx, aliceLine, c.change)
				return err
			})
			require.Equal(t, c.want, codes(review.Warnings))
		}
		line, err := w.dir.ChangeLine(w.ctx, aliceLine, pbx.LineChange{RemoveOwners: []pbx.Principal{"alice", "bob"}})
		require.NoError(t, err, "a warning does not stop the change")
		require.Empty(t, line.Owners)
	})
}

func TestOWN5_OwnershipHasNoOtherEffect(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7201")
		s := w.line(aliceLine, pbx.NewService{UserID: ann.ID, LocationID: w.boston.ID}, "alice")
		_, err := w.dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{})
		require.NoError(t, err)
		seen, err := w.dir.Line(w.ctx, aliceLine)
		require.NoError(t, err)

		before := dump(t, w.store)
		_, err = w.owner("alice").AddOwner(w.ctx, aliceLine, "bob")
		require.NoError(t, err)
		_, err = w.owner("bob").RemoveOwner(w.ctx, aliceLine, "alice")
		require.NoError(t, err)
		after := dump(t, w.store)
		require.Len(t, after["events"], len(before["events"])+2)
		require.NotEqual(t, before["owners"], after["owners"])
		for _, rows := range []map[string][]string{before, after} {
			delete(rows, "events")
			delete(rows, "owners")
			delete(rows, "tenants") // its revision, which TestOWN5_Nothing… looks at
		}
		require.Empty(t, cmp.Diff(before, after))

		line, err := w.owner("bob").Line(w.ctx, aliceLine)
		require.NoError(t, err)
		require.Equal(t, seen.Rev, line.Rev)
		w.refused(rule.ACC2, pbx.ErrDenied, func() error { _, err := w.owner("bob").Service(w.ctx, s.ID); return err })
		w.refused(rule.ACC2, pbx.ErrDenied, func() error { _, err := w.owner("bob").Mailbox(w.ctx, s.ID); return err })
	})
}

func TestOWN5_NothingOfTheTenantButItsRevisionChanges(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.line(aliceLine, pbx.NewService{}, "alice")
		before, err := w.dir.Tenant(w.ctx)
		require.NoError(t, err)
		_, err = w.owner("alice").AddOwner(w.ctx, aliceLine, "bob")
		require.NoError(t, err)
		after, err := w.dir.Tenant(w.ctx)
		require.NoError(t, err)
		before.Rev++
		require.Equal(t, before, after)
	})
}

func TestOWN6_CancellingReassigningAndCreatingAreNotAnOwners(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7201")
		s := w.line(aliceLine, pbx.NewService{UserID: ann.ID}, "alice")
		for name, call := range map[string]func(dir *pbx.Directory) error{
			"AddService": func(dir *pbx.Directory) error {
				_, err := dir.AddService(w.ctx, pbx.NewService{DN: "7301", DeviceType: "Polycom VVX 450"})
				return err
			},
			"DeleteService": func(dir *pbx.Directory) error { return dir.DeleteService(w.ctx, s.ID) },
			"Associate":     func(dir *pbx.Directory) error { _, err := dir.Associate(w.ctx, ann.ID, s.ID); return err },
			"CancelService": func(dir *pbx.Directory) error {
				return second(dir.CancelService(w.ctx, s.ID, w.clock))
			},
			"WithdrawCancellation": func(dir *pbx.Directory) error { return second(dir.WithdrawCancellation(w.ctx, s.ID)) },
			"Disassociate":         func(dir *pbx.Directory) error { return dir.Disassociate(w.ctx, ann.ID, s.ID) },
			"SetPrimary":           func(dir *pbx.Directory) error { return dir.SetPrimary(w.ctx, ann.ID, s.ID) },
			"CreateUser": func(dir *pbx.Directory) error {
				_, err := dir.CreateUser(w.ctx, pbx.NewUser{FirstName: "Eve", Email: "eve@example.com", Extension: "7302"})
				return err
			},
			"SetUpUser": func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.ctx, pbx.SetUp{}); return err },
		} {
			e := w.refused(rule.OWN6, pbx.ErrDenied, func() error { return call(w.owner("alice")) })
			require.Equal(t, name, e.Subject.ID)
			w.refused(rule.OWN6, pbx.ErrDenied, func() error {
				return w.owner("alice").Batch(w.ctx, func(_ context.Context, dir *pbx.Directory) error { return call(dir) })
			})
		}
		// Nobody, and what has to do with no line, is refused by ACC-2 as ever.
		w.refused(rule.ACC2, pbx.ErrDenied, func() error { return w.owner("").DeleteService(w.ctx, s.ID) })
		w.refused(rule.ACC2, pbx.ErrDenied, func() error { return w.owner("alice").DeleteLocation(w.ctx, w.boston.ID) })
		require.NoError(t, w.dir.DeleteService(w.ctx, s.ID), "an administrator cancels a line, owners and all")
		w.refused(rule.OWN2, pbx.ErrNotFound, func() error { _, err := w.owner("alice").Line(w.ctx, aliceLine); return err })
	})
}

func TestACC4_AnOwnersChangesAreJournalledUnderHisName(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.line(aliceLine, pbx.NewService{}, "alice")
		_, err := w.owner("alice").ChangeLine(w.ctx, aliceLine, pbx.LineChange{AddOwners: []pbx.Principal{"bob"}, Building: "BOS-1"})
		require.NoError(t, err)
		events := dump(t, w.store)["events"]
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
