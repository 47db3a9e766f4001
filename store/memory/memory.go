// Package memory keeps records in memory: for tests, simulations, and hosts
// that keep them elsewhere. It is as strict as the stores that write to disk.
package memory

import (
	"context"

	"github.com/pbxkit/pbx"
)

// Store is a pbx.Store in memory. Its methods can be called from any number of
// goroutines.
type Store struct {
	gate    gate
	tenants queues
	state   state
}

var _ pbx.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := new(Store)
	s.gate.init()
	s.tenants.init()
	s.state.init()
	return s
}

// View runs fn on one snapshot, as pbx.Store says.
func (s *Store) View(ctx context.Context, fn func(pbx.Reader) error) error {
	if !s.gate.enter() {
		return misuse("the store is closed")
	}
	defer s.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &reader{state: &s.state, snapshot: s.state.pin()}
	defer r.end()
	return fn(r)
}

// Update runs fn once, with the tenant to itself, and commits when fn returns
// nil, as pbx.Store says.
func (s *Store) Update(ctx context.Context, tenant pbx.TenantID, fn func(pbx.Writer) error) error {
	if !s.gate.enter() {
		return misuse("the store is closed")
	}
	defer s.gate.leave()
	if err := s.tenants.enter(ctx, tenant); err != nil {
		return err
	}
	defer s.tenants.leave(tenant)
	w := &writer{reader: reader{state: &s.state}}
	defer w.end()
	if err := fn(w); err != nil {
		return err
	}
	return w.commit(ctx)
}

// Close waits for what runs and drops all records.
func (s *Store) Close() error {
	if !s.gate.close() {
		return misuse("the store is closed")
	}
	s.state.init()
	return nil
}

func misuse(reason string) error {
	return &pbx.Error{Code: pbx.SYS1, Kind: pbx.ErrMisuse, Reason: reason}
}
