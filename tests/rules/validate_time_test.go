package rules_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// unkeepable are times that one store or another cannot keep: before the zero time, which
// is none, after PostgreSQL's last, and where a count of microseconds overflows.
var unkeepable = map[string]time.Time{
	"before the year 1":       time.Date(0, 12, 31, 23, 59, 59, 0, time.UTC),
	"before PostgreSQL's":     time.Date(-4800, 1, 1, 0, 0, 0, 0, time.UTC),
	"after the year 9999":     time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	"after PostgreSQL's":      time.Date(294277, 1, 1, 0, 0, 0, 0, time.UTC),
	"beyond microseconds":     time.UnixMicro(math.MaxInt64).Add(time.Hour),
	"the last of all seconds": time.Unix(math.MaxInt64>>2, 0),
}

func TestSVC17_ATimeThatNotEveryStoreCanKeepIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		for name, at := range unkeepable {
			e := w.Refused(rule.SVC17, pbx.ErrInvalid, func() error {
				for _, err := range w.Dir.Services(w.Ctx, pbx.ServiceQuery{CancelledBy: at}) {
					return err
				}
				return nil
			})
			require.Equal(t, "CancelledBy", e.Field, name)
			w.Refused(rule.SVC17, pbx.ErrInvalid, func() error { return second(w.Dir.CancelService(w.Ctx, s.ID, at)) })
			w.Refused(rule.NUM11, pbx.ErrInvalid, func() error {
				return second(w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Other", Date: at, Numbers: []pbx.E164{"+16175550900"}}))
			})
		}
		for _, at := range []time.Time{time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)} {
			require.Empty(t, testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{CancelledBy: at})))
		}
		require.NoError(t, second(w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Other", Date: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
			Numbers: []pbx.E164{"+16175550900"}})))
	})
}

func TestSYS1_AClockWhoseTimeNotEveryStoreCanKeepIsAMisuse(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, right := w.User("Ann", "Lee", "7001"), w.Clock
		before := testbed.Dump(t, w.Store)
		for name, at := range unkeepable {
			w.Clock = at
			require.ErrorIs(t, w.Dir.SendWelcomeMail(w.Ctx, u.ID), pbx.ErrMisuse, name)
			require.ErrorIs(t, second(w.Dir.User(w.Ctx, u.ID)), pbx.ErrMisuse, name)
			require.ErrorIs(t, second(w.Support.Deliver(w.Ctx, "mail", new(inbox).take)), pbx.ErrMisuse, name)
		}
		w.Clock = right
		require.Equal(t, before, testbed.Dump(t, w.Store))
	})
}
