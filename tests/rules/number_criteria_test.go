package rules_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// criteria are those that the US tenant keeps.
func (w *world) criteria() string {
	w.T.Helper()
	tenant, err := w.Dir.Tenant(w.Ctx)
	require.NoError(w.T, err)
	return tenant.NumberCriteria
}

// take adds a service in Boston with the number that is chosen.
func (w *world) take(dir *pbx.Directory, dn pbx.Extension, number pbx.NumberChoice) (*pbx.Service, error) {
	return dir.AddService(w.Ctx, pbx.NewService{DN: dn, DeviceType: "Cisco 8851", LocationID: w.Boston.ID, Number: number})
}

func TestNUM5_CriteriaThatAreKeptPickNumbersForLaterUsers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.StockNumbers(w.Ctx, "+12025550100", "+12125550100", "+12125550101", "+12125550102", "+12125550103")
		require.NoError(t, err)
		before := w.revision()
		s, err := w.take(w.Dir, "7100", pbx.ProposedNumberLike("+1212"))
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12125550100"), s.Number, "the lowest with that beginning, wherever the user is")
		require.Empty(t, w.criteria(), "they are not kept unasked")

		s, err = w.take(w.Dir, "7101", pbx.ProposedNumberLike("+1212").Keeping())
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12125550101"), s.Number)
		require.Equal(t, "+1212", w.criteria())
		require.Contains(t, w.journal(w.Dir, before), "tenant.number-criteria-kept")

		list, err := w.Dir.OfferedNumbers(w.Ctx, w.Boston.ID, "", 0)
		require.NoError(t, err)
		require.Equal(t, []pbx.E164{"+12125550102", "+12125550103"}, list, "they are listed by the criteria")
		made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", LocationID: w.Boston.ID}, Number: pbx.ProposedNumber()})
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12125550102"), made.Service.Number)
		s, err = w.take(w.Dir, "7102", pbx.ProposedNumberLike("+1617"))
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550100"), s.Number, "what is asked for comes first")
		require.Equal(t, "+1212", w.criteria())

		before = w.revision()
		_, err = w.take(w.Dir, "7103", pbx.ProposedNumberLike("+1212").Keeping())
		require.NoError(t, err)
		require.NotContains(t, w.journal(w.Dir, before), "tenant.number-criteria-kept", "they are kept already")
	})
}

func TestNUM5_CriteriaAreKeptTogetherWithTheNumberThatIsChosenFromTheList(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, _ := w.profiled("Ann", "7001", pbx.ProposedNumber())
		choice := pbx.NumberChoice{Source: pbx.FromProvider, Number: "+16175550107", Prefix: "+16175550", Keep: true}
		s := w.change(u, pbx.NumberChange{Number: choice, Previous: pbx.KeepNumber})
		require.Equal(t, pbx.E164("+16175550107"), s.Number)
		require.Equal(t, "+16175550", w.criteria())
	})
}

func TestNUM5_WhereTheCriteriaMatchNothingAnotherNumberIsProposedWithAWarning(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.StockNumbers(w.Ctx, "+12125550100")
		require.NoError(t, err)
		_, err = w.take(w.Dir, "7100", pbx.ProposedNumberLike("+1212").Keeping())
		require.NoError(t, err)
		var s *pbx.Service
		review, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			s, err = w.take(dir, "7101", pbx.ProposedNumber())
			return err
		})
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550100"), s.Number, "near the location")
		require.Len(t, review.Warnings, 1)
		require.Equal(t, rule.NUM5, review.Warnings[0].Code)
		require.Equal(t, "+16175550100", review.Warnings[0].Subject.ID)
		require.NoError(t, review.Commit(w.Ctx))
		require.Equal(t, "+1212", w.criteria(), "they stay: numbers come back")

		e := w.Refused(rule.NUM4, pbx.ErrExhausted, func() error { _, err := w.take(w.Dir, "7102", pbx.ProposedNumberLike("+1212")); return err })
		require.Equal(t, "Number", e.Field, "who asks for a beginning gets no other")
	})
}

func TestNUM5_TheCriteriaAreShownChangedAndForgottenWithTheTenantsSettings(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		stale, err := w.Dir.Tenant(w.Ctx)
		require.NoError(t, err)
		_, err = w.take(w.Dir, "7100", pbx.ProposedNumberLike("+1617").Keeping())
		require.NoError(t, err)
		saved, err := w.Dir.ModifyTenant(w.Ctx, stale)
		require.Nil(t, saved)
		require.Equal(t, "+1617", currentIn[*pbx.Tenant](t, err).NumberCriteria)
		set := func(prefix string) error {
			tenant, err := w.Dir.Tenant(w.Ctx)
			require.NoError(t, err)
			tenant.NumberCriteria = prefix
			_, err = w.Dir.ModifyTenant(w.Ctx, tenant)
			return err
		}
		require.NoError(t, set("+1212"))
		require.Equal(t, "+1212", w.criteria())
		for _, bad := range []string{"1617", "+44", "+1 617", "617", "+161755501001", "+1\x00"} {
			e := w.Refused(rule.NUM5, pbx.ErrInvalid, func() error { return set(bad) })
			require.Equal(t, "NumberCriteria", e.Field)
		}
		require.NoError(t, set(""))
		require.Empty(t, w.criteria())
		s, err := w.take(w.Dir, "7101", pbx.ProposedNumber())
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550101"), s.Number)
	})
}

func TestNUM5_CriteriaHaveToFitTheChoice(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Own("+16175550200")
		for name, c := range map[string]struct {
			choice pbx.NumberChoice
			code   rule.Code
			field  string
		}{
			"nothing to keep":                {pbx.ProposedNumber().Keeping(), rule.NUM5, "Number.Keep"},
			"the beginning of no number":     {pbx.ProposedNumberLike("617"), rule.NUM4, "Number.Prefix"},
			"a beginning of another country": {pbx.ProposedNumberLike("+4420").Keeping(), rule.NUM4, "Number.Prefix"},
			"a number that begins otherwise": {pbx.NumberChoice{Source: pbx.FromProvider, Number: "+16175550101", Prefix: "+1212"}, rule.NUM5, "Number"},
			"an existing number":             {pbx.NumberChoice{Source: pbx.FromTenant, Number: "+16175550200", Prefix: "+1617"}, rule.NUM5, "Number.Prefix"},
			"an existing number to go by":    {pbx.ExistingNumber("+16175550200").Keeping(), rule.NUM5, "Number.Keep"},
			"no number":                      {pbx.NumberChoice{Prefix: "+1617"}, rule.NUM5, "Number.Prefix"},
		} {
			e := w.Refused(c.code, pbx.ErrInvalid, func() error { _, err := w.take(w.Dir, "7100", c.choice); return err })
			require.Equal(t, c.field, e.Field, name)
		}
		w.Refused(rule.NUM6, pbx.ErrDenied, func() error {
			_, err := w.British.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: pbx.ProposedNumberLike("+4420").Keeping()})
			return err
		})
	})
}

func TestNUM5_InABatchAndThroughAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.StockNumbers(w.Ctx, "+12125550100", "+12125550101", "+12125550102")
		require.NoError(t, err)
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			_, err := w.take(dir, "7100", pbx.ProposedNumberLike("+1212").Keeping())
			require.NoError(t, err)
			s, err := w.take(dir, "7101", pbx.ProposedNumber())
			require.NoError(t, err)
			require.Equal(t, pbx.E164("+12125550101"), s.Number, "the batch goes by what it keeps")
			return nil
		}))
		keep := func(ctx context.Context, dir *pbx.Directory) error {
			_, err := w.take(dir, "7102", pbx.ProposedNumberLike("+16175").Keeping())
			return err
		}
		review, err := w.Dir.Review(w.Ctx, keep)
		require.NoError(t, err)
		require.Equal(t, "+1212", w.criteria(), "a review keeps nothing")
		w.User("Ann", "Lee", "7001")
		require.NoError(t, review.Commit(w.Ctx), "what changed otherwise does not matter")
		require.Equal(t, "+16175", w.criteria())

		review, err = w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			_, err := w.take(dir, "7103", pbx.ProposedNumber())
			return err
		})
		require.NoError(t, err)
		_, err = w.take(w.Dir, "7104", pbx.ProposedNumberLike("+1212").Keeping())
		require.NoError(t, err)
		w.Refused(rule.SYS2, pbx.ErrStale, func() error { return review.Commit(w.Ctx) })
	})
}

// What a refused part drew and gave back is offered again.
func TestNUM5_NumbersThatAPartOfABatchDrewAndLostAreDrawnAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberRest = 0 })
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			draw := func(want pbx.E164, dn pbx.Extension) *pbx.Service {
				s, err := w.take(dir, dn, pbx.ProposedNumber())
				require.NoError(t, err)
				require.Equal(t, want, s.Number)
				return s
			}
			first := draw("+16175550100", "7100")
			err := dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
				_, err := w.take(dir, "7101", pbx.ProposedNumber())
				require.NoError(t, err)
				return context.Canceled
			})
			require.ErrorIs(t, err, context.Canceled)
			draw("+16175550101", "7101")
			require.NoError(t, dir.DeleteService(ctx, first.ID))
			require.NoError(t, dir.ReturnNumber(ctx, first.Number))
			draw("+16175550100", "7102")
			draw("+16175550102", "7103")
			return nil
		}))
	})
}
