package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pbxkit/pbx/store/internal/sqlschema"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

//go:embed schema/*.sql
var schema embed.FS

// Migrations returns the files that make the schema, each a step forward, for
// those who read them or run them by other means. The version of the last one
// run is the database's user_version.
func Migrations() fs.FS {
	folder, err := fs.Sub(schema, "schema")
	if err != nil {
		panic(err) // the name is right
	}
	return folder
}

// migrate brings the schema up to date, each step in a transaction of its own.
// Foreign keys are off meanwhile, because a step may have to rebuild a table; all
// of them are checked before it is committed.
func (o *options) migrate(ctx context.Context, c *conn, migrations []sqlschema.Migration) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		version, err := identify(c, len(migrations))
		if err != nil || version == len(migrations) {
			return err
		}
		if err := o.step(ctx, c, migrations); err != nil {
			return err
		}
	}
}

// step makes the next step of the schema, once no other process is making one.
func (o *options) step(ctx context.Context, c *conn, migrations []sqlschema.Migration) error {
	if err := beginAlone(ctx, c, o.patience); err != nil {
		return unlessEnded(ctx, "be brought up to date", err)
	}
	version, err := identify(c, len(migrations))
	if err == nil && version < len(migrations) {
		m := migrations[version]
		if err = perform(c, m); err != nil {
			err = failure(fmt.Sprintf("be brought to version %d", m.Version), err)
		}
	}
	if err != nil {
		_ = c.run("ROLLBACK") // the connection is given up
		return err
	}
	if err := c.run("COMMIT"); err != nil {
		return failure("be brought up to date", err)
	}
	return nil
}

// beginAlone waits until it is the only one that writes.
func beginAlone(ctx context.Context, c *conn, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; {
		err := c.run("BEGIN IMMEDIATE")
		if err == nil || !isBusy(err) || time.Now().After(deadline) {
			return err
		}
		if err := sqlstore.Pause(ctx, retryPause); err != nil {
			return err
		}
	}
}

func perform(c *conn, m sqlschema.Migration) error {
	if err := c.script(m.SQL); err != nil {
		return err
	}
	broken, err := c.list(context.Background(), "PRAGMA foreign_key_check")
	if err != nil {
		return err
	}
	if len(broken) > 0 {
		return errors.New("sqlite: the migration breaks foreign keys")
	}
	return c.pragmas(fmt.Sprintf("user_version = %d", m.Version), fmt.Sprintf("application_id = %d", applicationID))
}
