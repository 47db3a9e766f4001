package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/pbxkit/pbx/store/internal/sqlschema"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

//go:embed schema/*.sql
var schema embed.FS

// Migrations returns the files that make the schema, each a step forward, for
// those who read them or run them by other means: with search_path set to the
// schema, each in a transaction that also sets version in schema_version to
// the file's number.
func Migrations() fs.FS {
	folder, err := fs.Sub(schema, "schema")
	if err != nil {
		panic(err) // the name is right
	}
	return folder
}

// maxClashes is how often a step is tried again because somebody else was
// making it.
const maxClashes = 20

// migrate brings the schema up to date, each step in a transaction of its own.
func (c *conn) migrate(ctx context.Context, on *statements, migrations []sqlschema.Migration) error {
	for clashes := 0; ; {
		version, err := c.identify(ctx, on, len(migrations))
		if err != nil || version == len(migrations) {
			return err
		}
		err = c.step(ctx, on, migrations, version)
		switch {
		case err == nil:
		case clashed(err) && clashes < maxClashes:
			clashes++
			if err := sqlstore.Pause(ctx, retryPause); err != nil {
				return err
			}
		default:
			return c.explain(ctx, fmt.Sprintf("be brought to version %d", version+1), err)
		}
	}
}

// step makes the step from that version, unless somebody else has made it once
// it is this one's turn.
func (c *conn) step(ctx context.Context, on *statements, migrations []sqlschema.Migration, version int) error {
	if err := c.script(ctx, beginUpdate.text); err != nil {
		return err
	}
	err := c.perform(ctx, on, migrations, version)
	if err == nil {
		return c.script(ctx, commit.text)
	}
	if !c.closed() {
		c.rollback()
	}
	return err
}

func (c *conn) perform(ctx context.Context, on *statements, migrations []sqlschema.Migration, version int) error {
	if version == 0 {
		// The first step makes the row that the others are locked by. Of two at
		// once one finds names that are taken, or are being taken.
		if err := c.createSchema(ctx, on.schema); err != nil {
			return err
		}
	} else if err := c.script(ctx, on.lockVersion.text); err != nil {
		return err
	}
	now, err := c.identify(ctx, on, len(migrations))
	if err != nil || now != version {
		return err
	}
	m := migrations[version]
	for _, text := range []string{
		"SET LOCAL search_path TO " + pgx.Identifier{on.schema}.Sanitize(),
		m.SQL,
		fmt.Sprintf("UPDATE schema_version SET version = %d", m.Version),
	} {
		if err := c.script(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// createSchema makes the schema where there is none. Where there is one, the
// role need not have the right to make it.
func (c *conn) createSchema(ctx context.Context, name string) error {
	rows, err := c.list(ctx, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", name)
	if err != nil || len(rows) > 0 {
		return err
	}
	return c.script(ctx, "CREATE SCHEMA "+pgx.Identifier{name}.Sanitize())
}

// clashed reports whether a step met somebody else who was making it.
func clashed(err error) bool {
	switch codeOf(err) {
	case "23505", "42P06", "42P07", "42710", "40001", "40P01", "55P03":
		return true
	}
	return false
}
