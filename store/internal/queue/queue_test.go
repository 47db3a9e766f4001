package queue

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Updates get their turn in the order in which they came.
func TestQueueIsFair(t *testing.T) {
	ctx, tenant := context.Background(), [16]byte{1}
	q := New()
	require.NoError(t, q.Enter(ctx, tenant))
	order := make(chan int, 3)
	var waiting sync.WaitGroup
	for i := range 3 {
		waiting.Go(func() {
			_ = q.Enter(ctx, tenant)
			order <- i
			q.Leave(tenant)
		})
		for in := 0; in <= i; { // until it stands in line
			q.mu.Lock()
			in = len(q.waiting[tenant])
			q.mu.Unlock()
		}
	}
	require.Equal(t, 1, q.Busy())
	q.Leave(tenant)
	waiting.Wait()
	require.Equal(t, []int{0, 1, 2}, []int{<-order, <-order, <-order})
	require.Zero(t, q.Busy())
}
