package rules_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// port asks for numbers of the US tenant to be ported in.
func (w *world) port(list ...pbx.E164) *pbx.PortRequest {
	w.T.Helper()
	p, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Old Bell", Date: w.Clock.Add(72 * time.Hour), Numbers: list})
	require.NoError(w.T, err)
	return p
}

func (w *world) activate(p *pbx.PortRequest) {
	w.T.Helper()
	_, err := w.Support.In(w.US.ID).ActivatePort(w.Ctx, p.ID)
	require.NoError(w.T, err)
}

func (w *world) serviceNumber(s *pbx.Service) pbx.E164 {
	w.T.Helper()
	now, err := w.Dir.Service(w.Ctx, s.ID)
	require.NoError(w.T, err)
	return now.Number
}

func TestNUM3_ATemporaryNumberServesUntilThePortIsActivated(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		p := w.port("+16175550300", "+16175550301")
		u, s := w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550300"))
		require.Equal(t, pbx.E164("+16175550100"), s.Number, "a temporary one, near the user")
		temporary := w.number(s.Number)
		require.Equal(t, pbx.NumberAssigned, temporary.State)
		require.Equal(t, pbx.E164("+16175550300"), temporary.TemporaryFor)
		require.Equal(t, s.ID, temporary.ServiceID)
		waiting := w.number("+16175550300")
		require.Equal(t, pbx.NumberPorting, waiting.State)
		require.Equal(t, s.ID, waiting.WaitingID)
		require.Empty(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), "a temporary number costs nothing")

		w.activate(p)
		require.Equal(t, pbx.E164("+16175550300"), w.serviceNumber(s), "it takes over by itself")
		here := w.number("+16175550300")
		require.Equal(t, pbx.NumberAssigned, here.State)
		require.Equal(t, s.ID, here.ServiceID)
		require.True(t, here.WaitingID.IsZero())
		gone := w.number("+16175550100")
		require.Equal(t, pbx.NumberResting, gone.State)
		require.Equal(t, pbx.Provider, gone.TenantID)
		require.Empty(t, gone.TemporaryFor)
		require.True(t, gone.ServiceID.IsZero())
		require.Equal(t, pbx.NumberAvailable, w.number("+16175550301").State, "nobody waited for it")
		w.Refused(rule.NUM10, pbx.ErrInvalid, func() error { // now it is an ordinary number
			_, err := w.Dir.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: pbx.ProposedNumber()})
			return err
		})
	})
}

func TestNUM3_WhenThePortIsCancelledTheTemporaryNumberStaysUntilReplaced(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ends := map[string]func(id pbx.PortID) (*pbx.PortRequest, error){
			"+16175550300": func(id pbx.PortID) (*pbx.PortRequest, error) { return w.Dir.CancelPort(w.Ctx, id) },
			"+16175550301": func(id pbx.PortID) (*pbx.PortRequest, error) { return w.Support.In(w.US.ID).FailPort(w.Ctx, id) },
		}
		for e, end := range ends {
			p := w.port(pbx.E164(e))
			u, s := w.profiled("Ann"+e[1:], pbx.Extension("7"+e[9:]), pbx.ExistingNumber(pbx.E164(e)))
			_, err := end(p.ID)
			require.NoError(t, err)
			require.Equal(t, s.Number, w.serviceNumber(s))
			stays := w.number(s.Number)
			require.Equal(t, pbx.NumberAssigned, stays.State)
			require.Empty(t, stays.TemporaryFor)
			w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { _, err := w.Dir.Number(w.Ctx, pbx.E164(e)); return err })

			now := w.change(u, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber})
			require.NotEqual(t, s.Number, now.Number)
			require.Equal(t, pbx.NumberResting, w.number(s.Number).State)
			w.Own(pbx.E164(e)) // nothing holds the number back
		}
	})
}

// lent gives a user of the US tenant a number on loan, whose port was cancelled.
func (w *world) lent(name string, dn pbx.Extension, e pbx.E164) (*pbx.User, *pbx.Service) {
	w.T.Helper()
	p := w.port(e)
	u, s := w.profiled(name, dn, pbx.ExistingNumber(e))
	_, err := w.Dir.CancelPort(w.Ctx, p.ID)
	require.NoError(w.T, err)
	require.True(w.T, w.number(s.Number).Loan, "it is the provider's still")
	return u, s
}

func TestNUM3_ATemporaryNumberIsALoanAlsoWhenThePortIsCancelled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		returned := func(s *pbx.Service) {
			t.Helper()
			n := w.number(s.Number)
			require.Equal(t, pbx.NumberResting, n.State)
			require.Equal(t, pbx.Provider, n.TenantID)
			require.False(t, n.Loan)
		}
		w.Own("+16175550350", "+16175550351")
		orders := len(testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)))
		kept, s := w.lent("Ann", "7001", "+16175550300")
		told := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{}))
		require.True(t, slices.ContainsFunc(told, func(e *pbx.Event) bool {
			return e.Type == "number.no-longer-temporary" && e.Subject == string(s.Number) && strings.HasSuffix(e.Detail, "+16175550300")
		}), "who follows the journal hears that its port is over")
		w.Refused(rule.NUM10, pbx.ErrFailedPrecondition, func() error { return w.Dir.ReturnNumber(w.Ctx, s.Number) })
		now := w.change(kept, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550350"), Previous: pbx.KeepNumber})
		require.Equal(t, pbx.E164("+16175550350"), now.Number)
		returned(s) // whatever was chosen
		require.False(t, w.number(now.Number).Loan)

		unsaid, s := w.lent("Bob", "7002", "+16175550301")
		w.change(unsaid, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550351")}) // nothing needs to be chosen
		returned(s)

		again, s := w.lent("Cat", "7003", "+16175550302") // from one loan to the next
		w.port("+16175550303")
		now = w.change(again, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550303")})
		require.NotEqual(t, s.Number, now.Number)
		returned(s)

		_, s = w.lent("Dan", "7004", "+16175550304")
		require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID))
		returned(s)

		gone, s := w.lent("Eve", "7005", "+16175550305")
		require.NoError(t, w.Dir.Confirm(rule.USR9, rule.USR10).DeleteUser(w.Ctx, gone.ID, pbx.UserAndPhones))
		returned(s)
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), orders, "a loan costs and saves nothing")
	})
}

func TestNUM3_AUKTenantKeepsNoNumberOfTheStockByCancellingAPort(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		p, err := w.British.RequestPort(w.Ctx, pbx.NewPort{Carrier: "BT", Date: w.Clock, Numbers: []pbx.E164{"+442079461000"}})
		require.NoError(t, err)
		_, err = w.Support.In(w.UK.ID).AddNumbers(w.Ctx, "+442079461001")
		require.NoError(t, err)
		u, err := w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.org", Extension: "7100"})
		require.NoError(t, err)
		s, err := w.British.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: "7001", DeviceType: "Cisco 8851", Type: "FREE", Number: pbx.ExistingNumber("+442079461000")})
		require.NoError(t, err)
		_, err = w.British.CancelPort(w.Ctx, p.ID)
		require.NoError(t, err)
		_, err = w.British.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: pbx.ExistingNumber("+442079461001"), Previous: pbx.KeepNumber})
		require.NoError(t, err)
		w.acting(w.British).Refused(rule.NUM2, pbx.ErrNotFound, func() error { _, err := w.British.Number(w.Ctx, s.Number); return err })
		require.Empty(t, testbed.Collect(t, w.British.Numbers(w.Ctx, pbx.NumberQuery{State: pbx.NumberAvailable})))
	})
}

func TestNUM3_OneServiceAtATimeWaitsForAPortingNumber(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.port("+16175550300")
		ann, s := w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550300"))
		second := func(dir *pbx.Directory, ctx context.Context) error {
			_, err := dir.AddService(ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber("+16175550300")})
			return err
		}
		e := w.Refused(rule.NUM3, pbx.ErrConflict, func() error { return second(w.Dir, w.Ctx) })
		require.Equal(t, s.ID.String(), e.Holder.ID)
		w.Refused(rule.NUM3, pbx.ErrConflict, func() error { // this user already waits
			_, err := w.Dir.ChangeNumber(w.Ctx, ann.ID, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550300")})
			return err
		})
		w.Refused(rule.NUM2, pbx.ErrConflict, func() error { // the temporary one is taken
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber(s.Number)})
			return err
		})
		// When one gives up waiting another can wait, in the same batch too.
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			if _, err := dir.ChangeNumber(ctx, ann.ID, pbx.NumberChange{Number: pbx.ProposedNumber()}); err != nil {
				return err
			}
			return second(dir, ctx)
		}))
		n := w.number("+16175550300")
		require.NotEqual(t, s.ID, n.WaitingID)
		require.False(t, n.WaitingID.IsZero())
		require.Equal(t, pbx.NumberResting, w.number(s.Number).State, "a temporary number always goes back")
	})
}

func TestNUM3_WhoeverStopsWaitingGivesTheTemporaryNumberBack(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		p := w.port("+16175550300", "+16175550301")
		ann, s := w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550300"))
		bob, _ := w.profiled("Bob", "7002", pbx.ExistingNumber("+16175550301"))

		now := w.change(ann, pbx.NumberChange{Previous: pbx.KeepNumber}) // unassign: there is nothing to keep
		require.Empty(t, now.Number)
		require.Equal(t, pbx.NumberResting, w.number(s.Number).State)
		require.True(t, w.number("+16175550300").WaitingID.IsZero())

		// From one porting number to another.
		moved := w.change(bob, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550300")})
		require.Equal(t, pbx.E164("+16175550300"), w.number(moved.Number).TemporaryFor)
		require.True(t, w.number("+16175550301").WaitingID.IsZero())
		require.Equal(t, moved.ID, w.number("+16175550300").WaitingID)

		// A service that is deleted no longer waits.
		require.NoError(t, w.Dir.DeleteService(w.Ctx, moved.ID))
		require.Equal(t, pbx.NumberResting, w.number(moved.Number).State)
		w.activate(p)
		require.Equal(t, pbx.NumberAvailable, w.number("+16175550300").State)
		require.Equal(t, pbx.NumberAvailable, w.number("+16175550301").State)
	})
}

func TestNUM3_WithoutATemporaryNumberNobodyCanWait(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.port("+16175550300", "+16175550301")
		w.exhaust(1)
		w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550300"))
		e := w.Refused(rule.NUM3, pbx.ErrExhausted, func() error {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber("+16175550301")})
			return err
		})
		require.Equal(t, "+16175550301", e.Subject.ID)
	})
}

func TestNUM3_AUKTenantGetsATemporaryNumberToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		p, err := w.British.RequestPort(w.Ctx, pbx.NewPort{Carrier: "BT", Date: w.Clock, Numbers: []pbx.E164{"+442079461000"}})
		require.NoError(t, err)
		s, err := w.British.AddService(w.Ctx, pbx.NewService{DN: "7001", DeviceType: "Cisco 8851", LocationID: w.London.ID, Number: pbx.ExistingNumber("+442079461000")})
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+442079460000"), s.Number)
		_, err = w.Support.In(w.UK.ID).ActivatePort(w.Ctx, p.ID)
		require.NoError(t, err)
		s, err = w.British.Service(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+442079461000"), s.Number)
	})
}

func TestNUM11_APortRequestNamesNumbersCarrierAndDate(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		at := time.Date(2026, 5, 4, 23, 30, 0, 0, time.FixedZone("east", 3600))
		p, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Old Bell", Date: at, Numbers: []pbx.E164{"+16175550301", "+16175550300"}})
		require.NoError(t, err)
		require.Equal(t, pbx.PortRequested, p.State)
		require.Equal(t, time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), p.Date)
		require.False(t, p.TollFree)
		again, err := w.Dir.PortRequest(w.Ctx, p.ID)
		require.NoError(t, err)
		require.Equal(t, p, again)
		second := w.port("+16175550302")
		require.Equal(t, []*pbx.PortRequest{p, second}, testbed.Collect(t, w.Dir.PortRequests(w.Ctx)))
		require.Equal(t, p.ID, w.number("+16175550301").PortID)

		for field, change := range map[string]func(in *pbx.NewPort){
			"Carrier":    func(in *pbx.NewPort) { in.Carrier = "" },
			"Numbers":    func(in *pbx.NewPort) { in.Numbers = nil },
			"Date":       func(in *pbx.NewPort) { in.Date = time.Time{} },
			"Numbers[0]": func(in *pbx.NewPort) { in.Numbers = []pbx.E164{"6175550400"} },
		} {
			in := pbx.NewPort{Carrier: "Old Bell", Date: at, Numbers: []pbx.E164{"+16175550400"}}
			change(&in)
			code := rule.NUM11
			if strings.HasPrefix(field, "Numbers") {
				code = rule.NUM1
			}
			e := w.Refused(code, pbx.ErrInvalid, func() error { _, err := w.Dir.RequestPort(w.Ctx, in); return err })
			require.Equal(t, field, e.Field)
		}
		for _, bad := range []pbx.NewPort{
			{Carrier: strings.Repeat("x", 65), Date: at, Numbers: []pbx.E164{"+16175550400"}},
			{Carrier: "a\x00", Date: at, Numbers: []pbx.E164{"+16175550400"}},
			{Carrier: "C", Date: time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC), Numbers: []pbx.E164{"+16175550400"}},
			{Carrier: "C", Date: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), Numbers: []pbx.E164{"+16175550400"}},
		} {
			w.Refused(rule.NUM11, pbx.ErrInvalid, func() error { _, err := w.Dir.RequestPort(w.Ctx, bad); return err })
		}
		_, err = w.Dir.RequestPort(w.Ctx, pbx.NewPort{Numbers: []pbx.E164{"+16175550300", "x"}})
		require.Len(t, pbx.Errors(err), 4, "all bad fields at once")
		for _, other := range []*pbx.Directory{w.British, w.Support.In(w.UK.ID)} {
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := other.PortRequest(w.Ctx, p.ID); return err })
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := other.CancelPort(w.Ctx, p.ID); return err })
		}
	})
}

func TestNUM11_APortIsNotWantedForADayThatIsPast(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // the world's clock says nine
		ask := func(date time.Time, e pbx.E164) error {
			_, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Old Bell", Date: date, Numbers: []pbx.E164{e}})
			return err
		}
		west := time.FixedZone("west", -5*3600)
		for _, past := range []time.Time{
			midnight.Add(-time.Nanosecond), midnight.AddDate(-25, 0, 0), midnight.Add(-time.Hour).In(time.FixedZone("east", 2*3600)),
		} {
			e := w.Refused(rule.NUM11, pbx.ErrInvalid, func() error { return ask(past, "+16175550400") })
			require.Equal(t, "Date", e.Field)
		}
		require.NoError(t, ask(midnight, "+16175550400"), "today")
		require.NoError(t, ask(midnight.In(west), "+16175550401"), "yesterday there, today in UTC")
	})
}

func TestNUM11_TollFreeAndDomesticNumbersAreNotMixed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		e := w.Refused(rule.NUM11, pbx.ErrInvalid, func() error {
			_, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "C", Date: w.Clock, Numbers: []pbx.E164{"+16175550400", "+18005550400"}})
			return err
		})
		require.Equal(t, "Numbers", e.Field)
		require.True(t, w.port("+18005550400", "+18885550401").TollFree)
		require.False(t, w.port("+16175550400").TollFree)
	})
}

func TestNUM11_APortRequestMovesOnlyFromStateToState(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		inside := w.Support.In(w.US.ID)
		moves := map[pbx.PortState]func(pbx.PortID) (*pbx.PortRequest, error){
			pbx.PortConfirmed: func(id pbx.PortID) (*pbx.PortRequest, error) { return inside.ConfirmPort(w.Ctx, id) },
			pbx.PortActivated: func(id pbx.PortID) (*pbx.PortRequest, error) { return inside.ActivatePort(w.Ctx, id) },
			pbx.PortCancelled: func(id pbx.PortID) (*pbx.PortRequest, error) { return w.Dir.CancelPort(w.Ctx, id) },
			pbx.PortFailed:    func(id pbx.PortID) (*pbx.PortRequest, error) { return inside.FailPort(w.Ctx, id) },
		}
		// The states that can follow each state.
		follow := map[pbx.PortState][]pbx.PortState{
			pbx.PortRequested: {pbx.PortConfirmed, pbx.PortActivated, pbx.PortCancelled, pbx.PortFailed},
			pbx.PortConfirmed: {pbx.PortActivated, pbx.PortCancelled, pbx.PortFailed},
		}
		next := 300
		fresh := func(in pbx.PortState) *pbx.PortRequest {
			next++
			p := w.port(pbx.E164("+16175550" + string(rune('0'+next/100)) + string(rune('0'+next/10%10)) + string(rune('0'+next%10))))
			if in == pbx.PortRequested {
				return p
			}
			moved, err := moves[in](p.ID)
			require.NoError(t, err)
			require.Equal(t, in, moved.State)
			return moved
		}
		for _, from := range []pbx.PortState{pbx.PortRequested, pbx.PortConfirmed, pbx.PortActivated, pbx.PortCancelled, pbx.PortFailed} {
			for to, move := range moves {
				p := fresh(from)
				allowed := false
				for _, s := range follow[from] {
					allowed = allowed || s == to
				}
				if allowed {
					moved, err := move(p.ID)
					require.NoError(t, err, "%s to %s", from, to)
					require.Equal(t, to, moved.State)
					continue
				}
				e := w.Refused(rule.NUM11, pbx.ErrFailedPrecondition, func() error { _, err := move(p.ID); return err })
				require.Contains(t, e.Reason, string(from))
			}
		}
		p := fresh(pbx.PortRequested)
		for name, run := range map[string]func() error{
			"ConfirmPort":  func() error { _, err := w.Dir.ConfirmPort(w.Ctx, p.ID); return err },
			"ActivatePort": func() error { _, err := w.Dir.ActivatePort(w.Ctx, p.ID); return err },
			"FailPort":     func() error { _, err := w.Dir.FailPort(w.Ctx, p.ID); return err },
		} {
			e := w.Refused(rule.ACC2, pbx.ErrDenied, run)
			require.Equal(t, name, e.Subject.ID, "only support hears from the carriers")
		}
	})
}
