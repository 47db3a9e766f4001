package oracle_test

var voicemailBugs = []seededBug{
	{"VM-1", "the mailbox outlives its service",
		"tx.strip", `if err := t.removeMailbox(ctx, s); err != nil {`, ``},
	{"VM-2", "a DN that is too long has a mailbox",
		"tx.takesMailbox", `int64(len(dn)) == t.tenant.Policy.VoicemailDigits`,
		`OLD || BUG && int64(len(dn)) > t.tenant.Policy.VoicemailDigits`},
	{"VM-3", "the mailbox stays when the DN changes",
		"tx.mailboxFollows", `err != nil || m == nil || was.DN == now.DN`, `OLD || BUG`},
	{"VM-3", "nobody says that the mailbox of a new DN is empty",
		"tx.mailboxFollows", `t.warn(rule.VM3, now.ref(), _, m.Number, now.ref(), fresh.Number)`, ``},
	{"VM-4", "a mailbox number begins with 0",
		"Mailbox.validateNumber", `case m.Number[0] == '0':`, ``},
	{"VM-5", "a PIN is an extension of the line's user",
		"tx.validatePIN", `case secret.EitherWay(string(pin), own...):`, ``},
	{"VM-5", "wrong PINs are not counted",
		"tx.enterMailbox", `edit(t, m, func(m *Mailbox) { m.tries++ })`, ``},
	{"VM-5", "one wrong PIN more locks the mailbox",
		"tx.enterMailbox", `m.tries+1 < policy.PINTries`, `OLD || m.tries+1 == policy.PINTries && BUG`},
	{"VM-5", "the right PIN opens a locked mailbox",
		"Mailbox.shut", `case now.Before(m.LockedUntil):`, ``},
}
