package pbx

import (
	"context"

	"github.com/pbxkit/pbx/store"
)

// Retry runs fn in updates of the tenant, as every operation is run: again,
// after a pause, when others got in its way, and when the store could not say
// whether it was committed. So fn has to see what a run before it may have
// left, and must not do it twice. It is for tools that work on stores, past a
// Directory and its rules; package store/transfer is one.
//
// Errors: those of fn and of the store; ErrConflict when others keep getting in
// the way; ErrCommitUnknown when the store cannot be asked any more.
func Retry(ctx context.Context, db store.Store, tenant TenantID, fn func(store.Writer) error) error {
	c := &core{store: db}
	return c.attempts(ctx, tenant, func(w store.Writer) (int64, error) { return 0, fn(w) }, OperationID{})
}
