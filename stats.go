package pbx

import "sync/atomic"

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
}

// stats are the counters behind Stats.
type stats struct{ retries, gaveUp, resolved, unknown atomic.Int64 }

// settle counts a commit without an answer; err is what came of asking.
func (s *stats) settle(err error) {
	if err != nil {
		s.unknown.Add(1)
	} else {
		s.resolved.Add(1)
	}
}

// Stats returns the counts so far.
func (d *Directory) Stats() Stats {
	s := &d.core.stats
	return Stats{Retries: s.retries.Load(), GaveUp: s.gaveUp.Load(), Resolved: s.resolved.Load(), Unknown: s.unknown.Load()}
}
