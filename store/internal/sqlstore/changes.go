package sqlstore

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/guard"
)

// Changes are what a Writer was given to apply, kept for the end of its update.
type Changes struct {
	applied  bool
	list     []store.Change
	rejected error
}

// Keep is a Writer's Apply. Failed is the error of an earlier read, after which
// the update cannot commit.
func (c *Changes) Keep(ctx context.Context, failed error, changes []store.Change) error {
	return c.keep(ctx, failed, changes, guard.Changes)
}

// KeepAmended is Keep for what is stored from before and gets a column that it did not
// have (journal.Amender).
func (c *Changes) KeepAmended(ctx context.Context, failed error, changes []store.Change) error {
	return c.keep(ctx, failed, changes, func([]store.Change) error { return nil })
}

func (c *Changes) keep(ctx context.Context, failed error, changes []store.Change, check func([]store.Change) error) error {
	switch {
	case c.applied:
		c.rejected = store.Misuse("a writer applies changes once")
		return c.rejected
	case failed != nil:
		c.rejected = failed
	case ctx.Err() != nil:
		c.rejected = ctx.Err()
	default:
		c.rejected = check(changes)
	}
	c.applied, c.list = true, slices.Clone(changes)
	return c.rejected
}

// ToCommit returns the changes to be made. An Apply that failed fails the update,
// whatever the closure made of its error.
func (c *Changes) ToCommit(ctx context.Context) ([]store.Change, error) {
	if c.rejected != nil {
		return nil, c.rejected
	}
	return c.list, ctx.Err()
}
