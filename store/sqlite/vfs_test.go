package sqlite_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// vfsName is the VFS through which SQLite reaches the disks of tests. It is the
// system's own, with what happens to files watched and, where a disk says so,
// refused.
const vfsName = "pbx-disk"

// at is what a pointer of SQLite's points to. Its memory is not Go's.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// pointer is a function as SQLite calls it.
func pointer(fn any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&fn))[1] }

// function is a function of SQLite's.
func function[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

var vfs = struct {
	once   sync.Once
	system *sqlite3.Tsqlite3_vfs
	real   uintptr // system, as SQLite has it

	mu      sync.Mutex
	disks   map[string]*disk // by folder
	files   map[uintptr]*file
	methods map[uintptr]uintptr // ours, by the system's
}{
	disks:   map[string]*disk{},
	files:   map[uintptr]*file{},
	methods: map[uintptr]uintptr{},
}

// file is one that SQLite has open.
type file struct {
	disk   *disk
	name   string // "db" or "wal"
	system *sqlite3.Tsqlite3_io_methods
}

// register makes the VFS known, once.
func register() {
	vfs.once.Do(func() {
		tls := libc.NewTLS()
		vfs.real = sqlite3.Xsqlite3_vfs_find(tls, 0)
		vfs.system = at[sqlite3.Tsqlite3_vfs](vfs.real)
		mine := copied(tls, vfs.system)
		own := at[sqlite3.Tsqlite3_vfs](mine)
		name, err := libc.CString(vfsName)
		if err != nil {
			panic(err)
		}
		own.FpNext, own.FzName = 0, name
		own.FxOpen, own.FxDelete = pointer(vfsOpen), pointer(vfsDelete)
		if code := sqlite3.Xsqlite3_vfs_register(tls, mine, 0); code != sqlite3.SQLITE_OK {
			panic(code)
		}
	})
}

// part is what a file is in a database.
func part(path string) string {
	if _, after, found := strings.Cut(filepath.Base(path), "-"); found {
		return after
	}
	return "db"
}

func diskOf(path string) *disk {
	vfs.mu.Lock()
	defer vfs.mu.Unlock()
	return vfs.disks[filepath.Dir(path)]
}

func vfsOpen(tls *libc.TLS, _, name, p uintptr, flags int32, out uintptr) int32 {
	path := libc.GoString(name)
	d := diskOf(path)
	if code := d.refuse("open", part(path)); code != 0 {
		at[sqlite3.Tsqlite3_file](p).FpMethods = 0
		return code
	}
	code := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](vfs.system.FxOpen)(tls, vfs.real, name, p, flags, out)
	methods := &at[sqlite3.Tsqlite3_file](p).FpMethods
	if code != sqlite3.SQLITE_OK || d == nil || *methods == 0 {
		return code
	}
	vfs.mu.Lock()
	defer vfs.mu.Unlock()
	d.record(event{kind: found, file: part(path)})
	vfs.files[p] = &file{d, part(path), at[sqlite3.Tsqlite3_io_methods](*methods)}
	*methods = watchedMethods(tls, *methods)
	return code
}

// watchedMethods are the system's methods of a file, some of them replaced.
func watchedMethods(tls *libc.TLS, system uintptr) uintptr {
	watched := vfs.methods[system]
	if watched == 0 {
		watched = copied(tls, at[sqlite3.Tsqlite3_io_methods](system))
		m := at[sqlite3.Tsqlite3_io_methods](watched)
		m.FxClose, m.FxRead, m.FxWrite, m.FxTruncate = pointer(fileClose), pointer(fileRead), pointer(fileWrite), pointer(fileTruncate)
		m.FxSync, m.FxLock, m.FxShmLock, m.FxShmMap = pointer(fileSync), pointer(fileLock), pointer(fileShmLock), pointer(fileShmMap)
		vfs.methods[system] = watched
	}
	return watched
}

// copied returns a copy in memory that is not Go's, since SQLite keeps a pointer to it.
func copied[T any](tls *libc.TLS, from *T) uintptr {
	p := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*from)))
	if p == 0 {
		panic("no memory")
	}
	*at[T](p) = *from
	return p
}

func opened(p uintptr) *file {
	vfs.mu.Lock()
	defer vfs.mu.Unlock()
	return vfs.files[p]
}

func vfsDelete(tls *libc.TLS, _, name uintptr, syncFolder int32) int32 {
	path := libc.GoString(name)
	d := diskOf(path)
	if code := d.refuse("delete", part(path)); code != 0 {
		return code
	}
	code := function[func(*libc.TLS, uintptr, uintptr, int32) int32](vfs.system.FxDelete)(tls, vfs.real, name, syncFolder)
	if code == sqlite3.SQLITE_OK {
		d.record(event{kind: deleted, file: part(path)})
	}
	return code
}

func fileClose(tls *libc.TLS, p uintptr) int32 {
	f := opened(p)
	vfs.mu.Lock()
	delete(vfs.files, p)
	vfs.mu.Unlock()
	return function[func(*libc.TLS, uintptr) int32](f.system.FxClose)(tls, p)
}

func fileRead(tls *libc.TLS, p, to uintptr, n int32, offset int64) int32 {
	f := opened(p)
	if code := f.disk.refuse("read", f.name); code != 0 {
		return code
	}
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.system.FxRead)(tls, p, to, n, offset)
}

func fileWrite(tls *libc.TLS, p, from uintptr, n int32, offset int64) int32 {
	f := opened(p)
	refused := f.disk.refuse("write", f.name)
	if refused != 0 {
		if n = f.disk.torn(n); n == 0 {
			return refused
		}
	}
	code := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.system.FxWrite)(tls, p, from, n, offset)
	if code == sqlite3.SQLITE_OK {
		f.disk.record(event{kind: written, file: f.name, offset: offset, data: bytes.Clone(libc.GoBytes(from, int(n)))})
	}
	if refused != 0 {
		return refused
	}
	return code
}

func fileTruncate(tls *libc.TLS, p uintptr, size int64) int32 {
	f := opened(p)
	if code := f.disk.refuse("truncate", f.name); code != 0 {
		return code
	}
	code := function[func(*libc.TLS, uintptr, int64) int32](f.system.FxTruncate)(tls, p, size)
	if code == sqlite3.SQLITE_OK {
		f.disk.record(event{kind: truncated, file: f.name, offset: size})
	}
	return code
}

// fileSync flushes nothing: what a loss of power would leave is worked out from
// what was recorded.
func fileSync(_ *libc.TLS, p uintptr, _ int32) int32 {
	f := opened(p)
	if code := f.disk.refuse("sync", f.name); code != 0 {
		f.disk.record(event{kind: lost, file: f.name})
		return code
	}
	f.disk.record(event{kind: synced, file: f.name})
	return sqlite3.SQLITE_OK
}

func fileLock(tls *libc.TLS, p uintptr, level int32) int32 {
	f := opened(p)
	if code := f.disk.refuse("lock", f.name); code != 0 {
		return code
	}
	return function[func(*libc.TLS, uintptr, int32) int32](f.system.FxLock)(tls, p, level)
}

func fileShmLock(tls *libc.TLS, p uintptr, offset, n, flags int32) int32 {
	f := opened(p)
	if flags&sqlite3.SQLITE_SHM_LOCK != 0 {
		if code := f.disk.refuse("lock", "shm"); code != 0 {
			return code
		}
	}
	return function[func(*libc.TLS, uintptr, int32, int32, int32) int32](f.system.FxShmLock)(tls, p, offset, n, flags)
}

func fileShmMap(tls *libc.TLS, p uintptr, page, size, extend int32, out uintptr) int32 {
	f := opened(p)
	if code := f.disk.refuse("map", "shm"); code != 0 {
		return code
	}
	return function[func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32](f.system.FxShmMap)(tls, p, page, size, extend, out)
}
