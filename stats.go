package pbx

import (
	"sync/atomic"

	"github.com/pbxkit/pbx/internal/commit"
)

// Stats counts what came between operations and their commits, since New and
// over all Directories that came of it.
type Stats struct {
	// Retries is how often operations ran again, on what was there then, because
	// others had got in their way.
	Retries int64
	// GaveUp is how many of them were refused in the end (SYS-1, ErrConflict).
	GaveUp int64
	// Resolved is how many commits got no answer and turned out to be there, or
	// not to be; Unknown is how many did not turn out (ErrCommitUnknown).
	Resolved, Unknown int64
	// Unplanned is how many operations had to ask a store on another machine for
	// something that they had not planned to read. Each took more trips than it
	// should; the logger has their names, at debug level.
	Unplanned int64
}

// stats are the counters behind Stats.
type stats struct {
	commit.Counts
	unplanned atomic.Int64
}

// Stats returns the counts so far.
func (d *Directory) Stats() Stats {
	s := &d.core.stats
	return Stats{Retries: s.Retries.Load(), GaveUp: s.GaveUp.Load(), Resolved: s.Resolved.Load(), Unknown: s.Unknown.Load(),
		Unplanned: s.unplanned.Load()}
}
