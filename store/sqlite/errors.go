package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// codeOf returns SQLite's extended result code, or 0 where the error is not
// one of SQLite's. Errors are distinguished by it, never by their text.
func codeOf(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return extendedCode(err)
}

// extendedCode finds the code in the errors of other drivers in whose transactions a
// Guest may be: mattn's has a field, ncruces' a method, each of a type of its own.
func extendedCode(err error) int {
	if code := codeIn(reflect.ValueOf(err)); code != 0 {
		return code
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return extendedCode(err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, each := range err.Unwrap() {
			if code := extendedCode(each); code != 0 {
				return code
			}
		}
	}
	return 0
}

func codeIn(err reflect.Value) int {
	if !err.IsValid() {
		return 0
	}
	code := reflect.Value{}
	if fields := reflect.Indirect(err); fields.Kind() == reflect.Struct {
		code = fields.FieldByName("ExtendedCode")
	}
	if method := err.MethodByName("ExtendedCode"); method.IsValid() && method.Type().NumIn() == 0 && method.Type().NumOut() == 1 {
		code = method.Call(nil)[0]
	}
	switch {
	case code.CanInt():
		return int(code.Int())
	case code.CanUint():
		return int(code.Uint())
	}
	return 0
}

// primary is the class of an extended code.
func primary(code int) int { return code & 0xff }

func isBusy(err error) bool {
	class := primary(codeOf(err))
	return class == sqlite3.SQLITE_BUSY || class == sqlite3.SQLITE_LOCKED
}

func isConstraint(err error) bool { return primary(codeOf(err)) == sqlite3.SQLITE_CONSTRAINT }

func isReadOnly(err error) bool { return primary(codeOf(err)) == sqlite3.SQLITE_READONLY }

func isIO(err error) bool { return primary(codeOf(err)) == sqlite3.SQLITE_IOERR }

// isFlush reports whether bringing a file to the disk has failed. It cannot be tried
// again: the next flush succeeds, but what the first one lost stays lost.
func isFlush(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_IOERR_FSYNC || code == sqlite3.SQLITE_IOERR_DIR_FSYNC
}

// notCommitted reports whether a failed COMMIT certainly committed nothing. That is
// so unless the file system failed while the commit record was being written or
// flushed, or memory ran out after that: SQLite treats the record as missing, but
// whoever opens the file next may find it, on the disk or in the system's cache alone.
//
// It is so of a full disk: SQLITE_FULL is a write that could not be made, and the
// commit record is the last one before the flush. A flush that finds the disk full
// is SQLITE_IOERR_FSYNC.
func notCommitted(err error) bool {
	switch code := codeOf(err); code {
	case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_NOMEM,
		sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_RDLOCK, sqlite3.SQLITE_IOERR_BLOCKED:
		return true
	case 0:
		return false
	default:
		class := primary(code)
		return class != sqlite3.SQLITE_IOERR && class != sqlite3.SQLITE_NOMEM
	}
}

// refusal returns what a store says of SQLite's error for a change.
func (c *conn) refusal(doing string, err error) error {
	switch code := codeOf(err); {
	case errors.As(err, new(*store.Error)):
		return err // of a transaction that is over
	case code == sqlite3.SQLITE_CONSTRAINT_UNIQUE, code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
		code == sqlite3.SQLITE_CONSTRAINT_ROWID, isBusy(err):
		return &sqlstore.Retry{Again: c.again, Cause: err}
	case isConstraint(err):
		return failure(doing, errors.Join(store.ErrConstraint, err))
	}
	return failure(doing, err)
}

// unread returns what a store says of SQLite's error for a read. A store's own reads
// never wait for a lock; those in a host's transaction may.
func (c *conn) unread(err error) error {
	switch {
	case errors.As(err, new(*store.Error)):
		return err
	case c.again == store.ErrHostRetry && isBusy(err):
		return inTheWay(err)
	}
	return failure("read", err)
}

func inTheWay(err error) error {
	return &store.Error{Kind: store.ErrConflict, Err: &sqlstore.Retry{Again: store.ErrHostRetry, Cause: err},
		Reason: "another change is in the way: roll your transaction back and run it again"}
}

// failed is what a store says of every update after a write to the disk has failed
// whose outcome no look can tell.
func failed(err error) *store.Error {
	return &store.Error{Kind: store.ErrStorage, Err: errors.Join(store.ErrReopen, err),
		Reason: "a write to the disk failed: close the store and open it again; what was answered as unknown must be checked then"}
}

// unlessEnded returns the context's error when that was the reason.
func unlessEnded(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failure(doing, err)
}

// failure returns an error that says what the database could not do, and why, as far
// as a sentence can.
func failure(doing string, err error) error {
	class := primary(codeOf(err))
	if class == sqlite3.SQLITE_READONLY {
		doing = "be written to"
	}
	reason := "the database could not " + doing
	if why := whys[class]; why != "" {
		reason += ": " + why
	}
	return &store.Error{Kind: store.ErrStorage, Reason: reason, Err: err}
}

// whys say what classes of SQLite's errors mean.
var whys = map[int]string{
	sqlite3.SQLITE_PERM:      "the system does not permit it",
	sqlite3.SQLITE_BUSY:      "another program is using it",
	sqlite3.SQLITE_NOMEM:     "there is no memory left",
	sqlite3.SQLITE_READONLY:  "its file, or the folder, can only be read",
	sqlite3.SQLITE_INTERRUPT: "it was interrupted",
	sqlite3.SQLITE_IOERR:     "the disk, or the file system, failed",
	sqlite3.SQLITE_CORRUPT:   "the file is damaged",
	sqlite3.SQLITE_FULL:      "the disk is full",
	sqlite3.SQLITE_CANTOPEN:  "a file of it cannot be opened",
	sqlite3.SQLITE_NOTADB:    "the file is not a database",
}

// unopened returns the error of a file that Open could not open, which names the path
// as it was given, and the system's reason where that is known.
func unopened(path string, err error) error {
	e, ok := errors.AsType[*store.Error](err)
	if !ok {
		return err
	}
	named := *e
	named.Reason = fmt.Sprintf("%q: %s", path, e.Reason)
	if why := obstacle(path, e.Err); why != nil {
		named.Reason += ": " + why.Error()
		named.Err = errors.Join(e.Err, why)
	}
	return &named
}

// obstacle returns the system's error for a file that could not be opened or written,
// or nil where it has none.
func obstacle(path string, err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	switch primary(codeOf(err)) {
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
	default:
		return nil
	}
	why := access(filepath.Dir(path), readable|writable|searchable)
	if why == nil {
		why = access(path, readable|writable)
	}
	if errno, ok := errors.AsType[syscall.Errno](why); ok && errno != syscall.ENOENT {
		return errno
	}
	return nil
}
