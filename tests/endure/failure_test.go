package endure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
)

var errDisk = errors.New("disk I/O error (778)")

// burning is a store none of whose commits is done, each with the same error.
type burning struct {
	store.Store
	err error
}

func (s *burning) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	if s.err == nil {
		return s.Store.Update(ctx, tenant, fn)
	}
	return s.Store.Update(ctx, tenant, func(w store.Writer) error {
		mute := &muteWriter{Writer: w}
		if err := fn(mute); err != nil || !mute.applied {
			return err
		}
		return s.err
	})
}

// lost is a failure that asks for another run, as a lost connection does.
type lost struct{}

func (lost) Error() string   { return "a lost connection" }
func (lost) Unwrap() []error { return []error{store.ErrRetry, errDisk} }
func (lost) Failure() string { return "the database could not commit: the connection was lost" }

func TestSYS1_AStoreThatFailsEachTimeIsNotInTheWayOfOthers(t *testing.T) {
	testbed.NotShort(t)
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			burning := &burning{Store: open(t)}
			w := testbed.NewWorld(t, burning)
			before := testbed.Dump(t, burning.Store)
			for cause, err := range map[string]error{
				"commits without an answer": &store.Error{Kind: store.ErrCommitUnknown, Reason: "no answer", Err: errDisk},
				"lost connections":          lost{},
				"an error":                  &store.Error{Kind: store.ErrStorage, Reason: "the database could not commit", Err: errDisk},
			} {
				burning.err = err
				_, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
				burning.err = nil
				require.ErrorIs(t, err, pbx.ErrStorage, cause)
				require.NotErrorIs(t, err, pbx.ErrConflict, cause)
				require.NotErrorIs(t, err, pbx.ErrCommitUnknown, cause)
				require.ErrorIs(t, err, errDisk, cause)
				require.Equal(t, rule.Storage, pbx.CodeOf(err), cause)
				requireTold(t, err, "CreateUser", errDisk.Error())
			}
			require.Equal(t, before, testbed.Dump(t, burning.Store))
		})
	}
}

// requireTold asserts that an operator is told the operation and the cause of an error,
// and a user is not.
func requireTold(t *testing.T, err error, operation, cause string) {
	t.Helper()
	require.NotContains(t, err.Error(), cause)
	require.NotContains(t, fmt.Sprintf("%v %s %q", err, err, err), cause)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "error", err)
	for _, told := range []string{fmt.Sprintf("%+v", err), log.String()} {
		require.Contains(t, told, operation)
		require.Contains(t, told, cause)
	}
}

func TestSYS1_AStoreThatHasToBeOpenedAgainIsNotAskedForAnOutcome(t *testing.T) {
	inner := memory.New()
	w := testbed.NewWorld(t, inner)
	asked := 0
	dir := pbx.New(updating{inner, func(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
		if asked++; asked == 1 {
			return (&burning{inner, &store.Error{Kind: store.ErrCommitUnknown, Err: errDisk}}).Update(ctx, tenant, fn)
		}
		return &store.Error{Kind: store.ErrStorage, Reason: "open the store again", Err: store.ErrReopen}
	}}).As(pbx.Support("agent"))
	_, err := dir.StockNumbers(w.Ctx, "+16175550900")
	require.ErrorIs(t, err, pbx.ErrCommitUnknown)
	require.NotErrorIs(t, err, pbx.ErrStorage, "which would say that nothing was changed")
	require.ErrorIs(t, err, errDisk)
	require.Equal(t, 2, asked)
	requireTold(t, err, "StockNumbers", "open the store again")
	_, err = dir.StockNumbers(w.Ctx, "+16175550900")
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorIs(t, err, store.ErrReopen)
}

// updating is a store with another Update.
type updating struct {
	store.Store
	update func(context.Context, [16]byte, func(store.Writer) error) error
}

func (u updating) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return u.update(ctx, tenant, fn)
}

func TestSYS1_ASourceOfIDsThatRepeatsItselfIsSaidTo(t *testing.T) {
	testbed.NotShort(t)
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			w := testbed.NewWorld(t, open(t))
			id := w.User("Ann", "Lee", "7001").ID
			dir := pbx.New(w.Store, pbx.WithIDs(func() [16]byte { return id })).As(pbx.Administrator("admin", w.US.ID))
			create := func(ctx context.Context, dir *pbx.Directory) error {
				_, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@example.com", Extension: "7002"})
				return err
			}
			before := testbed.Dump(t, w.Store)
			review, err := dir.Review(w.Ctx, create)
			require.NoError(t, err)
			for name, err := range map[string]error{
				"at once": create(w.Ctx, dir), "in a batch": dir.Batch(w.Ctx, create), "in a review": review.Commit(w.Ctx),
			} {
				require.ErrorIs(t, err, pbx.ErrStorage, name)
				require.NotErrorIs(t, err, pbx.ErrConflict, name)
				require.ErrorContains(t, err, "the source of IDs, or of randomness, repeats itself", name)
			}
			require.Equal(t, before, testbed.Dump(t, w.Store))
		})
	}
}

func TestSYS1_AnErrorIsPrintedWithItsCauseAndWithoutSecrets(t *testing.T) {
	w := testbed.NewWorld(t, memory.New())
	u := w.User("Ann", "Lee", "7001")
	_, err := w.Dir.AddExtension(w.Ctx, u.ID, "911")
	require.Error(t, err)
	require.Contains(t, fmt.Sprintf("%+v", err), "operation: AddExtension; kind: ")
	require.Equal(t, err.Error(), fmt.Sprintf("%v", err))
	require.Equal(t, fmt.Sprintf("%q", err.Error()), fmt.Sprintf("%q", err))
	err = w.Dir.SetPIN(w.Ctx, pbx.ServiceID(u.ID), "739154")
	require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "739154")
	require.Equal(t, "a reason (kind: invalid; cause: "+errDisk.Error()+")",
		fmt.Sprintf("%+v", &store.Error{Kind: store.ErrInvalid, Reason: "a reason", Err: fmt.Errorf("%w", errDisk)}))
}

func TestSYS3_AFailedDeliveryShowsWhyItFailed(t *testing.T) {
	w := testbed.NewWorld(t, memory.New())
	failed := &pbx.Error{Kind: pbx.ErrStorage, Reason: "the queue is full", Err: errors.New("errno 28")}
	_, err := w.Support.Deliver(w.Ctx, "mail", func(context.Context, *pbx.Event) error { return failed })
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.NotContains(t, err.Error(), "errno 28")
	require.Contains(t, fmt.Sprintf("%+v", err), "errno 28")
	require.Empty(t, failed.Operation, "a handler's error is left as it is")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Error("delivery", "err", err)
	require.Contains(t, log.String(), "errno 28")
}
