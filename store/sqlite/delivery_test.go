package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/sqlite"
)

const (
	leaseTime = 4 * time.Second // a machine may stand still for a while
	hangAt    = 20              // events
)

func init() {
	// deliver delivers until it is told to stop, and says what it does in a
	// file that it shares with the others.
	children["deliver"] = func(path string) error { return deliverAll(path, func(int) {}) }
	// hang does the same, but never returns from one event.
	children["hang"] = func(path string) error {
		return deliverAll(path, func(n int) {
			if n == hangAt {
				select {}
			}
		})
	}
}

func deliverAll(path string, work func(n int)) error {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(path+".log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	support := pbx.New(store, pbx.WithLease(leaseTime), pbx.WithDeliveries(2)).As(pbx.Support("agent"))
	say := func(what string, e *pbx.Event) error {
		_, err := fmt.Fprintf(log, "%s %d %s\n", what, os.Getpid(), e.Key())
		return err
	}
	handled := make(chan int, 1)
	handled <- 0
	for stop := path + ".stop"; ; {
		_, err := support.Deliver(ctx, "mail", func(_ context.Context, e *pbx.Event) error {
			if err := say("begin", e); err != nil {
				return err
			}
			n := <-handled + 1
			handled <- n
			work(n)
			return say("end", e)
		})
		if err != nil {
			return err
		}
		if _, err := os.Stat(stop); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, store.Close(), log.Close())
		}
		time.Sleep(time.Millisecond)
	}
}

// deliveries is what the processes say that they did.
type deliveries struct {
	*testing.T
	path string
}

func (d *deliveries) lines() []string {
	text, err := os.ReadFile(d.path + ".log")
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(d, err)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// check goes through what was said, in order: no tenant is two processes' at a
// time, and no event is left out. It returns how often each event was handled.
func (d *deliveries) check(place map[string]int) map[string]int {
	inside := map[string]string{} // by tenant: the process
	next := map[string]int{}      // by tenant: the place of the event that comes next, at the latest
	handled := map[string]int{}
	for _, line := range d.lines() {
		what, rest, _ := strings.Cut(line, " ")
		process, key, _ := strings.Cut(rest, " ")
		tenant, _, _ := strings.Cut(key, "/")
		switch what {
		case "begin":
			require.Empty(d, inside[tenant], "%s: it is in another process's hands", line)
			require.LessOrEqual(d, place[key], next[tenant], "%s: one was left out", line)
			inside[tenant] = process
		case "end":
			require.Equal(d, process, inside[tenant], line)
			delete(inside, tenant)
			next[tenant] = max(next[tenant], place[key]+1)
			handled[key]++
		case "killed":
			for tenant, holder := range inside {
				if holder == process {
					delete(inside, tenant)
				}
			}
		}
	}
	return handled
}

func TestProcessesShareTheDeliveryAndTakeOverFromOneThatWasKilled(t *testing.T) {
	notShort(t)
	t.Parallel()
	d := &deliveries{t, filepath.Join(t.TempDir(), "pbx.db")}
	place := provision(t, d.path)
	victim := child(t, "hang", d.path)
	require.NoError(t, victim.Start())
	waitUntil(t, func() bool { return len(d.lines()) >= 2*hangAt-1 })
	var others []*exec.Cmd
	for range 2 {
		c := child(t, "deliver", d.path)
		require.NoError(t, c.Start())
		others = append(others, c)
	}
	waitUntil(t, func() bool { return len(d.lines()) > len(place) }) // the others have come a good way
	require.NoError(t, victim.Process.Kill())
	require.Error(t, victim.Wait())
	log, err := os.OpenFile(d.path+".log", os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = fmt.Fprintf(log, "killed %d\n", victim.Process.Pid)
	require.NoError(t, err)
	require.NoError(t, log.Close())

	waitUntil(t, func() bool { return len(d.check(place)) == len(place) })
	require.NoError(t, os.WriteFile(d.path+".stop", nil, 0o600))
	for _, c := range others {
		require.NoError(t, c.Wait())
	}
	twice := 0
	for _, n := range d.check(place) {
		twice += n - 1
	}
	require.LessOrEqual(t, twice, 2*16, "of the two tenants that the killed one was at, the last few")
}

// provision makes some customers with journals, and returns the events' places
// in them.
func provision(t *testing.T, path string) map[string]int {
	t.Helper()
	ctx := t.Context()
	store := open(t, path)
	support := pbx.New(store).As(pbx.Support("agent"))
	place := map[string]int{}
	note := func(dir *pbx.Directory) {
		n := 0
		for e, err := range dir.Journal(ctx, pbx.JournalQuery{}) {
			require.NoError(t, err)
			place[e.Key()] = n
			n++
		}
	}
	for i := range 5 {
		tenant, err := support.CreateTenant(ctx, pbx.NewTenant{Name: fmt.Sprint("C", i), Country: "US", SIPDomain: fmt.Sprintf("c%d.example.com", i)})
		require.NoError(t, err)
		in := support.In(tenant.ID)
		for j := range 30 {
			_, err := in.CreateGroup(ctx, pbx.NewGroup{Name: fmt.Sprint("G", j)})
			require.NoError(t, err)
		}
		note(in)
	}
	note(support)
	require.NoError(t, store.Close())
	return place
}

// waitUntil waits for other processes.
func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	for range 30_000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.FailNow(t, "the processes do not come to an end")
}
