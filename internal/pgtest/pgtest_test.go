package pgtest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const (
	patience = time.Minute // far more than is ever needed
	tick     = 20 * time.Millisecond
)

func TestMain(m *testing.M) {
	flag.Parse()                 // testing.Short is asked before the tests run
	switch os.Getenv("PGTEST") { // what TestMain of another process wants of this one
	case "hold":
		hold()
	case "ask":
		Available()
	case "use":
		use()
		return
	}
	os.Exit(Run(m))
}

// hold gets hold of a server, says where it is, and waits to be killed.
func hold() {
	s, err := theServer()
	if err != nil {
		panic(err)
	}
	var folder string
	if err := s.admin.QueryRow(context.Background(), "SHOW data_directory").Scan(&folder); err != nil {
		panic(err)
	}
	fmt.Println(s.dsn("postgres"))
	fmt.Println(folder)
	select {}
}

// use makes a database on the server, and leaves.
func use() {
	dsn, stop, err := Start()
	if err != nil {
		panic(err)
	}
	defer stop()
	if err := execute(dsn, "CREATE TABLE t (i int)"); err != nil {
		panic(err)
	}
}

func execute(dsn, sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

func TestDatabase(t *testing.T) {
	a, b := Database(t), Database(t) // skips the test where there is no server
	require.True(t, Available())
	require.NoError(t, execute(a, "CREATE TABLE t (i int)"))
	require.Error(t, execute(b, "SELECT * FROM t"), "two tests share a database")
	t.Log(a)
}

func TestClone(t *testing.T) {
	name, prepared := random(), 0 // the process may run this more than once
	prepare := func(dsn string) error {
		prepared++
		return execute(dsn, "CREATE TABLE t (i int PRIMARY KEY); INSERT INTO t VALUES (1)")
	}
	a, b := Clone(t, name, prepare), Clone(t, name, prepare)
	require.Equal(t, 1, prepared)
	require.NoError(t, execute(a, "DELETE FROM t"))
	require.ErrorContains(t, execute(b, "INSERT INTO t VALUES (1)"), "duplicate key", "two copies are one")
	require.NoError(t, execute(Database(t), "CREATE TABLE t (i int)"), "a template got into an empty database")
}

// TestDropped holds a connection that a test forgot: its database is dropped all the
// same.
func TestDropped(t *testing.T) {
	ctx := context.Background()
	var conn *pgx.Conn
	t.Run("forgetful", func(t *testing.T) {
		var err error
		conn, err = pgx.Connect(ctx, Database(t))
		require.NoError(t, err)
	})
	if conn == nil {
		t.Skip("there is no PostgreSQL to be had")
	}
	require.Eventually(t, func() bool { return execute(conn.Config().ConnString(), "SELECT 1") != nil }, patience, tick)
	require.Error(t, conn.Ping(ctx))
}
