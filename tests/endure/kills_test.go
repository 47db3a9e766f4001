package endure_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/sqlite"
)

// desk is where a clerk works in a process of its own, until that is killed.
type desk struct {
	clerk
	Engine, DSN string
}

// engines open the stores that several processes, one after another, can work on.
var engines = map[string]func(ctx context.Context, dsn string) (store.Store, error){
	"postgres": func(ctx context.Context, dsn string) (store.Store, error) { return postgres.Open(ctx, dsn) },
	"sqlite":   func(ctx context.Context, file string) (store.Store, error) { return sqlite.Open(ctx, file) },
}

// deskVariable has a test process work at a desk in place of running tests.
const deskVariable = "PBX_TEST_DESK"

// workDesk works at the desk of the environment, if there is one, and prints each
// acknowledged user. What is printed is in the pipe, and outlives the process.
func workDesk() bool {
	text := os.Getenv(deskVariable)
	if text == "" {
		return false
	}
	var d desk
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		panic(err)
	}
	db, err := engines[d.Engine](context.Background(), d.DSN)
	if err != nil {
		panic(err)
	}
	d.work(context.Background(), db, func(tenant pbx.TenantID, user pbx.UserID, err error) {
		if err == nil {
			fmt.Println(tenant, user)
		}
	})
	return true
}

// killed has the clerk work until so many users were acknowledged and a random moment
// has passed, and kills the process.
func (d *desk) killed(t *testing.T, l *ledger, dice *rand.Rand) {
	text, err := json.Marshal(d)
	require.NoError(t, err)
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), deskVariable+"="+string(text))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	kill := 1 + dice.IntN(20)
	lines := bufio.NewScanner(out)
	n := 0
	for ; lines.Scan(); n++ {
		var tenant, user string
		_, err := fmt.Sscan(lines.Text(), &tenant, &user)
		require.NoError(t, err, lines.Text())
		var entry struct {
			Tenant pbx.TenantID
			User   pbx.UserID
		}
		require.NoError(t, entry.Tenant.UnmarshalText([]byte(tenant)))
		require.NoError(t, entry.User.UnmarshalText([]byte(user)))
		l.note(entry.Tenant, entry.User, nil)
		if n+1 == kill {
			time.AfterFunc(time.Duration(dice.IntN(5000))*time.Microsecond, func() { _ = command.Process.Kill() })
		}
	}
	require.Error(t, command.Wait(), "it was killed")
	require.GreaterOrEqual(t, n, kill)
}

// What was acknowledged before a process was killed, at any moment, is there.
func TestSYS1_NothingAcknowledgedIsLostWhenProcessesAreKilled(t *testing.T) {
	for engine, kills := range map[string]int{"sqlite": testbed.Size(4, 100), "postgres": testbed.Size(3, 30)} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			testbed.NotShort(t)
			d := desk{Engine: engine}
			if engine == "postgres" {
				d.DSN = testbed.FreshDatabase(t)
			} else {
				d.DSN = filepath.Join(t.TempDir(), "pbx.db")
			}
			db, err := engines[engine](t.Context(), d.DSN)
			require.NoError(t, err)
			d.Tenants = tenantsFor(testbed.NewWorld(t, db), 4)
			l, dice := newLedger(), rand.New(rand.NewPCG(20261130, 1))
			for d.Seed = range kills {
				d.killed(t, l, dice)
			}
			lost, besides := l.lost(t, db, d.Tenants)
			t.Logf("figure: %s: %d kills of a client, %d users acknowledged, lost %d; there without an answer %d",
				engine, kills, l.acknowledged(), lost, besides)
			require.Zero(t, lost)
			require.LessOrEqual(t, besides, kills*len(d.Tenants), "one for each operation that was under way")
		})
	}
}
