package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
	"github.com/pbxkit/pbx/store/internal/queue"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// Guest is a store.Store inside a transaction of the host program, which can so
// change its own tables and the library's in one commit:
//
//	tx, err := pool.Begin(ctx)
//	…
//	directory := pbx.New(postgres.FromTx(tx))
//	…
//	err = tx.Commit(ctx)
//
// The transaction is the host's: the host begins it, and decides whether and when
// others see the changes; see FromTx on finding out what became of it. Where other changes got in the way an update gives an
// error that wraps store.ErrHostRetry: the host must roll its transaction back and
// run it again, because what it has read is out of date. An update that is refused
// for any other reason leaves the transaction as it was before, and usable.
//
// A read that the server refuses fails the transaction, as a statement of the
// host's own would: one that was cancelled (57014), for example. The operation
// returns the reason; every later use gives store.ErrHostRetry, and the host can
// only roll back. A host that wants to continue sets a savepoint before the
// operation, and rolls back to it.
//
// The lock on a tenant that was updated is held until the host's transaction
// ends: keep it short, and update several tenants in one order everywhere. READ
// COMMITTED is isolation enough; a stricter one gives store.ErrHostRetry more
// often.
//
// The methods can be called from several goroutines, but while one runs the
// host must not use the transaction: rows that it reads from it have to be read
// to the end, or closed, before. A context that ends while a method runs costs the
// connection, and so the transaction.
type Guest struct {
	gate   *gate.Gate
	tx     pgx.Tx
	on     *statements
	queues *queue.Queues
	bad    error      // of the options
	mu     sync.Mutex // one trip at a time
}

var (
	_ store.Store   = (*Guest)(nil)
	_ store.Fetcher = (*Guest)(nil)
)

// FromTx returns a store inside the transaction. It is for that transaction
// alone, and costs nothing until it is used; after the transaction's end every
// use gives an error of kind store.ErrMisuse that wraps pgx.ErrTxClosed. Of the
// options WithSchema counts.
//
// To the library an operation is committed when it returns without an error,
// whatever becomes of the transaction. So a password that Directory.IssueCredentials
// has drawn (EXT-7), on its own or in a batch or review that is committed too, can
// be revealed before the host commits. Until then it lets nobody in, and after a
// rollback it never does: hand it on only after the host's commit.
//
// An error of the host's own commit leaves its outcome unknown, unless the server sent
// it, it is no FATAL one, and its SQLSTATE is not 40003 or of class 08, 57, 58, F0 or XX.
// A commit that a context ends is one of these: pgx cancels
// it, and a server that waits for a synchronous standby then keeps the change without
// the standby, and shows it to everybody. So commit with a context that outlives the
// caller's (context.WithoutCancel), and after such an error call Store.Settle for the
// tenant that the operations worked in (for CreateTenant and stock that is pbx.Provider):
// when that returns nil, and only then, what is
// there says whether the transaction was committed. When somebody else cancelled the
// wait, Commit returns nil, and the server has sent a warning: a host with synchronous
// standbys sets OnNotice in its connections' settings, and treats a warning that comes
// while it commits as such an error.
//
// The schema is one that Open has made and, after an update of the library, has
// brought up to date. Else the first use on a connection gives an error: one
// that wraps store.ErrForeignStore or store.ErrNewerSchema, or one of kind
// store.ErrStorage that says to open the database with Open first.
func FromTx(tx pgx.Tx, opts ...Option) *Guest {
	g := &Guest{gate: gate.New(), tx: tx, queues: queue.New()}
	o, err := newOptions(opts)
	if err != nil {
		g.bad = err
	} else {
		g.on = statementsOf(o.schema)
	}
	return g
}

// View runs fn on what the transaction sees: what the host and operations have
// changed in it so far included. It is no snapshot of its own: at READ COMMITTED
// fn also sees what others commit meanwhile, and each statement of one trip sees
// another state. So where two records that belong together are changed in between,
// fn may see one without the other, and a reading operation then answers as if the
// other did not exist. Reads that have to agree need a transaction at REPEATABLE
// READ. A changing operation reads after it has locked its tenant, whose records
// then do not change.
func (g *Guest) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.gate.Leave()
	r := &reader{on: g.on, session: &visit{g: g}, failed: g.failed}
	defer r.end()
	return fn(r)
}

// Update runs fn once. When it returns nil the changes are made in the host's
// transaction, all of them or none. Errors: store.ErrHostRetry where store.Store
// has ErrRetry; ErrCommitUnknown never, for the commit is the host's.
func (g *Guest) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.gate.Leave()
	v := &visit{g: g, tenant: &tenant}
	defer v.end()
	w := &writer{reader: reader{on: g.on, session: v, failed: g.failed}}
	defer w.end() // also when fn panics
	if err := fn(w); err != nil {
		return err
	}
	changes, err := w.toCommit(ctx)
	if err != nil || len(changes) == 0 {
		return err
	}
	return v.apply(ctx, changes)
}

// Fetch reads in one trip what the transaction sees, as View does.
func (g *Guest) Fetch(ctx context.Context, reads ...store.Read) (results [][]store.Record, err error) {
	err = g.View(ctx, func(r store.Reader) error {
		results, err = store.Fetch(ctx, r, reads...)
		return err
	})
	return results, err
}

// Close waits for what runs. It ends the value, and not the host's transaction.
func (g *Guest) Close() error {
	return g.gate.Close()
}

func (g *Guest) enter(ctx context.Context) error {
	if err := g.gate.Enter(); err != nil {
		return err
	}
	err := g.bad
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		g.gate.Leave()
	}
	return err
}

// conn returns the transaction's connection, once it is fit for use; unlock of
// mu must follow where there is no error.
func (g *Guest) conn(ctx context.Context) (*conn, error) {
	g.mu.Lock()
	c, err := g.ready(ctx)
	if err != nil {
		g.mu.Unlock()
	}
	return c, err
}

func (g *Guest) ready(ctx context.Context) (*conn, error) {
	over := &store.Error{Kind: store.ErrMisuse, Reason: "the transaction is over", Err: pgx.ErrTxClosed}
	if g.tx.SendBatch(ctx, new(pgx.Batch)).Close() != nil { // nothing is sent
		return nil, over
	}
	pg := g.tx.Conn().PgConn()
	switch {
	case pg.IsClosed():
		return nil, hostRetry(&broken{errors.New("closed")})
	case pg.IsBusy():
		return nil, store.Misuse("the transaction is in use: read its rows to the end, or close them, first")
	case pg.TxStatus() == 'E':
		return nil, hostRetry(errors.New("postgres: the transaction has failed"))
	case pg.TxStatus() != 'T':
		return nil, over
	case pg.ParameterStatus("client_encoding") != "UTF8":
		return nil, store.Misuse("the connection's client_encoding is not UTF8")
	}
	c := newConn(pg, nil)
	if !c.inspected[g.on.schema] {
		if err := c.inspect(ctx, g.on); err != nil {
			return nil, err
		}
		c.inspected[g.on.schema] = true
	}
	return c, nil
}

// inspect makes sure that the schema is of this library's version.
func (c *conn) inspect(ctx context.Context, on *statements) error {
	migrations, err := sqlschema.Migrations(Migrations())
	if err != nil {
		return err
	}
	version, err := c.identify(ctx, on, len(migrations))
	switch {
	case err != nil:
		return err
	case version == 0:
		return failure("be used: its schema is missing, and made by Open", nil)
	case version < len(migrations):
		return failure(fmt.Sprintf("be used: its schema is of version %d, and brought to version %d by Open", version, len(migrations)), nil)
	}
	return nil
}

// failed returns what a store says of an error of the engine.
func (g *Guest) failed(doing string, err error) error {
	if _, ok := errors.AsType[*store.Error](err); ok || isContextError(err) {
		return err
	}
	if isBroken(err) || again(err) {
		return hostRetry(err)
	}
	return refusal(doing, err)
}

// hostRetry is store.ErrHostRetry in the form in which operations give it.
func hostRetry(cause error) error {
	return &store.Error{Kind: store.ErrConflict, Err: errors.Join(store.ErrHostRetry, cause),
		Reason: "other changes got in the way: roll your transaction back and run it again"}
}

// visit is a view or an update within the host's transaction.
type visit struct {
	g      *Guest
	tenant *[16]byte // nil in a view
	queued bool
	locked bool
}

func (v *visit) ask(ctx context.Context, questions []question) ([][]store.Record, error) {
	if v.tenant != nil && !v.queued {
		if err := v.g.queues.Enter(ctx, *v.tenant); err != nil {
			return nil, err
		}
		v.queued = true
	}
	c, err := v.g.conn(ctx)
	if err != nil {
		return nil, err
	}
	defer v.g.mu.Unlock()
	if v.tenant == nil || v.locked {
		answers, _, err := c.exchange(ctx, exchange{questions: questions})
		return answers, err
	}
	answers, err := c.open(ctx, opening{tenant: v.tenant}, v.g.on, questions)
	v.locked = err == nil
	return answers, err
}

func (v *visit) end() {
	if v.queued {
		v.g.queues.Leave(*v.tenant)
	}
}

// The savepoint to which a refused update is rolled back.
var (
	savepoint  = newStatement("SAVEPOINT pbx")
	release    = newStatement("RELEASE SAVEPOINT pbx")
	rollbackTo = newStatement("ROLLBACK TO SAVEPOINT pbx")
)

// apply sends the changes in one trip. The tenant is locked before, as in an
// update of the store's own.
func (v *visit) apply(ctx context.Context, changes []store.Change) error {
	if !v.locked {
		if _, err := v.ask(ctx, nil); err != nil {
			return v.g.failed("begin to write", err)
		}
	}
	c, err := v.g.conn(ctx)
	if err != nil {
		return err
	}
	defer v.g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime(answerTime, len(changes)))
	defer cancel()
	t := c.start(ctx)
	t.send(savepoint)
	for i := range changes {
		t.change(v.g.on, &changes[i])
	}
	t.send(release)
	doing, err := t.applied(changes)
	t.end()
	if err == nil {
		return nil
	}
	err = c.seen(ctx, err)
	if !c.closed() {
		c.undoUpdate(ctx)
	}
	return v.g.failed(doing, err)
}

// applied reads the answers to the savepoint, the changes and the release, and
// says which of them failed.
func (t *trip) applied(changes []store.Change) (failed string, err error) {
	if err := t.flush(); err != nil {
		return "begin to write", err
	}
	if _, _, err := t.done(); err != nil {
		return "begin to write", err
	}
	for i := range changes {
		if _, _, err := t.done(); err != nil {
			return sqlschema.Doing(&changes[i]), err
		}
	}
	_, _, err = t.done()
	return "write", err
}

// undoUpdate rolls an update back to its savepoint. Where that fails the
// transaction has failed too, and its next use says so.
func (c *conn) undoUpdate(ctx context.Context) {
	t := c.start(ctx)
	defer t.end()
	t.send(rollbackTo)
	t.send(release)
	if t.flush() == nil {
		_, _, _ = t.done()
		_, _, _ = t.done()
	}
}
