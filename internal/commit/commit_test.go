package commit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/commit"
	"github.com/pbxkit/pbx/store"
)

// scripted is a store whose updates end as a script says: each update runs its
// function, and then gives the script's next error; after the script's end, none.
type scripted struct {
	store.Store
	script []error
	calls  int
}

func (s *scripted) Update(_ context.Context, _ [16]byte, fn func(store.Writer) error) error {
	if err := fn(nil); err != nil {
		return err
	}
	s.calls++
	if s.calls > len(s.script) {
		return nil
	}
	return s.script[s.calls-1]
}

var errDisk = errors.New("disk on fire")

// update counts its attempts, and says of each commit without an answer what
// there says.
func update(script []error, there ...bool) (u *commit.Update, attempts *int) {
	attempts = new(int)
	return &commit.Update{
		Store:   &scripted{script: script},
		Attempt: func(store.Writer) error { *attempts++; return nil },
		Committed: func(context.Context, store.Reader) (bool, error) {
			done := there[0]
			there = there[1:]
			return done, nil
		},
		Counts: new(commit.Counts),
	}, attempts
}

// lost is a failure that asks for another run.
type lost struct{}

func (lost) Error() string   { return "lost" }
func (lost) Unwrap() error   { return store.ErrRetry }
func (lost) Failure() string { return "the connection was lost" }

func TestRun(t *testing.T) {
	retry := fmt.Errorf("a row changed: %w", store.ErrRetry)
	unknown := &store.Error{Kind: store.ErrCommitUnknown}
	burnt := &store.Error{Kind: store.ErrCommitUnknown, Err: errDisk}
	always := func(err error) (list []error) {
		for range 100 {
			list = append(list, err)
		}
		return list
	}
	for name, test := range map[string]struct {
		script   []error
		there    []bool
		attempts int
		err      error // a kind or a cause; nil: committed
		counts   [4]int64
	}{
		"committed at once":                   {attempts: 1},
		"others in the way twice":             {script: []error{retry, retry}, attempts: 3, counts: [4]int64{2, 0, 0, 0}},
		"others in the way for ever":          {script: always(retry), attempts: 12, err: store.ErrConflict, counts: [4]int64{11, 1, 0, 0}},
		"a commit that fails each time":       {script: slices.Repeat([]error{burnt, nil}, 12), there: make([]bool, 100), attempts: 12, err: errDisk, counts: [4]int64{11, 1, 12, 0}},
		"a connection that is lost each time": {script: always(lost{}), attempts: 12, err: store.ErrStorage, counts: [4]int64{11, 1, 0, 0}},
		"asking for the outcome is no use":    {script: []error{burnt, store.ErrReopen}, there: []bool{true}, attempts: 1, err: errDisk, counts: [4]int64{0, 0, 0, 1}},
		"looking is no proof at first":        {script: []error{unknown, unknown}, there: []bool{true, true}, attempts: 1, counts: [4]int64{0, 0, 1, 0}},
		"a host's transaction":                {script: []error{store.ErrHostRetry}, attempts: 1, err: store.ErrHostRetry},
		"a constraint":                        {script: []error{store.ErrConstraint}, attempts: 1, err: store.ErrStorage},
		"a failing store":                     {script: []error{errDisk}, attempts: 1, err: errDisk},
		"no answer, and it is there":          {script: []error{unknown}, there: []bool{true}, attempts: 1, counts: [4]int64{0, 0, 1, 0}},
		"no answer, and it is not there":      {script: []error{unknown}, there: []bool{false}, attempts: 2, counts: [4]int64{1, 0, 1, 0}},
		"the store fails while it is asked":   {script: []error{unknown, errDisk}, there: []bool{false, true}, attempts: 1, counts: [4]int64{0, 0, 1, 0}},
		"the store is closed before it is so": {script: []error{unknown, store.ErrMisuse}, there: []bool{false}, attempts: 1, err: store.ErrCommitUnknown, counts: [4]int64{0, 0, 0, 1}},
		"the store has failed for good": {script: []error{unknown, fmt.Errorf("a sentence: %w", store.ErrReopen)}, there: []bool{false, true}, attempts: 1,
			err: store.ErrCommitUnknown, counts: [4]int64{0, 0, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			u, attempts := update(test.script, test.there...)
			err := u.Run(t.Context())
			if test.err == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, test.err)
				require.LessOrEqual(t, kinds(err), 1, "%v", err)
			}
			require.Equal(t, test.attempts, *attempts)
			c := u.Counts
			require.Equal(t, test.counts, [4]int64{c.Retries.Load(), c.GaveUp.Load(), c.Resolved.Load(), c.Unknown.Load()})
		})
	}
}

// kinds counts the kinds that errors.Is finds.
func kinds(err error) (n int) {
	for _, kind := range []error{store.ErrConflict, store.ErrCommitUnknown, store.ErrMisuse, store.ErrStorage} {
		if errors.Is(err, kind) {
			n++
		}
	}
	return n
}

func TestRun_AFinalErrorEndsItWhateverItWraps(t *testing.T) {
	for _, wrapped := range []error{store.ErrRetry, store.ErrCommitUnknown, store.ErrConstraint, errDisk} {
		u, attempts := update(nil)
		own := fmt.Errorf("of another store: %w", wrapped)
		u.Attempt = func(store.Writer) error { *attempts++; return commit.Final(own) }
		require.Equal(t, own, u.Run(t.Context()))
		require.Equal(t, 1, *attempts)
		final, err := commit.Unwrap(commit.Final(own))
		require.True(t, final)
		require.Equal(t, own, err)
	}
	final, err := commit.Unwrap(errDisk)
	require.False(t, final)
	require.Equal(t, errDisk, err)
}

func TestRun_TheContextEndsTheWaitForTheNextTry(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	u, attempts := update([]error{store.ErrRetry})
	u.Attempt = func(store.Writer) error { *attempts++; cancel(); return nil }
	require.ErrorIs(t, u.Run(ctx), context.Canceled)
	require.Equal(t, 1, *attempts)
}

func TestRun_AnUnknownOutcomeIsResolvedAfterTheCallersTimeIsOver(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
	u, attempts := update([]error{store.ErrCommitUnknown}, true)
	u.Attempt = func(store.Writer) error { *attempts++; cancel(); return nil }
	require.NoError(t, u.Run(ctx), "the commit is there")
	require.Equal(t, 1, *attempts)
}
