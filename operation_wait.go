package pbx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pbxkit/pbx/rule"
)

// defaultBatchWait is the default of WithBatchWait.
const defaultBatchWait = 30 * time.Second

// functions are the caller's functions that run while the store is locked for their
// operation: those of batches and of reviews that are being committed, the report of
// an import, the allocator. If one of them calls an operation of another Directory
// than its own, that operation waits for the function, and the function for it. Who
// calls cannot be told in Go. So a change that finds functions running when it comes
// does not wait longer for them than WithBatchWait says.
type functions struct {
	mu      sync.Mutex
	running []*int // each entry is one run
}

// run runs a caller's function.
func (f *functions) run(fn func() error) error {
	entry := new(int)
	f.mu.Lock()
	f.running = append(f.running, entry)
	f.mu.Unlock()
	defer func() { // also when it panics
		f.mu.Lock()
		defer f.mu.Unlock()
		f.running = slices.DeleteFunc(f.running, func(r *int) bool { return r == entry })
	}()
	return fn()
}

// now returns the functions that are running.
func (f *functions) now() []*int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.running)
}

// anyOf reports whether one of the functions still runs.
func (f *functions) anyOf(before []*int) bool {
	return slices.ContainsFunc(f.now(), func(r *int) bool { return slices.Contains(before, r) })
}

// wait is the time from the beginning of a change until it has the store to itself.
type wait struct {
	ctx   context.Context // ends with the wait if that takes too long
	end   context.CancelCauseFunc
	timer *time.Timer

	applied *tx // by the change's last attempt, after the wait
}

// errHeld is why the context of a wait ends.
var errHeld = errors.New("pbx: a function of a batch still runs")

// wait begins a wait. It has no bound where no caller's function runs.
func (c *core) wait(ctx context.Context) *wait {
	before := c.functions.now()
	if len(before) == 0 || c.batchWait <= 0 {
		return &wait{ctx: ctx}
	}
	w := new(wait)
	w.ctx, w.end = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(c.batchWait, func() {
		if c.functions.anyOf(before) {
			w.end(errHeld)
		}
	})
	return w
}

// over ends the wait: the change has the store to itself.
func (w *wait) over() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// close frees what the wait has.
func (w *wait) close() {
	if w.timer != nil {
		w.timer.Stop()
		w.end(nil)
	}
}

// refusal returns the error of a change whose wait took too long, and any other as it
// is.
func (w *wait) refusal(err error, bound time.Duration) error {
	if w.timer == nil || errors.Is(err, ErrCommitUnknown) || !errors.Is(err, context.Canceled) || context.Cause(w.ctx) != errHeld {
		return err
	}
	return &Error{Code: rule.SYS1, Kind: ErrConflict, Err: errHeld, Reason: fmt.Sprintf("a batch of this program, or another function that "+
		"was given to the library, has run for %s while this change waited for it; nothing was changed. If that function made this "+
		"call, it has to use the Directory and the context that it was given", bound)}
}
