package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// A child is this test binary again, told by its environment what to do.
const childKey = "PBX_SQLITE_TEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childKey); job != "" {
		kind, path, _ := strings.Cut(job, ":")
		if err := children[kind](path); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var children = map[string]func(path string) error{
	// open opens the store, raises a counter 25 times, and closes it.
	"open": func(path string) error {
		store, err := sqlite.Open(context.Background(), path, sqlite.WithSynchronous(sqlite.Normal))
		if err != nil {
			return err
		}
		for range 25 {
			if err := count(store); err != nil {
				return err
			}
		}
		return store.Close()
	},
	// crash counts, saying so, until it is killed.
	"crash": func(path string) error {
		store, err := sqlite.Open(context.Background(), path)
		if err != nil {
			return err
		}
		for n := 1; ; n++ {
			if err := count(store); err != nil {
				return err
			}
			fmt.Println(n)
		}
	},
}

// count raises the provider's revision by one, and makes it first. It writes no journal,
// so the row has no head of one.
func count(db *sqlite.Store) error {
	ctx := context.Background()
	return db.Update(ctx, pbx.Provider, func(w store.Writer) error {
		provider := &pbx.Tenant{ID: pbx.Provider, CreatedAt: schematest.Noon}
		records, err := w.Get(ctx, keyOf(provider))
		if err != nil {
			return err
		}
		if records[0] == nil {
			provider.Rev = 1
			return w.Apply(ctx, []store.Change{{New: provider}})
		}
		return w.Apply(ctx, []store.Change{schematest.With(records[0].(*pbx.Tenant), func(p *pbx.Tenant) {
			schematest.Set(p, "journal_head", "")
		})})
	})
}

func child(t *testing.T, job, path string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childKey+"="+job+":"+path)
	return c
}

func counted(t *testing.T, path string) int64 {
	t.Helper()
	return get[*pbx.Tenant](t, open(t, path), keyOf(&pbx.Tenant{ID: pbx.Provider})).Rev
}

func TestProcessesShareAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pbx.db") // which none of them finds
	const processes = 4
	var wg sync.WaitGroup
	outputs := make([]string, processes)
	for i := range processes {
		wg.Go(func() {
			out, err := child(t, "open", path).CombinedOutput()
			if err != nil {
				outputs[i] = fmt.Sprint(err, ": ", string(out))
			}
		})
	}
	wg.Wait()
	for _, out := range outputs {
		require.Empty(t, out)
	}
	require.EqualValues(t, processes*25, counted(t, path))
	require.NoError(t, open(t, path).Check(context.Background()))
}

func TestOpensAtOnceMakeOneStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pbx.db")
	var wg sync.WaitGroup
	errs := make(chan error, 16)
	for range 8 {
		wg.Go(func() {
			store, err := sqlite.Open(context.Background(), path)
			if err == nil {
				errs <- count(store)
				err = store.Close()
			}
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, 8, counted(t, path))
}

// What was acknowledged before the process was killed is there afterwards.
func TestAKilledProcessLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pbx.db")
	c := child(t, "crash", path)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	lines := bufio.NewScanner(out)
	var acknowledged int64
	for lines.Scan() {
		acknowledged, err = strconv.ParseInt(lines.Text(), 10, 64)
		require.NoError(t, err, lines.Text())
		if acknowledged == 50 {
			require.NoError(t, c.Process.Kill())
		}
	}
	require.Error(t, c.Wait())
	require.FileExists(t, path+"-wal", "it left its log behind")
	got := counted(t, path)
	require.GreaterOrEqual(t, got, acknowledged)
	require.LessOrEqual(t, got, acknowledged+1)
	require.NoError(t, open(t, path).Check(context.Background()))
}
