// Package faulty makes a store fail on purpose: at a chosen call, in a chosen
// way. A test runs an operation once on a store without a plan, learns how many
// calls it makes, and runs it again for each of them:
//
//	store := faulty.New(memory.New(), faulty.Plan{})
//	operation(store)
//	for plan := range faulty.Plans(len(store.Calls())) {
//		err := operation(faulty.New(memory.New(), plan))
//		// All of it is there, or nothing, and err says which.
//	}
//
// What the store says in its faults keeps to the contract of store.Store: an
// error that does not wrap store.ErrCommitUnknown means that nothing was
// committed.
package faulty

import (
	"context"
	"slices"
	"sync"

	"github.com/pbxkit/pbx/store"
)

// Store is a store.Store that does what another one does, except where its plan
// says otherwise.
type Store struct {
	inner store.Store

	mu    sync.Mutex
	plan  Plan
	calls []Point
}

var _ store.Store = (*Store)(nil)

// New returns a store that does what inner does, except for the plan's faults.
func New(inner store.Store, plan Plan) *Store { return &Store{inner: inner, plan: plan} }

// Whole returns the store with everything that the inner one can do: it is a
// store.Fetcher where that is one. Its readers and writers are Fetchers wherever
// the inner ones are.
func (s *Store) Whole() store.Store {
	if inner, ok := s.inner.(store.Fetcher); ok {
		return &fetchingStore{s, inner}
	}
	return s
}

// Arm sets another plan and starts counting again: for a test that prepares the
// store first, or inspects it afterwards.
func (s *Store) Arm(plan Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan, s.calls = plan, nil
}

// Calls returns the calls that were made since the plan was set.
func (s *Store) Calls() []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// reach counts a call and returns what goes wrong with it.
func (s *Store) reach(at Point) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, at)
	return s.plan.at(len(s.calls))
}

// before does what a fault does before a call: it may panic, or return the
// error that comes instead of the call.
func (s *Store) before(fault Fault, at Point, updating bool) error {
	switch {
	case fault == Panic:
		panic(ErrInjected)
	case fault == Retry && updating:
		return store.ErrRetry
	case fault == Retry, fault == ErrorBefore:
		return injected(at)
	}
	return nil
}

// context returns the context for a call, ended where that is the fault.
func (s *Store) context(ctx context.Context, fault Fault) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if fault == ContextEnded {
		s.end(cancel)
	}
	return ctx, cancel
}

// end ends the context of a call, and the caller's own if the plan has it.
func (s *Store) end(cancel context.CancelFunc) {
	cancel()
	s.mu.Lock()
	caller := s.plan.Cancel
	s.mu.Unlock()
	if caller != nil {
		caller()
	}
}

// View runs fn on a Reader that can fail. ErrorAfter comes when fn has run.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	if s.inner == nil || ctx == nil {
		return incomplete()
	}
	fault := s.reach(View)
	if err := s.before(fault, View, false); err != nil {
		return err
	}
	ctx, cancel := s.context(ctx, fault)
	defer cancel()
	err := s.inner.View(ctx, func(r store.Reader) error { return fn(s.reader(r)) })
	if err == nil && fault == ErrorAfter {
		return injected(View)
	}
	return err
}

// Update runs fn on a Writer that can fail. ErrorAfter comes before fn has run;
// what can happen after it is the fault of Commit.
func (s *Store) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	if s.inner == nil || ctx == nil {
		return incomplete()
	}
	begin := s.reach(Update)
	if err := s.before(begin, Update, true); err != nil {
		return err
	}
	ctx, cancel := s.context(ctx, begin)
	defer cancel()
	var commit Fault
	err := s.inner.Update(ctx, tenant, func(w store.Writer) error {
		if begin == ErrorAfter {
			return injected(Update)
		}
		tx := &writer{reader: reader{s, w, true}, inner: w}
		if err := fn(tx.whole()); err != nil || !tx.applied {
			return err
		}
		commit = s.reach(Commit)
		return s.beforeCommit(commit, cancel)
	})
	if err == nil && commit == ErrorAfter {
		return unknown()
	}
	return err
}

// beforeCommit returns an error to have the inner store roll back.
func (s *Store) beforeCommit(fault Fault, cancel context.CancelFunc) error {
	switch fault {
	case ErrorBefore:
		return unknown()
	case ContextEnded:
		s.end(cancel)
	}
	return s.before(fault, Commit, true)
}

// Close closes the inner store. It never fails on purpose.
func (s *Store) Close() error {
	if s.inner == nil {
		return incomplete()
	}
	return s.inner.Close()
}

// incomplete is the error of a call without a context, or on a store without an inner
// one.
func incomplete() error { return store.Misuse("a faulty store needs a store inside, and a context") }
