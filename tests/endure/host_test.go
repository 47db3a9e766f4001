package endure_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/sqlite"
)

// house is a database of a host's: the original's records, and a table of its
// own.
type house struct {
	store   store.Store // what is committed
	tickets func() int
	begin   func() visit
}

// visit is a transaction of the host's, with the library as a guest.
type visit struct {
	guest            func() store.Store
	ticket           func() // the host adds one
	commit, rollback func()
}

// hosts are all that the library can be a guest of: each prepares an original,
// and then houses with it in them.
var hosts = map[string]func(t *testing.T) (o *testbed.Original, build func(t *testing.T) house){
	"sqlite": func(t *testing.T) (*testbed.Original, func(t *testing.T) house) {
		o := testbed.PrepareFile(t)
		return o, func(t *testing.T) house { return houseOnDisk(t, o, filepath.Join(t.TempDir(), "house.db")) }
	},
	"postgres": func(t *testing.T) (*testbed.Original, func(t *testing.T) house) {
		o, database := prepareDatabase(t)
		return o, func(t *testing.T) house { return houseOnServer(t, o, database(t)) }
	},
}

// houseOnDisk is a copy of the original's file, which a host has opened too.
func houseOnDisk(t *testing.T, o *testbed.Original, file string) house {
	require.NoError(t, os.WriteFile(file, o.File, 0o600))
	kept, err := sqlite.Open(o.Ctx, file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	t.Cleanup(func() { _ = kept.Close() })
	db := hostDB(t, file, "&_txlock=immediate")
	_, err = db.Exec("CREATE TABLE tickets (text TEXT NOT NULL) STRICT")
	require.NoError(t, err)
	return house{
		store: kept,
		tickets: func() (n int) {
			require.NoError(t, db.QueryRow("SELECT count(*) FROM tickets").Scan(&n))
			return n
		},
		begin: func() visit {
			tx, err := db.Begin()
			require.NoError(t, err)
			t.Cleanup(func() { _ = tx.Rollback() })
			return visit{
				guest:    func() store.Store { return sqlite.FromTx(tx) },
				ticket:   func() { require.NoError(t, testbed.Second(tx.Exec("INSERT INTO tickets (text) VALUES ('new')"))) },
				commit:   func() { require.NoError(t, tx.Commit()) },
				rollback: func() { require.NoError(t, tx.Rollback()) },
			}
		},
	}
}

// eachHost runs a test on each kind of host.
func eachHost(t *testing.T, test func(t *testing.T, o *testbed.Original, build func(t *testing.T) house)) {
	for name, prepare := range hosts {
		if !testbed.Chosen(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, build := prepare(t)
			test(t, o, build)
		})
	}
}

// holds requires that what is committed is in that state, with so many of the
// host's tickets. as is a replica that has drawn the IDs.
func (h house) holds(t *testing.T, as *testbed.Replica, state string, tickets int) {
	t.Helper()
	seen := as.On(t, h.store)
	seen.Draws = as.Draws
	require.Empty(t, cmp.Diff(state, seen.State()))
	require.Equal(t, tickets, h.tickets())
}

// Every operation in a host's transaction does what it does alone, when the
// host commits, and nothing, when it does not.
func TestSYS1_EveryOperationIsPartOfItsHostsTransaction(t *testing.T) {
	eachHost(t, func(t *testing.T, o *testbed.Original, build func(t *testing.T) house) {
		for i, op := range testbed.Operations {
			if !testbed.Sampled(i+1, testbed.SampleOfOperations) {
				continue
			}
			for name, run := range map[string]runner{"at once": testbed.AtOnce, "reviewed": reviewed} {
				if op.Method == "CheckPIN" && name == "reviewed" {
					continue // it refuses to be
				}
				t.Run(fmt.Sprintf("%s %s %d", op.Method, name, i), func(t *testing.T) {
					c := courseOf(op, o.On(t, build(t).store), run)
					h := build(t)
					for _, keep := range []bool{false, true} {
						v := h.begin()
						v.ticket()
						r := o.On(t, v.guest())
						require.Equal(t, c.first, r.Said(run(r.Ctx, op, r)))
						require.Empty(t, cmp.Diff(c.after, r.State()), "the transaction sees it")
						if !keep {
							v.rollback()
							h.holds(t, r, c.before, 0)
							continue
						}
						v.commit()
						h.holds(t, r, c.after, 1)
						require.ErrorIs(t, testbed.Second(r.Dir.Tenant(r.Ctx)), pbx.ErrMisuse, "the guest has gone")
						report, err := o.On(t, h.store).Support.Check(o.Ctx)
						require.NoError(t, err)
						require.Empty(t, report.Violations)
					}
				})
			}
		}
	})
}

// A second call of every operation, refused or not, leaves the host's
// transaction as it would leave a store; the host goes on.
func TestSYS1_ARefusalLeavesTheHostsTransactionAsItWas(t *testing.T) {
	eachHost(t, func(t *testing.T, o *testbed.Original, build func(t *testing.T) house) {
		tried, refused := 0, 0
		for i, op := range testbed.Operations {
			if !testbed.Sampled(i+3, testbed.SampleOfOperations) {
				continue
			}
			tried++
			t.Run(fmt.Sprintf("%s %d", op.Method, i), func(t *testing.T) {
				c := courseOf(op, o.On(t, build(t).store), testbed.AtOnce)
				h := build(t)
				v := h.begin()
				v.ticket()
				r := o.On(t, v.guest())
				require.Equal(t, c.first, r.Said(testbed.AtOnce(r.Ctx, op, r)))
				require.Equal(t, c.again, r.Said(testbed.AtOnce(r.Ctx, op, r)))
				require.Empty(t, cmp.Diff(c.twice, r.State()))
				if c.twice == c.after {
					refused++
				}
				_, err := r.Dir.AddLocation(r.Ctx, pbx.NewLocation{Building: "AFTERWARDS", Address: pbx.CivicAddress{Country: "US"}})
				require.NoError(t, err)
				state := r.State()
				v.ticket()
				v.commit()
				h.holds(t, r, state, 2)
			})
		}
		require.Greater(t, refused, tried/4, "there are refusals among them")
	})
}

// ann is the user whom the host creates.
var ann = pbx.NewUser{FirstName: "New", Email: "new@example.com", Login: "new@example.com", Extension: "7800"}

// betweens are what another guest of the host does in the middle of it.
var betweens = map[string]func(r *testbed.Replica) error{
	"a record changed": func(r *testbed.Replica) error {
		return testbed.Second(r.Dir.AddLocation(r.Ctx, pbx.NewLocation{Building: "OTHER", Address: pbx.CivicAddress{Country: "US"}}))
	},
	"a unique value taken": func(r *testbed.Replica) error { // by another tenant
		return testbed.Second(r.British.CreateUser(r.Ctx, ann))
	},
}

// If the host, or another of its guests, has changed what an operation was
// based on in the middle of it, only the host can start again.
func TestSYS1_AHostIsToldToRunItsTransactionAgain(t *testing.T) {
	eachHost(t, func(t *testing.T, o *testbed.Original, build func(t *testing.T) house) {
		for name, between := range betweens {
			t.Run(name, func(t *testing.T) {
				h := build(t)
				v := h.begin()
				v.ticket()
				r, other := o.On(t, v.guest()), o.On(t, v.guest())
				other.Draws.Drawn += 1000
				runs := 0
				var state string
				err := r.Dir.Batch(r.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
					runs++
					if err := testbed.Second(dir.CreateUser(ctx, ann)); err != nil {
						return err
					}
					v.ticket()
					if err := between(other); err != nil {
						return err
					}
					state = other.State()
					return nil
				})
				require.ErrorIs(t, err, store.ErrHostRetry)
				require.ErrorIs(t, err, pbx.ErrConflict)
				require.NotErrorIs(t, err, store.ErrRetry)
				require.Equal(t, 1, runs, "it is not for the library to run it again")
				require.Equal(t, state, other.State(), "nothing of the batch is there")
				_, err = r.Dir.AddLocation(r.Ctx, pbx.NewLocation{Building: "AFTERWARDS", Address: pbx.CivicAddress{Country: "US"}})
				require.NoError(t, err)
				v.commit()
				require.Equal(t, 2, h.tickets(), "what the host has written is its own")

				v = h.begin()
				r = o.On(t, v.guest())
				r.Draws.Drawn += 2000
				_, err = r.Support.In(r.US.ID).CreateUser(r.Ctx, ann)
				if name == "a unique value taken" {
					require.ErrorIs(t, err, pbx.ErrConflict)
					require.NotErrorIs(t, err, store.ErrHostRetry, "now it is a rule's refusal")
				} else {
					require.NoError(t, err)
				}
				v.commit()
				report, err := o.On(t, h.store).Support.Check(o.Ctx)
				require.NoError(t, err)
				require.Empty(t, report.Violations)
			})
		}
	})
}

// A host that began without SQLite's lock is told so when it cannot get it: the
// operation is not tried again.
func TestSYS1_AHostIsToldWhenAnotherHasTheLock(t *testing.T) {
	testbed.NotShort(t)
	o := testbed.PrepareFile(t)
	for i, op := range testbed.Operations {
		if !testbed.Sampled(i+2, testbed.SampleOfOperations) {
			continue
		}
		t.Run(fmt.Sprintf("%s %d", op.Method, i), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "house.db")
			writing := houseOnDisk(t, o, file).begin()
			tx, err := hostDB(t, file, "&_pragma=busy_timeout(1)").Begin()
			require.NoError(t, err)
			r := o.On(t, sqlite.FromTx(tx))
			before := r.State()
			err = testbed.AtOnce(r.Ctx, op, r)
			require.ErrorIs(t, err, store.ErrHostRetry)
			require.ErrorIs(t, err, pbx.ErrConflict)
			updates := slices.DeleteFunc(r.Faulty.Calls(), func(p faulty.Point) bool { return p != faulty.Update })
			require.Len(t, updates, 1)
			require.Empty(t, cmp.Diff(before, r.State()))
			writing.rollback()
			require.NotErrorIs(t, testbed.AtOnce(r.Ctx, op, r), store.ErrHostRetry)
			require.NotEqual(t, before, r.State())
			require.NoError(t, tx.Rollback())
		})
	}
}

// hostDB opens the file as a host does.
func hostDB(t *testing.T, file, more string) *sql.DB {
	db, err := sql.Open("sqlite", "file://"+(&url.URL{Path: file}).EscapedPath()+"?_pragma=foreign_keys(1)&_pragma=synchronous(OFF)"+more)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
