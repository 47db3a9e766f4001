package testbed

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

// Original is a world with everything in it, from which others are made.
type Original struct {
	*World
	X    *All
	Made uint64 // IDs
	File []byte // the SQLite store, if it is one

	lines map[store.Record]string // each record as text
}

// Draws are the sources that a world draws from: what it draws in an operation
// can be predicted.
type Draws struct{ Counted }

// Options are those of a Directory that draws from them.
func (c *Draws) Options(w *World) []pbx.Option {
	return []pbx.Option{
		pbx.WithClock(func() time.Time { return w.Clock }), pbx.WithIDs(c.Next),
		pbx.WithRandom(rand.NewChaCha8([32]byte{1})), Sealed(w.T),
	}
}

// PrepareOriginal fills a store.
func PrepareOriginal(t *testing.T, db store.Store) *Original {
	c := new(Draws)
	clock := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	w := NewWorld(t, db, c.Options(&World{T: t, Clock: clock})...)
	x := Everything(w)
	w.Location(w.Dir, "EMPTY", "US", "")
	require.NoError(t, w.Dir.SetPIN(w.Ctx, x.Line.ID, "482915"))
	report, err := w.Support.Check(w.Ctx)
	require.NoError(t, err)
	require.Empty(t, report.Violations)
	o := &Original{World: w, X: x, Made: c.Drawn, lines: map[store.Record]string{}}
	for _, rec := range o.Records(t) {
		o.lines[rec] = rendered(rec)
	}
	return o
}

// PrepareFile is PrepareOriginal in a file.
func PrepareFile(t *testing.T) *Original {
	file := filepath.Join(t.TempDir(), "original.db")
	store, err := sqlite.Open(context.Background(), file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	o := PrepareOriginal(t, store)
	require.NoError(t, store.Close())
	o.File, err = os.ReadFile(file)
	require.NoError(t, err)
	return o
}

// Records are all of them.
func (o *Original) Records(t *testing.T) (all []store.Record) {
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

// Replica is the original on another store with the same records.
type Replica struct {
	*World
	*Original
	Draws  *Draws
	Faulty *faulty.Store
}

// On is a replica on a store that holds the same records already.
func (o *Original) On(t *testing.T, store store.Store) *Replica {
	w := *o.World
	w.T = t
	r := &Replica{World: &w, Original: o, Draws: &Draws{Counted{Drawn: o.Made}}, Faulty: faulty.New(store, faulty.Plan{})}
	w.Store = store
	w.Support = pbx.New(r.Faulty.Whole(), r.Draws.Options(&w)...).As(pbx.Support("agent"))
	w.Dir = w.Support.As(pbx.Administrator("admin", w.US.ID))
	w.British = w.Support.As(pbx.Administrator("admin", w.UK.ID))
	return r
}

// InMemory copies the original into memory.
func (o *Original) InMemory(t *testing.T) *Replica {
	db := memory.New()
	var changes []store.Change
	for _, rec := range o.Records(t) {
		changes = append(changes, store.Change{New: rec})
	}
	require.NoError(t, db.Update(o.Ctx, pbx.Provider, func(w store.Writer) error { return w.Apply(o.Ctx, changes) }))
	return o.On(t, db)
}

// OnDisk copies the original's file.
func (o *Original) OnDisk(t *testing.T) *Replica {
	file := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, os.WriteFile(file, o.File, 0o600))
	store, err := sqlite.Open(o.Ctx, file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return o.On(t, store)
}

// Database copies the original into a database of its own.
func (o *Original) Database(t *testing.T) (dsn string) {
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
func (o *Original) OnServer(t *testing.T) *Replica { return o.On(t, OnServer(t, o.Database(t))) }

// State is what the replica's store holds, as text, with the IDs that came
// after the original's numbered in their order, and without salts.
func (r *Replica) State() string {
	var lines []string
	var fresh []int
	require.NoError(r.T, r.World.Store.View(r.Ctx, func(rd store.Reader) error {
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
	for i, line := range strings.Split(r.Plain(strings.Join(plain, "\x00")), "\x00") {
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
			if f.Name == "hash" || f.Name == "journal_head" {
				v = "of the chain" // which covers the IDs as they are: the checker checks it
			}
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

// Plain numbers the new IDs in a text.
func (r *Replica) Plain(text string) string {
	source := Counted{Drawn: r.Original.Made}
	var names []string
	for source.Drawn < r.Draws.Drawn {
		if id := pbx.TenantID(source.Next()).String(); strings.Contains(text, id) {
			names = append(names, id, fmt.Sprintf("<new %d>", len(names)/2))
		}
	}
	return strings.NewReplacer(names...).Replace(text)
}

// Said is an operation's answer as text.
func (r *Replica) Said(err error) string {
	if err == nil {
		return "done"
	}
	return r.Plain(err.Error())
}

// AtOnce calls an operation on a replica, not through a review.
func AtOnce(ctx context.Context, op Operation, r *Replica) error {
	return op.Call(ctx, op.By.Of(r.World), r.X)
}
