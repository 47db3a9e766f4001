//go:build !linux

package sqlite

import "os"

const (
	readable   = 0
	writable   = 0
	searchable = 0
)

// access returns why the system does not find a file, or nil. Here it cannot be asked
// for the rights without the file being opened, and closing it would drop the locks
// that this process may have on it.
func access(path string, _ uint32) error {
	_, err := os.Stat(path)
	return err
}
