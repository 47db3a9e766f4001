package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// entries are the records of an index in its order, as the declarations say it
// is.
type indexEntries struct {
	keys    [][]byte
	records []store.Record
}

func entriesOf(ix *store.Index, all []store.Record) (e indexEntries) {
	type one struct {
		key    []byte
		record store.Record
	}
	var list []one
	for _, r := range all {
		if key, in := ix.AppendFields(nil, r.Fields(nil)); in {
			list = append(list, one{key, r})
		}
	}
	slices.SortFunc(list, func(a, b one) int { return bytes.Compare(a.key, b.key) })
	for _, o := range list {
		e.keys, e.records = append(e.keys, o.key), append(e.records, o.record)
	}
	return e
}

// find is what a query yields, by the declarations alone.
func (e indexEntries) find(q store.Query) (want []string) {
	from, to := q.Range()
	for i, key := range e.keys {
		if bytes.Compare(key, from) >= 0 && (to == nil || bytes.Compare(key, to) < 0) {
			want = append(want, fmt.Sprint(keyOf(e.records[i]).Values))
		}
	}
	if q.Desc {
		slices.Reverse(want)
	}
	if q.Limit > 0 && len(want) > q.Limit {
		want = want[:q.Limit]
	}
	return want
}

// crowd fills a store with users whose names share beginnings and of whom some
// have a location, some a station, and some neither.
func crowd(t *testing.T, db *sqlite.Store, random *rand.Rand) (users, numbers []store.Record) {
	t.Helper()
	for series := range 2 {
		c := schematest.NewCustomer(t, db, series, 400)
		var changes []store.Change
		parts := []string{"", "a", "b", "ab", "é", "\U0010ffff", "\x7f", "z"}
		part := func() string { return parts[random.IntN(len(parts))] }
		for i := range 700 {
			user := &pbx.User{
				TenantID: c.Tenant.ID, ID: c.ID(), Rev: 1, State: pbx.UserPending, CreatedAt: schematest.Noon,
				SIPAddress: pbx.SIPAddress(fmt.Sprintf("%d@c%d", i, series)),
			}
			schematest.Set(user, "login_folded", fmt.Sprintf("%s%d-%d", part(), i, series))
			schematest.Set(user, "first_folded", part()+part())
			schematest.Set(user, "last_folded", part()+part())
			if random.IntN(2) == 0 {
				user.LocationID = c.Place.ID
			}
			if random.IntN(2) == 0 {
				user.Station = "STANDARD"
			}
			users = append(users, user)
			changes = append(changes, store.Change{New: user})
		}
		for _, n := range c.Numbers {
			numbers = append(numbers, n)
		}
		require.NoError(t, apply(db, c.Tenant.ID, changes...))
	}
	return users, numbers
}

// randomQuery takes its values from the records, so that they are about right.
func randomQuery(random *rand.Rand, ix *store.Index, all []store.Record) store.Query {
	pick := func() []any {
		for {
			if values, in := ix.Values(all[random.IntN(len(all))]); in {
				return values
			}
		}
	}
	q := store.Query{Index: ix, Desc: random.IntN(2) == 0}
	values := pick()
	equal := random.IntN(len(values) + 1)
	q.Equal = values[:equal]
	if equal < len(values) {
		switch random.IntN(4) {
		case 0:
			if text, ok := values[equal].(string); ok {
				q.Prefix = text[:random.IntN(len(text)+1)]
			}
		case 1:
			q.From = pick()[equal]
		case 2:
			q.From, q.To = pick()[equal], pick()[equal]
		}
		if random.IntN(2) == 0 {
			q.After = pick()[equal:]
		}
	}
	if random.IntN(2) == 0 {
		q.Limit = 1 + random.IntN(600)
	}
	return q
}

// Whatever is asked, the answer is the one that Query.Range defines.
func TestFindYieldsWhatTheDeclarationsSay(t *testing.T) {
	notShort(t)
	t.Parallel()
	const seed = 20260301
	random := rand.New(rand.NewPCG(seed, 1))
	db := open(t, filepath.Join(t.TempDir(), "pbx.db"), sqlite.WithSynchronous(sqlite.Normal))
	users, numbers := crowd(t, db, random)
	ctx := context.Background()
	for _, all := range [][]store.Record{users, numbers} {
		for _, ix := range all[0].Table().Indexes {
			entries := entriesOf(ix, all)
			if len(entries.keys) == 0 {
				continue
			}
			require.NoError(t, view(db, func(r store.Reader) error {
				for range 60 {
					q := randomQuery(random, ix, all)
					want := entries.find(q)
					var got []string
					for record, err := range r.Find(ctx, q) {
						require.NoError(t, err)
						got = append(got, fmt.Sprint(keyOf(record).Values))
					}
					require.Equal(t, want, got, "%s %+v", ix.Name, q)
				}
				return nil
			}))
		}
	}
}

// A loop reads a small piece first, larger ones then, and nothing after it has
// ended; what it reads inside comes between.
func TestFindReadsInPieces(t *testing.T) {
	t.Parallel()
	reads := 0
	path := newFile(t)
	db := open(t, path, sqlite.WithDriver(watching(func(kind, text string) error {
		if kind == "run" && text[:6] == "SELECT" {
			reads++
		}
		return nil
	})))
	crowd(t, db, rand.New(rand.NewPCG(1, 1)))
	byKey := new(pbx.User).Table().Key()
	ctx := context.Background()
	for _, c := range []struct {
		stop, limit, reads int
	}{
		{stop: 1, reads: 1}, {stop: 32, reads: 1}, {stop: 33, reads: 2}, {stop: 288, reads: 2}, {stop: 289, reads: 3},
		{limit: 1, reads: 1}, {limit: 200, reads: 1}, {limit: 256, reads: 1}, {limit: 257, reads: 2}, {reads: 1 + 6},
	} {
		require.NoError(t, view(db, func(r store.Reader) error {
			reads = 0
			n := 0
			for _, err := range r.Find(ctx, store.Query{Index: byKey, Limit: c.limit}) {
				require.NoError(t, err)
				if n++; n == c.stop {
					break
				}
			}
			require.Equal(t, c.reads, reads, "%+v", c)
			return nil
		}))
	}
}

func TestFindInsideFind(t *testing.T) {
	t.Parallel()
	db := open(t, newFile(t))
	users, _ := crowd(t, db, rand.New(rand.NewPCG(2, 2)))
	byLast := users[0].Table().Index("users_by_last")
	ctx := context.Background()
	require.NoError(t, view(db, func(r store.Reader) error {
		outer := 0
		for record, err := range r.Find(ctx, store.Query{Index: byLast}) {
			require.NoError(t, err)
			values, _ := byLast.Values(record)
			inner := 0
			for other, err := range r.Find(ctx, store.Query{Index: byLast, Equal: values[:3]}) {
				require.NoError(t, err)
				if other.(*pbx.User).ID == record.(*pbx.User).ID {
					inner++
				}
			}
			require.Equal(t, 1, inner)
			outer++
		}
		require.Equal(t, len(users), outer)
		return nil
	}))
}
