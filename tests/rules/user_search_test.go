package rules_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// people creates users by first and last name, with extensions from 7001 on.
func (w *world) people(list ...[2]string) []*pbx.User {
	w.T.Helper()
	var made []*pbx.User
	require.NoError(w.T, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
		made = nil
		for i, name := range list {
			u, err := dir.CreateUser(ctx, pbx.NewUser{
				FirstName: name[0], LastName: name[1], Email: fmt.Sprintf("u%03d@example.com", i), Extension: pbx.Extension(fmt.Sprint(7001 + i)), NoWelcomeMail: true,
			})
			if err != nil {
				return err
			}
			made = append(made, u)
		}
		return nil
	}))
	return made
}

func TestUSR8_UsersAreFoundByThePrefixOfANameWithoutRegardToCaseOrAccents(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.people([2]string{"Jürgen", "Müller"}, [2]string{"Zoë", "MULLEN"}, [2]string{"Anna", "van der Berg"}, [2]string{"Søren", "Ærøskøbing"},
			[2]string{"Łukasz", "Weiß"}, [2]string{"Madonna", ""}, [2]string{"", "Madera"}, [2]string{"Anneliese", "Mulder"})
		_, err := w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Jürgen", LastName: "Müller", Email: "jm@example.co.uk", Extension: "7001"})
		require.NoError(t, err)

		mulls := []string{"Anneliese Mulder", "Zoë MULLEN", "Jürgen Müller"}
		for _, c := range []struct {
			q    pbx.UserQuery
			want []string
		}{
			{pbx.UserQuery{LastName: "müller"}, []string{"Jürgen Müller"}},
			{pbx.UserQuery{LastName: "MULLER"}, []string{"Jürgen Müller"}},
			{pbx.UserQuery{LastName: "Muller"}, []string{"Jürgen Müller"}},
			{pbx.UserQuery{LastName: "Mu\u0308ller"}, []string{"Jürgen Müller"}},
			{pbx.UserQuery{LastName: "mUl"}, mulls},
			{pbx.UserQuery{LastName: "uller"}, nil},
			{pbx.UserQuery{LastName: "van d"}, []string{"Anna van der Berg"}},
			{pbx.UserQuery{LastName: "aero"}, []string{"Søren Ærøskøbing"}},
			{pbx.UserQuery{LastName: "weiss"}, []string{"Łukasz Weiß"}},
			{pbx.UserQuery{FirstName: "lukasz"}, []string{"Łukasz Weiß"}},
			{pbx.UserQuery{FirstName: "AN"}, []string{"Anna van der Berg", "Anneliese Mulder"}},
			{pbx.UserQuery{LastName: "mul", FirstName: "ann"}, []string{"Anneliese Mulder"}},
			{pbx.UserQuery{LastName: "mul", FirstName: "an", Limit: 1}, []string{"Anneliese Mulder"}},
			{pbx.UserQuery{LastName: "mul", Limit: 2}, mulls[:2]},
			{pbx.UserQuery{LastName: "mad"}, []string{"Madera"}},
			{pbx.UserQuery{FirstName: "mad"}, []string{"Madonna"}},
			{pbx.UserQuery{}, []string{"Madonna", "Søren Ærøskøbing", "Madera", "Anneliese Mulder", "Zoë MULLEN", "Jürgen Müller", "Anna van der Berg", "Łukasz Weiß"}},
			{pbx.UserQuery{LastName: "mu\x00"}, nil},
			{pbx.UserQuery{LastName: "mullen\x00"}, nil},
			{pbx.UserQuery{FirstName: "\xff"}, nil},
		} {
			require.Equal(t, c.want, names(testbed.Collect(t, w.Dir.Users(w.Ctx, c.q))), "%+v", c.q)
		}
	})
}

func TestUSR8_TheResultIsPagedEachOnceAndInOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var list [][2]string
		for i := range 300 {
			list = append(list, [2]string{fmt.Sprintf("Ann%c", 'a'+i%7), fmt.Sprintf("Lée %c", 'a'+i%11)}) // many of each name
		}
		made := w.people(list...)
		for _, q := range []pbx.UserQuery{{}, {LastName: "lee"}, {FirstName: "ann"}, {LastName: "LEE", FirstName: "Ann"}} {
			whole := testbed.Collect(t, w.Dir.Users(w.Ctx, q))
			require.Len(t, whole, len(made))
			require.True(t, slices.IsSortedFunc(whole, func(a, b *pbx.User) int {
				if q.LastName == "" && q.FirstName != "" {
					return slices.Compare([]string{a.FirstName, a.LastName}, []string{b.FirstName, b.LastName})
				}
				return slices.Compare([]string{a.LastName, a.FirstName}, []string{b.LastName, b.FirstName})
			}))
			var paged []*pbx.User
			for next := (pbx.UserQuery{LastName: q.LastName, FirstName: q.FirstName, Limit: 70}); ; {
				page := testbed.Collect(t, w.Dir.Users(w.Ctx, next))
				paged = append(paged, page...)
				if len(page) < next.Limit {
					break
				}
				next.Page = tokenAfter(w, q, page[len(page)-1])
			}
			require.Equal(t, whole, paged)
		}
	})
}

func TestUSR8_APageFollowsAUserWhoIsDeleted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.people([2]string{"A", "A"}, [2]string{"B", "B"}, [2]string{"C", "C"}, [2]string{"D", "D"})
		for _, q := range []pbx.UserQuery{{Limit: 2}, {Limit: 1}} {
			page := testbed.Collect(t, w.Dir.Users(w.Ctx, q))
			q.Page = tokenAfter(w, q, page[len(page)-1])
			rest := names(testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{Page: q.Page})))
			require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, page[len(page)-1].ID, pbx.UserOnly))
			require.Equal(t, rest, names(testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{Page: q.Page}))))
		}
		require.Equal(t, []string{"C C", "D D"}, names(testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{}))))
	})
}

func TestUSR8_APageTokenHoldsForItsOwnQueryAlone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		byFirst := pbx.UserQuery{FirstName: "A"}
		for _, token := range []pbx.PageToken{"x", "bm90IG9uZQ", tokenAfter(w, byFirst, ann), tokenAfter(w, pbx.ServiceQuery{}, w.Service(ann.ID, "7002"))} {
			e := w.Refused(rule.USR8, pbx.ErrInvalid, func() error { return testbed.Drain(w.Dir.Users(w.Ctx, pbx.UserQuery{Page: token})) })
			require.Equal(t, "Page", e.Field)
		}
		require.Empty(t, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{FirstName: "A", Page: tokenAfter(w, byFirst, ann)})))
	})
}

func TestUSR8_ASearchInABatchSeesWhatTheBatchDid(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		users := w.people([2]string{"Ann", "Lee"}, [2]string{"Bob", "Lee"}, [2]string{"Cid", "Ray"})
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			renamed := *users[2]
			renamed.LastName = "Lée"
			if _, err := dir.ModifyUser(ctx, &renamed); err != nil {
				return err
			}
			if err := dir.Confirm(rule.USR9).DeleteUser(ctx, users[0].ID, pbx.UserOnly); err != nil {
				return err
			}
			if _, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Amy", LastName: "Leen", Email: "amy@example.com", Extension: "7100"}); err != nil {
				return err
			}
			require.Equal(t, []string{"Bob Lee", "Cid Lée", "Amy Leen"}, names(testbed.Collect(t, dir.Users(ctx, pbx.UserQuery{LastName: "lee"}))))
			return nil
		}))
		require.Equal(t, []string{"Bob Lee", "Cid Lée", "Amy Leen"}, names(testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{LastName: "lee"}))))
	})
}

func TestUSR8_AGreekNameIsFoundInCapitalsAndInPart(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.people([2]string{"Νίκος", "Παπάς"}, [2]string{"Eleni", "ΠΑΠΑΣΟΠΟΥΛΟΥ"})
		for _, last := range []string{"Παπάς", "ΠΑΠΑΣ", "παπας", "παπασ"} {
			require.Equal(t, []string{"Νίκος Παπάς", "Eleni ΠΑΠΑΣΟΠΟΥΛΟΥ"}, names(testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{LastName: last}))), last)
		}
	})
}
