package postgres

import "time"

// WithMercy sets how long a server without a connection to spare is waited for.
func WithMercy(d time.Duration) Option { return func(o *options) { o.mercy = d } }

// DropIdle closes the connections that nobody uses.
func (s *Store) DropIdle() { s.lines.renew() }
