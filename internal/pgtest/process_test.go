//go:build linux || darwin

package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// child is this test program, run once more.
func child(environment string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), environment)
	return cmd
}

// holding is a test process that has the server until it is told to end.
type holding struct {
	*exec.Cmd
	dsn, folder string
}

// startHolding starts such a process, whose server's meeting place is in a folder.
func startHolding(t *testing.T, folder string) holding {
	t.Helper()
	h := holding{Cmd: child("PGTEST=hold")}
	h.Env = append(h.Env, "PBX_POSTGRES=", "TMPDIR="+folder)
	out, err := h.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, h.Start())
	t.Cleanup(func() {
		_ = h.Process.Kill() // it has ended, unless this test failed
		_ = h.Wait()
	})
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	h.dsn = lines.Text()
	require.True(t, lines.Scan())
	h.folder = lines.Text()
	return h
}

// requireGone waits until a server has stopped and left nothing.
func requireGone(t *testing.T, h holding) {
	t.Helper()
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Dir(h.folder)); return os.IsNotExist(err) }, patience, tick)
	require.Error(t, execute(h.dsn, "SELECT 1"))
}

// TestProcessesShareAServer has one that was killed leave the server to the
// other, and the server stop when that is killed too. A process that comes then
// gets a new one.
func TestProcessesShareAServer(t *testing.T) {
	startsServers(t)
	t.Parallel()
	folder := t.TempDir()
	first, second := startHolding(t, folder), startHolding(t, folder)
	require.Equal(t, first.dsn, second.dsn)
	require.Equal(t, first.folder, second.folder)

	require.NoError(t, first.Process.Kill())
	_ = first.Wait()
	third := startHolding(t, folder)
	require.Equal(t, second.dsn, third.dsn)
	require.NoError(t, third.Process.Kill())
	_ = third.Wait()
	require.NoError(t, execute(second.dsn, "SELECT 1"))

	require.NoError(t, second.Process.Kill())
	_ = second.Wait()
	requireGone(t, second)
	fourth := startHolding(t, folder)
	require.NotEqual(t, second.folder, fourth.folder)
	require.NoError(t, fourth.Process.Kill())
	requireGone(t, fourth)
}

// TestProcessesStartAtOnce has many come and go at the same time: each finds a
// server, and none is still running afterwards.
func TestProcessesStartAtOnce(t *testing.T) {
	startsServers(t)
	t.Parallel()
	folder := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2 {
				cmd := child("PGTEST=use")
				cmd.Env = append(cmd.Env, "PBX_POSTGRES=", "PBX_POSTGRES_REQUIRED=1", "TMPDIR="+folder)
				out, err := cmd.CombinedOutput()
				assert.NoError(t, err, "%s", out)
			}
		})
	}
	all.Wait()
	current, err := filepath.Glob(filepath.Join(folder, "pgtest-*", "*[0-9a-f]"))
	require.NoError(t, err)
	for _, file := range current {
		if filepath.Ext(file) == "" {
			server, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoDirExists(t, string(server), "the last one out waits until the server has gone")
		}
	}
	require.NotEmpty(t, current)
}

// TestKilledEarly ends the pipe while initdb has hardly begun.
func TestKilledEarly(t *testing.T) {
	startsServers(t)
	bin, err := binaries()
	require.NoError(t, err)
	as, err := account()
	require.NoError(t, err)
	folder, err := newFolder(as)
	require.NoError(t, err)
	port, err := freePort()
	require.NoError(t, err)
	g, err := guarded(folder, as, bin, folder, port, "early")
	require.NoError(t, err)
	g.stop()
	require.NoDirExists(t, folder)
}

// TestExisting has another process use this one's server, as a role of its own
// so that what it leaves there can be told.
func TestExisting(t *testing.T) {
	startsServers(t)
	ctx := context.Background()
	mine := Database(t)
	role := "pbxtest_" + random()
	require.NoError(t, execute(mine, "CREATE ROLE "+role+" LOGIN CREATEDB PASSWORD 'it''s'"))
	t.Cleanup(func() { require.NoError(t, execute(mine, "DROP ROLE "+role)) })
	config, err := pgx.ParseConfig(mine)
	require.NoError(t, err)

	for form, dsn := range map[string]string{
		"URL":       fmt.Sprintf("postgres://%s:it%%27s@%s:%d/%s?sslmode=disable", role, config.Host, config.Port, config.Database),
		"key=value": fmt.Sprintf(`host = %s port=%d user=%s password='it\'s' dbname=%s sslmode=disable`, config.Host, config.Port, role, config.Database),
	} {
		t.Run(form, func(t *testing.T) {
			out, err := child("PBX_POSTGRES="+dsn, "-test.v", "-test.run=^(TestDatabase|TestClone)$").CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), role, "the other process had a server of its own")

			conn, err := pgx.Connect(ctx, mine)
			require.NoError(t, err)
			defer conn.Close(ctx)
			var left int
			require.NoError(t, conn.QueryRow(ctx,
				"SELECT count(*) FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = $1", role).Scan(&left))
			require.Zero(t, left, "databases stay behind")
		})
	}
}

func TestNoServer(t *testing.T) {
	t.Setenv("PBX_POSTGRES_REQUIRED", "")
	t.Setenv("PBX_POSTGRES", "postgres://somebody:secret@127.0.0.1:1/none")
	cmd := child("PGTEST=ask", "-test.run=^$")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Regexp(t, `(?m)^pgtest: the PostgreSQL tests did not run: PBX_POSTGRES: .*127\.0\.0\.1.*refused.*$`, string(out))
	require.NotContains(t, string(out), "secret")

	t.Setenv("PBX_POSTGRES_REQUIRED", "1")
	out, err = child("PGTEST=ask", "-test.run=^$").CombinedOutput()
	require.Error(t, err, "%s", out)
	require.Contains(t, string(out), "refused")

	t.Setenv("PBX_POSTGRES_REQUIRED", "")
	t.Setenv("PBX_POSTGRES", "off")
	out, err = child("PGTEST=ask", "-test.run=^$").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "pgtest: the PostgreSQL tests did not run: PBX_POSTGRES is off")

	t.Setenv("PBX_POSTGRES_REQUIRED", "1")
	t.Setenv("PBX_POSTGRES", "no settings")
	out, err = child("PGTEST=ask", "-test.run=^$").CombinedOutput()
	require.Error(t, err, "%s", out)
	require.Contains(t, string(out), "neither a postgres:// URL nor key=value settings")
}

// startsServers skips a test that does so where -short asks for those that are quick.
func startsServers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts servers")
	}
}
