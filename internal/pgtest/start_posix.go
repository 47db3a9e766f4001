//go:build linux || darwin

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// start joins the server that the tests of this user share, or starts it. Between
// the choice of a free port and the server's own listening another process may
// take the port: then everything is tried again.
func start() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	m, err := meetingPlace(bin)
	if err != nil {
		return nil, err
	}
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if s := m.join(); s != nil {
		return s, nil
	}
	for range 3 {
		var folder string
		var g *guardian
		if folder, g, err = startAt(bin); err != nil {
			continue
		}
		var s *server
		if s, err = m.publish(folder); err == nil {
			_ = g.hold.Close() // publish holds the pipe by now
			return s, nil
		}
		g.stop()
	}
	return nil, err
}

// startAt starts a server and writes its address into its folder.
func startAt(bin string) (folder string, g *guardian, err error) {
	as, err := account()
	if err != nil {
		return "", nil, err
	}
	folder, err = newFolder(as)
	if err != nil {
		return "", nil, err
	}
	port, err := freePort()
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(folder))
	}
	superuser := "pbx_" + random() // another server on the same port does not know it
	g, err = guarded(folder, as, bin, folder, port, superuser)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(folder))
	}
	address := url.URL{Scheme: "postgres", User: url.User(superuser), Host: net.JoinHostPort("127.0.0.1", port), RawQuery: "sslmode=disable"}
	if err := g.wait(&address); err != nil {
		return "", nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, addressFile), []byte(address.String()), 0o600); err != nil {
		g.stop()
		return "", nil, err
	}
	return folder, g, nil
}

// wait waits until the server answers.
func (g *guardian) wait(address *url.URL) error {
	for deadline := time.Now().Add(time.Minute); ; {
		s := newServer(at(address))
		err := s.connect(context.Background(), s.dsn("postgres"))
		if err == nil {
			s.admin.Close()
			return nil
		}
		select {
		case <-g.gone:
			return fmt.Errorf("the server did not start: %s", g.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			g.stop()
			return fmt.Errorf("the server cannot be reached: %w", err)
		}
	}
}

// at returns the URL of any database on the server at an address.
func at(address *url.URL) func(database string) string {
	return func(database string) string { return address.JoinPath(database).String() }
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}
