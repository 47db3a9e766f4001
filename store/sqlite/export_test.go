package sqlite

import (
	"context"
	"database/sql/driver"
	"os"
	"time"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// WithPatience sets how long the store waits for another process.
func WithPatience(d time.Duration) Option { return func(o *options) { o.patience = d } }

// WithSync takes the place of what brings files and folders to the disk.
func WithSync(sync func(*os.File) error) Option { return func(o *options) { o.sync = sync } }

// WithLogPages sets how many pages the log has before it is brought into the database.
func WithLogPages(n int) Option { return func(o *options) { o.logPages = n } }

// WithVFS has SQLite work through a VFS of its own.
func WithVFS(name string) Option {
	return func(o *options) {
		open := o.connect
		o.connect = func(dsn string) (*conn, error) { return open(dsn + "&vfs=" + name) }
	}
}

// WithDriver dresses up every connection that the store opens.
func WithDriver(wrap func(driver.Conn) driver.Conn) Option {
	return func(o *options) {
		open := o.connect
		o.connect = func(dsn string) (*conn, error) {
			c, err := open(dsn)
			if err == nil {
				c.raw = wrap(c.raw)
			}
			return c, err
		}
	}
}

// Ask runs a query on the connection that writes, or on one that reads, and
// returns the first value.
func (s *Store) Ask(write bool, query string) (driver.Value, error) {
	c, err := s.readers.get()
	if err != nil {
		return nil, err
	}
	defer func() { s.readers.put(c) }()
	if write {
		w := <-s.turn
		defer func() { s.turn <- w }()
		return ask(w, query)
	}
	return ask(c, query)
}

func ask(c *conn, query string) (driver.Value, error) {
	rows, err := c.list(context.Background(), query)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0][0], nil
}

// Idle is how many connections wait in the pool.
func (s *Store) Idle() int {
	s.readers.mu.Lock()
	defer s.readers.mu.Unlock()
	return len(s.readers.idle)
}

// DropIdle closes the connections in the pool.
func (s *Store) DropIdle() { _ = s.readers.close() }

// Upgrade opens the file as a library would that has more migrations.
func Upgrade(ctx context.Context, path string, more ...string) error {
	list, err := sqlschema.Migrations(Migrations())
	if err != nil {
		return err
	}
	for _, text := range more {
		list = append(list, sqlschema.Migration{Version: len(list) + 1, SQL: text})
	}
	return openWith(ctx, path, list)
}

// CreateOld makes a file as a library did that had fewer migrations, and perhaps
// fewer tables.
func CreateOld(path string, version int) error {
	list, err := sqlschema.Migrations(Migrations())
	if err != nil {
		return err
	}
	c, err := connect(dsn(path, "rwc", ""))
	if err != nil {
		return err
	}
	for _, m := range list[:version] {
		if err := perform(c, m); err != nil {
			return abandon(c, err)
		}
	}
	return c.close()
}

func openWith(ctx context.Context, path string, list []sqlschema.Migration) error {
	o := defaults()
	c, _, err := o.create(ctx, path, false, list)
	if err != nil {
		return err
	}
	return c.close()
}

// PrepareUpdates prepares n updates that set different columns, and returns
// how many statements are kept.
func (s *Store) PrepareUpdates(t *store.Table, n uint64) (int, error) {
	c := <-s.turn
	defer func() { s.turn <- c }()
	for columns := uint64(1); columns <= n; columns++ {
		if _, err := c.statement(sqlschema.Update(t, columns)); err != nil {
			return 0, err
		}
	}
	return len(c.prepared), nil
}
