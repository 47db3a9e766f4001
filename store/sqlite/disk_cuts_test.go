package sqlite_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
)

// state is every record of a store, as text.
func state(t *testing.T, s *sqlite.Store) string {
	t.Helper()
	var out []byte
	require.NoError(t, s.View(context.Background(), func(r store.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range r.Find(context.Background(), store.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				for _, f := range rec.Fields(nil) {
					out = fmt.Appendf(out, "%s=%v ", f.Name, f.Value())
				}
			}
		}
		return nil
	}))
	return string(out)
}

// history is a run without faults: the states between its operations.
type history struct {
	*firm
	disk   *disk
	states []string // after that many operations
	with   []sqlite.Option
	full   *platter // before the store was closed
}

func (f *firm) live(t *testing.T, operations int, with ...sqlite.Option) *history {
	t.Helper()
	h := &history{firm: f, disk: newDisk(t, f.database), with: with}
	s := h.open(t, h.disk)
	admin := pbx.New(s).As(pbx.Support("s"))
	r := &run{outcome: map[int]error{}}
	h.states = append(h.states, state(t, s))
	for n := range operations {
		require.NoError(t, r.try(admin.In(f.tenant), h.disk, n))
		h.states = append(h.states, state(t, s))
		report, err := admin.Check(context.Background())
		require.NoError(t, err)
		require.Empty(t, report.Violations)
	}
	h.full = h.disk.played()
	require.NoError(t, s.Close())
	return h
}

func (h *history) open(t *testing.T, d *disk) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), d.path, append(d.options(), h.with...)...)
	require.NoError(t, err)
	return s
}

// cut is a moment at which the power goes: what was acknowledged by then, and which
// of the pieces that were not flushed are on the disk.
type cut struct {
	platter *platter
	acked   int
	chosen  []event
	how     string
}

// cuts are all that are tried: at each flush, what waits for it is cut off after
// every sector, and torn, dropped and reordered at random.
func (h *history) cuts() (list []cut) {
	dice := rand.New(rand.NewPCG(20261130, 3))
	p, acked := newPlatter(h.firm.database), 0
	for n, e := range h.disk.events {
		switch e.kind {
		case written, truncated, found:
		default:
			for _, c := range chosen(dice, pieces(p.pending)) {
				c.platter, c.acked, c.how = p.clone(), acked, fmt.Sprintf("event %d: %s", n, c.how)
				list = append(list, c)
			}
		}
		if e.kind == done {
			acked++
		}
		p.play(e)
	}
	return list
}

// chosen are selections of what waits for a flush.
func chosen(dice *rand.Rand, waiting []event) (list []cut) {
	for n := range len(waiting) + 1 {
		list = append(list, cut{chosen: waiting[:n], how: fmt.Sprintf("the first %d of %d sectors", n, len(waiting))})
	}
	if len(waiting) < 2 {
		return list
	}
	for n := range 12 {
		some := slices.DeleteFunc(slices.Clone(waiting), func(event) bool { return dice.IntN(12) < n })
		dice.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		list = append(list, cut{chosen: some, how: fmt.Sprintf("%d of %d sectors, in any order", len(some), len(waiting))})
	}
	for n := range waiting {
		list = append(list, cut{chosen: slices.Delete(slices.Clone(waiting), n, n+1), how: fmt.Sprintf("all but sector %d of %d", n, len(waiting))})
	}
	return list
}

// survive opens what a cut has left, and requires that it is the state after as many
// operations as were acknowledged, or after more.
func (h *history) survive(t *testing.T, c cut, least int) (more bool) {
	t.Helper()
	d := afterPowerLoss(t, c.platter, c.chosen)
	s := h.open(t, d)
	defer func() { require.NoError(t, s.Close()) }()
	if err := s.Check(context.Background()); err != nil {
		t.Fatalf("%s: %v: %v", c.how, err, cause(err))
	}
	n := slices.Index(h.states, state(t, s))
	require.GreaterOrEqual(t, n, least, "%s: the state after %d operations", c.how, n)
	return n > c.acked
}

// try tries one cut in so many.
func (h *history) try(t *testing.T, share int, least func(acked int) int) (of, tried, more int) {
	t.Helper()
	list := h.cuts()
	for n, c := range list {
		if n%share != 0 {
			continue
		}
		t.Run("", func(t *testing.T) { // so that its folder goes at once
			tried++
			if h.survive(t, c, least(c.acked)) {
				more++
			}
		})
	}
	return len(list), tried, more
}

// Wherever the power goes, what opens again is the state after some operation, and
// nothing that was acknowledged is missing.
func TestPowerLoss(t *testing.T) {
	notShort(t)
	t.Parallel()
	f, err := newFirm()
	require.NoError(t, err)
	h := f.live(t, 20)
	of, tried, more := h.try(t, sparsely(240, 12), func(acked int) int { return acked })
	t.Logf("figure: SQLite power loss, FULL: %d of %d cuts tried in %d operations, %d bytes a sector: %d opened at what was acknowledged, %d with the one after; acknowledged and lost 0, half done 0",
		tried, of, len(h.states)-1, sector, tried-more, more)
}

// Under NORMAL the last operations may be missing, whole ones.
func TestPowerLossUnderNormal(t *testing.T) {
	notShort(t)
	t.Parallel()
	f, err := newFirm()
	require.NoError(t, err)
	h := f.live(t, 20, sqlite.WithSynchronous(sqlite.Normal))
	of, tried, _ := h.try(t, sparsely(1600, 80), func(int) int { return 0 })
	t.Logf("figure: SQLite power loss, NORMAL: %d of %d cuts tried in %d operations: each opened at the state after some operation; half done 0",
		tried, of, len(h.states)-1)
}

// Under NORMAL only bringing the log into the database flushes anything. A flush that
// fails then is not tried again: the second one would lie, and the database would
// be changed by a log that is not on the disk.
func TestPowerLossAfterAFailedFlushUnderNormal(t *testing.T) {
	notShort(t)
	t.Parallel()
	f, err := newFirm()
	require.NoError(t, err)
	normal := sqlite.WithSynchronous(sqlite.Normal)
	calm := f.live(t, operations, normal)
	tried, failed := 0, 0
	for _, call := range []string{"sync wal", "sync db"} {
		for at := 1; at <= calm.disk.calls[call]; at++ {
			d := newDisk(t, f.database)
			d.fail(&diskFault{call: call, at: at, times: 1, code: sqlite3.SQLITE_IOERR_FSYNC})
			_ = f.work(d, normal)
			failed += d.mended()
			h := &history{firm: f, disk: d, with: []sqlite.Option{normal}}
			for n, c := range inDatabase(h.cuts()) {
				if n%sparsely(300, 20) == 0 {
					t.Run("", func(t *testing.T) { h.whole(t, c) })
					tried++
				}
			}
		}
	}
	t.Logf("figure: SQLite power loss after a failed flush, NORMAL: %d flushes failed, %d cuts tried: each opened whole, at the first operations; half done 0", failed, tried)
}

// inDatabase are the cuts while the log is brought into the database.
func inDatabase(cuts []cut) []cut {
	return slices.DeleteFunc(cuts, func(c cut) bool { return len(c.platter.of("db")) == 0 })
}

// whole requires that what a cut has left is sound, and has the first operations.
func (h *history) whole(t *testing.T, c cut) {
	s := h.open(t, afterPowerLoss(t, c.platter, c.chosen))
	defer func() { require.NoError(t, s.Close()) }()
	if err := s.Check(context.Background()); err != nil {
		t.Fatalf("%s: %v: %v", c.how, err, cause(err))
	}
	report, err := pbx.New(s).As(pbx.Support("s")).Check(context.Background())
	require.NoError(t, err)
	require.Empty(t, report.Violations, c.how)
	for n, there := range h.users(t, s) {
		require.Equal(t, n, there, c.how)
	}
}

// wholeDisk asks the tests of the disk for every fault and every cut, which takes half an
// hour.
var wholeDisk = flag.Bool("disk", false, "try every fault of the disk, and every cut")

// sparsely is how many cuts there are to each that is tried, usually and in a long run.
func sparsely(usual, long int) int {
	switch {
	case *wholeDisk:
		return 1
	case os.Getenv("PBX_TEST_LONG") == "1":
		return long
	}
	return usual
}

// A log that ends anywhere holds the operations before its end, whole ones.
func TestALogThatIsCutOff(t *testing.T) {
	notShort(t)
	t.Parallel()
	f, err := newFirm()
	require.NoError(t, err)
	h := f.live(t, 12, sqlite.WithLogPages(1000))
	log := h.full.files["wal"].durable
	share, tried, last := sector*sparsely(101, 4), 0, 0
	for end := 0; end <= len(log)+share; end += share {
		t.Run("", func(t *testing.T) {
			tried++
			d := newDisk(t, f.database)
			require.NoError(t, os.WriteFile(d.path+"-wal", log[:min(end, len(log))], 0o600))
			s := h.open(t, d)
			require.NoError(t, s.Check(context.Background()))
			n := slices.Index(h.states, state(t, s))
			require.GreaterOrEqual(t, n, last, "cut off after %d bytes", end)
			last = n
			require.NoError(t, s.Close())
		})
	}
	require.Equal(t, 12, last)
	t.Logf("figure: SQLite log cut off: %d ends tried in %d bytes, every %d: each opened at the operations before it; half done 0", tried, len(log), share)
}
