package postgres

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
	"github.com/pbxkit/pbx/store/internal/journal"
	"github.com/pbxkit/pbx/store/internal/queue"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// Option sets how a store is opened.
type Option func(*options)

type options struct {
	schema   string
	pool     []func(*pgxpool.Config)
	patience time.Duration // see lines
	mercy    time.Duration // see lines
	answer   time.Duration // see commitTime
}

// WithSchema names the schema of the tables; the default is "pbx". It is created
// where it is missing, and should hold nothing else.
func WithSchema(name string) Option { return func(o *options) { o.schema = name } }

// WithPool sets everything else: how many connections there are, how they are
// made, TLS, tracing. The store adds to OnNotice, DialFunc and AfterConnect of each
// connection, and calls those that are set. MaxConns bounds those that are kept. Whoever has waited 200
// ms for one of them gets one outside the pool, closed after use; there is no bound
// on these, because views nested in one another would otherwise wait forever. Choose
// MaxConns for the load, and leave the server some to spare. A server without one to
// spare is asked again for ten seconds; then there is an error of kind
// store.ErrStorage that says so.
func WithPool(set func(*pgxpool.Config)) Option {
	return func(o *options) { o.pool = append(o.pool, set) }
}

func newOptions(opts []Option) (*options, error) {
	o := &options{schema: "pbx", patience: 200 * time.Millisecond, mercy: 10 * time.Second, answer: answerTime}
	for _, set := range opts {
		if set != nil {
			set(o)
		}
	}
	if !isName(o.schema) {
		return nil, &store.Error{Kind: store.ErrInvalid, Field: "schema", Reason: "not the name of a schema"}
	}
	return o, nil
}

// isName reports whether PostgreSQL can have a schema of that name.
func isName(name string) bool {
	const longest = 63 // longer ones are cut off
	if name == "" || len(name) > longest || !utf8.ValidString(name) {
		return false
	}
	for i := range len(name) {
		if name[i] == 0 {
			return false
		}
	}
	return true
}

// Open opens the store in the database that the DSN names, a URL or a list of
// key=value settings as libpq and pgx have them, and creates its schema, or
// brings it up to date, where that is needed. Of several processes that do so at
// once one does it and the others wait.
//
// A schema in which another program has tables of the same names, or in which a
// table is missing, gives an error that wraps store.ErrForeignStore; one written
// by a later version of the library gives one that wraps store.ErrNewerSchema.
// Neither is changed. A DSN that cannot be read gives an error of kind
// store.ErrInvalid; a server that cannot be reached, that refuses the role, has no
// such database, or for ten seconds no connection to spare, and a role that lacks
// the rights, one of kind store.ErrStorage that says so. It names the database, the
// server and the role, and the system's reason; no message holds the DSN, in which
// there may be a password.
//
// What an acknowledged change survives is for the server's settings to say:
// synchronous_commit (of the server, the database, the role or the DSN) and
// synchronous_standby_names. Store.Durability reads them. With "on" or "remote_apply" and
// a synchronous standby nothing acknowledged is lost in a failover; with "local" it is;
// with "off" the server's own crash loses the last changes.
func Open(ctx context.Context, dsn string, opts ...Option) (*Store, error) {
	if ctx == nil {
		return nil, store.Misuse("a store is opened with a context: nil was given")
	}
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	migrations, err := sqlschema.Migrations(Migrations())
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil { // it may quote the DSN, which has a password
		return nil, badDSN()
	}
	config.ConnConfig.RuntimeParams["client_encoding"] = "UTF8"
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "pbx"
	}
	// A dead connection is noticed by the first statement on it, and replaced then.
	// A ping before that would cost a trip for each connection that was idle.
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	for _, set := range o.pool {
		if set != nil {
			set(config)
		}
	}
	heeding(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unopened(&config.ConnConfig.Config, failure("be opened", err))
	}
	s := &Store{
		gate:   gate.New(),
		on:     statementsOf(o.schema),
		lines:  &lines{pool: pool, patience: o.patience, mercy: o.mercy},
		queues: queue.New(),
		doubts: new(doubts),
		answer: o.answer,
	}
	old, err := s.prepare(ctx, migrations)
	if err == nil && len(old) > 0 {
		if err = journal.Chain(ctx, s, s.unchained); mayNot(err) {
			err = nil
		}
	}
	if err != nil {
		pool.Close()
		return nil, unopened(&config.ConnConfig.Config, err)
	}
	return s, nil
}

func badDSN() error {
	return &store.Error{Kind: store.ErrInvalid, Field: "dsn",
		Reason: "neither a postgres:// URL nor a list of key=value settings"}
}

// prepare checks the database, and brings the schema up to date. It returns some of the
// tenants whose journals have no hash chain, as far as the role may know.
func (s *Store) prepare(ctx context.Context, migrations []sqlschema.Migration) ([]pbx.TenantID, error) {
	c, err := s.lines.get(ctx)
	if err != nil {
		return nil, err
	}
	defer c.release()
	if encoding := c.pg.ParameterStatus("server_encoding"); encoding != "UTF8" && encoding != "" {
		return nil, failure("be opened: its encoding is "+encoding+", and must be UTF8", nil)
	}
	if err := c.migrate(ctx, s.on, migrations); err != nil {
		return nil, err
	}
	old, err := c.unchained(ctx, s.on)
	if mayNot(err) {
		return nil, nil
	}
	return old, err
}

// mayNot reports whether the role has not the right to do something, or is on a standby.
// Whoever may not chain journals may still read; changes in their tenants are refused
// until somebody has chained them (SYS-11).
func mayNot(err error) bool {
	return codeOf(err) == "42501" || isReadOnly(err)
}

// unchained returns some of the tenants whose journals were written before there was a
// hash chain (SYS-11).
func (s *Store) unchained(ctx context.Context) ([]pbx.TenantID, error) {
	c, err := s.lines.get(ctx)
	if err != nil {
		return nil, err
	}
	defer c.release()
	return c.unchained(ctx, s.on)
}

func (c *conn) unchained(ctx context.Context, on *statements) (tenants []pbx.TenantID, err error) {
	rows, err := c.list(ctx, "SELECT id FROM "+on.dialect.Schema+"tenants WHERE journal_head IS NULL LIMIT 100")
	if err != nil {
		return nil, c.unread(ctx, err)
	}
	for _, row := range rows {
		id, err := pbx.ParseID[pbx.Tenant](string(row[0]))
		if err != nil {
			return nil, err
		}
		tenants = append(tenants, id)
	}
	return tenants, nil
}
