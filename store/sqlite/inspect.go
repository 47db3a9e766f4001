package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// applicationID marks the library's files: "pbxk".
const applicationID = 0x7062786b

// inspect checks a file before it is opened for writing. Either there is none yet
// (missing), or it is the library's and not newer; anything else is an error.
func (o *options) inspect(ctx context.Context, path string, newest int) (missing bool, err error) {
	for {
		before, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return true, folder(path)
		case err != nil:
			return false, badPath("cannot be reached", err)
		case before.IsDir():
			return false, badPath("is a folder, not a file", nil)
		case !before.Mode().IsRegular():
			return false, badPath("is not a regular file", nil)
		case before.Size() == 0:
			return false, nil // it holds nothing yet
		}
		err = o.inspectFile(path, newest)
		if err == nil || !errors.Is(err, store.ErrForeignStore) {
			return false, err
		}
		after, statErr := os.Stat(path)
		if statErr == nil && after.Size() == before.Size() && after.ModTime().Equal(before.ModTime()) {
			return false, err
		}
		// Another process was writing to it, so parts of two states may have
		// been read.
		if err := sqlstore.Pause(ctx, retryPause); err != nil {
			return false, err
		}
	}
}

func folder(path string) error {
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return badPath("its folder does not exist", err)
	}
	return nil
}

// inspectFile reads the file through a connection that cannot write. Where there is
// no log next to it, nobody has it open with one, and it is read as it is, without
// the locks for which SQLite would create a log and its index. Where there is a log,
// its index may be created: no log is read without one. The file must be opened
// through SQLite only: closing it otherwise would drop the locks that this process
// may have on it.
func (o *options) inspectFile(path string, newest int) error {
	more := ""
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		more = "&immutable=1"
	}
	c, err := o.connect(dsn(path, "ro", more))
	if err != nil {
		return unreadable(err)
	}
	defer func() { _ = c.close() }() // nothing was written
	if err := c.pragmas(o.waits()); err != nil {
		return unreadable(err)
	}
	_, err = identify(c, newest)
	return err
}

// marks reads all that identifies a database, in one statement: another process
// may be creating it. The first row has the ID and the version, each other row the
// name of a table.
const marks = `
	SELECT '', application_id, user_version FROM pragma_application_id, pragma_user_version
	UNION ALL SELECT name, 0, 0 FROM sqlite_schema WHERE type = 'table'`

// identify returns the version of the schema, 0 for an empty database. A database
// that is not the library's, or newer than it, is an error.
func identify(c *conn, newest int) (int, error) {
	rows, err := c.list(context.Background(), marks)
	if err != nil {
		return 0, unreadable(err)
	}
	id, version := rows[0][1], rows[0][2].(int64)
	rows = rows[1:]
	switch {
	case id == int64(0) && version == 0 && len(rows) == 0:
		return 0, nil
	case id != int64(applicationID) || version < 1:
		return 0, sqlstore.Foreign("the file is a database of something else", nil)
	case version > int64(newest):
		return 0, &store.Error{Kind: store.ErrStorage, Err: store.ErrNewerSchema,
			Reason: fmt.Sprintf("the database is of version %d, and this library knows versions up to %d", version, newest)}
	case version == int64(newest):
		return newest, complete(rows)
	}
	return int(version), nil
}

// complete reports whether all tables are there.
func complete(rows [][]driver.Value) error {
	there := make(map[string]bool, len(rows))
	for _, row := range rows {
		name, _ := asText(row[0])
		there[name] = true
	}
	for _, t := range pbx.Tables() {
		if !there[t.Name] {
			return sqlstore.Foreign("the database has lost its table "+t.Name, nil)
		}
	}
	return nil
}

// unreadable distinguishes a file that is damaged, or no database, from one that
// cannot be read now.
func unreadable(err error) error {
	switch primary(codeOf(err)) {
	case sqlite3.SQLITE_NOTADB:
		return sqlstore.Foreign("the file is not a database", err)
	case sqlite3.SQLITE_CORRUPT:
		return sqlstore.Foreign("the database file is damaged", err)
	}
	return failure("be read", err)
}
