package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/postgres"
)

// faulty makes a database in which an insertion into locations fails as the
// body of a function says: at once, or at the commit.
func faulty(t *testing.T, body string, atCommit bool) (*schematest.World, *postgres.Store) {
	t.Helper()
	dsn := fresh(t)
	store := open(t, dsn)
	w := schematest.New(t, store)
	trigger := "CREATE TRIGGER fails BEFORE INSERT ON pbx.locations FOR EACH ROW EXECUTE FUNCTION fail()"
	if atCommit {
		trigger = `CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON pbx.locations DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION fail()`
	}
	run(t, dsn, "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+body+"; RETURN NEW; END $$", trigger)
	return w, store
}

func raise(code string) string { return "RAISE EXCEPTION 'engine text' USING ERRCODE = '" + code + "'" }

const terminate = "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10)"

func TestFaultsOfTheEngine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		atCommit   bool
		want       error
	}{
		{"a serialization failure", raise("40001"), false, store.ErrRetry},
		{"a deadlock", raise("40P01"), false, store.ErrRetry},
		{"a lock that is not to be had", raise("55P03"), false, store.ErrRetry},
		{"a unique claim", raise("23505"), false, store.ErrRetry},
		{"a CHECK", raise("23514"), false, store.ErrConstraint},
		{"a value out of range", raise("22003"), false, store.ErrConstraint},
		{"a row too large for an index", raise("54000"), false, store.ErrConstraint},
		{"a full disk", raise("53100"), false, pbx.ErrStorage},
		{"a statement that was cancelled", raise("57014"), false, pbx.ErrStorage},
		{"an internal error", raise("XX000"), false, pbx.ErrStorage},
		{"the connection ended by the server", terminate, false, store.ErrRetry},
		{"the server lost by a pooler", raise("08P01"), false, pbx.ErrCommitUnknown},
		{"a serialization failure at the commit", raise("40001"), true, store.ErrRetry},
		{"a CHECK at the commit", raise("23514"), true, store.ErrConstraint},
		{"a full disk at the commit", raise("53100"), true, pbx.ErrStorage},
		{"a commit of which the server does not know", raise("40003"), true, pbx.ErrCommitUnknown},
		{"a failure of the system at the commit", raise("58030"), true, pbx.ErrCommitUnknown},
		{"an internal error at the commit", raise("XX000"), true, pbx.ErrCommitUnknown},
		{"the connection ended by the server at the commit", terminate, true, pbx.ErrCommitUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, db := faulty(t, c.body, c.atCommit)
			err := w.Apply(store.Change{New: w.Event(99)}, store.Change{New: w.Location(1)}, store.Change{New: w.Event(100)})
			require.ErrorIs(t, err, c.want)
			require.NotContains(t, err.Error(), "engine text", "driver text is not shown")
			for _, other := range []error{store.ErrRetry, pbx.ErrStorage, pbx.ErrCommitUnknown} {
				if other != c.want && !(c.want == store.ErrConstraint && other == pbx.ErrStorage) {
					require.NotErrorIs(t, err, other)
				}
			}
			require.NoError(t, view(db, func(r store.Reader) error {
				got, err := r.Get(ctx, keyOf(w.Event(99)), keyOf(w.Location(1)), keyOf(w.Event(100)))
				require.Equal(t, []store.Record{nil, nil, nil}, got, "nothing was committed")
				return err
			}))
			require.NoError(t, w.Apply(store.Change{New: w.Event(99)}), "the store goes on")
		})
	}
}

func TestADatabaseThatCanOnlyBeReadIsSaidTo(t *testing.T) {
	t.Parallel()
	w, _ := faulty(t, raise("25006"), false)
	err := w.Apply(store.Change{New: w.Location(1)})
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.EqualError(t, err, "the database could not be written to: it is a standby, or set to be read only")
}

// Two tenants change the same rows in opposite order, and wait for each other:
// the server breaks it, and one of them runs again.
func TestADeadlockOfTwoTenants(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	db := open(t, dsn)
	w := schematest.New(t, db)
	a, x, b := w.Location(1), w.Location(2), w.Location(3)
	require.NoError(t, w.Apply(store.Change{New: a}, store.Change{New: x}, store.Change{New: b}))
	renamed := func(l *pbx.Location, name string) store.Change {
		now := *l
		now.Rev, now.Name = now.Rev+1, name
		return store.Change{Old: l, New: &now}
	}
	// Somebody else holds x until both have taken one and wait for it.
	tx := begin(t, connect(t, dsn))
	_, err := tx.Exec(ctx, "SELECT 1 FROM pbx.locations WHERE id = $1 FOR UPDATE", [16]byte(x.ID))
	require.NoError(t, err)
	done := make(chan error, 2)
	for tenant, order := range map[pbx.TenantID][]*pbx.Location{w.Tenant.ID: {a, x, b}, pbx.Provider: {b, x, a}} {
		go func() {
			done <- db.Update(ctx, tenant, func(w store.Writer) error {
				return w.Apply(ctx, []store.Change{renamed(order[0], "1"), renamed(order[1], "2"), renamed(order[2], "3")})
			})
		}()
	}
	waitForLock(t, dsn, 2)
	require.NoError(t, tx.Rollback(ctx))
	first, second := <-done, <-done
	if first != nil {
		first, second = second, first
	}
	require.NoError(t, first)
	require.ErrorIs(t, second, store.ErrRetry)
	e := new(pgconn.PgError)
	require.ErrorAs(t, second, &e)
	require.Equal(t, "40P01", e.Code)
}

// Of two first updates of a tenant that has no row, in two processes, one waits
// and then sees what the other has committed.
func TestTheFirstUpdatesOfATenantQueueToo(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	here, there := open(t, dsn), open(t, dsn)
	w := schematest.New(t, open(t, fresh(t))) // gives a tenant's record
	var tenant store.Record
	require.NoError(t, w.Read(keyOf(&pbx.Tenant{ID: w.Tenant.ID}), &tenant))
	done := make(chan error, 1)
	require.NoError(t, here.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		got, err := tx.Get(ctx, keyOf(tenant))
		require.NoError(t, err)
		require.Nil(t, got[0])
		go func() {
			done <- there.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
				got, err := tx.Get(ctx, keyOf(tenant))
				if err == nil && got[0] == nil {
					return fmt.Errorf("the tenant was read before the lock was had")
				}
				return err
			})
		}()
		waitForLock(t, dsn, 1)
		return tx.Apply(ctx, []store.Change{{New: tenant}})
	}))
	require.NoError(t, <-done)
}

// Waiting for another process's update ends with the context.
func TestWaitingForAnotherProcessEndsWithTheContext(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	here, there := open(t, dsn), open(t, dsn)
	w := schematest.New(t, here)
	touch := func(db *postgres.Store, ctx context.Context) error {
		return db.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
			_, err := tx.Get(ctx, tenantKey)
			return err
		})
	}
	require.NoError(t, here.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		_, err := tx.Get(ctx, tenantKey)
		require.NoError(t, err)
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, touch(there, short), context.DeadlineExceeded)
		require.NoError(t, view(there, func(r store.Reader) error { // views do not wait
			_, err := r.Get(ctx, keyOf(&pbx.Tenant{ID: w.Tenant.ID}))
			return err
		}))
		return nil
	}))
	require.NoError(t, touch(there, ctx))
}

// A host that throws prepared statements away costs trips, and nothing else.
func TestPreparedStatementsThatAreThrownAway(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), postgres.WithPool(func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.PrepareConn = func(ctx context.Context, c *pgx.Conn) (bool, error) {
			_, err := c.Exec(ctx, "DEALLOCATE ALL")
			return true, err
		}
	}))
	w := schematest.New(t, db)
	for i := range int64(4) {
		require.NoError(t, view(db, func(r store.Reader) error {
			_, err := r.Get(ctx, tenantKey)
			return err
		}))
		require.NoError(t, w.Apply(store.Change{New: w.Event(100 + i)}))
		read := store.Read{Query: store.Query{Index: tenantKey.Index}}
		_, err := db.Fetch(ctx, read, read)
		require.NoError(t, err)
	}
}

// A connection keeps a bounded number of prepared statements.
func TestPreparedStatementsAreBounded(t *testing.T) {
	t.Parallel()
	var conn *pgx.Conn
	db := open(t, fresh(t), postgres.WithPool(func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
			conn = c
			return nil
		}
	}))
	schematest.New(t, db)
	asked := 0
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes {
			values := make([]any, len(ix.Columns))
			for i, c := range ix.Columns {
				values[i] = map[store.Type]any{
					store.Text: "x", store.Int: int64(1), store.Bool: true, store.Time: time.Unix(0, 0).UTC(), store.UUID: [16]byte{1},
				}[table.Columns[c].Type]
			}
			for equal := range ix.Columns {
				for shape := range 8 {
					q := store.Query{Index: ix, Equal: values[:equal], Desc: shape&1 != 0}
					if shape&2 != 0 {
						q.From = values[equal]
					}
					if shape&4 != 0 {
						q.To = values[equal]
					}
					require.NoError(t, view(db, func(r store.Reader) error {
						for _, err := range r.Find(ctx, q) {
							return err
						}
						return nil
					}))
					asked++
				}
			}
		}
	}
	require.Greater(t, asked, 1000)
	var kept int
	require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'pbx%'").Scan(&kept))
	require.Greater(t, kept, 10)
	require.Less(t, kept, 600)
}

// A record that another program has spoilt is an error, not a panic.
func TestWhatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for _, spoil := range []string{
		"UPDATE pbx.users SET applications = '{{a},{b}}'",
		"UPDATE pbx.users SET created_at = 'infinity'",
		"ALTER TABLE pbx.users ALTER first_name DROP NOT NULL; UPDATE pbx.users SET first_name = NULL",
		"ALTER TABLE pbx.users ALTER rev TYPE int",
	} {
		dsn := fresh(t)
		db := open(t, dsn, postgres.WithPool(oneConnection))
		schematest.New(t, db)
		run(t, dsn, "ALTER TABLE pbx.users DROP CONSTRAINT users_list")
		run(t, dsn, spoil)
		users, tenants := new(pbx.User).Table().Key(), store.Read{Query: store.Query{Index: tenantKey.Index}}
		_, err := db.Fetch(ctx, store.Read{Query: store.Query{Index: users}}, tenants)
		require.ErrorIs(t, err, pbx.ErrStorage, spoil)
		_, err = db.Fetch(ctx, tenants, tenants) // prepared after what failed
		require.NoError(t, err)
	}
}

// Updates of one tenant in two processes queue at the tenant's row, and what is
// read on the same trip as the lock is what the one before committed: nothing
// has to be run again.
func TestUpdatesInTwoProcessesQueue(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	stores := []*postgres.Store{open(t, dsn), open(t, dsn)}
	w := schematest.New(t, stores[0])
	location := w.Location(1)
	require.NoError(t, w.Apply(store.Change{New: location}))
	const each = 50
	done := make(chan error, len(stores))
	for _, db := range stores {
		go func() {
			var err error
			for i := 0; i < each && err == nil; i++ {
				err = db.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
					got, err := tx.Get(ctx, keyOf(location))
					if err != nil {
						return err
					}
					now := *got[0].(*pbx.Location)
					now.Rev++
					return tx.Apply(ctx, []store.Change{{Old: got[0], New: &now}})
				})
			}
			done <- err
		}()
	}
	for range stores {
		require.NoError(t, <-done)
	}
	var now store.Record
	require.NoError(t, w.Read(keyOf(location), &now))
	require.EqualValues(t, 1+len(stores)*each, now.(*pbx.Location).Rev)
}
