package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
)

// server is what the tests of this process have: their own, or that of
// PBX_POSTGRES.
type server struct {
	dsn   func(database string) string
	admin *pgxpool.Pool
	stop  func() // nil where the process did not start the server

	closing chan struct{}
	running sync.WaitGroup // whatever works in the background

	mu        sync.Mutex
	templates map[string]*template
	databases map[string]bool // that exist
}

func newServer(dsn func(database string) string, stop func()) *server {
	return &server{
		dsn: dsn, stop: stop, closing: make(chan struct{}),
		templates: map[string]*template{}, databases: map[string]bool{},
	}
}

// asked is whether any test wanted the server.
var asked atomic.Bool

// theServer starts the server, or finds that of PBX_POSTGRES, once in a process.
var theServer = sync.OnceValues(func() (*server, error) {
	asked.Store(true)
	if dsn := os.Getenv("PBX_POSTGRES"); dsn != "" {
		return existing(dsn)
	}
	return start()
})

// existing connects to a server that this process did not start.
func existing(dsn string) (*server, error) {
	with, err := withDatabase(dsn)
	if err != nil {
		return nil, fmt.Errorf("PBX_POSTGRES: %w", err)
	}
	s := newServer(with, nil)
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
	if s.stop != nil {
		// Half the cost of the default. It makes two checkpoints, which cost
		// nothing on a server that this process started: it does not sync.
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

// close stops a server that this process started; on another it drops the databases
// that are left.
func (s *server) close() {
	close(s.closing)
	s.running.Wait()
	defer s.admin.Close()
	if s.stop != nil {
		s.stop()
		return
	}
	for database := range s.databases {
		if err := s.drop(context.Background(), database); err != nil {
			fmt.Fprintf(os.Stderr, "pgtest: %s stays behind: %v\n", database, err)
		}
	}
}

// random returns a part of a name that makes it unique.
func random() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
