package endure_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/sqlite"
)

// pausing is a store that calls pause before each of the calls that an operation makes,
// and before the commit.
type pausing struct {
	store.Store
	pause func()
}

func (s *pausing) View(ctx context.Context, fn func(store.Reader) error) error {
	s.pause()
	return s.Store.View(ctx, func(r store.Reader) error { return fn(&pausingReader{r, s.pause}) })
}

func (s *pausing) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	s.pause()
	return s.Store.Update(ctx, tenant, func(w store.Writer) error {
		if err := fn(&pausingWriter{pausingReader{w, s.pause}, w}); err != nil {
			return err
		}
		s.pause()
		return nil
	})
}

type pausingReader struct {
	store.Reader
	pause func()
}

func (r *pausingReader) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	r.pause()
	return r.Reader.Get(ctx, keys...)
}

func (r *pausingReader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	r.pause()
	return r.Reader.Find(ctx, q)
}

type pausingWriter struct {
	pausingReader
	w store.Writer
}

func (w *pausingWriter) Apply(ctx context.Context, changes []store.Change) error {
	w.pause()
	return w.w.Apply(ctx, changes)
}

// outcome is what two operations said, and what they left.
type outcome struct{ first, second, state string }

// couple is two operations on the same records, each with IDs of its own.
type couple struct {
	a, b  testbed.Operation
	x, y  *testbed.Replica
	pause func() // called before each store call of the first operation
}

// seat makes a couple over a store, or two of the same records.
func seat(t *testing.T, o *testbed.Original, a, b testbed.Operation, for1, for2 store.Store) *couple {
	c := &couple{a: a, b: b, pause: func() {}}
	other := *o
	other.Made += 1 << 20
	c.x = o.On(t, &pausing{for1, func() { c.pause() }})
	c.y = other.On(t, for2)
	return c
}

// outcome takes the state with the IDs of each operation numbered in their order.
func (c *couple) outcome(first, second error) outcome {
	plain := func(text string) string {
		text = strings.ReplaceAll(c.x.Plain(text), "<new ", "<first ")
		return strings.ReplaceAll(c.y.Plain(text), "<new ", "<second ")
	}
	said := func(err error) string {
		if err == nil {
			return "done"
		}
		return plain(err.Error())
	}
	lines := strings.Split(plain(c.x.State()), "\n")
	slices.Sort(lines)
	return outcome{said(first), said(second), strings.Join(lines, "\n")}
}

// inTurn runs one operation after the other.
func (c *couple) inTurn(secondFirst bool) outcome {
	var first, second error
	if secondFirst {
		second = testbed.AtOnce(c.y.Ctx, c.b, c.y)
	}
	first = testbed.AtOnce(c.x.Ctx, c.a, c.x)
	if !secondFirst {
		second = testbed.AtOnce(c.y.Ctx, c.b, c.y)
	}
	return c.outcome(first, second)
}

// interleaved stops the first operation at its n-th store call, and lets the second
// one run as far as it comes.
func (c *couple) interleaved(n int64) (_ outcome, met bool, first, second error) {
	var calls atomic.Int64
	reached, goOn := make(chan struct{}), make(chan struct{})
	c.pause = func() {
		if calls.Add(1) == n {
			close(reached)
			<-goOn
		}
	}
	firstDone, secondDone := make(chan error, 1), make(chan error, 1)
	go func() { firstDone <- testbed.AtOnce(c.x.Ctx, c.a, c.x) }()
	select {
	case <-reached:
		met = true
	case first = <-firstDone: // it has fewer calls
		firstDone <- first
	}
	go func() { secondDone <- testbed.AtOnce(c.y.Ctx, c.b, c.y) }()
	select {
	case second = <-secondDone:
		secondDone <- second
	case <-time.After(2 * time.Millisecond): // it waits for the first one, or is slow
	}
	close(goOn)
	first, second = <-firstDone, <-secondDone
	return c.outcome(first, second), met, first, second
}

// gaveWay reports whether an operation was refused because another one got in its way,
// which is as good as if it had not been called.
func gaveWay(err error) bool {
	return errors.Is(err, pbx.ErrStale) || errors.Is(err, pbx.ErrConflict) && pbx.CodeOf(err) == "SYS-1"
}

// pairFigures count how interleaved pairs ended.
type pairFigures struct{ pairs, paused, inOrder, swapped, gaveWay atomic.Int64 }

// pair lets two operations meet at the n-th store call of the first one: what they say
// and leave must be what they say and leave one after the other, in either order; or
// one of them is refused for being in the way, and then the other one is all there is.
func pair(t *testing.T, o *testbed.Original, a, b testbed.Operation, n int64, copies func(t *testing.T) (for1, for2 store.Store), f *pairFigures) {
	t.Helper()
	fresh := func() *couple {
		for1, for2 := copies(t)
		return seat(t, o, a, b, for1, for2)
	}
	got, met, first, second := fresh().interleaved(n)
	f.pairs.Add(1)
	if met {
		f.paused.Add(1)
	}
	inOrder := fresh().inTurn(false)
	if got == inOrder {
		f.inOrder.Add(1)
		return
	}
	swapped := fresh().inTurn(true)
	if got == swapped {
		f.swapped.Add(1)
		return
	}
	alone := ""
	switch c := fresh(); {
	case gaveWay(second):
		err := testbed.AtOnce(c.x.Ctx, c.a, c.x)
		alone = c.outcome(err, nil).state
	case gaveWay(first):
		err := testbed.AtOnce(c.y.Ctx, c.b, c.y)
		alone = c.outcome(nil, err).state
	}
	if alone == got.state {
		f.gaveWay.Add(1)
		return
	}
	t.Errorf("%s stopped at call %d for %s: %q and %q; in order: %q and %q; swapped: %q and %q\n%s",
		a.Method, n, b.Method, got.first, got.second, inOrder.first, inOrder.second, swapped.first, swapped.second, cmp.Diff(inOrder.state, got.state))
}

// stops is at how many of its store calls the first operation of a pair is stopped.
var stops = flag.Int("stops", 1, "at how many of its store calls the first of two operations is stopped; 0: at each")

// callsOf counts the store calls of an operation.
func callsOf(t *testing.T, o *testbed.Original, op testbed.Operation, db store.Store) int {
	calls := 0
	r := o.On(t, &pausing{db, func() { calls++ }})
	_ = testbed.AtOnce(r.Ctx, op, r) // a wrong PIN is an error too
	return calls
}

// pairs lets every share-th ordered pair of operations meet. The pairs of an operation
// are stopped at its store calls in turn.
func pairs(t *testing.T, o *testbed.Original, share int, copies func(t *testing.T) (for1, for2 store.Store)) *pairFigures {
	var f pairFigures
	t.Run("operations", func(t *testing.T) {
		for i, a := range testbed.Operations {
			var others []int
			for j := range testbed.Operations {
				if (i*len(testbed.Operations)+j)%share == 0 {
					others = append(others, j)
				}
			}
			if len(others) == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", a.Method, i), func(t *testing.T) {
				t.Parallel()
				db, _ := copies(t)
				calls := callsOf(t, o, a, db)
				several := *stops
				if several == 0 || several > calls {
					several = calls
				}
				for _, j := range others {
					for n := range several {
						pair(t, o, a, testbed.Operations[j], int64(1+(i+j+n)%calls), copies, &f)
					}
				}
			})
		}
	})
	return &f
}

func (f *pairFigures) String() string {
	return fmt.Sprintf("%d pairs, the first stopped in %d: as one after the other %d, the other way round %d, one refused for being in the way %d, anything else 0",
		f.pairs.Load(), f.paused.Load(), f.inOrder.Load(), f.swapped.Load(), f.gaveWay.Load())
}

func TestSYS1_PairsOfOperationsMeetAsOneAfterTheOther(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	f := pairs(t, o, testbed.Size(797, 1), func(t *testing.T) (for1, for2 store.Store) {
		s := o.InMemory(t).World.Store
		return s, s
	})
	t.Logf("figure: interleavings, memory: %s", f)
	require.Positive(t, f.paused.Load())
}

// Two processes meet in a file.
func TestSYS1_PairsOfOperationsMeetInAFile(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareFile(t)
	f := pairs(t, o, testbed.Size(7001, 23), func(t *testing.T) (for1, for2 store.Store) {
		file := filepath.Join(t.TempDir(), "copy.db")
		require.NoError(t, os.WriteFile(file, o.File, 0o600))
		return openFile(t, file), openFile(t, file)
	})
	t.Logf("figure: interleavings, SQLite with two openers: %s", f)
	require.Positive(t, f.paused.Load())
}

func openFile(t *testing.T, file string) store.Store {
	s, err := sqlite.Open(t.Context(), file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Two processes meet on a server.
func TestSYS1_PairsOfOperationsMeetOnAServer(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	o.Database(t) // without a server there is nothing to test
	f := pairs(t, o, testbed.Size(7001, 61), func(t *testing.T) (for1, for2 store.Store) {
		dsn := o.Database(t)
		return testbed.OnServer(t, dsn), testbed.OnServer(t, dsn)
	})
	t.Logf("figure: interleavings, PostgreSQL with two openers: %s", f)
	require.Positive(t, f.paused.Load())
}
