package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
)

// firm is a database with one tenant, which the tests of disks begin with.
type firm struct {
	database []byte
	tenant   pbx.TenantID
}

var newFirm = sync.OnceValues(func() (*firm, error) {
	folder, err := os.MkdirTemp("", "pbx-firm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	ctx, path := context.Background(), folder+"/pbx.db"
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	tenant, err := pbx.New(s).As(pbx.Support("s")).CreateTenant(ctx, pbx.NewTenant{Name: "a", Country: "US", SIPDomain: "a.example.com"})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	database, err := os.ReadFile(path)
	return &firm{database, tenant.ID}, err
})

// operations is how many a run tries.
const operations = 12

// run is what came of one run.
type run struct {
	outcome  map[int]error // of each operation
	openErr  error
	open     *platter // before the store was closed
	closeErr error
}

// try runs an operation, and keeps what it said.
func (r *run) try(dir *pbx.Directory, d *disk, n int) error {
	err := operation(dir, n)
	r.outcome[n] = err
	if err == nil {
		d.record(event{kind: done})
	}
	return err
}

// operation creates a user.
func operation(dir *pbx.Directory, n int) error {
	_, err := dir.CreateUser(context.Background(), pbx.NewUser{
		FirstName: fmt.Sprint("First", n), LastName: "Last", Department: "Sales", NoWelcomeMail: true,
		Email: fmt.Sprintf("u%d@a.example.com", n), Extension: pbx.Extension(fmt.Sprint(7000 + n)),
	})
	return err
}

// work runs the operations on a disk, while reading a little too.
func (f *firm) work(d *disk, with ...sqlite.Option) *run {
	r := &run{outcome: map[int]error{}}
	s, err := sqlite.Open(context.Background(), d.path, append(d.options(), with...)...)
	if err != nil {
		r.openErr = err
		return r
	}
	dir := pbx.New(s).As(pbx.Support("s")).In(f.tenant)
	for n := range operations {
		_ = r.try(dir, d, n)
	}
	r.open = d.played()
	r.closeErr = s.Close()
	return r
}

// users are the numbers of the operations that are there.
func (f *firm) users(t *testing.T, s *sqlite.Store) (there []int) {
	t.Helper()
	for u, err := range pbx.New(s).As(pbx.Support("s")).In(f.tenant).Users(context.Background(), pbx.UserQuery{}) {
		require.NoError(t, err)
		n := 0
		_, err := fmt.Sscanf(u.FirstName, "First%d", &n)
		require.NoError(t, err)
		there = append(there, n)
	}
	slices.Sort(there)
	return there
}

// sound opens what is left, and requires that it is whole: the pages, the records,
// all that was acknowledged, and nothing that was refused. Then it writes once more,
// and returns the disk as it is before the store is closed.
func (f *firm) sound(t *testing.T, d *disk, r *run, what string) *platter {
	t.Helper()
	ctx := context.Background()
	s, err := sqlite.Open(ctx, d.path, d.options()...)
	require.NoError(t, err, what)
	defer func() { require.NoError(t, s.Close(), what) }()
	if err := s.Check(ctx); err != nil {
		t.Fatalf("%s: %v: %v", what, err, cause(err))
	}
	report, err := pbx.New(s).As(pbx.Support("s")).Check(ctx)
	require.NoError(t, err, what)
	require.Empty(t, report.Violations, what)
	there := f.users(t, s)
	for n, err := range r.outcome {
		switch {
		case err == nil:
			require.Contains(t, there, n, "%s: operation %d was acknowledged", what, n)
		case !errors.Is(err, pbx.ErrCommitUnknown):
			require.NotContains(t, there, n, "%s: operation %d was refused: %v", what, n, err)
		}
	}
	err = r.try(pbx.New(s).As(pbx.Support("s")).In(f.tenant), d, 100+len(r.outcome))
	require.NoError(t, err, "%s: it can be written to", what)
	return d.played()
}

// afterPowerLoss is the disk after the power went, before which the chosen pieces of
// what was not flushed were written.
func afterPowerLoss(t *testing.T, p *platter, chosen []event) *disk {
	t.Helper()
	files := p.after(chosen)
	d := newDisk(t, files["db"])
	for name, data := range files {
		if name == "wal" {
			require.NoError(t, os.WriteFile(d.path+"-wal", data, 0o600))
		}
	}
	return d
}

// played is the disk after all that has happened on it.
func (d *disk) played() *platter {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.start.clone()
	for _, e := range d.events {
		p.play(e)
	}
	return p
}

// faultKinds are the calls that are failed, and how.
var faultKinds = []struct {
	call  string
	codes []int32
}{
	{"write wal", []int32{sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_FULL}},
	{"write db", []int32{sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_FULL}},
	{"sync wal", []int32{sqlite3.SQLITE_IOERR_FSYNC}},
	{"sync db", []int32{sqlite3.SQLITE_IOERR_FSYNC}},
	{"sync folder", []int32{sqlite3.SQLITE_IOERR_FSYNC}},
	{"truncate wal", []int32{sqlite3.SQLITE_IOERR_TRUNCATE}},
	{"truncate db", []int32{sqlite3.SQLITE_IOERR_TRUNCATE}},
	{"read wal", []int32{sqlite3.SQLITE_IOERR_READ}},
	{"read db", []int32{sqlite3.SQLITE_IOERR_READ}},
	{"lock db", []int32{sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_BUSY}},
	{"lock shm", []int32{sqlite3.SQLITE_IOERR_SHMLOCK, sqlite3.SQLITE_BUSY}},
	{"map shm", []int32{sqlite3.SQLITE_IOERR_SHMMAP}},
	{"open wal", []int32{sqlite3.SQLITE_CANTOPEN}},
	{"open db", []int32{sqlite3.SQLITE_CANTOPEN}},
	{"delete wal", []int32{sqlite3.SQLITE_IOERR_DELETE}},
}

// faults are all that can be injected into a run that makes so many calls.
func faults(calls map[string]int) (list []*diskFault) {
	for _, k := range faultKinds {
		for at := 1; at <= calls[k.call]; at++ {
			for _, code := range k.codes {
				often := 1 << 30
				if code == sqlite3.SQLITE_BUSY {
					often = 3 // a lock that is never given is waited for
				}
				for _, times := range []int{1, often} {
					list = append(list, &diskFault{call: k.call, at: at, times: times, code: code, keep: int32(at%9) * sector})
				}
			}
		}
	}
	return list
}

// sampled are some of the faults, one of so many, drawn by a seed. Where it is not one of
// very many, all flushes of the log that fail once are among them: they matter most.
func sampled(list []*diskFault, of int) (some []*diskFault) {
	dice := rand.New(rand.NewPCG(20261130, 9))
	share := 1 / float64(of)
	for _, f := range list {
		if of < 100 && f.call == "sync wal" && f.times == 1 || dice.Float64() < share {
			some = append(some, f)
		}
	}
	return some
}

// figures count what a test has done.
type figures struct{ faults, hits, acknowledged, unknown, refused, reopened, losses int }

func (g *figures) add(r *run) {
	for _, err := range r.outcome {
		switch {
		case err == nil:
			g.acknowledged++
		case errors.Is(err, pbx.ErrCommitUnknown):
			g.unknown++
		default:
			g.refused++
		}
	}
}

// Whatever call to the disk fails, once or from then on: nothing that was
// acknowledged is lost, neither for the next program nor after a loss of power,
// nothing that was refused is there, and the file is whole.
func TestDiskFaults(t *testing.T) {
	notShort(t)
	t.Parallel()
	f, err := newFirm()
	require.NoError(t, err)
	counted := newDisk(t, f.database)
	calm := f.work(counted)
	require.NoError(t, errors.Join(calm.openErr, calm.closeErr))
	for _, err := range calm.outcome {
		require.NoError(t, err)
	}
	all := faults(counted.calls)
	var g figures
	for _, with := range sampled(all, sparsely(400, 12)) {
		t.Run("", func(t *testing.T) { f.endure(t, with, &g) })
	}
	t.Logf("figure: SQLite disk faults: %d of %d injected in calls of %d kinds (%d calls failed): %d acknowledged, %d unknown, %d refused; opened again %d times, and %d times after a loss of power; lost 0, half done 0",
		g.faults, len(all), len(faultKinds), g.hits, g.acknowledged, g.unknown, g.refused, g.reopened, g.losses)
}

// endure runs the operations under one fault.
func (f *firm) endure(t *testing.T, with *diskFault, g *figures) {
	d := newDisk(t, f.database)
	d.fail(with)
	r := f.work(d)
	hits := d.mended()
	require.Positive(t, hits, with)
	g.faults, g.hits = g.faults+1, g.hits+hits
	g.add(r)
	for _, err := range r.outcome {
		if err != nil && !errors.Is(err, pbx.ErrCommitUnknown) {
			require.True(t, errors.Is(err, pbx.ErrStorage) || errors.Is(err, pbx.ErrConflict), "%s: %v", with, err)
		}
	}
	f.lost(t, d.played(), r, with, g)
	if r.open != nil {
		f.died(t, r, with, g)
	}
	before := f.sound(t, d, r, "opened again, "+with.String())
	f.lost(t, before, r, with, g)
	f.lost(t, d.played(), r, with, g)
	g.reopened++
}

// died has the program die in place of closing the store, another one go on, and the
// power go while that one has the store open.
func (f *firm) died(t *testing.T, r *run, with *diskFault, g *figures) {
	t.Helper()
	copied := &run{outcome: maps.Clone(r.outcome)}
	f.lost(t, r.open, copied, with, g)
	before := f.sound(t, r.open.left(t), copied, "opened by another program, "+with.String())
	f.lost(t, before, copied, with, g)
	g.reopened++
}

// lost has the power go, and requires that what is left is sound.
func (f *firm) lost(t *testing.T, p *platter, r *run, with *diskFault, g *figures) {
	t.Helper()
	copied := &run{outcome: maps.Clone(r.outcome)}
	f.sound(t, afterPowerLoss(t, p, nil), copied, "after a loss of power, "+with.String())
	g.losses++
}

// With each flush failing nothing is acknowledged, and the first operation says so
// soon.
func TestNoFlushNoAcknowledgement(t *testing.T) {
	t.Parallel()
	f, err := newFirm()
	require.NoError(t, err)
	d := newDisk(t, f.database)
	s := open(t, d.path, d.options()...)
	dir := pbx.New(s).As(pbx.Support("s")).In(f.tenant)
	d.fail(&diskFault{call: "sync wal", at: 1, times: 1 << 30, code: sqlite3.SQLITE_IOERR_FSYNC})
	r := &run{outcome: map[int]error{}}
	for n := range 4 {
		err := r.try(dir, d, n)
		require.Error(t, err)
		require.Equal(t, n == 0, errors.Is(err, pbx.ErrCommitUnknown), err)
		require.ErrorIs(t, err, store.ErrReopen)
	}
	require.ErrorContains(t, r.outcome[1], "a write to the disk failed: close the store and open it again; what was answered as unknown must be checked then")
	require.Empty(t, f.users(t, s), "views go on, and show none of it")
	require.Error(t, s.Close(), "what the log holds cannot be kept")
	d.mended()
	var g figures
	f.lost(t, d.played(), r, &diskFault{call: "sync wal"}, &g)
	f.sound(t, d, r, "opened again")
}

// While the disk is full the updates that need room fail, and are not there. Once
// there is room again, the same store goes on.
func TestADiskThatIsFullForAWhile(t *testing.T) {
	t.Parallel()
	f, err := newFirm()
	require.NoError(t, err)
	for call, at := range map[string]int{"write wal": 30, "write db": 5} {
		d := newDisk(t, f.database)
		s := open(t, d.path, d.options()...)
		dir := pbx.New(s).As(pbx.Support("s")).In(f.tenant)
		r := &run{outcome: map[int]error{}}
		d.fail(&diskFault{call: call, at: at, times: 1 << 30, code: sqlite3.SQLITE_FULL, keep: 3 * sector})
		for n := range operations {
			_ = r.try(dir, d, n)
		}
		hits := d.mended()
		require.Positive(t, hits, call)
		refused := 0
		for n, err := range r.outcome {
			if err != nil {
				refused++
				require.ErrorIs(t, err, pbx.ErrStorage, "%s %d", call, n)
				require.NotErrorIs(t, err, store.ErrReopen)
			}
		}
		require.Equal(t, call == "write wal", refused > 0, "a database that cannot grow leaves it in the log")
		for n := operations; n < 2*operations; n++ {
			require.NoError(t, r.try(dir, d, n), "there is room again")
		}
		var g figures
		f.lost(t, d.played(), r, &diskFault{call: call}, &g)
		require.NoError(t, s.Close())
		f.sound(t, d, r, call)
		t.Logf("figure: SQLite on a full disk, %s: %d writes refused, %d operations refused, %d acknowledged, %d of them after there was room again; lost 0", call, hits, refused, 2*operations-refused, operations)
	}
}
