package sqlite

import "syscall"

// The modes of access(2), and the flag to ask for the rights that files are opened
// with.
const (
	readable   = 4
	writable   = 2
	searchable = 1
	effective  = 0x200
)

// access returns why the system does not let a file be used, or nil. It does not open
// the file, since closing it would drop the locks that this process may have on it.
func access(path string, mode uint32) error {
	const here = -100 // AT_FDCWD
	return syscall.Faccessat(here, path, mode, effective)
}
