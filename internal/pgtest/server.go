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
	stop  func() // nil where the server is not ours to stop

	mu   sync.Mutex
	kept []string
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

// existing connects to a server that somebody else runs.
func existing(dsn string) (*server, error) {
	with, err := withDatabase(dsn)
	if err != nil {
		return nil, fmt.Errorf("PBX_POSTGRES: %w", err)
	}
	s := &server{dsn: with}
	if err := s.connect(context.Background(), dsn); err != nil {
		return nil, fmt.Errorf("PBX_POSTGRES: %w", err)
	}
	return s, nil
}

// connect opens the connections that create and drop databases: few, since the
// server does such work one at a time anyway.
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

// create makes a database with a random name as a copy of another.
func (s *server) create(ctx context.Context, from string) (string, error) {
	database := "pbxtest_" + random()
	_, err := s.admin.Exec(ctx, "CREATE DATABASE "+database+" TEMPLATE "+from+" ENCODING 'UTF8'")
	return database, err
}

func (s *server) drop(ctx context.Context, database string) error {
	_, err := s.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)")
	return err
}

// keep notes a database that lives as long as the process.
func (s *server) keep(database string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, database)
}

// close stops our server; on another's it drops what was kept there.
func (s *server) close() {
	if s.stop != nil {
		s.admin.Close()
		s.stop()
		return
	}
	for _, database := range s.kept {
		if err := s.drop(context.Background(), database); err != nil {
			fmt.Fprintf(os.Stderr, "pgtest: %s stays behind: %v\n", database, err)
		}
	}
	s.admin.Close()
}

// random is part of a name that nobody else has.
func random() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
