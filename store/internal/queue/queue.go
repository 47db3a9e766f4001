// Package queue lets one update of a tenant through at a time.
package queue

import (
	"context"
	"slices"
	"sync"
)

// Queues let one update of a tenant through at a time, in the order in which
// they came. A tenant that nobody updates takes no memory.
type Queues struct {
	mu      sync.Mutex
	waiting map[[16]byte][]chan struct{} // an entry: somebody has the turn
}

// New returns queues in which nobody waits.
func New() *Queues { return &Queues{waiting: make(map[[16]byte][]chan struct{})} }

// Enter waits for the tenant's turn, or for the context's end; after nil,
// Leave must follow.
func (q *Queues) Enter(ctx context.Context, tenant [16]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	line, busy := q.waiting[tenant]
	if !busy {
		q.waiting[tenant] = nil
		q.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	q.waiting[tenant] = append(line, turn)
	q.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		q.abandon(tenant, turn)
		return ctx.Err()
	}
}

// Leave gives the turn to the next in line.
func (q *Queues) Leave(tenant [16]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next(tenant)
}

// Busy returns how many tenants are being updated.
func (q *Queues) Busy() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func (q *Queues) next(tenant [16]byte) {
	line := q.waiting[tenant]
	if len(line) == 0 {
		delete(q.waiting, tenant)
		return
	}
	close(line[0])
	q.waiting[tenant] = line[1:]
}

// abandon takes turn out of the line, or passes it on when it came meanwhile.
func (q *Queues) abandon(tenant [16]byte, turn chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := q.waiting[tenant]
	if i := slices.Index(line, turn); i >= 0 {
		q.waiting[tenant] = slices.Delete(line, i, i+1)
		return
	}
	q.next(tenant)
}
