package memory

import (
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"github.com/pbxkit/pbx/store"
)

// tree maps the entries of all indexes of all tables to their records: the sort
// keys that store.Index.AppendFields makes.
type tree = btree.Map[string, store.Record]

// state is what the store holds: one tree, changed in place.
//
// Views read the tree itself, with a lock for each step. A change that finds views
// running first leaves them a copy, which shares with the tree whatever does not
// change later. Where no view runs, nothing is copied.
//
// An update's changes are made when it applies them, and undone when it does not
// commit. Few readers come between the two. One that does undoes the changes
// (settle), sees nothing of them and does not wait; the update then makes them a
// second time when it commits.
type state struct {
	mu      sync.RWMutex
	tree    *tree
	pending *changes // made in the tree, not committed
	present *snapshot
}

// snapshot is a committed state with the views that run on it.
type snapshot struct {
	state *state
	views atomic.Int64
	// kept is the state's own tree, as long as it is nil. Once it is set, the
	// tree has moved on.
	kept atomic.Pointer[tree]
}

func (s *state) init() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tree = new(tree)
	s.present = &snapshot{state: s}
}

// pin returns the present snapshot, until unpin.
func (s *state) pin() *snapshot {
	s.rlock()
	defer s.mu.RUnlock()
	s.present.views.Add(1)
	return s.present
}

func (p *snapshot) unpin() { p.views.Add(-1) }

// read calls fn with the tree of the snapshot, which fn must not keep.
func (p *snapshot) read(fn func(*tree)) {
	if t := p.kept.Load(); t != nil {
		fn(t)
		return
	}
	p.state.mu.RLock()
	defer p.state.mu.RUnlock()
	if t := p.kept.Load(); t != nil {
		fn(t)
		return
	}
	fn(p.state.tree)
}

// read calls fn with the tree of the last committed state, which fn must not
// keep.
func (s *state) read(fn func(*tree)) {
	s.rlock()
	defer s.mu.RUnlock()
	fn(s.tree)
}

// rlock takes the read lock with nothing pending.
func (s *state) rlock() {
	for {
		s.mu.RLock()
		if s.pending == nil {
			return
		}
		s.mu.RUnlock()
		s.mu.Lock()
		s.settle()
		s.mu.Unlock()
	}
}

func (s *state) settle() {
	if s.pending != nil {
		s.pending.revert(s.tree)
		s.pending = nil
	}
}

// stage makes the changes in the tree; commit or rollback must follow.
func (s *state) stage(c *changes) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place(c)
}

func (s *state) place(c *changes) error {
	s.settle()
	if s.present.views.Load() > 0 && s.present.kept.Load() == nil {
		s.present.kept.Store(s.tree.Copy())
	}
	if !c.apply(s.tree) {
		return store.ErrRetry
	}
	s.pending = c
	return nil
}

// commit makes staged changes the committed state.
func (s *state) commit(c *changes) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending != c {
		if err := s.place(c); err != nil {
			return err
		}
	}
	s.pending = nil
	if s.present.kept.Load() != nil {
		s.present = &snapshot{state: s}
	}
	return nil
}

// rollback undoes staged changes.
func (s *state) rollback(c *changes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == c {
		s.settle()
	}
}
