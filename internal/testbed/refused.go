package testbed

import (
	"context"
	"errors"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// Refused asserts that an operation was refused by a rule, of a kind, and that
// it changed nothing in the store; and, where it calls w.Dir, that the same
// refusal comes in a batch and in a review, which it leaves without a trace.
func (w *World) Refused(code rule.Code, kind error, run func() error) *pbx.Error {
	w.T.Helper()
	before := Dump(w.T, w.Store)
	found := w.refusal(code, kind, run())
	w.refusedAgain(code, kind, found, run)
	require.Empty(w.T, cmp.Diff(before, Dump(w.T, w.Store)), "a refusal changed the store")
	return found
}

// refusal is the one of a code and a kind in an error.
func (w *World) refusal(code rule.Code, kind, err error) *pbx.Error {
	w.T.Helper()
	require.Error(w.T, err)
	require.ErrorIs(w.T, err, kind)
	var found *pbx.Error
	for _, e := range pbx.Errors(err) {
		if e.Code == code {
			found = e
		}
	}
	require.NotNil(w.T, found, "no refusal with code %s in %v", code, err)
	return found
}

// refusedAgain asserts that what was refused at once is refused in a batch and
// in a review too, in the same words. Where the operation is not called on
// w.Dir, or cannot be called there, nothing is asserted; nor of the rules for
// batches and reviews, and of what has nothing to do with them.
func (w *World) refusedAgain(code rule.Code, kind error, atOnce *pbx.Error, run func() error) {
	w.T.Helper()
	asserted.add(code, kind, "at once")
	if OnlyAtOnce(code, kind) {
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
		require.Contains(w.T, Codes(review.Confirmations), code)
		asserted.add(code, kind, "in a review")
		return
	}
	require.Empty(w.T, review.Effects, "of what was refused")
	if w.same(code, kind, atOnce, inReview) {
		asserted.add(code, kind, "in a review")
	}
}

// OnlyAtOnce reports whether a refusal is of a batch or a review itself, or of
// what has nothing to do with them.
func OnlyAtOnce(code rule.Code, kind error) bool {
	return code == rule.SYS1 || code == rule.SYS2 || code == rule.SYS3 || code == rule.SYS4 || code == rule.SYS11 ||
		kind == pbx.ErrMisuse || kind == pbx.ErrStorage || kind == pbx.ErrCommitUnknown
}

// same asserts that an error holds the refusal that came at once, and reports
// whether the operation can be called there.
func (w *World) same(code rule.Code, kind error, atOnce *pbx.Error, err error) bool {
	w.T.Helper()
	if errors.Is(err, pbx.ErrMisuse) && kind != pbx.ErrMisuse {
		return false
	}
	again := w.refusal(code, kind, err)
	require.Empty(w.T, cmp.Diff(*atOnce, *again, cmpopts.EquateErrors(), cmpopts.IgnoreFields(pbx.Error{}, "Err")))
	return true
}
