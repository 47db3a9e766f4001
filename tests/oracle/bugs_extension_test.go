package oracle_test

var extensionBugs = []seededBug{
	{"EXT-1", "the main extension is removed while there are others",
		"tx.removable", `entry.MainOf.IsZero()`, `OLD || BUG`},
	{"EXT-1", "a user loses his last extension without a warning",
		"tx.warnUnreached", `if err == nil && main == "" {`, ``},
	{"EXT-1", "a user whose main extension passes to his service has no other",
		"tx.enterDN", `edit(t, next, func(e *DialEntry) { e.MainOf = u.ID })`, ``},
	{"EXT-2", "somebody else's extension passes to a service",
		"DialEntry.of", `slices.ContainsFunc(users, func(u *User) bool { return u.ID == e.UserID })`,
		`OLD || BUG`},
	{"EXT-2", "the digits of a group are free for others",
		"tx.freeExtension", `holder, err := t.reaches(ctx, taken)`,
		`if BUG && !taken.GroupID.IsZero() {
			t.Remove(taken)
			return nil
		}
		OLD`},
	{"EXT-3", "only the emergency numbers of the tenant's country count",
		"tx.clearOfEmergency", `if err == nil && l != nil {`, ``},
	{"EXT-3", "where no emergency number is known none counts",
		"touchesEmergency", `if known {`, `if known || BUG {`},
	{"EXT-4", "no extension is advised against",
		"tx.adviseExtension", `if !fits {`, ``},
	{"EXT-5", "an extension that was given up is never found again",
		"tx.leaveDialPlan", `if len(e.Digits) == len(first) && first <= e.Digits && e.Digits < next {`, ``},
	{"EXT-5", "a user's main extension is passed over",
		"tx.ownDN", `!at.primary`, `OLD || BUG`},
	{"EXT-6", "the SIP address of a deleted user stays claimed",
		"tx.dropUser", `if err := t.releaseSIP(ctx, u.SIPAddress, u.ref()); err != nil {`, ``},
	{"EXT-7", "aliases outlive their user",
		"tx.dropUser", `if err := t.removeAliasesOf(ctx, u); err != nil {`, ``},
	{"EXT-8", "a deleted user is a member of his groups still",
		"tx.dropUser", `if err := t.leaveGroups(ctx, u.ID); err != nil {`, ``},
	{"EXT-9", "a line beyond the ports that were given carries somebody",
		"validation.line", `if line < 1 || line > dev.PortsUsed {`, ``},
	{"EXT-9", "a deleted alias stays on the lines of phones",
		"tx.removeAlias", `if err := t.leaveLines(ctx, a); err != nil {`, ``},
}
