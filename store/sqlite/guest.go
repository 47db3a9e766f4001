package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// Guest is a store.Store inside a transaction of the host program, which can so
// change its own tables and the library's in one commit. The transaction stays the
// host's: the host begins it, commits it or rolls it back, and with that decides on
// everything that operations did in it. How durable a commit is, and what a failed
// one means, is between the host and its driver: after an I/O error of COMMIT what
// the file shows is no proof, and the database has to be closed, and opened with
// Open, before it is believed. Nor does a guest notice that the file was removed.
//
// The errors of a guest are those of a Store, but:
//
//   - Where a Store would have to be asked again, because another connection
//     writes or wrote meanwhile or a unique value was taken, the error wraps
//     store.ErrHostRetry: roll the transaction back and run it again. An operation
//     gives it in a *store.Error of kind store.ErrConflict.
//   - After the transaction's end every use gives an error of kind
//     store.ErrMisuse that wraps sql.ErrTxDone.
//   - When SQLite has rolled back the whole transaction by itself, as it may on
//     a full or failing disk, every use gives the same error of kind
//     store.ErrStorage. The *sql.Tx is over then, so that nothing more can be run
//     in it, and be committed at once.
//
// After any other error the transaction is as it was before the operation.
//
// Its methods can be called from several goroutines, and take turns. Meanwhile
// the host itself runs nothing in the transaction, but from the functions that
// it has given to operations; what it writes there is no part of the operation,
// and is not rolled back with one that is refused.
type Guest struct {
	gate *gate.Gate
	turn chan struct{} // holds one while no update runs

	mu    sync.Mutex // whose turn it is to use what follows
	host  *hosted
	conn  *conn // over host
	known bool  // the schema is the one that this library works with
}

var _ store.Store = (*Guest)(nil)

// FromTx returns a store inside the transaction. It is for that transaction
// alone, and costs nothing until it is used.
//
// To the library an operation is committed when it returns without an error,
// whatever becomes of the transaction. So a password that Directory.IssueCredentials
// has drawn (EXT-7), on its own or in a batch or review that is committed too, can
// be revealed before the host commits. Until then it lets nobody in, and after a
// rollback it never does: hand it on only after the host's commit.
//
// The database is one that Open has made and, after an update of the library,
// has brought up to date, and its foreign keys are on for the connection. Else
// the first use gives an error: of kind store.ErrMisuse where the foreign keys
// are off; one that wraps store.ErrForeignStore or store.ErrNewerSchema; or one of
// kind store.ErrStorage that says to open the database with Open first. The
// host's own tables can be in the same file once Open has made it.
//
// The host may use any driver of database/sql for SQLite. With
// modernc.org/sqlite, which Open uses too, a name for sql.Open is
//
//	file:pbx.db?_txlock=immediate&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)
//
// With _pragma=secure_delete(1) as well, what the host's transactions delete is
// overwritten in the file, as in those of a Store (USR-9).
//
// Without BEGIN IMMEDIATE (_txlock) a transaction that has read something and
// then writes does not wait for another that writes, but has to be run again at
// once. Other drivers bring a copy of SQLite with them: while one of them has a
// file open, no Store of the same process may have it open, since two copies of
// SQLite in a process undo each other's locks. A driver whose errors carry no
// code of SQLite's, neither as modernc.org/sqlite has it (Code) nor as
// mattn/go-sqlite3 and ncruces/go-sqlite3 have it (ExtendedCode), leaves them
// all of kind store.ErrStorage: nothing then asks for another run.
func FromTx(tx *sql.Tx) *Guest {
	host := newHosted(tx)
	g := &Guest{gate: gate.New(), turn: make(chan struct{}, 1), host: host, conn: newConn(host, store.ErrHostRetry)}
	g.turn <- struct{}{}
	return g
}

// View runs fn on what the transaction sees: what the host and operations have
// changed in it so far included. It is no snapshot of its own: fn sees what it
// changes itself, by operations or as the host.
func (g *Guest) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := g.gate.Enter(); err != nil {
		return err
	}
	defer g.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := g.ready(); err != nil {
		return err
	}
	r := &reader{conn: g.conn, mu: &g.mu}
	defer r.end()
	return fn(r)
}

// Update runs fn once, and makes its changes, all or none, when fn returns nil:
// the transaction sees them, and the host commits them. Before fn runs, the
// lock on the file is taken, unless the transaction has it already. Until the
// changes are made, fn reads what was there before. As in a Store, an update
// from within fn waits for the one that it is in.
func (g *Guest) Update(ctx context.Context, _ [16]byte, fn func(store.Writer) error) error {
	if err := g.gate.Enter(); err != nil {
		return err
	}
	defer g.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-g.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { g.turn <- struct{}{} }()
	if err := g.begin(); err != nil {
		return err
	}
	w := &guestWriter{reader: reader{conn: g.conn, mu: &g.mu}}
	defer w.end()
	if err := fn(w); err != nil {
		return err
	}
	return g.save(ctx, w)
}

// Close waits for what runs, and makes every later use of the Guest an error.
// The transaction goes on.
func (g *Guest) Close() error {
	if err := g.gate.Close(); err != nil {
		return err
	}
	_ = g.conn.close() // statements that the end of the transaction has closed, or will
	return nil
}

// ready makes sure that the transaction is there, and in a database of the library.
func (g *Guest) ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.host.there(nil); err != nil {
		return err
	}
	return g.inspect()
}

// begin does that for an update. The lock is taken by a statement that changes
// nothing, before anything is read: SQLite lets it wait for another writer only
// as long as the transaction has no snapshot yet.
func (g *Guest) begin() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.host.there(nil); err != nil {
		return err
	}
	failed := g.conn.run("DELETE FROM cursors WHERE 0") // which nothing refers to: it is soon prepared
	if isBusy(failed) {
		return g.conn.refusal("begin to write", failed)
	}
	if err := g.inspect(); err != nil { // there may be no such table
		return err
	}
	if failed != nil {
		return g.conn.refusal("begin to write", failed)
	}
	return nil
}

// inspect checks the database, once.
func (g *Guest) inspect() error {
	if g.known {
		return nil
	}
	err := g.conn.fit()
	switch {
	case g.host.over != nil:
		return g.host.over
	case isBusy(err):
		return inTheWay(errors.Unwrap(err)) // that it could not be read says too much
	}
	g.known = err == nil
	return err
}

// newestVersion is that of the last migration. Each guest asks for it.
var newestVersion = sync.OnceValues(func() (int, error) {
	list, err := sqlschema.Migrations(Migrations())
	return len(list), err
})

// fit returns nil when the database is one that this library can work with as
// it is.
func (c *conn) fit() error {
	newest, err := newestVersion()
	if err != nil {
		return err
	}
	version, err := identify(c, newest)
	if err != nil {
		return err
	}
	if version < newest {
		return &store.Error{Kind: store.ErrStorage, Reason: fmt.Sprintf(
			"the database is of version %d, and this library works with %d: open it with sqlite.Open first", version, newest)}
	}
	on, err := c.number("PRAGMA foreign_keys")
	if err != nil {
		return failure("be read", err)
	}
	if on != 1 {
		return store.Misuse("foreign keys are off on the transaction's connection: " +
			"open the database with PRAGMA foreign_keys = 1, which can only be set between transactions")
	}
	return nil
}

// save makes an update's changes. When they cannot all be made it rolls back to a
// savepoint; if even that fails, the transaction is given up. Once the savepoint is
// being released, no context stops it.
func (g *Guest) save(ctx context.Context, w *guestWriter) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes, err := w.changes.ToCommit(ctx)
	if err != nil || len(changes) == 0 {
		return err
	}
	if err := g.conn.run("SAVEPOINT pbx"); err != nil {
		return g.conn.refusal("begin to write", err)
	}
	_, err = g.conn.apply(ctx, changes)
	if err == nil {
		if err = g.conn.run("RELEASE pbx"); err == nil {
			return nil
		}
		err = g.conn.refusal("keep the changes", err)
	}
	for _, text := range []string{"ROLLBACK TO pbx", "RELEASE pbx"} {
		if failed := g.conn.run(text); failed != nil {
			g.host.lose(errors.Join(err, failed))
			return g.host.over
		}
	}
	return err
}

// guestWriter is the Writer of a guest's update. Apply only keeps the changes,
// for the transaction that they are made in is also the one that is read.
type guestWriter struct {
	reader
	changes sqlstore.Changes
}

// Apply keeps the changes for the end of the update.
func (w *guestWriter) Apply(ctx context.Context, changes []store.Change) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended.Load() {
		return store.Misuse("a writer was used after the end of its update")
	}
	return w.changes.Keep(ctx, w.failed, changes)
}
