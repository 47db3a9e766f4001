package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pbxkit/pbx/store"
)

// files are the database's file and the log next to it, as they were when they
// were opened. Others may take their places while the store has them open; what
// is written then is in no file that anybody finds.
type files struct {
	path string      // as it was given to Open: a link may lead elsewhere later
	log  string      // the path of the log
	data os.FileInfo // the database's file
	wal  os.FileInfo // the log, as the connection whose turn it is has it open
	sync func(*os.File) error
}

// find finds the files that the first connection has opened.
func (o *options) find(c *conn, path string) (*files, error) {
	// SQLite follows links, and keeps the log where the file itself is.
	own, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, failure("be found after it was opened", err)
	}
	f := &files{path: path, log: own + "-wal", sync: o.sync}
	if o.synchronous == Off {
		f.sync = func(*os.File) error { return nil }
	}
	if f.data, err = os.Stat(path); err != nil {
		return nil, failure("be found after it was opened", err)
	}
	return f, f.follow(c)
}

// follow makes the log that a new connection writes to the one that is meant, and
// brings its name to the disk: SQLite would not say if that failed.
func (f *files) follow(c *conn) error {
	if err := f.database(); err != nil {
		return err
	}
	if _, err := c.number("PRAGMA schema_version"); err != nil { // whatever reads opens the log
		return failure("be read", err)
	}
	var err error
	if f.wal, err = os.Stat(f.log); err != nil {
		return moved(err)
	}
	if err := f.syncFolder(); err != nil {
		return failure("be kept in its folder", err)
	}
	return nil
}

// database reports whether the path still leads to the file that was opened.
func (f *files) database() error { return same(f.path, f.data) }

// check reports whether both files are still those that were opened. It costs two
// questions to the system.
func (f *files) check() error {
	if err := f.database(); err != nil {
		return err
	}
	return same(f.log, f.wal)
}

func same(path string, opened os.FileInfo) error {
	now, err := os.Stat(path)
	if err != nil {
		return moved(err)
	}
	if !os.SameFile(now, opened) {
		return moved(errors.New("sqlite: there is another file in its place"))
	}
	return nil
}

func moved(err error) error {
	return &store.Error{Kind: store.ErrStorage, Err: err,
		Reason: "the database's file, or its log, was removed or replaced while it was open: close the store, put the file in its place, and open it again"}
}

// syncFolder brings the names in the folder to the disk. Where that is not
// possible, as on some systems and file systems, it is not needed either.
func (f *files) syncFolder() error {
	folder, err := os.Open(filepath.Dir(f.log))
	if err != nil {
		return nil // a folder that may not be read
	}
	defer func() { _ = folder.Close() }() // nothing was written
	err = f.sync(folder)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// renew writes the log to the disk once more. When a flush has failed, the system
// takes what it could not write for written: the next flush succeeds, whoever
// reads the file sees what is not on the disk, and changes would be appended to
// what a loss of power takes away. What is written again is flushed again. Nobody
// else writes meanwhile.
func (o *options) renew(ctx context.Context, c *conn, f *files) error {
	if o.synchronous == Off || f.wal.Size() == 0 {
		return nil
	}
	if err := beginAlone(ctx, c, openPatience*o.patience); err != nil {
		return unlessEnded(ctx, "be opened", err)
	}
	if isReadOnly(c.touch()) {
		return c.run("ROLLBACK") // nothing will be acknowledged on the strength of the log
	}
	return f.renewAlone(c)
}

// touch makes a change that changes nothing. BEGIN IMMEDIATE begins to read, and gives no
// error, where the file can only be read.
func (c *conn) touch() error {
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	return c.script(fmt.Sprintf("PRAGMA user_version = %d", version))
}

// openPatience is how many times as long as an update Open waits for another
// process: an import may take that long.
const openPatience = 12

// renewAlone ends the transaction that keeps others from writing.
func (f *files) renewAlone(c *conn) error {
	err := f.rewriteLog()
	if err != nil {
		err = failure("be brought to the disk", err)
	}
	if rollback := c.run("ROLLBACK"); err == nil && rollback != nil {
		err = failure("be opened", rollback)
	}
	return err
}

// rewriteLog replaces every byte of the log by itself. The log has no locks of
// SQLite's, which closing it here could drop.
func (f *files) rewriteLog() (err error) {
	if err := same(f.log, f.wal); err != nil {
		return err
	}
	file, err := os.OpenFile(f.log, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	piece := make([]byte, 1<<20)
	written := int64(0)
	for {
		n, readErr := file.ReadAt(piece, written)
		if _, err := file.WriteAt(piece[:n], written); err != nil {
			return err
		}
		written += int64(n)
		if n < len(piece) {
			if errors.Is(readErr, io.EOF) {
				readErr = nil
			}
			return errors.Join(readErr, f.sync(file))
		}
	}
}
