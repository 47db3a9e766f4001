package postgres

import "context"

// Durability is what the server's settings make of a change that was acknowledged, for
// this store's role and database: synchronous_commit can be set for each of them, and
// in the DSN.
type Durability struct {
	// SynchronousCommit is what a COMMIT waits for: "on", "remote_apply",
	// "remote_write", "local" or "off".
	SynchronousCommit string
	// Standbys is synchronous_standby_names: who has to confirm. Where it is empty, or
	// SynchronousCommit is "local" or "off", nobody has: a failover then loses what the
	// standby has not received.
	Standbys string
	// Fsync is whether the server has the system write to the disk.
	Fsync bool
	// FullPageWrites is whether pages that were half written are repaired.
	FullPageWrites bool
}

// Durability reads the settings. A setting that the engine does not have is empty, or
// false. Errors: a context's; ErrStorage; ErrMisuse after Close.
func (s *Store) Durability(ctx context.Context) (*Durability, error) {
	if err := s.gate.Enter(); err != nil {
		return nil, err
	}
	defer s.gate.Leave()
	c, err := s.lines.get(ctx)
	if err != nil {
		return nil, err
	}
	defer c.release()
	rows, err := c.list(ctx, `SELECT COALESCE(pg_catalog.current_setting(name, true), '')
		FROM unnest(ARRAY['synchronous_commit', 'synchronous_standby_names', 'fsync', 'full_page_writes'])
		WITH ORDINALITY AS wanted (name, n) ORDER BY n`)
	if err != nil {
		return nil, c.unread(ctx, err)
	}
	return &Durability{
		SynchronousCommit: string(rows[0][0]), Standbys: string(rows[1][0]),
		Fsync: string(rows[2][0]) == "on", FullPageWrites: string(rows[3][0]) == "on",
	}, nil
}

// Warnings says what an acknowledged change does not survive although the settings
// look as if somebody wanted that. It is for a program to log when it starts; empty
// where there is nothing to say.
func (d *Durability) Warnings() (list []string) {
	if d.SynchronousCommit == "off" {
		list = append(list, "synchronous_commit is off: a crash of the server loses changes that were acknowledged a moment before")
	}
	if d.SynchronousCommit == "local" && d.Standbys != "" {
		list = append(list, "synchronous_commit is local: a failover loses acknowledged changes, although there are synchronous standbys")
	}
	if !d.Fsync {
		list = append(list, "fsync is off: a power cut loses acknowledged changes, and can damage the database")
	}
	if !d.FullPageWrites {
		list = append(list, "full_page_writes is off: a power cut can damage the database")
	}
	return list
}
