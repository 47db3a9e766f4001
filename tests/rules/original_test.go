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
	x    *all
	made uint64 // IDs
	file []byte // the SQLite store, if it is one

	lines map[store.Record]string // each record as text
}

// draws are the sources that a world draws from: what it draws in an operation
// can be foretold.
type draws struct{ counted }

func (c *draws) options(w *world) []pbx.Option {
	return []pbx.Option{
		pbx.WithClock(func() time.Time { return w.clock }), pbx.WithIDs(c.Next),
		pbx.WithRandom(rand.NewChaCha8([32]byte{1})), sealed(w.t),
	}
}

func prepareOriginal(t *testing.T, db store.Store) *original {
	c := new(draws)
	clock := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	w := newWorld(t, db, c.options(&world{t: t, clock: clock})...)
	x := everything(w)
	w.location(w.dir, "EMPTY", "US", "")
	require.NoError(t, w.dir.SetPIN(w.ctx, x.line.ID, "482915"))
	report, err := w.support.Check(w.ctx)
	require.NoError(t, err)
	require.Empty(t, report.Violations)
	o := &original{world: w, x: x, made: c.Drawn, lines: map[store.Record]string{}}
	for _, rec := range o.records(t) {
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
	o.file, err = os.ReadFile(file)
	require.NoError(t, err)
	return o
}

// records are all of them.
func (o *original) records(t *testing.T) (all []store.Record) {
	require.NoError(t, o.store.View(o.ctx, func(r store.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range r.Find(o.ctx, store.Query{Index: table.Key()}) {
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
	draws  *draws
	faulty *faulty.Store
}

func (o *original) on(t *testing.T, store store.Store) *replica {
	w := *o.world
	w.t = t
	r := &replica{world: &w, original: o, draws: &draws{counted{Drawn: o.made}}, faulty: faulty.New(store, faulty.Plan{})}
	w.store = store
	w.support = pbx.New(r.faulty.Whole(), r.draws.options(&w)...).As(pbx.Support("agent"))
	w.dir = w.support.As(pbx.Administrator("admin", w.us.ID))
	w.british = w.support.As(pbx.Administrator("admin", w.uk.ID))
	return r
}

// inMemory copies the original into memory.
func (o *original) inMemory(t *testing.T) *replica {
	db := memory.New()
	var changes []store.Change
	for _, rec := range o.records(t) {
		changes = append(changes, store.Change{New: rec})
	}
	require.NoError(t, db.Update(o.ctx, pbx.Provider, func(w store.Writer) error { return w.Apply(o.ctx, changes) }))
	return o.on(t, db)
}

// onDisk copies the original's file.
func (o *original) onDisk(t *testing.T) *replica {
	file := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, os.WriteFile(file, o.file, 0o600))
	store, err := sqlite.Open(o.ctx, file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return o.on(t, store)
}

// database copies the original into a database of its own.
func (o *original) database(t *testing.T) (dsn string) {
	return pgtest.Clone(t, "everything", func(dsn string) error {
		store, err := postgres.Open(o.ctx, dsn)
		if err != nil {
			return err
		}
		defer store.Close()
		_, err = transfer.Copy(o.ctx, store, o.store)
		return err
	})
}

// onServer copies the original into PostgreSQL.
func (o *original) onServer(t *testing.T) *replica { return o.on(t, onServer(t, o.database(t))) }

// state is what the replica's store holds, as text, with the IDs that came
// after the original's numbered in their order, and without salts.
func (r *replica) state() string {
	var lines []string
	var fresh []int
	require.NoError(r.t, r.world.store.View(r.ctx, func(rd store.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range rd.Find(r.ctx, store.Query{Index: table.Key()}) {
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
	source := counted{Drawn: r.original.made}
	var names []string
	for source.Drawn < r.draws.Drawn {
		if id := pbx.TenantID(source.Next()).String(); strings.Contains(text, id) {
			names = append(names, id, fmt.Sprintf("<new %d>", len(names)/2))
		}
	}
	return strings.NewReplacer(names...).Replace(text)
}

// said is an operation's answer as text.
func (r *replica) said(err error) string {
	if err == nil {
		return "done"
	}
	return r.plain(err.Error())
}
