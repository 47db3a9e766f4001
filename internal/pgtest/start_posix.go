//go:build linux || darwin

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// guard makes a server, and outlives the test process in order to remove it.
// Its standard input is a pipe that the test process holds and never writes to:
// at the end of file, for whatever reason, it stops the server by its process ID,
// and then removes the folder.
//
// The ID is in postmaster.pid, negative while initdb runs. The signal is repeated,
// because a server that is just starting may miss it.
const guard = `
bin=$1 folder=$2 port=$3 user=$4
exec 3<&0 </dev/null
(
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
	-c max_connections=300 -c shared_buffers=32MB -c autovacuum=off -c jit=off
cd / && rm -rf "$folder"
`

// start starts a private server. Another process may take the chosen port before
// the server listens on it: then everything is tried again.
func start() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	for range 3 {
		var s *server
		if s, err = startAt(bin); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func startAt(bin string) (*server, error) {
	as, err := account()
	if err != nil {
		return nil, err
	}
	folder, err := newFolder(as)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, errors.Join(err, os.Remove(folder))
	}
	superuser := "pbx_" + random() // another server on the same port does not know it
	g, err := guarded(folder, as, bin, folder, port, superuser)
	if err != nil {
		return nil, errors.Join(err, os.Remove(folder))
	}

	address := url.URL{Scheme: "postgres", User: url.User(superuser), Host: net.JoinHostPort("127.0.0.1", port), RawQuery: "sslmode=disable"}
	s := newServer(func(database string) string { return address.JoinPath(database).String() }, g.stop)
	for deadline := time.Now().Add(time.Minute); ; {
		err := s.connect(context.Background(), s.dsn("postgres"))
		if err == nil {
			return s, nil
		}
		select {
		case <-g.gone:
			return nil, fmt.Errorf("the server did not start: %s", g.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			g.stop()
			return nil, fmt.Errorf("the server cannot be reached: %w", err)
		}
	}
}

// guardian is the shell that guard runs in.
type guardian struct {
	hold *os.File      // the pipe; closing it stops the server
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
	read, write, err := os.Pipe()
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

// account returns the user that the server runs as where the tests run as root,
// which initdb and postgres refuse.
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
// where there is room: a database is 300 files, and copying one took a tenth of the
// time there. Where the temporary folder is open to root only, the account could not
// use it, so a common one is taken.
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

// openToAll reports whether every user may enter a folder and all folders above it.
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

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}
