package rules_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// pendingWithNumber sets up a user who is activated later, with a new number.
func (w *world) pendingWithNumber(name string) *pbx.Provisioned {
	w.T.Helper()
	made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{
		NewUser:     pbx.NewUser{FirstName: name, Email: name + "@example.com", LocationID: w.Boston.ID, ActivateLater: true},
		ServiceType: "FREE", Number: pbx.ProposedNumber(),
	})
	require.NoError(w.T, err)
	return made
}

func TestORD2_ANumberIsBilledFromTheActivationOfItsService(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly = 500 })
		w.Fibre()
		_, working := w.profiled("Ann", "7001", pbx.ProposedNumber())
		require.True(t, w.number(working.Number).Billed)

		pending := w.pendingWithNumber("bob")
		nobodys, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7003", DeviceType: "Cisco 8851", Number: pbx.ProposedNumber(), ActivateLater: true})
		require.NoError(t, err)
		processing := w.Order(pbx.NewService{DN: "7004", Number: pbx.ProposedNumber()})
		for number, activate := range map[pbx.E164]func(dir *pbx.Directory) error{
			pending.Service.Number: func(dir *pbx.Directory) error { _, err := dir.ActivateUser(w.Ctx, pending.User.ID); return err },
			nobodys.Number:         func(dir *pbx.Directory) error { _, err := dir.ActivateService(w.Ctx, nobodys.ID); return err },
			processing.Number:      func(dir *pbx.Directory) error { _, err := dir.CompleteOrder(w.Ctx, processing.ID); return err },
		} {
			require.False(t, w.number(number).Billed)
			r := w.Review(w.Support.In(w.US.ID), activate)
			require.False(t, w.number(number).Billed)
			require.NoError(t, r.Commit(w.Ctx))
			require.True(t, w.number(number).Billed)
			require.Equal(t, pbx.Money(500), w.number(number).Monthly)
		}

		w.Own("+16175550200")
		_, given := w.profiled("Cid", "7005", pbx.ExistingNumber("+16175550200"))
		require.False(t, w.number(given.Number).Billed, "it was not ordered, and costs nothing")
	})
}

func TestNUM10_ANumberThatWasNeverBilledIsNotCredited(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly, p.NumberOneTime = 500, 200 })
		replaced, kept, deleted := w.pendingWithNumber("ann"), w.pendingWithNumber("bob"), w.pendingWithNumber("cid")
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 3)
		w.change(replaced.User, pbx.NumberChange{Previous: pbx.ReturnNumber})
		w.change(kept.User, pbx.NumberChange{Previous: pbx.KeepNumber})
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, deleted.User.ID, pbx.UserAndPhones))
		for _, e := range []pbx.E164{kept.Service.Number, deleted.Service.Number} {
			r := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.ReturnNumber(w.Ctx, e) })
			require.Empty(t, r.Orders)
			require.NoError(t, r.Commit(w.Ctx))
		}
		for _, made := range []*pbx.Provisioned{replaced, kept, deleted} {
			require.Equal(t, pbx.NumberResting, w.number(made.Service.Number).State)
		}
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 3, "nothing is saved")
	})
}

func TestNUM10_ANumberThatIsKeptIsBilledWhenItFirstIsOnAServiceThatIs(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly, p.NumberOneTime = 500, 200 })
		was := w.pendingWithNumber("ann")
		n := was.Service.Number
		w.change(was.User, pbx.NumberChange{Previous: pbx.KeepNumber})
		next := w.pendingWithNumber("bob")
		w.change(next.User, pbx.NumberChange{Number: pbx.ExistingNumber(n), Previous: pbx.KeepNumber})
		require.False(t, w.number(n).Billed, "its second service is not activated either")
		w.change(next.User, pbx.NumberChange{Previous: pbx.KeepNumber})
		working, _ := w.profiled("Cid", "7003", pbx.ExistingNumber(n))
		require.True(t, w.number(n).Billed)
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 2, "what it costs was ordered when it came")

		// Once it is billed it stays billed while it is kept, whatever service
		// has it.
		w.change(working, pbx.NumberChange{Previous: pbx.KeepNumber})
		w.change(was.User, pbx.NumberChange{Number: pbx.ExistingNumber(n)})
		require.True(t, w.number(n).Billed)
		w.change(was.User, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber})
		placed := testbed.Collect(t, w.Dir.Orders(w.Ctx, 2))
		require.Equal(t, pbx.Money(500), placed[0].Monthly)
		require.True(t, placed[0].BillingFrom.IsZero())
		require.Equal(t, pbx.Money(-500), placed[1].Monthly, "in an order of its own: it ends now, and the new one begins on activation")
		require.Equal(t, w.Clock, placed[1].BillingFrom)
		require.False(t, w.number(n).Billed)

		// The same in one batch.
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			if _, err := dir.ActivateUser(ctx, was.User.ID); err != nil {
				return err
			}
			_, err := dir.ChangeNumber(ctx, was.User.ID, pbx.NumberChange{Previous: pbx.ReturnNumber})
			return err
		}))
		require.Equal(t, pbx.Money(-500), w.lastOrder().Monthly)
	})
}
