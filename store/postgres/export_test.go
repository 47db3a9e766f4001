package postgres

// DropIdle closes the connections that nobody uses.
func (s *Store) DropIdle() { s.lines.renew() }
