package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store/sqlite"
)

// disk is the disk under one database. It counts calls, fails those that it is told
// to fail, and records what was written, flushed and acknowledged.
type disk struct {
	path  string   // of the database
	start *platter // which it began with

	mu     sync.Mutex
	calls  map[string]int // by what is called, "write wal" and so on
	fault  *diskFault
	hits   int
	events []event
}

// diskFault fails calls of one kind: the at-th, or times calls from it on.
type diskFault struct {
	call  string
	at    int
	times int
	code  int32
	keep  int32 // how many bytes of a write are written all the same
}

// kind is what happened to a file.
type kind int

const (
	found kind = iota // it was opened, and made where it was not there
	written
	truncated
	deleted
	synced  // what was written before is on the disk
	lost    // a flush failed: what was written before never gets there, but for some pieces
	renewed // all of it was written once more, and flushed
	named   // the names in the folder are on the disk
	done    // an operation returned without an error
)

// event is one thing that happened.
type event struct {
	kind   kind
	file   string
	offset int64 // of a write; the new size; how many pieces were not lost
	data   []byte
}

// newDisk puts a database on a disk of its own.
func newDisk(t testing.TB, database []byte) *disk {
	t.Helper()
	register()
	folder := t.TempDir()
	d := &disk{path: filepath.Join(folder, "pbx.db"), start: newPlatter(database), calls: map[string]int{}}
	require.NoError(t, os.WriteFile(d.path, database, 0o600))
	vfs.mu.Lock()
	vfs.disks[folder] = d
	vfs.mu.Unlock()
	t.Cleanup(func() {
		vfs.mu.Lock()
		delete(vfs.disks, folder)
		vfs.mu.Unlock()
	})
	return d
}

// left is the disk as the next program finds it when this one has died: what is on
// the disk, and what is in the system's cache alone.
func (p *platter) left(t testing.TB) *disk {
	t.Helper()
	d := newDisk(t, p.files["db"].cache)
	d.start = p.clone()
	if log := p.files["wal"]; log != nil {
		require.NoError(t, os.WriteFile(d.path+"-wal", log.cache, 0o600))
	}
	return d
}

// options are those of a store on the disk: its log is brought into the database
// every few updates.
func (d *disk) options() []sqlite.Option {
	return []sqlite.Option{sqlite.WithVFS(vfsName), sqlite.WithSync(d.syncFile), sqlite.WithLogPages(60), sqlite.WithPatience(5 * time.Millisecond)}
}

// syncFile is what the store itself flushes: the folder, and a log that it has
// written once more.
func (d *disk) syncFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	name, kind := part(f.Name()), renewed
	if info.IsDir() {
		name, kind = "folder", named
	}
	if code := d.refuse("sync", name); code != 0 {
		d.record(event{kind: lost, file: name})
		return fault(code)
	}
	d.record(event{kind: kind, file: name})
	return nil
}

// refuse counts a call, and returns the code with which it fails, or 0.
func (d *disk) refuse(what, name string) int32 {
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	call := what + " " + name
	d.calls[call]++
	f, n := d.fault, d.calls[call]
	if f == nil || f.call != call || n < f.at || n >= f.at+f.times {
		return 0
	}
	d.hits++
	return f.code
}

// torn returns how many of n bytes a write that fails writes all the same.
func (d *disk) torn(n int32) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(n-1, d.fault.keep)
}

func (d *disk) record(e event) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.kind == lost {
		e.offset = int64(len(d.events) % 20)
	}
	d.events = append(d.events, e)
}

// fail has calls fail from now on, counted from now.
func (d *disk) fail(f *diskFault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.hits = f, 0
	clear(d.calls)
}

// mended has no call fail any more, and returns how many did.
func (d *disk) mended() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = nil
	return d.hits
}

func (f *diskFault) String() string {
	return fmt.Sprintf("%s %d, %d times, code %d, torn at %d", f.call, f.at, f.times, f.code, f.keep)
}
