package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// hosted is a world in whose file a host keeps its tickets, and a transaction
// of the host's with one ticket.
type hosted struct {
	*world
	db    *sql.DB
	tx    *sql.Tx
	guest *sqlite.Guest
}

func newHosted(t *testing.T) *hosted {
	t.Helper()
	w := newWorld(t)
	h := &hosted{world: w, db: hostDB(t, w.path, "")}
	_, err := h.db.Exec("CREATE TABLE tickets (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
	require.NoError(t, err)
	h.begin(t, h.db)
	return h
}

// begin begins a transaction of the host's.
func (h *hosted) begin(t *testing.T, db *sql.DB) {
	t.Helper()
	tx, err := db.Begin()
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	h.tx, h.guest = tx, sqlite.FromTx(tx)
	_, err = tx.Exec("INSERT INTO tickets (text) VALUES ('new phone')")
	require.NoError(t, err)
}

// named is a change of the group's name.
func (h *hosted) named(name string) store.Change {
	return schematest.With(h.Group, func(g *pbx.Group) { g.Name = name })
}

// rename changes the group in the transaction.
func (h *hosted) rename(name string) error { return apply(h.guest, h.Tenant.ID, h.named(name)) }

// sees requires that a reader finds the group under that name, and the database
// or transaction so many tickets.
func (h *hosted) sees(t *testing.T, store store.Store, from interface {
	QueryRow(string, ...any) *sql.Row
}, name string, tickets int) {
	t.Helper()
	require.Equal(t, name, get[*pbx.Group](t, store, keyOf(h.Group)).Name)
	var n int
	require.NoError(t, from.QueryRow("SELECT count(*) FROM tickets").Scan(&n))
	require.Equal(t, tickets, n)
}

// goesOn requires that the transaction is as it was: the host's ticket in it,
// and nothing of the library's changed; and that it can be gone on with.
func (h *hosted) goesOn(t *testing.T) {
	t.Helper()
	h.sees(t, h.guest, h.tx, h.Group.Name, 1)
	require.NoError(t, h.rename("goes on"))
	require.NoError(t, h.tx.Commit())
	h.sees(t, h.store, h.db, "goes on", 1)
	require.NoError(t, h.store.Check(context.Background()))
}

func TestGuestIsCommittedAndRolledBackWithItsHost(t *testing.T) {
	t.Parallel()
	h := newHosted(t)
	require.NoError(t, h.rename("x"))
	h.sees(t, h.guest, h.tx, "x", 1)
	h.sees(t, h.store, h.db, h.Group.Name, 0)
	require.NoError(t, h.tx.Rollback())
	h.sees(t, h.store, h.db, h.Group.Name, 0)

	h.begin(t, h.db)
	require.NoError(t, h.rename("y"))
	require.NoError(t, h.guest.Close(), "which says nothing of the transaction")
	require.NoError(t, h.tx.Commit())
	h.sees(t, h.store, h.db, "y", 1)
}

func TestGuestLeavesTheTransactionAsItWasWhenItRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(h *hosted) store.Change
		want   error
		host   bool // is asked for another run
	}{
		"a record that has changed": {func(h *hosted) store.Change {
			stale := *h.Port
			stale.Rev++
			return schematest.With(&stale, func(p *pbx.PortRequest) { p.Carrier = "x" })
		}, store.ErrHostRetry, true},
		"a key that is taken":   {func(h *hosted) store.Change { return store.Change{New: h.Port} }, store.ErrHostRetry, true},
		"a value that is taken": {func(h *hosted) store.Change { return schematest.Another(h.Other, func(u *pbx.User) { u.ID = h.ID() }) }, store.ErrHostRetry, true},
		"a reference to nothing": {func(h *hosted) store.Change {
			return schematest.Another(h.Bare, func(s *pbx.Service) { s.ID, s.DN, s.LocationID = h.ID(), "29999", h.ID() })
		}, store.ErrConstraint, false},
		"a state that cannot be": {func(h *hosted) store.Change {
			return schematest.With(h.Port, func(p *pbx.PortRequest) { p.State = "lost" })
		}, store.ErrConstraint, false},
		"a value that no store takes": {func(h *hosted) store.Change {
			return schematest.With(h.Port, func(p *pbx.PortRequest) { p.Carrier = "\x00" })
		}, pbx.ErrInvalid, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHosted(t)
			err := apply(h.guest, h.Tenant.ID, h.named("x"), c.change(h))
			require.ErrorIs(t, err, c.want)
			require.NotErrorIs(t, err, store.ErrRetry, "nobody else runs it again")
			if !c.host {
				require.NotErrorIs(t, err, store.ErrHostRetry)
			}
			h.goesOn(t)
		})
	}
}

// A host that has not taken the lock when it began is told to begin again, at
// once where what it has read is old.
func TestGuestAsksItsHostToRunAgainWhenAnotherWrites(t *testing.T) {
	t.Parallel()
	h := newHosted(t)
	require.NoError(t, h.tx.Rollback())
	ctx := context.Background()
	impatient := hostDB(t, h.path, "")
	impatient.SetMaxOpenConns(1)
	_, err := impatient.Exec("PRAGMA busy_timeout = 1")
	require.NoError(t, err)

	writer, err := h.db.Begin()
	require.NoError(t, err)
	_, err = writer.Exec("INSERT INTO tickets (text) VALUES ('first')")
	require.NoError(t, err)
	tx, err := impatient.Begin()
	require.NoError(t, err)
	g := sqlite.FromTx(tx)
	err = apply(g, h.Tenant.ID, h.named("x"))
	require.ErrorIs(t, err, store.ErrHostRetry)
	require.NotErrorIs(t, err, store.ErrRetry)
	require.NoError(t, writer.Commit())
	require.NoError(t, apply(g, h.Tenant.ID, h.named("x")), "it had read nothing yet")
	require.NoError(t, tx.Rollback())

	tx, err = impatient.Begin()
	require.NoError(t, err)
	g = sqlite.FromTx(tx)
	require.Equal(t, h.Group.Name, get[*pbx.Group](t, g, keyOf(h.Group)).Name)
	require.NoError(t, apply(h.store, h.Tenant.ID, schematest.With(h.Port, func(p *pbx.PortRequest) { p.Carrier = "x" })))
	ran := false
	require.ErrorIs(t, g.Update(ctx, h.Tenant.ID, func(store.Writer) error { ran = true; return nil }), store.ErrHostRetry)
	require.False(t, ran, "what would it have read")
	require.Equal(t, h.Group.Name, get[*pbx.Group](t, g, keyOf(h.Group)).Name, "its snapshot can still be read")
	require.NoError(t, tx.Rollback())
}

func TestGuestIsUselessWhenTheTransactionIsOver(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(h *hosted, cancel func()){
		"committed":   func(h *hosted, _ func()) { require.NoError(t, h.tx.Commit()) },
		"rolled back": func(h *hosted, _ func()) { require.NoError(t, h.tx.Rollback()) },
		"ended by the host's context": func(h *hosted, cancel func()) {
			cancel()
			for { // database/sql rolls back when it gets to it
				if _, err := h.tx.Exec("SELECT 1"); err == sql.ErrTxDone {
					return
				}
			}
		},
	} {
		for _, used := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, used before %v", name, used), func(t *testing.T) {
				h := newHosted(t)
				require.NoError(t, h.tx.Rollback())
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var err error
				h.tx, err = h.db.BeginTx(ctx, nil)
				require.NoError(t, err)
				h.guest = sqlite.FromTx(h.tx)
				if used {
					require.NoError(t, h.rename("x"))
				}
				end(h, cancel)
				for range 2 {
					for _, err := range []error{h.rename("y"), view(h.guest, func(store.Reader) error { return nil })} {
						require.ErrorIs(t, err, sql.ErrTxDone)
						require.ErrorIs(t, err, pbx.ErrMisuse)
						require.ErrorContains(t, err, "the host's transaction is over")
					}
				}
				require.NoError(t, h.guest.Close())
			})
		}
	}
}

// The transaction can end under a closure's hands.
func TestGuestWhoseTransactionEndsInItsMidst(t *testing.T) {
	t.Parallel()
	h := newHosted(t)
	ctx := context.Background()
	require.NotNil(t, get[store.Record](t, h.guest, keyOf(h.Group)), "the statement is prepared")
	err := h.guest.Update(ctx, h.Tenant.ID, func(w store.Writer) error {
		require.NoError(t, h.tx.Rollback())
		_, err := w.Get(ctx, keyOf(h.Group))
		require.ErrorIs(t, err, sql.ErrTxDone)
		return w.Apply(ctx, []store.Change{h.named("x")})
	})
	require.ErrorIs(t, err, sql.ErrTxDone)

	h.begin(t, h.db)
	err = h.guest.Update(ctx, h.Tenant.ID, func(w store.Writer) error {
		require.NoError(t, h.tx.Rollback())
		return w.Apply(ctx, []store.Change{h.named("x")})
	})
	require.ErrorIs(t, err, sql.ErrTxDone)
	h.sees(t, h.store, h.db, h.Group.Name, 0)
}

func TestGuestIsClosedForItselfAlone(t *testing.T) {
	t.Parallel()
	h := newHosted(t)
	require.NoError(t, h.guest.Close())
	require.ErrorIs(t, h.guest.Close(), pbx.ErrMisuse)
	require.ErrorIs(t, h.rename("x"), pbx.ErrMisuse)
	require.ErrorIs(t, view(h.guest, func(store.Reader) error { return nil }), pbx.ErrMisuse)
	h.guest = sqlite.FromTx(h.tx)
	h.goesOn(t)
}

// One connection serves them all: what is nested must not wait for itself.
func TestGuestReadsWhileItReads(t *testing.T) {
	t.Parallel()
	h := newHosted(t)
	ctx := context.Background()
	pieces := store.Query{Index: new(pbx.Event).Table().Key()}
	var changes []store.Change
	for i := range 700 {
		changes = append(changes, store.Change{New: &pbx.Event{
			TenantID: h.Tenant.ID, Seq: 100 + int64(i), Pos: 1, At: schematest.Noon, Operation: pbx.OperationID(h.ID()),
			Actor: "admin", Role: pbx.RoleAdministrator, Type: "user.created", Kind: "user", Subject: "x",
		}})
	}
	require.NoError(t, apply(h.guest, h.Tenant.ID, changes...))
	require.NoError(t, h.guest.Update(ctx, h.Tenant.ID, func(w store.Writer) error {
		n := 0
		for _, err := range w.Find(ctx, pieces) {
			require.NoError(t, err)
			if n++; n%100 != 0 {
				continue
			}
			require.NoError(t, view(h.guest, func(r store.Reader) error {
				for _, err := range r.Find(ctx, pieces) {
					require.NoError(t, err)
					_, err = w.Get(ctx, keyOf(h.Group))
					require.NoError(t, err)
				}
				return nil
			}))
		}
		require.Greater(t, n, 700)
		return w.Apply(ctx, []store.Change{h.named("x")})
	}))
	h.sees(t, h.guest, h.tx, "x", 1)
}

// The host reads its own rows, and has savepoints of its own, around what it
// asks of the guest.
func TestGuestInTheMidstOfWhatTheHostDoes(t *testing.T) {
	t.Parallel()
	h := newHosted(t)
	for i := range 5 {
		_, err := h.tx.Exec("INSERT INTO tickets (text) VALUES (?)", fmt.Sprint(i))
		require.NoError(t, err)
	}
	rows, err := h.tx.Query("SELECT id FROM tickets ORDER BY id")
	require.NoError(t, err)
	defer rows.Close()
	n := int64(0)
	for group := h.Group; rows.Next(); n++ {
		ch := schematest.With(group, func(g *pbx.Group) { g.Name = fmt.Sprint("group ", n) })
		require.NoError(t, apply(h.guest, h.Tenant.ID, ch))
		require.ErrorIs(t, apply(h.guest, h.Tenant.ID, ch), store.ErrHostRetry)
		group = ch.New.(*pbx.Group)
	}
	require.NoError(t, rows.Err())
	require.EqualValues(t, 6, n)
	require.NoError(t, h.tx.Rollback())

	h.begin(t, h.db)
	host := func(text string) {
		t.Helper()
		_, err := h.tx.Exec(text)
		require.NoError(t, err)
	}
	host("SAVEPOINT pbx") // of the same name, why not
	require.NoError(t, h.rename("x"))
	host("INSERT INTO tickets (text) VALUES ('more')")
	h.sees(t, h.guest, h.tx, "x", 2)
	host("ROLLBACK TO pbx")
	h.sees(t, h.guest, h.tx, h.Group.Name, 1)
	host("RELEASE pbx")
	h.goesOn(t)
}

// Goroutines of the host take turns.
func TestGuestServesGoroutinesOneAfterAnother(t *testing.T) {
	t.Parallel()
	h := newHosted(t)
	ctx := context.Background()
	key := keyOf(h.Group)
	var all sync.WaitGroup
	failures := make(chan error, 64)
	for range 8 {
		all.Go(func() {
			for range 5 {
				failures <- h.guest.Update(ctx, h.Tenant.ID, func(w store.Writer) error {
					found, err := w.Get(ctx, key)
					if err != nil {
						return err
					}
					if err := view(h.guest, func(r store.Reader) error { _, err := r.Get(ctx, key); return err }); err != nil {
						return err
					}
					return w.Apply(ctx, []store.Change{schematest.With(found[0].(*pbx.Group), func(g *pbx.Group) { g.Name += "x" })})
				})
			}
		})
	}
	all.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	require.Equal(t, h.Group.Rev+40, get[*pbx.Group](t, h.guest, key).Rev)
	require.NoError(t, h.tx.Commit())
	require.Equal(t, h.Group.Rev+40, get[*pbx.Group](t, h.store, key).Rev)
}

func TestGuestLooksAtTheDatabaseFirst(t *testing.T) {
	t.Parallel()
	set := func(pragma string) func(*testing.T, *sql.DB) {
		return func(t *testing.T, db *sql.DB) {
			_, err := db.Exec(pragma)
			require.NoError(t, err)
		}
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, db *sql.DB)
		want  error
		says  string
	}{
		"a newer library's":     {set("PRAGMA user_version = 99"), store.ErrNewerSchema, "version 99"},
		"somebody else's":       {set("PRAGMA application_id = 1"), store.ErrForeignStore, "something else"},
		"one without our mark":  {set("PRAGMA application_id = 0"), store.ErrForeignStore, "something else"},
		"one that lost a table": {set("DROP TABLE cursors"), store.ErrForeignStore, "cursors"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHosted(t)
			require.NoError(t, h.tx.Rollback())
			require.NoError(t, h.store.Close())
			c.spoil(t, h.db)
			h.begin(t, h.db)
			for _, err := range []error{view(h.guest, func(store.Reader) error { return nil }), h.rename("x")} {
				require.ErrorIs(t, err, c.want)
				require.ErrorIs(t, err, pbx.ErrStorage)
				require.ErrorContains(t, err, c.says)
			}
			require.NoError(t, h.tx.Commit(), "the host can go on without")
		})
	}
}

func TestGuestOfADatabaseThatIsNotReady(t *testing.T) {
	t.Parallel()
	empty := hostDB(t, t.TempDir()+"/empty.db", "")
	tx, err := empty.Begin()
	require.NoError(t, err)
	for _, err := range []error{apply(sqlite.FromTx(tx), pbx.Provider), view(sqlite.FromTx(tx), func(store.Reader) error { return nil })} {
		require.ErrorIs(t, err, pbx.ErrStorage)
		require.ErrorContains(t, err, "open it with sqlite.Open first")
	}
	require.NoError(t, tx.Rollback())

	h := newHosted(t)
	require.NoError(t, h.tx.Rollback())
	careless, err := sql.Open("sqlite", h.path)
	require.NoError(t, err)
	defer careless.Close()
	h.begin(t, careless)
	for _, err := range []error{h.rename("x"), view(h.guest, func(store.Reader) error { return nil })} {
		require.ErrorIs(t, err, pbx.ErrMisuse)
		require.ErrorContains(t, err, "PRAGMA foreign_keys = 1")
	}
	require.NoError(t, h.tx.Rollback())
}
