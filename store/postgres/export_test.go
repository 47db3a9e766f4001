package postgres

import "time"

// WithMercy sets how long a server without a connection to spare is waited for.
func WithMercy(d time.Duration) Option { return func(o *options) { o.mercy = d } }

// WithAnswer sets how long the answer to a COMMIT is waited for.
func WithAnswer(d time.Duration) Option { return func(o *options) { o.answer = d } }

// DropIdle closes the connections that nobody uses.
func (s *Store) DropIdle() { s.lines.renew() }
