package proof

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/sqlite"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// twice opens one database twice, as two processes would.
var twice = map[string]func(t *testing.T) (a, b store.Store){
	"memory": func(*testing.T) (a, b store.Store) {
		s := &slow{memory.New()}
		return s, s
	},
	"sqlite": func(t *testing.T) (a, b store.Store) {
		file := filepath.Join(t.TempDir(), "pbx.db")
		open := func() store.Store {
			s, err := sqlite.Open(t.Context(), file)
			require.NoError(t, err)
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		return open(), open()
	},
	"postgres": func(t *testing.T) (a, b store.Store) {
		dsn := testbed.FreshDatabase(t)
		open := func() store.Store {
			s, err := postgres.Open(t.Context(), dsn)
			require.NoError(t, err)
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		return open(), open()
	},
}

func TestHistoriesAreLinearizable(t *testing.T) {
	for name, open := range twice {
		t.Run(name, func(t *testing.T) {
			a, b := open(t)
			f := prove(t, testbed.Size(20, 200), a, b)
			t.Logf("figure: linearizability, %s with two openers: %s", name, f)
			require.Zero(t, f.illegal)
			require.Greater(t, f.overlapping, f.operations/4, "clients did not get in one another's way")
		})
	}
}

// Every few commits the answer is lost on the way, and every few there is none to
// find out either: what the client cannot know stays open until the end.
func TestHistoriesWithUnknownOutcomesAreLinearizable(t *testing.T) {
	for name, open := range twice {
		t.Run(name, func(t *testing.T) {
			a, b := open(t)
			f := prove(t, testbed.Size(10, 100), a, &forgetful{Store: b, doubt: map[any]bool{}})
			t.Logf("figure: linearizability, %s with lost answers: %s", name, f)
			require.Zero(t, f.illegal)
			require.Positive(t, f.unknown)
		})
	}
}

// A prover that never finds anything proves nothing.
func TestBrokenStoresAreFound(t *testing.T) {
	for name, store := range map[string]store.Store{
		"one that loses acknowledged commits":   &losing{Store: &slow{memory.New()}},
		"one that reads from a lagging replica": newLagging(),
	} {
		t.Run(name, func(t *testing.T) {
			f := prove(t, testbed.Size(20, 200), store, store)
			t.Logf("figure: linearizability, %s: %s", name, f)
			require.Positive(t, f.illegal)
		})
	}
}

// slow takes as long as a disk would, so that operations overlap.
type slow struct{ store.Store }

func (s *slow) View(ctx context.Context, fn func(store.Reader) error) error {
	time.Sleep(20 * time.Microsecond)
	return s.Store.View(ctx, fn)
}

func (s *slow) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return s.Store.Update(ctx, tenant, func(w store.Writer) error {
		time.Sleep(50 * time.Microsecond)
		return fn(w)
	})
}

// forgetful commits, and loses the answer to every fourth commit. To every other client
// who then looks for what became of it, it gives no answer either.
type forgetful struct {
	store.Store
	mu    sync.Mutex
	count int
	doubt map[any]bool // by client
}

func (s *forgetful) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	client := ctx.Value(clientKey{})
	s.mu.Lock()
	looks := s.doubt[client]
	delete(s.doubt, client)
	s.mu.Unlock()
	if looks {
		return store.Misuse("the answer cannot be found out")
	}
	err := s.Store.Update(ctx, tenant, fn)
	if err != nil || client == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count++; s.count%4 > 0 {
		return nil
	}
	if s.count%8 == 0 {
		s.doubt[client] = true
	}
	return &store.Error{Kind: store.ErrCommitUnknown, Reason: "the answer was lost", Err: errLost}
}

var errLost = errors.New("lost")

// losing acknowledges every seventh commit and makes nothing of it.
type losing struct {
	store.Store
	mu    sync.Mutex
	count int
}

var errDropped = errors.New("dropped")

func (s *losing) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	s.mu.Lock()
	s.count++
	lost := s.count > 10 && s.count%7 == 0
	s.mu.Unlock()
	err := s.Store.Update(ctx, tenant, func(w store.Writer) error {
		if err := fn(w); err != nil || !lost {
			return err
		}
		return errDropped
	})
	if errors.Is(err, errDropped) {
		return nil
	}
	return err
}

// lagging answers reads from a replica that is a few commits behind.
type lagging struct {
	store.Store
	replica store.Store
	mu      sync.Mutex
	behind  []commit
}

type commit struct {
	tenant  [16]byte
	changes []store.Change
}

func newLagging() *lagging { return &lagging{Store: &slow{memory.New()}, replica: &slow{memory.New()}} }

func (s *lagging) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.replica.View(ctx, fn)
}

func (s *lagging) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	s.mu.Lock() // the replica has commits in their order
	defer s.mu.Unlock()
	var made []store.Change
	if err := s.Store.Update(ctx, tenant, func(w store.Writer) error { return fn(&recording{w, &made}) }); err != nil {
		return err
	}
	s.behind = append(s.behind, commit{tenant, made})
	for len(s.behind) > 2 {
		next := s.behind[0]
		s.behind = s.behind[1:]
		if err := s.replica.Update(ctx, next.tenant, func(w store.Writer) error { return w.Apply(ctx, next.changes) }); err != nil {
			return err
		}
	}
	return nil
}

// recording keeps the changes of a commit.
type recording struct {
	store.Writer
	made *[]store.Change
}

func (r *recording) Apply(ctx context.Context, changes []store.Change) error {
	*r.made = append(*r.made, changes...)
	return r.Writer.Apply(ctx, changes)
}
