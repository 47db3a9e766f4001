//go:build linux || darwin

package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// child is this test program, run once more.
func child(environment string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), environment)
	return cmd
}

// TestTwoProcesses runs two test processes at once: each has its own server,
// and neither leaves one behind, though one of them is killed.
func TestTwoProcesses(t *testing.T) {
	t.Setenv("PBX_POSTGRES", "")
	var children [2]*exec.Cmd
	var dsns, folders [2]string
	for i := range children {
		cmd := child("PGTEST=hold")
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it has ended, unless this test failed
			_ = cmd.Wait()
		})
		children[i] = cmd
		lines := bufio.NewScanner(out)
		require.True(t, lines.Scan())
		dsns[i] = lines.Text()
		require.True(t, lines.Scan())
		folders[i] = lines.Text()
	}
	require.NotEqual(t, folders[0], folders[1])

	for i := range children {
		require.NoError(t, execute(dsns[i], "SELECT 1"))
		require.NoError(t, children[i].Process.Kill())
		require.Eventually(t, func() bool { _, err := os.Stat(folders[i]); return os.IsNotExist(err) }, patience, tick)
		require.Error(t, execute(dsns[i], "SELECT 1"))
	}
}

// TestKilledEarly ends the pipe while initdb has hardly begun.
func TestKilledEarly(t *testing.T) {
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

	t.Setenv("PBX_POSTGRES", "no settings")
	out, err = child("PGTEST=ask", "-test.run=^$").CombinedOutput()
	require.Error(t, err, "%s", out)
	require.Contains(t, string(out), "neither a postgres:// URL nor key=value settings")
}
