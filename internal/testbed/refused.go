package rules_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// refusedAgain asserts that what was refused at once is refused in a batch and
// in a review too, in the same words. Where the operation is not called on
// w.Dir, or cannot be called there, nothing is asserted; nor of the rules for
// batches and reviews, and of what has nothing to do with them.
func (w *world) refusedAgain(code rule.Code, kind error, atOnce *pbx.Error, run func() error) {
	w.T.Helper()
	asserted.add(code, kind, "at once")
	if onlyAtOnce(code, kind) {
		return
	}
	outer, ctx := w.Dir, w.Ctx
	inside := func(err *error) func(context.Context, *pbx.Directory) error {
		return func(inner context.Context, dir *pbx.Directory) error {
			w.Dir, w.Ctx = dir, inner // a call of another Directory is refused at once, by its context
			defer func() { w.Dir, w.Ctx = outer, ctx }()
			*err = run()
			return nil
		}
	}
	var inBatch, inReview error
	require.NoError(w.T, outer.Batch(w.Ctx, inside(&inBatch)), "a batch whose only part is refused")
	review, err := outer.Review(w.Ctx, inside(&inReview))
	require.NoError(w.T, err)
	if w.same(code, kind, atOnce, inBatch) {
		asserted.add(code, kind, "in a batch")
	}
	if kind == pbx.ErrUnconfirmed && inReview == nil {
		require.Contains(w.T, codes(review.Confirmations), code)
		asserted.add(code, kind, "in a review")
		return
	}
	require.Empty(w.T, review.Effects, "of what was refused")
	if w.same(code, kind, atOnce, inReview) {
		asserted.add(code, kind, "in a review")
	}
}

// brokenOff is the error with which a list ends, or nil.
func brokenOff[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// acting is the world with another Directory in the place of w.Dir.
func (w *world) acting(dir *pbx.Directory) *world {
	c := *w
	c.Dir = dir
	return &c
}

// onlyAtOnce reports whether a refusal is of a batch or a review itself, or of
// what has nothing to do with them.
func onlyAtOnce(code rule.Code, kind error) bool {
	return code == rule.SYS1 || code == rule.SYS2 || code == rule.SYS3 || code == rule.SYS4 ||
		kind == pbx.ErrMisuse || kind == pbx.ErrStorage || kind == pbx.ErrCommitUnknown
}

// same asserts that an error holds the refusal that came at once, and reports
// whether it could come: whether the operation can be called there.
func (w *world) same(code rule.Code, kind error, atOnce *pbx.Error, err error) bool {
	w.T.Helper()
	if errors.Is(err, pbx.ErrMisuse) && kind != pbx.ErrMisuse {
		return false
	}
	again := w.refusal(code, kind, err)
	require.Empty(w.T, cmp.Diff(*atOnce, *again, cmpopts.EquateErrors(), cmpopts.IgnoreFields(pbx.Error{}, "Err")))
	return true
}

// asserted are the refusals that tests asserted.
var asserted = &assertions{seen: map[string]bool{}}

type assertions struct {
	mu   sync.Mutex
	seen map[string]bool // "USR-1 invalid, in a batch"
}

func (a *assertions) add(code rule.Code, kind error, how string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[fmt.Sprintf("%s %s, %s", code, outcomeOf(kind), how)] = true
}

// tell prints them for TestRules, where that runs this program.
func (a *assertions) tell() {
	if os.Getenv(rulesVariable) == "" {
		return
	}
	for _, line := range slices.Sorted(maps.Keys(a.seen)) {
		fmt.Println("asserted:", line)
	}
}
