//go:build linux || darwin

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// nodeGuard becomes the server, and leaves something behind that ends it and removes
// its folder when the test process has ended without a word: the other end of its
// standard input is then closed.
const nodeGuard = `
folder=$1 pid=$$
shift
exec 3<&0 </dev/null
( # twice, so that it is no child of the server's
	(
		read -r word <&3 || {
			while kill -CONT "$pid" && kill -QUIT "$pid"; do sleep 0.1; done
			rm -rf "$folder"
		} 2>/dev/null
	) &
)
exec 3<&- "$@"
`

// Node is a server of a test's own, of which the test may have everything: it can be
// killed, frozen, started again and promoted.
type Node struct {
	bin, folder, port, superuser string

	as   *syscall.Credential
	cmd  *exec.Cmd
	gone chan struct{} // closed when the server's first process has ended
	hold *os.File
}

// newNode makes an empty server beside the folder of a pair.
func newNode(bin, folder, name, superuser string, as *syscall.Credential) (*Node, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return &Node{bin: bin, folder: filepath.Join(folder, name), port: port, superuser: superuser, as: as}, nil
}

// DSN returns the postgres:// URL of a database on the node.
func (n *Node) DSN(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(n.superuser), Host: net.JoinHostPort("127.0.0.1", n.port), Path: "/" + database}
	u.RawQuery = "sslmode=disable"
	return u.String()
}

// run runs a program to its end, as the server's account.
func (n *Node) run(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: n.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, out)
	}
	return nil
}

// start starts the server and waits until it answers. One that was killed a moment
// ago may still have processes, which keep it from starting: it is tried again.
func (n *Node) start(settings ...string) error {
	args := []string{
		"-c", nodeGuard, "pgtest", filepath.Dir(n.folder), filepath.Join(n.bin, "postgres"), "-D", n.folder, "-h", "127.0.0.1", "-p", n.port,
		"-c", "unix_socket_directories=", "-c", "max_connections=100", "-c", "shared_buffers=16MB",
		"-c", "jit=off", "-c", "autovacuum=off", "-c", "wal_receiver_status_interval=1s", "-c", "wal_retrieve_retry_interval=100ms",
	}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		if err := n.launch(args); err != nil {
			return err
		}
		err := n.answers(deadline)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		n.Kill()
		time.Sleep(20 * time.Millisecond)
	}
}

// launch starts the server's first process.
func (n *Node) launch(args []string) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	log, err := os.OpenFile(n.folder+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(err, write.Close())
	}
	defer log.Close()
	n.cmd = exec.Command("sh", args...)
	n.cmd.Dir = "/"
	n.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	n.cmd.Stdin, n.cmd.Stderr = read, log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: n.as}
	if err := n.cmd.Start(); err != nil {
		return errors.Join(err, write.Close())
	}
	n.hold, n.gone = write, make(chan struct{})
	go func(cmd *exec.Cmd, gone chan struct{}) {
		_ = cmd.Wait() // how the server ended is in its log
		close(gone)
	}(n.cmd, n.gone)
	return nil
}

// answers waits until the server does, or has ended.
func (n *Node) answers(deadline time.Time) error {
	for {
		_, err := n.ask("SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-n.gone:
			return errors.New("the server has ended: " + n.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

func (n *Node) lastWords() string {
	log, err := os.ReadFile(n.folder + ".log")
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-6):], "; ")
}

// ask returns the first value of a query's answer, as text.
func (n *Node) ask(query string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, n.DSN("postgres"))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	result := c.PgConn().ExecParams(ctx, query, nil, nil, nil, nil).Read()
	if result.Err != nil || len(result.Rows) == 0 {
		return "", result.Err
	}
	return string(result.Rows[0][0]), nil
}

// processes returns the IDs of the server's processes, the first of them first.
func (n *Node) processes() []int {
	first := n.cmd.Process.Pid
	list := []int{first}
	out, err := exec.Command("ps", "-A", "-o", "ppid=,pid=").Output()
	if err != nil {
		return list
	}
	for line := range strings.Lines(string(out)) {
		var parent, pid int
		if _, err := fmt.Sscan(line, &parent, &pid); err == nil && parent == first {
			list = append(list, pid)
		}
	}
	return list
}

// signal sends a signal to all of the server's processes.
func (n *Node) signal(s syscall.Signal) {
	for _, pid := range n.processes() {
		_ = syscall.Kill(pid, s) // it may have ended by now
	}
}

// Freeze stops all processes of the server in the middle of whatever they do: the
// first one before the others, so that it makes no new ones.
func (n *Node) Freeze() {
	_ = syscall.Kill(n.cmd.Process.Pid, syscall.SIGSTOP)
	n.signal(syscall.SIGSTOP)
}

// Thaw lets them go on.
func (n *Node) Thaw() { n.signal(syscall.SIGCONT) }

// Kill ends all processes of the server at once, as a crash does.
func (n *Node) Kill() {
	if n.hold == nil {
		return
	}
	n.Freeze() // or a new one could escape
	n.signal(syscall.SIGKILL)
	<-n.gone
	_, _ = n.hold.WriteString("over\n") // nobody is left to be ended
	_ = n.hold.Close()
	n.hold = nil
}
