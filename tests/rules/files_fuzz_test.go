package rules_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
)

// A file of users is taken as a whole, or refused with what is wrong in which row; and
// twice in the same words.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"", "first_name,email,extension\r\nEve,eve@example.com,7990\r\n", "\ufefffirst_name;email\nEve;eve@example.com\n", "first_name,email\r\n\"Eve\nX\",eve@example.com\r\n",
		"\xff\xfef\x00i\x00r\x00s\x00t\x00", "first_name,email\nZo\xeb,zoe@example.com\n", "first_name,email,extension,number_source,station,applications,mac\r\nNew,new@example.com,,new,STANDARD,crm,00:1b:54:00:00:02\r\n",
		"first_name,first_name\nA,B\n", "'=first_name,email\n", "first_name,email\n'=1+1,\"a\"b@example.com\n", "first_name,email,line,extension\nEve,eve@example.com,shared,7603\nIda,,no,\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		r := played(t)
		var said []string
		for range 2 {
			_, err := r.Dir.Review(r.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				return second(dir.ImportUsers(ctx, bytes.NewReader(content)))
			})
			refusedWell(t, err)
			said = append(said, r.Said(err))
			for _, row := range pbx.RowErrors(err) {
				require.LessOrEqual(t, row.Row, bytes.Count(content, []byte("\n"))+bytes.Count(content, []byte("\r"))+1)
				require.Positive(t, row.Row)
			}
			if !utf8.Valid(content) || bytes.ContainsRune(content, 0) {
				require.ErrorIs(t, err, pbx.ErrInvalid)
			}
		}
		require.Equal(t, said[0], said[1])
		made, err := r.Dir.ImportUsers(r.Ctx, bytes.NewReader(content))
		require.Equal(t, said[0], r.Said(err))
		if err != nil {
			return
		}
		for _, m := range made.Made {
			u, err := r.Dir.User(r.Ctx, m.User.ID)
			require.NoError(t, err)
			require.True(t, utf8.ValidString(u.FirstName+u.LastName))
		}
		sound(t, r)
	})
}

// listed are the IDs of a list, or its error.
func listed[R any, I comparable](seq func(func(R, error) bool), id func(R) I) (ids []I, err error) {
	for rec, err := range seq {
		if err != nil {
			return nil, err
		}
		ids = append(ids, id(rec))
	}
	return ids, nil
}

// endOf fails the test where a page is not the end of the list, or refused as a token.
func endOf[I comparable](t *testing.T, all, page []I, err error) {
	t.Helper()
	if err != nil {
		require.ErrorIs(t, err, pbx.ErrInvalid)
		require.Equal(t, "Page", pbx.Errors(err)[0].Field)
		return
	}
	require.LessOrEqual(t, len(page), len(all))
	require.True(t, slices.Equal(all[len(all)-len(page):], page), "a page is not the end of the list")
}

// A page token of any content begins a page that is the end of the list, or is refused:
// one that was made for a user or a service of the list and changed in one place, one of
// another query, another tenant's, and none at all.
func FuzzPage(f *testing.F) {
	f.Add("", "", "", uint8(0), uint16(0), byte(0), uint16(0))
	f.Add("", "m", "", uint8(3), uint16(7), byte(1), uint16(0))
	f.Add("", "", "b", uint8(2), uint16(20), byte(0x20), uint16(9))
	f.Add("eyJpIjoidXNlcnNfYnlfbGFzdCIsInYiOlsiIiwiIiwiIl19", "", "", uint8(0), uint16(0), byte(0), uint16(0))
	f.Add("....", "", "", uint8(0), uint16(0), byte(0), uint16(0))
	f.Fuzz(func(t *testing.T, text, last, first string, from uint8, at uint16, flip byte, cut uint16) {
		r := played(t)
		users := pbx.UserQuery{LastName: last, FirstName: first}
		everybody := testbed.Collect(t, r.Dir.Users(r.Ctx, pbx.UserQuery{}))
		services := testbed.Collect(t, r.Dir.Services(r.Ctx, pbx.ServiceQuery{}))
		changed := func(token pbx.PageToken) pbx.PageToken {
			if text != "" {
				return pbx.PageToken(text)
			}
			raw := []byte(token)
			if len(raw) > 0 {
				raw[int(at)%len(raw)] ^= flip
				raw = raw[:len(raw)-int(cut)%len(raw)]
			}
			return pbx.PageToken(raw)
		}
		place, err := users.TokenAfter(r.Dir, everybody[int(from)%len(everybody)])
		require.NoError(t, err)
		token := changed(place)
		for _, dir := range []*pbx.Directory{r.Dir, r.British} {
			q := users
			all, err := listed(dir.Users(r.Ctx, q), func(u *pbx.User) pbx.UserID { return u.ID })
			require.NoError(t, err)
			q.Page = token
			page, err := listed(dir.Users(r.Ctx, q), func(u *pbx.User) pbx.UserID { return u.ID })
			endOf(t, all, page, err)
		}
		place, err = pbx.ServiceQuery{}.TokenAfter(r.Dir, services[int(from)%len(services)])
		require.NoError(t, err)
		lines := pbx.ServiceQuery{Page: changed(place)}
		all, err := listed(r.Dir.Services(r.Ctx, pbx.ServiceQuery{}), func(s *pbx.Service) pbx.ServiceID { return s.ID })
		require.NoError(t, err)
		for _, q := range []pbx.ServiceQuery{lines, {Page: token}} {
			page, err := listed(r.Dir.Services(r.Ctx, q), func(s *pbx.Service) pbx.ServiceID { return s.ID })
			endOf(t, all, page, err)
		}
	})
}

// A query of the journal yields the events that it selects, in their order, as many as
// it wants.
func FuzzJournal(f *testing.F) {
	f.Add(int64(0), false, 0)
	f.Add(int64(5), true, 3)
	f.Add(int64(-1), false, -1)
	f.Add(int64(1<<63-1), true, 1<<62)
	f.Add(int64(-1<<63), false, 129)
	f.Fuzz(func(t *testing.T, after int64, latest bool, limit int) {
		r := played(t)
		type place struct{ seq, pos int64 }
		at := func(e *pbx.Event) place { return place{e.Seq, e.Pos} }
		want, err := listed(r.Dir.Journal(r.Ctx, pbx.JournalQuery{}), at)
		require.NoError(t, err)
		want = slices.DeleteFunc(want, func(p place) bool { return after > 0 && p.seq <= after })
		if latest {
			slices.Reverse(want)
		}
		if limit > 0 {
			want = want[:min(limit, len(want))]
		}
		got, err := listed(r.Dir.Journal(r.Ctx, pbx.JournalQuery{AfterSeq: after, Latest: latest, Limit: limit}), at)
		if errors.Is(err, pbx.ErrInvalid) {
			require.True(t, after < 0 || limit < 0)
			return
		}
		require.NoError(t, err)
		require.True(t, slices.Equal(want, got), "after %d, latest %v, limit %d", after, latest, limit)
	})
}
