//go:build linux || darwin

package pgtest

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account returns whom the server runs as where the tests run as root, which
// initdb and postgres refuse.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// roomInMemory is what the memory's file system must have free to be used.
const roomInMemory = 4 << 30

// newFolder makes the server's folder, owned by the account. It is in memory
// where there is room: a database is 300 files, and a copy of one was made in a
// tenth of the time. A temporary folder of root's alone would be closed to the
// account: then a common one is taken.
func newFolder(as *syscall.Credential) (string, error) {
	parent := os.TempDir()
	var memory syscall.Statfs_t
	if syscall.Statfs("/dev/shm", &memory) == nil && memory.Bavail*uint64(memory.Bsize) >= roomInMemory {
		parent = "/dev/shm"
	}
	if as == nil {
		return os.MkdirTemp(parent, "pgtest-")
	}
	if !openToAll(parent) {
		parent = "/tmp"
	}
	folder, err := os.MkdirTemp(parent, "pgtest-")
	if err != nil {
		return "", err
	}
	if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
		return "", errors.Join(err, os.Remove(folder))
	}
	return folder, nil
}

// openToAll reports whether everybody may pass through a folder and all above it.
func openToAll(folder string) bool {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	for {
		stat, err := os.Stat(folder)
		if err != nil || stat.Mode()&0o001 == 0 {
			return false
		}
		above := filepath.Dir(folder)
		if above == folder {
			return true
		}
		folder = above
	}
}
