package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgwire"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/postgres"
)

// cuttable is a store behind a proxy, and another one next to it that is never
// cut off.
type cuttable struct {
	*schematest.World
	proxy  *pgwire.Proxy
	store  *postgres.Store
	direct *postgres.Store
}

func newCuttable(t *testing.T) *cuttable {
	t.Helper()
	dsn := fresh(t)
	c := &cuttable{proxy: pgwire.Listen(t, dsn), direct: open(t, dsn)}
	c.World = schematest.New(t, c.direct)
	c.store = open(t, c.proxy.DSN(), postgres.WithPool(func(c *pgxpool.Config) { c.MaxConns = 2 }))
	return c
}

// log is an event of the tenant whose sequence tells it apart, and a change
// with it.
func (c *cuttable) log(seq int64) []store.Change {
	return []store.Change{{New: c.Event(seq)}, {New: c.Location(seq)}}
}

// logged reports whether both are there; one alone fails the test.
func (c *cuttable) logged(t *testing.T, seq int64) (there bool) {
	t.Helper()
	require.NoError(t, view(c.direct, func(r store.Reader) error {
		got, err := r.Get(ctx, keyOf(c.Event(seq)), keyOf(c.Location(seq)))
		require.NoError(t, err)
		require.Equal(t, got[0] == nil, got[1] == nil, "half of it is there")
		there = got[0] != nil
		return nil
	}))
	return there
}

func keyOf(r store.Record) store.Key {
	values, _ := r.Table().Key().Values(r)
	return store.Key{Index: r.Table().Key(), Values: values}
}

var everyHow = []pgwire.How{pgwire.Before, pgwire.During, pgwire.After}

// A connection is cut at each message of an update. What the update says of the
// outcome is right; it says that it does not know only from the trip on that
// commits; and it never makes a change twice.
func TestUpdatesAreCutAtEachMessage(t *testing.T) {
	onlyLong(t)
	t.Parallel()
	for name, reads := range map[string]int{"after two reads": 2, "without one": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCuttable(t)
			var cuts, committed, retries, unknown int
			for _, how := range everyHow {
				for n := 1; ; n++ {
					seq := int64(1000*int(how) + n + 1000)
					c.proxy.Reset()
					c.proxy.CutAt(n, how)
					err := c.store.Update(ctx, c.Tenant.ID, func(w store.Writer) error {
						for range reads {
							got, err := w.Get(ctx, keyOf(c.Event(seq)))
							if err != nil {
								return err
							}
							require.Equal(t, []store.Record{nil}, got)
						}
						return w.Apply(ctx, c.log(seq))
					})
					if c.proxy.Cuts() == 0 {
						require.NoError(t, err)
						break
					}
					c.proxy.Wait()
					cuts++
					switch there := c.logged(t, seq); {
					case err == nil:
						require.True(t, there)
						committed++
					case errors.Is(err, store.ErrRetry):
						require.False(t, there)
						retries++
					default:
						require.ErrorIs(t, err, pbx.ErrCommitUnknown)
						require.NotErrorIs(t, err, pbx.ErrStorage)
						unknown++
					}
				}
			}
			t.Logf("%d cuts: %d committed all the same, %d to be run again, %d unknown", cuts, committed, retries, unknown)
			require.Positive(t, committed)
			require.Positive(t, unknown)
			require.Equal(t, reads > 1, retries > 0, "the first trip is made again; a later one is not")
		})
	}
}

// A view that is cut in its first trip reads on another connection; later its
// snapshot is gone, and so is the view.
func TestViewsAreCutAtEachMessage(t *testing.T) {
	t.Parallel()
	c := newCuttable(t)
	for _, how := range everyHow {
		for n := 1; ; n++ {
			first := false
			c.proxy.Reset()
			c.proxy.CutAt(n, how)
			err := view(c.store, func(r store.Reader) error {
				if _, err := r.Get(ctx, tenantKey); err != nil {
					return err
				}
				first = true
				got, err := r.Get(ctx, tenantKey, tenantKey)
				if err == nil {
					require.Equal(t, got[0], got[1])
				}
				return err
			})
			require.True(t, first, "the first trip is made again: %v", err)
			if c.proxy.Cuts() == 0 {
				require.NoError(t, err)
				break
			}
			if err != nil {
				require.ErrorIs(t, err, pbx.ErrStorage)
				require.ErrorContains(t, err, "the connection was lost")
				require.NotErrorIs(t, err, store.ErrRetry)
			}
		}
	}
}

func TestFetchesAreMadeAgain(t *testing.T) {
	t.Parallel()
	c := newCuttable(t)
	read := store.Read{Query: store.Query{Index: tenantKey.Index}}
	for _, how := range everyHow {
		for n := 1; ; n++ {
			c.proxy.Reset()
			c.proxy.CutAt(n, how)
			got, err := c.store.Fetch(ctx, read, read)
			require.NoError(t, err)
			require.Len(t, got[0], 3)
			require.Equal(t, got[0], got[1])
			if c.proxy.Cuts() == 0 {
				break
			}
		}
	}
}

// Connections that died while nobody used them are no one's concern.
func TestAServerThatWasRestarted(t *testing.T) {
	t.Parallel()
	c := newCuttable(t)
	works := func() {
		for range 3 {
			require.NoError(t, view(c.store, func(r store.Reader) error {
				return view(c.store, func(nested store.Reader) error {
					_, err := r.Get(ctx, tenantKey)
					require.NoError(t, err)
					_, err = nested.Get(ctx, tenantKey)
					return err
				})
			}))
			require.NoError(t, c.store.Update(ctx, c.Tenant.ID, func(w store.Writer) error {
				_, err := w.Get(ctx, tenantKey)
				return err
			}))
			_, err := c.store.Fetch(ctx, store.Read{Query: store.Query{Index: tenantKey.Index}})
			require.NoError(t, err)
		}
	}
	works()
	c.proxy.CutAll()
	works()
	end := "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pbx'"
	admin := connect(t, c.dsn(t))
	_, err := admin.Exec(ctx, end)
	require.NoError(t, err)
	require.NoError(t, c.store.Update(ctx, c.Tenant.ID, func(w store.Writer) error {
		return w.Apply(ctx, c.log(5001))
	}))
	_, err = admin.Exec(ctx, end)
	require.NoError(t, err)
	works()
	c.proxy.Refuse(true)
	c.proxy.CutAll()
	err = view(c.store, func(r store.Reader) error {
		_, err := r.Get(ctx, tenantKey)
		return err
	})
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorContains(t, err, "the server cannot be reached")
	require.ErrorIs(t, c.store.Update(ctx, c.Tenant.ID, func(w store.Writer) error { return w.Apply(ctx, c.log(5002)) }), pbx.ErrStorage)
	c.proxy.Refuse(false)
	works()
	require.True(t, c.logged(t, 5001))
	require.False(t, c.logged(t, 5002))
}

// dsn leads to the same database, past the proxy.
func (c *cuttable) dsn(t *testing.T) string {
	t.Helper()
	return c.proxy.DSN()
}

// Once COMMIT is on its way the caller's context counts no more.
func TestAContextThatEndsWithTheCommit(t *testing.T) {
	t.Parallel()
	c := newCuttable(t)
	during, cancel := context.WithCancel(ctx)
	defer cancel()
	// The update waits in its last trip for another one that has the key, and
	// its caller goes away.
	holder := connect(t, c.dsn(t))
	tx := begin(t, holder)
	_, err := tx.Exec(ctx, "INSERT INTO pbx.locations SELECT $1, $2, 1, 'B', '', '', '', '', '', '', ''", c.Tenant.ID, [16]byte(c.Location(7).ID))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		done <- c.store.Update(during, c.Tenant.ID, func(w store.Writer) error { return w.Apply(during, c.log(7)) })
	}()
	waitForLock(t, c.dsn(t), 1)
	cancel()
	require.NoError(t, tx.Rollback(ctx))
	require.NoError(t, <-done)
	require.True(t, c.logged(t, 7))
}
