package sqlite

import (
	"context"

	driver "modernc.org/sqlite"
)

// pageSize is how large SQLite's pages are.
const pageSize = 4096

// keepShort brings the log into the database when enough was written to it, as
// SQLite would by itself, which keeps a failure to itself and tries again. A failed
// flush must not be tried again: the system takes for written what it has lost, so
// that the log may be given up while the database is not whole.
func (s *Store) keepShort(c *conn) {
	if s.pages += c.written(); s.pages < s.limit {
		return
	}
	// Where readers keep some of it in the log, or the disk is full, it is tried
	// again after a while.
	s.pages -= s.limit / 8
	done, err := c.checkpoint()
	switch {
	case isIO(err):
		s.failed = failed(err)
	case done:
		s.pages = 0
	}
}

// written returns how many pages were written to the log since it was asked last.
func (c *conn) written() int {
	n, _, err := c.raw.(driver.DBStatus).Status(driver.DBStatusCacheWrite, true)
	if err != nil {
		return 0 // there is such a counter
	}
	return n
}

// checkpoint brings into the database what no reader keeps in the log, and reports
// whether that was all.
func (c *conn) checkpoint() (done bool, err error) {
	rows, err := c.list(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil || len(rows) != 1 {
		return false, err
	}
	busy, log, checked := rows[0][0], rows[0][1], rows[0][2]
	return busy == int64(0) && log == checked, nil
}

// settle prepares the last connection for being closed. SQLite would bring the log
// into the database then without saying when that fails.
func (s *Store) settle(c *conn) error {
	if err := s.files.check(); err != nil {
		return err
	}
	if s.failed != nil {
		// The last flush lied, perhaps, about what the log held before it.
		if err := c.run("BEGIN IMMEDIATE"); err != nil {
			return err
		}
		if err := s.files.renewAlone(c); err != nil {
			return err
		}
	}
	_, err := c.checkpoint()
	return err
}
