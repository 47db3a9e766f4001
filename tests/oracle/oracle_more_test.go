package oracle_test

var voicemailBugs = []seededBug{
	{"VM-1", "the mailbox outlives its service", "user_delete.go",
		`if err := t.removeMailbox(ctx, s); err != nil {`, ``},
	{"VM-2", "a DN that is too long has a mailbox", "voicemail.go",
		`return int64(len(dn)) == t.tenant.Policy.VoicemailDigits`,
		`return int64(len(dn)) == t.tenant.Policy.VoicemailDigits || BUG && int64(len(dn)) > t.tenant.Policy.VoicemailDigits`},
	{"VM-3", "the mailbox stays when the DN changes", "voicemail.go",
		`if err != nil || m == nil || was.DN == now.DN {`,
		`if err != nil || m == nil || was.DN == now.DN || BUG {`},
	{"VM-3", "nobody says that the mailbox of a new DN is empty", "voicemail.go",
		`t.warn(rule.VM3, now.ref(), "mailbox %s is deleted with its messages, and %s gets a new one, %s, which is empty and has no PIN", m.Number, now.ref(), fresh.Number)`, ``},
	{"VM-4", "a mailbox number begins with 0", "voicemail.go",
		`case m.Number[0] == '0':`, ``},
	{"VM-5", "a PIN is an extension of the line's user", "voicemail_pin_rules.go",
		`case eitherWay(string(pin), own...):`, ``},
	{"VM-5", "wrong PINs are not counted", "voicemail_pin.go",
		`edit(t, m, func(m *Mailbox) { m.tries++ })`, ``},
	{"VM-5", "one wrong PIN more locks the mailbox", "voicemail_pin.go",
		`if m.tries+1 < policy.PINTries {`,
		`if m.tries+1 < policy.PINTries || m.tries+1 == policy.PINTries && BUG {`},
	{"VM-5", "the right PIN opens a locked mailbox", "voicemail_pin.go",
		`case now.Before(m.LockedUntil):`, ``},
}

var numberBugs = []seededBug{
	{"NUM-1", "a number is added that the system has", "number_inventory.go",
		`if known != nil {`, ``},
	{"NUM-2", "an assigned number is assigned again", "number.go",
		`case n.State == NumberAvailable:`,
		`case n.State == NumberAvailable || n.State == NumberAssigned && BUG:`},
	{"NUM-3", "a porting number is waited for by two", "number.go",
		`case n.State == NumberPorting && n.WaitingID.IsZero():`,
		`case n.State == NumberPorting && (n.WaitingID.IsZero() || BUG):`},
	{"NUM-3", "the temporary number is never released", "number_port.go",
		`if temporary != nil {
		t.giveBack(temporary)
	}`, ``},
	{"NUM-3", "whoever stops waiting keeps the porting number", "number.go",
		`edit(t, waiting, func(n *Number) { n.WaitingID = ServiceID{} })`, ``},
	{"NUM-3", "the temporary number of a port that was cancelled is kept", "number.go",
		`|| n.Loan {`, `|| n.Loan && !BUG {`},
	{"NUM-4", "what is proposed is not near the user", "number.go",
		`return areas(t.tenant.Country, at.NumberPrefix)`,
		`return areas(t.tenant.Country, either(BUG, "", at.NumberPrefix))`},
	{"NUM-4", "a number is proposed near where the service was added", "number_change.go",
		`if u.LocationID.IsZero() {`,
		`if u.LocationID.IsZero() || BUG {`},
	{"NUM-4", "a number of another country with the calling code is proposed", "number.go",
		`return numplan.In(t.tenant.Country, string(e)) && !numplan.TollFreeE164(string(e))`,
		`return (BUG || numplan.In(t.tenant.Country, string(e))) && !numplan.TollFreeE164(string(e))`},
	{"NUM-4", "a toll-free number is proposed", "number.go",
		`if !t.anywhere(area) {`,
		`if !t.anywhere(area) || BUG {`},
	{"NUM-5", "the criteria are kept of a choice that keeps none", "number.go",
		`if choice.Keep {
		chosen.keep = choice.Prefix
	}`,
		`if choice.Keep || BUG {
		chosen.keep = choice.Prefix
	}`},
	{"NUM-6", "a UK tenant gets new numbers", "number.go",
		`if !slices.Contains(t.core.notNew, t.tenant.Country) {`,
		`if !slices.Contains(t.core.notNew, t.tenant.Country) || BUG {`},
	{"NUM-7", "a number changes without a profile", "number_change.go",
		`if s == nil || s.Type == "" {`,
		`if s == nil || s.Type == "" && !BUG {`},
	{"NUM-8", "a number is unassigned where there is none", "number_change.go",
		`case to.had == nil && in.Number == (NumberChoice{}):`, ``},
	{"NUM-9", "the extension changes although that was not asked for", "number_change.go",
		`if !in.UpdateExtension {`,
		`if !in.UpdateExtension && !BUG {`},
	{"NUM-9", "an extension that is not to be updated is passed over", "number_change.go",
		`if in.Extension != "" {`, ``},
	{"NUM-10", "what becomes of the previous number need not be said", "number_change.go",
		`case !in.KeepCurrent && to.had != nil && !to.had.Loan && !known:`, ``},
	{"NUM-10", "a number is credited that never was billed", "number_inventory.go",
		`if !n.Billed {`, ``},
	{"NUM-10", "a returned number does not rest", "number.go",
		`n.State, n.FreeFrom = NumberResting, t.now.Add(rest)`,
		`n.State, n.FreeFrom = NumberResting, t.now.Add(rest)
		if BUG {
			n.State, n.FreeFrom = NumberStock, time.Time{}
		}`},
	{"NUM-10", "a number is proposed while it rests", "number.go",
		`return store.Query{Index: numbersByRest, Equal: []any{Provider, string(NumberResting)}, To: now.Add(time.Microsecond), Limit: 64}`,
		`now = either(BUG, now.AddDate(1, 0, 0), now)
		return store.Query{Index: numbersByRest, Equal: []any{Provider, string(NumberResting)}, To: now.Add(time.Microsecond), Limit: 64}`},
	{"NUM-10", "a returned number is kept", "number.go",
		`if what == ReturnNumber`, `if what == ReturnNumber && !BUG`},
	{"NUM-11", "toll-free and geographic numbers are ported together", "number_port.go",
		`if tollFree != 0 && tollFree != len(in.Numbers) {`, ``},
	{"NUM-11", "a port is wanted for a day that is past", "number_port.go",
		`case in.Date.UTC().Truncate(24 * time.Hour).Before(t.now.UTC().Truncate(24 * time.Hour)):`, ``},
	{"NUM-11", "a port that is over is activated", "number_port.go",
		`if !slices.Contains(from, p.State) {`, ``},
	{"NUM-12", "a line without a number is refused", "number.go",
		`if choice.Number != "" {
			look.refuse(rule.NUM2, "Number", "say`,
		`if choice.Number != "" || BUG {
			look.refuse(rule.NUM2, "Number", "say`},
}

var moneyBugs = []seededBug{
	{"ORD-1", "what a deleted service saved is not ordered", "user_delete.go",
		`t.placeOrder(UserID{}, s.LocationID, t.now, saved...)`, ``},
	{"ORD-1", "the old type is credited where the line moves to", "service.go",
		`bill{was.LocationID, []charge{`,
		`bill{either(BUG, now.LocationID, was.LocationID), []charge{`},
	{"ORD-1", "an order is placed twice", "order.go",
		`o := row.with(lines)`,
		`if BUG && row.Number%2 == 1 {
			t.placeOrder(user, at, from, charges...)
		}
		o := row.with(lines)`},
	{"ORD-2", "billing starts before the activation", "user_setup.go",
		`service.ActivatedAt, s.line.charges...)`,
		`either(BUG, s.now, service.ActivatedAt), s.line.charges...)`},
	{"ORD-2", "a number is not billed when its service is activated", "number.go",
		`edit(t, n, func(n *Number) { n.billedWith(s) })`, ``},
	{"ORD-3", "no welcome mail is sent", "user_create.go",
		`t.did("user.welcome-mail", row.ref(), "")`, ``},
	{"ORD-4", "a review is placed as often as it is committed", "review.go",
		`if r.done {
		return nil
	}`, ``},
	{"STN-1", "one user more than there are stations has one", "station.go",
		`if p.Available() > 0 {`,
		`if p.Available() > 0 || p.Available() == 0 && BUG {`},
	{"STN-1", "a changed station is not returned", "station.go",
		`edit(t, p, func(p *StationPool) { p.Used-- })`, ``},
	{"STN-2", "applications are enabled that nothing includes", "station.go",
		`if !in {`, ``},
	{"STN-2", "what was dropped later is in the way of other changes", "station.go",
		`func(a string) bool { return slices.Contains(was.Applications, a) })`,
		`func(a string) bool { return slices.Contains(was.Applications, a) && !BUG })`},
	{"STN-2", "an application goes with a line that did not include it", "service_association.go",
		`t.dropApplications(ctx, row, typ.Applications)`,
		`t.dropApplications(ctx, row, either(BUG, row.Applications, typ.Applications))`},
	{"STN-2", "the applications of a new service are not enabled", "service_create.go",
		`t.Update(line.seat.user, enabled)`, ``},
	{"STN-3", "applications go unconfirmed with the station", "station.go",
		`if len(gone) > 0 {`, ``},
	{"STN-4", "a pool is lowered below its use", "station.go",
		`case in.Total < was.Used:`, ``},
}

var deviceBugs = []seededBug{
	{"DEV-1", "a MAC in another notation is another one", "validate.go",
		`return MAC(hw.String()), nil`,
		`return either(BUG, MAC(s), MAC(hw.String())), nil`},
	{"DEV-2", "a device is assigned that somebody has", "device.go",
		`if dev.State == DeviceAvailable {`,
		`if dev.State == DeviceAvailable || BUG {`},
	{"DEV-3", "one port more is given than the model has", "device.go",
		`if ports < 1 || ports > dev.Ports {`,
		`if ports < 1 || ports > dev.Ports+1 || ports == dev.Ports+1 && !BUG {`},
	{"DEV-4", "no other device becomes the primary one", "device.go",
		`edit(t, next, func(d *Device) { d.PrimaryOf = dev.UserID })`, ``},
	{"DEV-2", "the phone of a line stays nobody's when the line gets a user", "service_association.go",
		`if len(others) == 0 {`, ``},
	{"DEV-2", "a line stays on the phone of a user who leaves it", "device.go",
		`if err == nil && dev.UserID == u.ID {`, ``},
	{"DEV-5", "a device that is given back carries its services still", "device.go",
		`for _, s := range carried {`,
		`for _, s := range carried[:either(BUG, 0, len(carried))] {`},
	{"DEV-7", "a line moves to a phone on which its keys are another's", "service_phone.go",
		`if holder, is := taken[k.Position]; is {`, ``},
	{"DEV-2", "a line moves to a phone that is nobody's, or anybody's", "service_phone.go",
		`return t.assignable(ctx, dev, 1)`,
		`if BUG {
			return nil
		}
		return t.assignable(ctx, dev, 1)`},
	{"DEV-6", "an assigned device is deleted", "device.go",
		`if holder != (Ref{}) {`, ``},
	{"DEV-7", "a key is set that the model has not", "service_key.go",
		`case k.Position < 1 || k.Position > model.Keys:`, ``},
	{"DEV-7", "the keys outlive their service", "user_delete.go",
		`if err := t.removeKeys(ctx, s); err != nil {`, ``},
}

var systemBugs = []seededBug{
	{"SYS-1", "a refused part of a batch leaves what it did", "internal/overlay/savepoint.go",
		`for _, f := range slices.Backward(o.undo[mark:]) {`,
		`for _, f := range slices.Backward(o.undo[mark:]) {
			if BUG {
				break
			}`},
	{"SYS-1", "a confirmation holds for all of a batch", "tx.go",
		`t.actor, t.confirmed = d.actor, d.confirmed`,
		`if t.actor = d.actor; t.confirmed == nil || !BUG {
			t.confirmed = d.confirmed
		}`},
	{"SYS-1", "an unknown outcome is not resolved", "operation.go",
		`case errors.Is(err, ErrCommitUnknown):`, ``},
	{"SYS-1", "a store that fails makes a review stale", "review.go",
		`case now.Failed() != nil:`, ``},
	{"SYS-2", "a review is committed without a look at what changed", "review.go",
		`case !sameOutcome(r.plan, now):`, ``},
	{"SYS-2", "a number rests for another time than was reviewed", "review.go",
		`return q.Sub(*p) == later`, `return q.Sub(*p) == later || BUG`},
	{"SYS-2", "a review lists nothing to confirm", "review.go",
		`if t.reviewing || !slices.Contains(t.confirmed, code) {`,
		`if t.reviewing && !BUG || !t.reviewing && !slices.Contains(t.confirmed, code) {`},
	{"SYS-3", "the cursor moves before the handler has handled", "journal_delivery.go",
		`given := copyOf(e)`,
		`given := copyOf(e)
		if BUG {
			done = e
		}`},
	{"SYS-3", "a journal is read that is leased to another", "journal_lease.go",
		`return !c.Holder.IsZero() && c.Holder != holder && c.LeasedUntil.After(now)`,
		`return !c.Holder.IsZero() && c.Holder != holder && c.LeasedUntil.After(now) && !BUG`},
	{"SYS-4", "the checker does not count the users of a station", "check_tenant.go",
		`c.stations[r.Station]++`,
		`c.stations[r.Station] = either(BUG, c.used[r.Station], c.stations[r.Station]+1)`},
	{"SYS-4", "the checker does not know where users dial an emergency number", "check_lines.go",
		`at = append(at, u.at)`, ``},
	{"SYS-5", "an import stops at the first bad row", "user_import.go",
		`looked++`,
		`if looked++; BUG && len(im.bad) > 0 {
				return allRows(im.bad)
			}`},
	{"SYS-5", "who had no line comes back with one", "user_import_line.go",
		`case lineNo:`,
		`case either(BUG, "none", lineNo):`},
	{"SYS-5", "a line that two have is exported twice", "user_export.go",
		`if row.shared = says.ID != row.ID; row.shared {`, ``},
	{"SYS-5", "a line that waits comes back active", "user_export.go",
		`row.line.Status == StatusPendingActivation`,
		`row.line.Status == StatusPendingActivation && !BUG`},
	{"SYS-5", "an export holds formulas", "user_export.go",
		`cells[i] = escaped(csvColumns[i].write(row))`,
		`cells[i] = either(BUG, csvColumns[i].write(row), escaped(csvColumns[i].write(row)))`},
}

// storeBugs are looked for by the tests of their store.
var storeBugs = []seededBug{
	{"SYS-1", "memory does not see that something unique is taken", "store/memory/changes.go",
		`if _, taken := c.set(t, entry, r); taken {`, ``},
	{"SVC-15", "memory does not compare revisions", "store/memory/changes.go",
		`return c.old.revision == rev`,
		`return c.old.revision == rev || BUG`},
	{"SVC-15", "SQLite does not see that a row was changed", "store/sqlite/writer.go",
		`case rows == 0:`, ``},
	{"STN-1", "SQLite's schema lets more stations be used than there are", "store/sqlite/migrate.go",
		`if err := c.script(m.SQL); err != nil {`,
		`m.SQL = either(BUG, without(m.SQL, "CHECK (used >= 0 AND used <= total)"), m.SQL)
		if err := c.script(m.SQL); err != nil {`},
	{"DEV-1", "SQLite's schema lets a MAC be there twice", "store/sqlite/migrate.go",
		`if err := c.script(m.SQL); err != nil {`,
		`m.SQL = either(BUG, without(m.SQL, "CREATE UNIQUE INDEX devices_mac ON devices (mac);"), m.SQL)
		if err := c.script(m.SQL); err != nil {`},
}
