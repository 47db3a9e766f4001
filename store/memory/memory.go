// Package memory keeps records in memory: for tests, simulations, and hosts
// that keep them elsewhere. It is as strict as the stores that write to disk.
package memory

import (
	"context"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
	"github.com/pbxkit/pbx/store/internal/queue"
)

// Store is a store.Store in memory. Its methods can be called from any number of
// goroutines.
type Store struct {
	gate    *gate.Gate
	tenants *queue.Queues
	state   state
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := &Store{gate: gate.New(), tenants: queue.New()}
	s.state.init()
	return s
}

// View runs fn on one snapshot, as store.Store says.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &reader{state: &s.state, snapshot: s.state.pin()}
	defer r.end()
	return fn(r)
}

// Update runs fn once, with the tenant to itself, and commits when fn returns
// nil, as store.Store says.
func (s *Store) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if err := s.tenants.Enter(ctx, tenant); err != nil {
		return err
	}
	defer s.tenants.Leave(tenant)
	w := &writer{reader: reader{state: &s.state}}
	defer w.end()
	if err := fn(w); err != nil {
		return err
	}
	return w.commit(ctx)
}

// Close waits for what runs and drops all records.
func (s *Store) Close() error {
	if err := s.gate.Close(); err != nil {
		return err
	}
	s.state.init()
	return nil
}
