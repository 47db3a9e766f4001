package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	driver "modernc.org/sqlite"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
	"github.com/pbxkit/pbx/store/internal/journal"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// Synchronous says when a commit is on the disk.
type Synchronous int

const (
	// Full: before Update returns. It is the default.
	Full Synchronous = iota
	// Normal: soon. A loss of power can lose the last updates, whole ones and in
	// order; no update is ever half there.
	Normal
	// Off: whenever the operating system writes it. A loss of power can corrupt
	// the file; it is for files that are thrown away, such as a test's.
	Off
)

// Option sets how a store is opened.
type Option func(*options)

type options struct {
	synchronous Synchronous
	patience    time.Duration // how long another process's lock is waited for
	connect     func(dsn string) (*conn, error)
	sync        func(*os.File) error // brings what was written to a file, or a folder, to the disk
	logPages    int                  // in the log before it is brought into the database
}

// WithSynchronous sets when a commit is on the disk.
func WithSynchronous(s Synchronous) Option { return func(o *options) { o.synchronous = s } }

// Open opens the store in the file at path, and creates it, or brings its
// schema up to date, where that is needed. The folder must be there. A new file
// can be read by its owner alone; whoever lets others read it does so for the
// log next to it too.
//
// A file that holds something else, or is damaged, gives an error that wraps
// store.ErrForeignStore; one written by a later version of the library gives one
// that wraps store.ErrNewerSchema. Neither is changed. A path that cannot be one
// of a database file gives an error of kind store.ErrInvalid. Every message names the
// path as it was given, and the system's reason where there is one.
//
// What a program before this one left in the log is written to the disk once more
// before it is believed: it may have been seen by nobody but the system's cache,
// when a flush had failed. So Open waits for an update of another program, for a minute
// at most, where there is a log. Where the file can only be read, so can the store: it
// opens, and refuses updates.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	s, err := open(ctx, path, opts)
	if err != nil {
		return nil, unopened(path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, opts []Option) (*Store, error) {
	o := defaults()
	for _, set := range opts {
		if set != nil {
			set(&o)
		}
	}
	if ctx == nil {
		return nil, store.Misuse("a store is opened with a context: nil was given")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := place(path)
	if err != nil {
		return nil, err
	}
	migrations, err := sqlschema.Migrations(Migrations())
	if err != nil {
		return nil, err
	}
	missing, err := o.inspect(ctx, path, len(migrations))
	if err != nil {
		return nil, err
	}
	first, files, err := o.create(ctx, path, missing, migrations)
	if err != nil {
		return nil, err
	}
	s := &Store{
		gate:    gate.New(),
		open:    func() (*conn, error) { return o.forWriting(files) },
		turn:    make(turn, 1),
		readers: pool{open: func() (*conn, error) { return o.forReading(files) }, keep: runtime.GOMAXPROCS(0) + 2},
		files:   files,
		limit:   o.logPages,
		pages:   int(files.wal.Size() / pageSize), // what programs that ended left in the log counts too
	}
	s.turn <- first
	if err := journal.Chain(ctx, s, s.unchained); err != nil {
		_ = s.Close() // the first error says more
		return nil, err
	}
	return s, nil
}

// unchained returns some of the tenants whose journals were written before there was a
// hash chain (SYS-11).
func (s *Store) unchained(ctx context.Context) (tenants []pbx.TenantID, err error) {
	c, err := s.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	if c == nil { // an update that failed has given it up
		c, err = s.open()
	}
	defer func() { s.turn <- c }()
	if err != nil {
		return nil, err
	}
	rows, err := c.list(ctx, "SELECT id FROM tenants WHERE journal_head IS NULL LIMIT 100")
	if err != nil {
		return nil, failure("be read", err)
	}
	for _, row := range rows {
		id, _ := row[0].([]byte)
		if len(id) != len(pbx.TenantID{}) {
			return nil, failure("be read: a tenant's ID is damaged", nil)
		}
		tenants = append(tenants, pbx.TenantID(id))
	}
	return tenants, nil
}

func defaults() options {
	return options{patience: 5 * time.Second, connect: connect, sync: (*os.File).Sync, logPages: 4000}
}

// place returns the absolute path of a database file: connections are opened
// later too, when the working folder may be another.
func place(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", badPath("a store needs a file", nil)
	}
	if strings.ContainsRune(path, 0) {
		return "", badPath("not a file's path", nil)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", badPath("not a file's path", err)
	}
	return path, nil
}

func badPath(reason string, err error) error {
	return &store.Error{Kind: store.ErrInvalid, Field: "path", Reason: reason, Err: err}
}

// create opens the first connection, makes the file where it is missing, and
// brings the schema up to date.
func (o *options) create(ctx context.Context, path string, missing bool, migrations []sqlschema.Migration) (*conn, *files, error) {
	c, err := o.connect(dsn(path, "rwc", ""))
	if err != nil {
		return nil, nil, failure("be opened", err)
	}
	if missing {
		_ = os.Chmod(path, 0o600) // a file system without permissions has nothing to keep
	}
	f, err := o.prepare(ctx, c, path, migrations)
	if err != nil {
		return nil, nil, abandon(c, err)
	}
	return c, f, nil
}

// prepare makes the first connection one that writes to a database that is up to date.
func (o *options) prepare(ctx context.Context, c *conn, path string, migrations []sqlschema.Migration) (*files, error) {
	if err := c.pragmas(o.waits(), o.level(), "foreign_keys = 0"); err != nil {
		return nil, failure("be opened", err)
	}
	if err := o.keepLog(ctx, c); err != nil {
		return nil, err
	}
	f, err := o.find(c, path)
	if err != nil {
		return nil, err
	}
	if err := o.renew(ctx, c, f); err != nil {
		return nil, err
	}
	if err := o.migrate(ctx, c, migrations); err != nil {
		return nil, err
	}
	if err := o.writes(c); err != nil {
		return nil, failure("be opened", err)
	}
	return f, nil
}

func abandon(c *conn, err error) error {
	_ = c.close() // the first error says more
	return err
}

// waits lets a statement wait for another process's lock.
func (o *options) waits() string { return fmt.Sprintf("busy_timeout = %d", o.patience.Milliseconds()) }

func (o *options) level() string {
	switch o.synchronous {
	case Normal:
		return "synchronous = NORMAL"
	case Off:
		return "synchronous = OFF"
	}
	return "synchronous = FULL"
}

// forWriting opens a connection for the turn, to the files that were opened first.
func (o *options) forWriting(f *files) (*conn, error) {
	c, err := o.connect(dsn(f.path, "rw", ""))
	if err != nil {
		return nil, failure("be opened for writing", err)
	}
	if err := o.writes(c); err != nil {
		return nil, abandon(c, failure("be opened for writing", err))
	}
	if err := f.follow(c); err != nil {
		return nil, abandon(c, err)
	}
	return c, nil
}

// writes makes a connection one that writes.
func (o *options) writes(c *conn) error {
	err := c.pragmas(o.waits(), o.level(), "foreign_keys = 1", "trusted_schema = 0",
		"cell_size_check = 1",           // a damaged page is found when it is read, not when it is believed
		"secure_delete = 1",             // what is deleted does not stay in free pages (USR-9)
		"cache_size = -65536",           // KiB
		"wal_autocheckpoint = 0",        // which would keep a failure to itself: see checkpoint
		"journal_size_limit = 67108864") // bytes that the log keeps on disk when it restarts
	if err != nil {
		return err
	}
	if on, err := c.number("PRAGMA foreign_keys"); err != nil || on != 1 {
		return errors.Join(err, errors.New("sqlite: foreign keys are off"))
	}
	return nil
}

// forReading opens a connection for the pool.
func (o *options) forReading(f *files) (*conn, error) {
	c, err := o.connect(dsn(f.path, "rw", ""))
	if err != nil {
		return nil, failure("be opened for reading", err)
	}
	if err := f.database(); err != nil {
		return nil, abandon(c, err)
	}
	if err := c.pragmas(o.waits(), "query_only = 1", "trusted_schema = 0", "cell_size_check = 1", "cache_size = -16384"); err != nil {
		return nil, abandon(c, failure("be opened for reading", err))
	}
	return c, nil
}

func (c *conn) pragmas(list ...string) error {
	for _, pragma := range list {
		if err := c.script("PRAGMA " + pragma); err != nil {
			return err
		}
	}
	return nil
}

// keepLog gives the database its write-ahead log, for good. Changing to it
// needs the file for a moment, and SQLite does not wait for that by itself.
func (o *options) keepLog(ctx context.Context, c *conn) error {
	for deadline := time.Now().Add(o.patience); ; {
		rows, err := c.list(context.Background(), "PRAGMA journal_mode = WAL")
		switch {
		case err == nil && len(rows) == 1 && rows[0][0] == "wal":
			return nil
		case err == nil:
			return failure("have a write-ahead log on this file system", nil)
		case !isBusy(err) || time.Now().After(deadline):
			return failure("be given a write-ahead log", err)
		}
		if err := sqlstore.Pause(ctx, retryPause); err != nil {
			return err
		}
	}
}

// retryPause is how long a lock is left alone before it is tried again.
const retryPause = 10 * time.Millisecond

// connect opens a connection with a driver of its own, so that functions that a host
// has registered for other databases are not in this one.
func connect(dsn string) (*conn, error) {
	raw, err := new(driver.Driver).Open(dsn)
	if err != nil {
		return nil, err
	}
	return newConn(raw, store.ErrRetry), nil
}

// dsn returns the file's name for the driver. The mode is SQLite's: ro, rw or
// rwc; more is appended to the parameters.
func dsn(path, mode, more string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?mode=" + mode + "&_dqs=0&_defensive=1" + more
}
