package pgwire_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/internal/pgwire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// table returns the DSN of a database with an empty table t, and a count of its rows.
func table(t *testing.T) (dsn string, rows func() int) {
	t.Helper()
	dsn = pgtest.Clone(t, "table", func(dsn string) error {
		conn, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		_, err = conn.Exec(context.Background(), "CREATE TABLE t (i int)")
		return err
	})
	conn := connect(t, dsn)
	return dsn, func() int {
		var n int
		require.NoError(t, conn.QueryRow(context.Background(), "SELECT count(*) FROM t").Scan(&n))
		return n
	}
}

// exchanges are things to do on a connection, and the flushes that they take.
var exchanges = []struct {
	name string
	do   func(ctx context.Context, conn *pgx.Conn) error
	want []string
}{
	{"a simple query", func(ctx context.Context, conn *pgx.Conn) error {
		return conn.PgConn().Exec(ctx, "SELECT\n 1; SELECT 2").Close()
	}, []string{"Query(SELECT 1; SELECT 2)"}},
	{"a query, prepared at first", func(ctx context.Context, conn *pgx.Conn) error {
		for range 2 {
			if _, err := conn.Exec(ctx, "SELECT $1::int", 1); err != nil {
				return err
			}
		}
		return nil
	}, []string{
		"Parse(SELECT $1::int) Describe Sync",
		"Bind(SELECT $1::int) Execute Sync",
		"Bind(SELECT $1::int) Execute Sync",
	}},
	{"a batch, prepared at first", func(ctx context.Context, conn *pgx.Conn) error {
		for range 2 {
			batch := &pgx.Batch{}
			batch.Queue("SELECT 1")
			batch.Queue("SELECT 2")
			if err := conn.SendBatch(ctx, batch).Close(); err != nil {
				return err
			}
		}
		return nil
	}, []string{
		"Parse(SELECT 1) Describe Parse(SELECT 2) Describe Sync",
		"Bind(SELECT 1) Execute Bind(SELECT 2) Execute Sync",
		"Bind(SELECT 1) Execute Bind(SELECT 2) Execute Sync",
	}},
	{"a pipeline with two Syncs", func(ctx context.Context, conn *pgx.Conn) error {
		pipeline := conn.PgConn().StartPipeline(ctx)
		pipeline.SendQueryParams("SELECT 1", nil, nil, nil, nil)
		pipeline.SendPipelineSync()
		pipeline.SendQueryParams("SELECT 2", nil, nil, nil, nil)
		return errors.Join(pipeline.Sync(), pipeline.Close())
	}, []string{"Parse(SELECT 1) Bind(SELECT 1) Describe Execute Sync Parse(SELECT 2) Bind(SELECT 2) Describe Execute Sync"}},
	{"a pipeline that waits between", func(ctx context.Context, conn *pgx.Conn) error {
		pipeline := conn.PgConn().StartPipeline(ctx)
		for range 2 {
			pipeline.SendQueryParams("SELECT 1", nil, nil, nil, nil)
			pipeline.SendFlushRequest()
			if err := pipeline.Flush(); err != nil {
				return err
			}
			results, err := pipeline.GetResults()
			if err != nil {
				return err
			}
			if _, err := results.(*pgconn.ResultReader).Close(); err != nil {
				return err
			}
		}
		return errors.Join(pipeline.Sync(), pipeline.Close())
	}, []string{
		"Parse(SELECT 1) Bind(SELECT 1) Describe Execute Flush",
		"Parse(SELECT 1) Bind(SELECT 1) Describe Execute Flush",
		"Sync",
	}},
	{"a copy", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.PgConn().CopyFrom(ctx, strings.NewReader("1\n2\n"), "COPY t FROM STDIN")
		return errors.Join(err, conn.PgConn().Exec(ctx, "SELECT 1").Close())
	}, []string{"Query(COPY t FROM STDIN) CopyData CopyDone", "Query(SELECT 1)"}},
	{"a transaction", func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "SELECT 1")
			return err
		})
	}, []string{"Query(begin)", "Query(SELECT 1)", "Query(commit)"}},
}

func TestFlushes(t *testing.T) {
	for _, e := range exchanges {
		t.Run(e.name, func(t *testing.T) {
			dsn, _ := table(t)
			p := pgwire.Listen(t, dsn)
			conn := connect(t, p.DSN())
			require.NoError(t, e.do(context.Background(), conn))
			require.NoError(t, conn.Close(context.Background()))
			require.Empty(t, cmp.Diff(e.want, p.Trace()))
			require.Equal(t, len(e.want), p.Flushes())
		})
	}
}

// TestLongPipeline sends many pieces of statements before their one Sync, while
// the server's long answers come back all the time.
func TestLongPipeline(t *testing.T) {
	ctx := context.Background()
	dsn, _ := table(t)
	p := pgwire.Listen(t, dsn)
	conn := connect(t, p.DSN())
	const statements = 2000
	pipeline := conn.PgConn().StartPipeline(ctx)
	text := []byte(strings.Repeat("x", 2000))
	for range statements {
		pipeline.SendQueryParams("SELECT $1::text", [][]byte{text}, nil, nil, nil)
		require.NoError(t, pipeline.Flush())
	}
	require.NoError(t, pipeline.Sync())
	read := 0
	for range statements {
		results, err := pipeline.GetResults()
		require.NoError(t, err)
		result := results.(*pgconn.ResultReader).Read()
		require.NoError(t, result.Err)
		read += len(result.Rows[0][0])
	}
	require.NoError(t, pipeline.Close())
	require.Equal(t, statements*len(text), read)
	require.Equal(t, 1, p.Flushes())
	require.Equal(t, 4*statements+1, p.Messages())
}

func TestReset(t *testing.T) {
	ctx := context.Background()
	dsn, _ := table(t)
	p := pgwire.Listen(t, dsn)
	a, b := connect(t, p.DSN()), connect(t, p.DSN())
	for _, conn := range []*pgx.Conn{a, b} {
		require.NoError(t, conn.PgConn().Exec(ctx, "SELECT 1").Close())
	}
	require.Equal(t, 2, p.Flushes())
	p.CutAt(1, pgwire.Before)
	p.Reset()
	require.Zero(t, p.Flushes()+p.Messages())
	require.NoError(t, a.PgConn().Exec(ctx, "SELECT 3").Close())
	require.Equal(t, []string{"Query(SELECT 3)"}, p.Trace())
}

// insert changes the database with the last message of the two connections' four.
func insert(a, b *pgx.Conn) error {
	ctx := context.Background()
	for _, sql := range []string{"BEGIN", "INSERT INTO t VALUES (1)"} {
		if err := a.PgConn().Exec(ctx, sql).Close(); err != nil {
			return err
		}
	}
	if err := b.PgConn().Exec(ctx, "SELECT 1").Close(); err != nil {
		return err
	}
	return a.PgConn().Exec(ctx, "COMMIT").Close()
}

func TestCutAt(t *testing.T) {
	for _, how := range []pgwire.How{pgwire.Before, pgwire.During, pgwire.After} {
		for n := 1; n <= 5; n++ {
			t.Run(fmt.Sprintf("%v message %d", how, n), func(t *testing.T) {
				dsn, rows := table(t)
				p := pgwire.Listen(t, dsn)
				a, b := connect(t, p.DSN()), connect(t, p.DSN())
				p.CutAt(n, how)
				err := insert(a, b)
				p.Wait()
				require.Equal(t, n < 5, err != nil, "%v", err)
				require.Equal(t, min(n, 4), p.Messages())
				committed := n == 5 || n == 4 && how == pgwire.After
				require.Equal(t, committed, rows() == 1)
				if n < 5 {
					require.Equal(t, 1, p.Cuts())
					require.Equal(t, n != 3, a.Ping(context.Background()) != nil, "the wrong connection is cut")
					require.Equal(t, n == 3, b.Ping(context.Background()) != nil, "the wrong connection is cut")
					require.NoError(t, connect(t, p.DSN()).Ping(context.Background()), "a cut is made once")
				}
			})
		}
	}
}

// TestCutInBurst cuts inside of a pipeline that comes in one piece: what stands
// before the cut is handled. The insertion commits with the Sync only.
func TestCutInBurst(t *testing.T) {
	ctx := context.Background()
	for n, committed := range map[int]bool{5: false, 6: true} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dsn, rows := table(t)
			p := pgwire.Listen(t, dsn)
			conn := connect(t, p.DSN())
			p.CutAt(n, pgwire.Before)
			pipeline := conn.PgConn().StartPipeline(ctx)
			for range 2 { // Parse, Bind, Describe, Execute, Sync
				pipeline.SendQueryParams("INSERT INTO t VALUES (1)", nil, nil, nil, nil)
				pipeline.SendPipelineSync()
			}
			_ = pipeline.Flush() // the cut may come before it returns
			require.Error(t, pipeline.Close())
			p.Wait()
			require.Equal(t, committed, rows() == 1)
		})
	}
}

func TestCutAll(t *testing.T) {
	ctx := context.Background()
	dsn, rows := table(t)
	p := pgwire.Listen(t, dsn)
	conn := connect(t, p.DSN())
	_, err := conn.Exec(ctx, "BEGIN; INSERT INTO t VALUES (1)")
	require.NoError(t, err)
	p.CutAll()
	require.Error(t, conn.Ping(ctx))
	p.Wait()
	require.Zero(t, rows())
	require.NoError(t, connect(t, p.DSN()).Ping(ctx))
}

func TestRefuse(t *testing.T) {
	ctx := context.Background()
	dsn, _ := table(t)
	p := pgwire.Listen(t, dsn)
	conn := connect(t, p.DSN())
	p.Refuse(true)
	_, err := pgx.Connect(ctx, p.DSN())
	require.Error(t, err)
	require.NoError(t, conn.Ping(ctx), "a connection from before is gone")
	p.Refuse(false)
	require.NoError(t, connect(t, p.DSN()).Ping(ctx))
}

// TestEncryption has a client that would rather have TLS.
func TestEncryption(t *testing.T) {
	dsn, _ := table(t)
	p := pgwire.Listen(t, dsn)
	conn := connect(t, strings.Replace(p.DSN(), "sslmode=disable", "sslmode=prefer", 1))
	require.NoError(t, conn.Ping(context.Background()))
}
