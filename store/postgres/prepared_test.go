package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/postgres"
)

// onlyConnection is a pool of one connection, which dress gets when it is made.
func onlyConnection(dress func(*pgx.Conn) error) postgres.Option {
	return postgres.WithPool(func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.AfterConnect = func(_ context.Context, c *pgx.Conn) error { return dress(c) }
	})
}

// use reads and changes something in each way that there is. An update of which
// only the changes met a statement that is not as it should be is run again, as
// the root package would.
func use(t *testing.T, db *postgres.Store, w *schematest.World, seq int64) {
	t.Helper()
	read := store.Read{Query: store.Query{Index: tenantKey.Index}}
	_, err := db.Fetch(ctx, read, read)
	require.NoError(t, err)
	require.NoError(t, view(db, func(r store.Reader) error {
		_, err := r.Get(ctx, tenantKey)
		return err
	}))
	change := func() error {
		return db.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
			return tx.Apply(ctx, []store.Change{{New: w.Event(seq)}})
		})
	}
	if err = change(); errors.Is(err, store.ErrRetry) {
		err = change()
	}
	require.NoError(t, err)
}

// prepared are the store's prepared statements on a connection, by their names.
func prepared(t *testing.T, c *pgx.Conn) map[string]string {
	t.Helper()
	texts := map[string]string{}
	rows, err := c.Query(ctx, "SELECT name, statement FROM pg_prepared_statements WHERE name LIKE 'pbx%'")
	require.NoError(t, err)
	var name, text string
	_, err = pgx.ForEachRow(rows, []any{&name, &text}, func() error {
		texts[name] = text
		return nil
	})
	require.NoError(t, err)
	return texts
}

// Behind a pooler a connection may have some of its prepared statements and not
// the others. That costs trips, and nothing else.
func TestPreparedStatementsOfWhichOneIsGone(t *testing.T) {
	t.Parallel()
	var conn *pgx.Conn
	made := 0
	store := open(t, fresh(t), onlyConnection(func(c *pgx.Conn) error {
		conn = c
		made++
		return nil
	}))
	w := schematest.New(t, store)
	use(t, store, w, 100)
	names := prepared(t, conn)
	require.Greater(t, len(names), 10)
	seq, gone := int64(100), 0
	for name := range names {
		if _, there := prepared(t, conn)[name]; !there {
			continue // the last one that was gone took it along
		}
		gone++
		_, err := conn.Exec(ctx, `DEALLOCATE "`+name+`"`)
		require.NoError(t, err)
		for range 2 {
			seq++
			use(t, store, w, seq)
		}
	}
	require.Greater(t, gone, 5)
	require.Equal(t, 1, made, "the connection is kept")
}

// Or it has those that another client prepared.
func TestPreparedStatementsThatAreThereAlready(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	var conn *pgx.Conn
	first := open(t, dsn, onlyConnection(func(c *pgx.Conn) error {
		conn = c
		return nil
	}))
	w := schematest.New(t, first)
	use(t, first, w, 100)
	texts := prepared(t, conn)
	require.Greater(t, len(texts), 10)
	seq := int64(100)
	for name, text := range texts {
		second := open(t, dsn, onlyConnection(func(c *pgx.Conn) error {
			_, err := c.PgConn().Prepare(ctx, name, text, nil)
			return err
		}))
		seq++
		use(t, second, w, seq)
		require.NoError(t, second.Close())
	}
	second := open(t, dsn, onlyConnection(func(c *pgx.Conn) error {
		for name, text := range texts {
			if _, err := c.PgConn().Prepare(ctx, name, text, nil); err != nil {
				return err
			}
		}
		return nil
	}))
	use(t, second, w, seq+1)
}
