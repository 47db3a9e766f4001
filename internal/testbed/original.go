package rules_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/sqlite"
	"github.com/pbxkit/pbx/store/transfer"
)

// original is a world with everything in it, from which others are made.
type original struct {
	*world
	X    *all
	Made uint64 // IDs
	File []byte // the SQLite store, if it is one

	lines map[store.Record]string // each record as text
}

// draws are the sources that a world draws from: what it draws in an operation
// can be foretold.
type draws struct{ counted }

func (c *draws) options(w *world) []pbx.Option {
	return []pbx.Option{
		pbx.WithClock(func() time.Time { return w.Clock }), pbx.WithIDs(c.Next),
		pbx.WithRandom(rand.NewChaCha8([32]byte{1})), sealed(w.T),
	}
}

func prepareOriginal(t *testing.T, db store.Store) *original {
	c := new(draws)
	clock := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	w := newWorld(t, db, c.options(&world{T: t, Clock: clock})...)
	x := everything(w)
	w.Location(w.Dir, "EMPTY", "US", "")
	require.NoError(t, w.Dir.SetPIN(w.Ctx, x.Line.ID, "482915"))
	report, err := w.Support.Check(w.Ctx)
	require.NoError(t, err)
	require.Empty(t, report.Violations)
	o := &original{world: w, X: x, Made: c.Drawn, lines: map[store.Record]string{}}
	for _, rec := range o.Records(t) {
		o.lines[rec] = rendered(rec)
	}
	return o
}

// prepareFile is prepareOriginal in a file.
func prepareFile(t *testing.T) *original {
	file := filepath.Join(t.TempDir(), "original.db")
	store, err := sqlite.Open(context.Background(), file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	o := prepareOriginal(t, store)
	require.NoError(t, store.Close())
	o.File, err = os.ReadFile(file)
	require.NoError(t, err)
	return o
}

// Records are all of them.
func (o *original) Records(t *testing.T) (all []store.Record) {
	require.NoError(t, o.Store.View(o.Ctx, func(r store.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range r.Find(o.Ctx, store.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				all = append(all, rec)
			}
		}
		return nil
	}))
	return all
}

// replica is the original on another store with the same records.
type replica struct {
	*world
	*original
	Draws  *draws
	Faulty *faulty.Store
}

func (o *original) On(t *testing.T, store store.Store) *replica {
	w := *o.world
	w.T = t
	r := &replica{world: &w, original: o, Draws: &draws{counted{Drawn: o.Made}}, Faulty: faulty.New(store, faulty.Plan{})}
	w.Store = store
	w.Support = pbx.New(r.Faulty.Whole(), r.Draws.options(&w)...).As(pbx.Support("agent"))
	w.Dir = w.Support.As(pbx.Administrator("admin", w.US.ID))
	w.British = w.Support.As(pbx.Administrator("admin", w.UK.ID))
	return r
}

// InMemory copies the original into memory.
func (o *original) InMemory(t *testing.T) *replica {
	db := memory.New()
	var changes []store.Change
	for _, rec := range o.Records(t) {
		changes = append(changes, store.Change{New: rec})
	}
	require.NoError(t, db.Update(o.Ctx, pbx.Provider, func(w store.Writer) error { return w.Apply(o.Ctx, changes) }))
	return o.On(t, db)
}

// OnDisk copies the original's file.
func (o *original) OnDisk(t *testing.T) *replica {
	file := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, os.WriteFile(file, o.File, 0o600))
	store, err := sqlite.Open(o.Ctx, file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return o.On(t, store)
}

// Database copies the original into a database of its own.
func (o *original) Database(t *testing.T) (dsn string) {
	return pgtest.Clone(t, "everything", func(dsn string) error {
		store, err := postgres.Open(o.Ctx, dsn)
		if err != nil {
			return err
		}
		defer store.Close()
		_, err = transfer.Copy(o.Ctx, store, o.Store)
		return err
	})
}

// OnServer copies the original into PostgreSQL.
func (o *original) OnServer(t *testing.T) *replica { return o.On(t, onServer(t, o.Database(t))) }

// State is what the replica's store holds, as text, with the IDs that came
// after the original's numbered in their order, and without salts.
func (r *replica) State() string {
	var lines []string
	var fresh []int
	require.NoError(r.T, r.world.Store.View(r.Ctx, func(rd store.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range rd.Find(r.Ctx, store.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				line, known := r.lines[rec]
				if !known {
					line = rendered(rec)
					fresh = append(fresh, len(lines))
				}
				lines = append(lines, line)
			}
		}
		return nil
	}))
	plain := make([]string, len(fresh))
	for i, at := range fresh {
		plain[i] = lines[at]
	}
	for i, line := range strings.Split(r.plain(strings.Join(plain, "\x00")), "\x00") {
		if len(fresh) > 0 {
			lines[fresh[i]] = line
		}
	}
	return strings.Join(lines, "\n")
}

// rendered is a record as a line of text.
func rendered(rec store.Record) string {
	line := []byte(rec.Table().Name)
	for _, f := range rec.Fields(nil) {
		line = append(append(append(line, ' '), f.Name...), '=')
		switch v := f.Value().(type) {
		case string:
			line = append(line, v...)
		case int64:
			line = strconv.AppendInt(line, v, 10)
		case [16]byte:
			line = append(line, pbx.TenantID(v).String()...)
		case []byte:
			line = append(line, "secret"...)
		default:
			line = fmt.Append(line, v)
		}
	}
	return string(line)
}

// plain numbers the new IDs in a text.
func (r *replica) plain(text string) string {
	source := counted{Drawn: r.original.Made}
	var names []string
	for source.Drawn < r.Draws.Drawn {
		if id := pbx.TenantID(source.Next()).String(); strings.Contains(text, id) {
			names = append(names, id, fmt.Sprintf("<new %d>", len(names)/2))
		}
	}
	return strings.NewReplacer(names...).Replace(text)
}

// Said is an operation's answer as text.
func (r *replica) Said(err error) string {
	if err == nil {
		return "done"
	}
	return r.plain(err.Error())
}
