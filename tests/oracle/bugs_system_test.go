package oracle_test

var systemBugs = []seededBug{
	{"SYS-1", "a refused part of a batch leaves what it did",
		"Overlay.RollBack", `for _, f := range slices.Backward(o.undo[mark:]) {`,
		`OLD
		if BUG {
			break
		}`},
	{"SYS-1", "a confirmation holds for all of a batch",
		"tx.runOperation", `t.actor, t.confirmed = d.actor, d.confirmed`,
		`if t.actor = d.actor; t.confirmed == nil || !BUG {
			t.confirmed = d.confirmed
		}`},
	{"SYS-1", "an unknown outcome is not resolved",
		"internal/commit.Update.Run", `case errors.Is(err, store.ErrCommitUnknown):`, ``},
	{"SYS-1", "a store that fails makes a review stale",
		"Review.again", `case now.Failed() != nil:`, ``},
	{"SYS-2", "a review is committed without a look at what changed",
		"Review.again", `case !sameOutcome(r.reviewed, now):`, ``},
	{"SYS-2", "a number rests for another time than was reviewed",
		"sameField", `q.Sub(*p) == later`, `OLD || BUG`},
	{"SYS-2", "a review lists nothing to confirm",
		"outcome.confirm", `o.reviewing || !slices.Contains(o.confirmed, code)`,
		`o.reviewing && !BUG || !o.reviewing && !slices.Contains(o.confirmed, code)`},
	{"SYS-3", "the cursor moves before the handler has handled",
		"delivery.turn", `given := copyOf(e)`,
		`OLD
		if BUG {
			done = e
		}`},
	{"SYS-3", "a journal is read that is leased to another",
		"Cursor.leased", `!c.Holder.IsZero() && c.Holder != holder && c.LeasedUntil.After(now)`,
		`OLD && !BUG`},
	{"SYS-1", "a batch is waited for without bound",
		"functions.anyOf", `slices.Contains(before, r)`, `OLD && !BUG`},
	{"SYS-1", "an ID that is in use is somebody in the way",
		"core.repeated", `slices.Contains(t.ids, id)`, `OLD && !BUG`},
	{"SYS-3", "a lease of a clock that was ahead is believed",
		"Cursor.leased", `c.LeasedUntil.Sub(now)/believed > length`, `OLD && !BUG`},
	{"SYS-4", "the checker does not count the users of a station",
		"tenantCheck.count", `c.stations[r.Station]++`,
		`c.stations[r.Station] = either(BUG, c.used[r.Station], c.stations[r.Station]+1)`},
	{"SYS-4", "the checker does not know where users dial an emergency number",
		"tenantCheck.reached", `at = append(at, u.at)`, ``},
	{"SYS-5", "an import stops at the first bad row",
		"importing.run", `done++`,
		`if OLD; BUG && len(im.bad) > 0 {
			return nil, allRows(im.bad)
		}`},
	{"SYS-5", "who had no line comes back with one",
		"tx.provision", `lineNo`, `either(BUG, "none", OLD)`},
	{"SYS-5", "a line that two have is exported twice",
		"csvUser.share", `if row.shared = owner.ID != row.ID; row.shared {`, ``},
	{"SYS-5", "a line that waits comes back active",
		"csvUser.activateLater", `row.line.Status == StatusPendingActivation`, `OLD && !BUG`},
	{"SYS-5", "an export holds formulas",
		"internal/csvfile.Writer.Write", `Escape(cell)`, `either(BUG, cell, OLD)`},
	{"SYS-11", "the hash of an event leaves out who it was",
		"internal/chain.Linker.Hash", `f.Name != Column`, `OLD && !(BUG && f.Name == "actor")`},
	{"SYS-11", "a column runs into the next one",
		"internal/chain.appendText", `append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)`,
		`append(binary.BigEndian.AppendUint32(dst, either(BUG, 0, uint32(len(s)))), s...)`},
	{"SYS-11", "the head of a journal stays where it was",
		"tx.chainEvents", `row.head = JournalHead(chain.Head(row.Rev, before))`, ``},
	{"SYS-11", "each commit begins a chain of its own",
		"tx.chainEvents", `before = hash`, ``},
	{"SYS-11", "the journal of a new tenant has no head",
		"tx.chainEvents", `t.Changes()[at].New.(*Tenant).head = JournalHead(chain.Head(e.Seq, first))`,
		`if !BUG {
			OLD
		}`},
	{"SYS-11", "the head that was kept is not compared",
		"checker.journal", `keptSeq > 0 && at != keptHash`, `OLD && !BUG`},
	{"SYS-11", "a commit goes on after a head that does not fit",
		"tx.chainEvents", `!ok || seq != t.base.Rev`, `OLD && !BUG`},
}
