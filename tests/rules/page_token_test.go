package rules_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// tokenAfter returns the token of the page after a record of a query's list.
func tokenAfter[R any](w *world, q interface {
	TokenAfter(*pbx.Directory, R) (pbx.PageToken, error)
}, r R) pbx.PageToken {
	w.T.Helper()
	token, err := q.TokenAfter(w.Dir, r)
	require.NoError(w.T, err)
	return token
}

func TestUSR8_APageTokenShowsNothingOfTheUser(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		users := w.people([2]string{"Wilhelmina", "Leeuwenhoek"}, [2]string{"Wilhelminabelle", "Leeuwenhoek"})
		var lengths []int
		for _, u := range users {
			token := string(tokenAfter(w, pbx.UserQuery{}, u))
			raw, err := base64.RawURLEncoding.DecodeString(token)
			require.NoError(t, err, "it can be in a URL")
			for _, shown := range []string{"wilhelmina", "leeuwenhoek", "users_by", u.ID.String(), string(u.ID[:])} {
				require.NotContains(t, strings.ToLower(string(raw)), shown)
				require.NotContains(t, strings.ToLower(token), shown)
			}
			lengths = append(lengths, len(token))
		}
		require.Equal(t, lengths[0], lengths[1], "nor of the length of the name")
		require.Equal(t, tokenAfter(w, pbx.UserQuery{}, users[0]), tokenAfter(w, pbx.UserQuery{}, users[0]))
	})
}

func TestUSR8_APageTokenIsBoundToTheTenantAndToAllThatSelects(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		queries := []pbx.UserQuery{{}, {LastName: "L"}, {LastName: "Le"}, {FirstName: "A"}, {FirstName: "An"}, {LastName: "L", FirstName: "A"}, {LastName: "L", FirstName: "An"}}
		for i, made := range queries {
			token := tokenAfter(w, made, ann)
			for j, used := range queries {
				used.Page, used.Limit = token, 5
				if i == j {
					require.Empty(t, testbed.Collect(t, w.Dir.Users(w.Ctx, used)))
					continue
				}
				e := w.Refused(rule.USR8, pbx.ErrInvalid, func() error { return testbed.Drain(w.Dir.Users(w.Ctx, used)) })
				require.Equal(t, "Page", e.Field)
			}
			made.Page = token
			err := testbed.Drain(w.British.Users(w.Ctx, made))
			require.ErrorIs(t, err, pbx.ErrInvalid, "another tenant's")
			require.Equal(t, rule.USR8, pbx.CodeOf(err))
		}
		_, err := pbx.UserQuery{}.TokenAfter(w.British, ann)
		require.ErrorIs(t, err, pbx.ErrInvalid, "a user of another tenant")
		for _, bad := range []func() error{
			func() error { _, err := pbx.UserQuery{}.TokenAfter(nil, ann); return err },
			func() error { _, err := pbx.UserQuery{}.TokenAfter(new(pbx.Directory), ann); return err },
			func() error { _, err := pbx.UserQuery{}.TokenAfter(w.Dir, nil); return err },
		} {
			require.ErrorIs(t, bad(), pbx.ErrMisuse)
		}
	})
}

func TestUSR8_AChangedPageTokenIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		token := []byte(tokenAfter(w, pbx.UserQuery{}, w.User("Ann", "Lee", "7001")))
		for i := range token {
			changed := []byte(string(token))
			changed[i] = "AB"[min(1, int('B'-min(changed[i], 'B')))]
			if string(changed) == string(token) {
				continue
			}
			err := testbed.Drain(w.Dir.Users(w.Ctx, pbx.UserQuery{Page: pbx.PageToken(changed)}))
			require.ErrorIs(t, err, pbx.ErrInvalid, "%s", changed)
			require.Equal(t, rule.USR8, pbx.CodeOf(err))
		}
		require.ErrorIs(t, testbed.Drain(w.Dir.Users(w.Ctx, pbx.UserQuery{Page: pbx.PageToken(token[:20])})), pbx.ErrInvalid)
	})
}

func TestUSR8_APageTokenWorksInEveryProcessThatHasItsKey(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		users := w.people([2]string{"A", "A"}, [2]string{"B", "B"})
		process := func(opts ...pbx.Option) *pbx.Directory {
			return pbx.New(w.Store, opts...).As(pbx.Administrator("anna", w.US.ID))
		}
		key, other := [32]byte{1}, [32]byte{2}
		token, err := pbx.UserQuery{}.TokenAfter(process(pbx.WithPageKey(key)), users[0])
		require.NoError(t, err)
		rest := testbed.Collect(t, process(pbx.WithPageKey(key)).Users(w.Ctx, pbx.UserQuery{Page: token}))
		require.Equal(t, []string{"B B"}, names(rest))
		for _, stranger := range []*pbx.Directory{process(), process(pbx.WithPageKey(other))} {
			err := testbed.Drain(stranger.Users(w.Ctx, pbx.UserQuery{Page: token}))
			require.ErrorIs(t, err, pbx.ErrInvalid)
		}
		failing := process(pbx.WithIDs(func() [16]byte { return [16]byte{1} }), pbx.WithRandom(iotest.ErrReader(errors.New("no entropy"))))
		_, err = pbx.UserQuery{}.TokenAfter(failing, users[0])
		require.ErrorIs(t, err, pbx.ErrStorage)
		require.ErrorIs(t, testbed.Drain(failing.Users(w.Ctx, pbx.UserQuery{Page: token})), pbx.ErrStorage)
		require.Len(t, testbed.Collect(t, failing.Users(w.Ctx, pbx.UserQuery{})), 2, "without a token no key is drawn")
	})
}

func TestSVC1_APageTokenIsBoundToAllThatSelects(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		due := w.Clock.Add(48 * time.Hour)
		s := w.Service(w.User("Ann", "Lee", "7001").ID, "7002")
		_, err := pbx.ServiceQuery{CancelledBy: due}.TokenAfter(w.Dir, s)
		require.ErrorIs(t, err, pbx.ErrInvalid, "it is not cancelled")
		_, err = pbx.ServiceQuery{Number: "+1"}.TokenAfter(w.Dir, s)
		require.ErrorIs(t, err, pbx.ErrInvalid, "it has no number")
		_, err = pbx.ServiceQuery{}.TokenAfter(w.Dir, nil)
		require.ErrorIs(t, err, pbx.ErrMisuse)
		s, err = w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7003", DeviceType: "Cisco 8851", Number: pbx.OfferedNumber("+16175550107")})
		require.NoError(t, err)
		s, err = w.Dir.CancelService(w.Ctx, s.ID, due)
		require.NoError(t, err)
		queries := []pbx.ServiceQuery{{}, {Number: "7"}, {Number: "+1"}, {Number: "+161"}, {CancelledBy: due}, {CancelledBy: due.Add(time.Second)}}
		for i, made := range queries {
			token := tokenAfter(w, made, s)
			raw, err := base64.RawURLEncoding.DecodeString(string(token))
			require.NoError(t, err)
			require.NotContains(t, string(raw), "555")
			for j, used := range queries {
				used.Page = token
				err := testbed.Drain(w.Dir.Services(w.Ctx, used))
				require.Equal(t, i != j, errors.Is(err, pbx.ErrInvalid), fmt.Sprint(i, j))
			}
		}
	})
}
