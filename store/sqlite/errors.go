package sqlite

import (
	"errors"

	"github.com/pbxkit/pbx"
	sqlite3 "modernc.org/sqlite/lib"
)

// codeOf returns SQLite's extended result code, or 0 where the error is not
// one of SQLite's. Errors are told apart by it, never by their text.
func codeOf(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
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

// notCommitted reports whether a failed COMMIT left nothing behind for sure.
// It did, unless the file system failed while the commit record was on its way
// to the disk: SQLite takes it as not there, but after a crash it may be.
func notCommitted(err error) bool {
	switch code := codeOf(err); code {
	case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_NOMEM,
		sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_RDLOCK, sqlite3.SQLITE_IOERR_BLOCKED:
		return true
	case 0:
		return false
	default:
		return primary(code) != sqlite3.SQLITE_IOERR
	}
}

// refusal turns what SQLite says of a change into what a store says.
func refusal(doing string, err error) error {
	switch code := codeOf(err); {
	case code == sqlite3.SQLITE_CONSTRAINT_UNIQUE, code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
		code == sqlite3.SQLITE_CONSTRAINT_ROWID, isBusy(err):
		return &retry{err}
	case isConstraint(err):
		return failure(doing, errors.Join(pbx.ErrConstraint, err))
	}
	return failure(doing, err)
}

// retry is pbx.ErrRetry with the cause at hand.
type retry struct{ cause error }

func (r *retry) Error() string   { return pbx.ErrRetry.Error() }
func (r *retry) Unwrap() []error { return []error{pbx.ErrRetry, r.cause} }

func failure(doing string, err error) error {
	return &pbx.Error{Code: pbx.SYS1, Kind: pbx.ErrStorage, Reason: "the database could not " + doing, Err: err}
}

func misuse(reason string) error {
	return &pbx.Error{Code: pbx.SYS1, Kind: pbx.ErrMisuse, Reason: reason}
}

func closed() error { return misuse("the store is closed") }
