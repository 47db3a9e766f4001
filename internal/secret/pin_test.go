package secret

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each hash takes 19 MiB, so what many at once take has to be bounded.
func TestHashesAtOnceTakeBoundedMemory(t *testing.T) {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	callers := 16 * cap(hashing)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			_, err := HashPIN(t.Context(), "839274", make([]byte, PINSalt))
			require.NoError(t, err)
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	var peak uint64
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		case <-time.After(time.Millisecond):
		}
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		peak = max(peak, now.HeapInuse-min(now.HeapInuse, before.HeapInuse))
	}
	t.Logf("figure: %d callers hashed at once in at most %d MiB", callers, peak>>20)
	require.Less(t, peak, uint64(callers)*pinMemory<<10/2)
}

func TestWhoWaitsToHashHonoursTheContext(t *testing.T) {
	hash, err := HashPIN(t.Context(), "839274", make([]byte, PINSalt))
	require.NoError(t, err)
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	defer func() {
		for range cap(hashing) {
			<-hashing
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = HashPIN(ctx, "839274", make([]byte, PINSalt))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = MatchPIN(ctx, "839274", hash)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestAHashOfMoreMemoryThanAnyPINNeedsIsDamaged(t *testing.T) {
	_, err := MatchPIN(t.Context(), "839274", []byte("$argon2id$v=19$m=1048576,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"))
	require.ErrorIs(t, err, ErrDamaged)
}
