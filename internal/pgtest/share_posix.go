//go:build linux || darwin

package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// addressFile is in a server's folder as long as it can be joined.
const addressFile = "address"

// meeting is where the test processes of one user find the server that they
// share. Each combination of server programs and their arguments has a place of
// its own.
type meeting struct {
	current string // the file with the name of the server's folder
}

// meetingPlace returns the place for the programs in a folder. It is in a
// folder that is this user's alone.
func meetingPlace(bin string) (*meeting, error) {
	folder := filepath.Join(os.TempDir(), fmt.Sprint("pgtest-", os.Geteuid()))
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode().Perm() != 0o700 {
		return nil, fmt.Errorf("%s is not a folder of this user's alone", folder)
	}
	program, err := os.Stat(filepath.Join(bin, "postgres"))
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(fmt.Append(nil, bin, program.Size(), program.ModTime(), guard))
	return &meeting{current: filepath.Join(folder, hex.EncodeToString(key[:8]))}, nil
}

// lock keeps all others from coming and going until it is undone.
func (m *meeting) lock() (unlock func(), err error) {
	f, err := os.OpenFile(m.current+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// flock locks a file, however often a signal interrupts that.
func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// publish makes a server the one to join, and joins it.
func (m *meeting) publish(folder string) (*server, error) {
	users, err := os.OpenFile(filepath.Join(folder, "users"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(users.Close(), os.WriteFile(m.current, []byte(folder), 0o600)); err != nil {
		return nil, err
	}
	if s := m.join(); s != nil {
		return s, nil
	}
	return nil, errors.New("the server has gone")
}

// join returns the server that is there, nil where there is none.
func (m *meeting) join() *server {
	folder, err := os.ReadFile(m.current)
	if err != nil {
		return nil
	}
	h := &held{meeting: m, folder: string(folder)}
	if h.pipe, err = os.OpenFile(filepath.Join(h.folder, "pipe"), os.O_WRONLY|syscall.O_NONBLOCK, 0); err != nil {
		return nil
	}
	s, err := h.server()
	if err != nil {
		_ = h.pipe.Close()
		return nil
	}
	return s
}

// held is a process's hold on the shared server.
type held struct {
	*meeting
	folder string
	pipe   *os.File // what the guard listens to
	users  *os.File // locked by everybody who uses the server
}

// server connects to the server that is held.
func (h *held) server() (*server, error) {
	text, err := os.ReadFile(filepath.Join(h.folder, addressFile))
	if err != nil {
		return nil, err // it is about to stop
	}
	address, err := url.Parse(string(text))
	if err != nil {
		return nil, err
	}
	if h.users, err = os.OpenFile(filepath.Join(h.folder, "users"), os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if err := flock(h.users, syscall.LOCK_SH); err != nil {
		return nil, errors.Join(err, h.users.Close())
	}
	s := newServer(at(address))
	s.ours, s.leave = true, h.leave
	if err := s.connect(context.Background(), s.dsn("postgres")); err != nil {
		return nil, errors.Join(err, h.users.Close())
	}
	return s, nil
}

// leave lets go of the server. The last one out waits until it has stopped; the
// others clean up after themselves first.
func (h *held) leave(tidy func()) {
	unlock, err := h.lock()
	if err == nil {
		defer unlock()
	}
	last := flock(h.users, syscall.LOCK_EX|syscall.LOCK_NB) == nil
	if !last {
		tidy()
	}
	_ = h.users.Close()
	_ = h.pipe.Close()
	for deadline := time.Now().Add(time.Minute); last && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(h.folder); errors.Is(err, os.ErrNotExist) {
			return
		}
	}
}
