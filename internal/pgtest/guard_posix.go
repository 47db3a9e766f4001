//go:build linux || darwin

package pgtest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// guard makes a server, and outlives the test process in order to remove it. Its
// standard input is a pipe with a name, which each test process that uses the
// server holds open and never writes to. At the end of file, when the last of
// them has ended in whatever way, the server is shut down by its own process ID,
// and then the folder is removed.
//
// A process may open the pipe just as the guard sees the end of file. So the
// guard removes the file with the address, without which nobody joins, and reads
// once more: that waits for the process that was quicker.
//
// The ID is in postmaster.pid, negative while initdb runs. The signal is
// repeated, since a server that is only just starting may not hear it.
const guard = `
bin=$1 folder=$2 port=$3 user=$4
exec 3<&0 </dev/null
(
	read -r nothing <&3
	rm -f "$folder/address"
	read -r nothing <&3
	while [ -d "$folder" ]; do
		pid=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null)
		case $pid in
		'' | *[!0-9]*) ;;
		*) kill -INT "$pid" 2>/dev/null ;;
		esac
		sleep 0.1 || sleep 1
	done
) &
"$bin/initdb" --no-sync --auth=trust --username="$user" --encoding=UTF8 --locale=C \
	--pgdata="$folder/data" >/dev/null &&
"$bin/postgres" -D "$folder/data" -h 127.0.0.1 -p "$port" -c unix_socket_directories= \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off \
	-c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=4GB \
	-c max_connections=500 -c shared_buffers=32MB -c autovacuum=off -c jit=off
cd / && rm -rf "$folder"
`

// guardian is the shell that guard runs in.
type guardian struct {
	hold *os.File      // the pipe; the server stops when nobody holds it
	gone chan struct{} // closed when the server and its folder are gone
	log  *os.File      // already unlinked, so that no file remains
}

func guarded(folder string, as *syscall.Credential, args ...string) (*guardian, error) {
	log, err := os.CreateTemp("", "pgtest-log-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(log.Name()); err != nil {
		return nil, err
	}
	read, write, err := newPipe(filepath.Join(folder, "pipe"))
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd := exec.Command("sh", append([]string{"-c", guard, "pgtest"}, args...)...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"} // no PGPORT and the like
	cmd.Stdin = read
	cmd.Stderr = log
	// A session of its own: what a terminal or a CI system sends to the tests'
	// process group does not end the guard.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: as}
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, err
	}
	g := &guardian{hold: write, gone: make(chan struct{}), log: log}
	go func() {
		_ = cmd.Wait() // how the server ended is in its log
		close(g.gone)
	}()
	return g, nil
}

// newPipe makes a pipe with a name and opens both ends. The reader comes first
// and without waiting, since an end waits for the other.
func newPipe(name string) (read, write *os.File, err error) {
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		return nil, nil, err
	}
	read, err = os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	write, err = os.OpenFile(name, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, errors.Join(err, read.Close())
	}
	if err := syscall.SetNonblock(int(read.Fd()), false); err != nil { // the guard waits
		return nil, nil, errors.Join(err, read.Close(), write.Close())
	}
	return read, write, nil
}

func (g *guardian) stop() {
	g.hold.Close()
	<-g.gone
	g.log.Close()
}

// lastWords returns what the server said at the end.
func (g *guardian) lastWords() string {
	g.hold.Close()
	all, err := io.ReadAll(io.NewSectionReader(g.log, 0, 1<<20))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], "; ")
}
