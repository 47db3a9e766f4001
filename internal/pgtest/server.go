package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// server is what the tests of this process have: the one that all test processes
// of this user share, or that of PBX_POSTGRES.
type server struct {
	dsn   func(database string) string
	admin *pgxpool.Pool
	ours  bool              // it is thrown away after the tests
	leave func(tidy func()) // ends the use of it, and drops what is there where others stay

	closing chan struct{}
	running sync.WaitGroup // whatever works in the background

	mu        sync.Mutex
	templates map[string]*template
	databases map[string]bool // that exist
}

func newServer(dsn func(database string) string) *server {
	return &server{
		dsn: dsn, leave: func(tidy func()) { tidy() }, closing: make(chan struct{}),
		templates: map[string]*template{}, databases: map[string]bool{},
	}
}

// asked is whether any test wanted the server.
var asked atomic.Bool

// theServer joins or starts the server, or finds that of PBX_POSTGRES, once in a
// process.
var theServer = sync.OnceValues(func() (*server, error) {
	asked.Store(true)
	switch dsn := os.Getenv("PBX_POSTGRES"); dsn {
	case "":
		if os.Getenv("PBX_POSTGRES_REQUIRED") != "1" && testing.Testing() && testing.Short() {
			return nil, errors.New("short tests need no server")
		}
		return start()
	case "off":
		return nil, errors.New("PBX_POSTGRES is off")
	default:
		return existing(dsn)
	}
})

// existing connects to a server that this process did not start.
func existing(dsn string) (*server, error) {
	with, err := withDatabase(dsn)
	if err != nil {
		return nil, fmt.Errorf("PBX_POSTGRES: %w", err)
	}
	s := newServer(with)
	if err := s.connect(context.Background(), dsn); err != nil {
		return nil, fmt.Errorf("PBX_POSTGRES: %w", err)
	}
	return s, nil
}

// connect opens the connections that create and drop databases. A few are enough:
// the server does such work one at a time anyway.
func (s *server) connect(ctx context.Context, dsn string) error {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return err
	}
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return err
	}
	s.admin = pool
	return nil
}

// template returns the template of a name.
func (s *server) template(name string) *template {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.templates[name]
	if p == nil {
		p = &template{server: s, ready: make(chan copied, fillers)}
		s.templates[name] = p
	}
	return p
}

// create makes a database with a random name as a copy of another.
func (s *server) create(ctx context.Context, from string) (string, error) {
	database := "pbxtest_" + random()
	sql := "CREATE DATABASE " + database + " TEMPLATE " + from + " ENCODING 'UTF8'"
	if s.ours {
		// Half the cost of the default, but it asks for two checkpoints, which
		// cost nothing only where nothing is synced.
		sql += " STRATEGY FILE_COPY"
	}
	s.mu.Lock()
	s.databases[database] = true
	s.mu.Unlock()
	_, err := s.admin.Exec(ctx, sql)
	return database, err
}

// dropLater drops a database in the background.
func (s *server) dropLater(database string) {
	s.running.Go(func() {
		// Where it fails, close tries again and says so.
		_ = s.drop(context.Background(), database)
	})
}

func (s *server) drop(ctx context.Context, database string) error {
	_, err := s.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.databases, database)
	return nil
}

// close ends the use of the server. What is still there is dropped, unless the
// server goes with it.
func (s *server) close() {
	close(s.closing)
	s.running.Wait()
	defer s.admin.Close()
	s.leave(func() {
		for database := range maps.Clone(s.databases) {
			if err := s.drop(context.Background(), database); err != nil {
				fmt.Fprintf(os.Stderr, "pgtest: %s stays behind: %v\n", database, err)
			}
		}
	})
}

// random returns a part of a name that makes it unique.
func random() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
