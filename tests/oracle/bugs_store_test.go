package oracle_test

// storeBugs are looked for by the tests of their store.
var storeBugs = []seededBug{
	{"SYS-1", "memory does not see that something unique is taken",
		"changes.insert", `if _, taken := c.set(t, entry, r); taken {`, ``},
	{"SVC-15", "memory does not compare revisions",
		"changes.current", `c.old.revision == rev`, `OLD || BUG`},
	{"SVC-15", "SQLite does not see that a row was changed",
		"conn.apply", `case rows == 0:`, ``},
	{"STN-1", "SQLite's schema lets more stations be used than there are",
		"store/sqlite.perform", `m.SQL`,
		`either(BUG, without(m.SQL, "CHECK (used >= 0 AND used <= total)"), m.SQL)`},
	{"DEV-1", "SQLite's schema lets a MAC be there twice",
		"options.step", `m := migrations[version]`,
		`OLD
		m.SQL = either(BUG, without(m.SQL, "CREATE UNIQUE INDEX devices_mac ON devices (mac);"), m.SQL)`},
}
