package oracle_test

var accessBugs = []seededBug{
	{"ACC-1", "another tenant's number is found",
		"tx.number", `n.TenantID != t.tenantID`, `OLD && !BUG`},
	{"ACC-1", "an administrator enters any tenant",
		"Directory.allow", `d.actor.Role != RoleSupport && (tenant != d.actor.Tenant || tenant == Provider)`, `OLD && !BUG`},
	{"ACC-1", "an actor of no tenant works in every one",
		"Directory.allow", `tenant.IsZero()`, `OLD && !BUG`},
	{"ACC-1", "who has a user ID in another tenant is named",
		"tx.freeLogin", `taken.TenantID == t.tenantID`, `OLD || BUG`},
	{"ACC-2", "the role is not looked at",
		"Directory.allow", `granted || role == d.actor.Role`, `OLD || BUG`},
	{"ACC-3", "support works under another name than its own",
		"outcome.relate", `o.actor.Principal`, `either(BUG && o.actor.Role == RoleSupport, "support", OLD)`},
	{"ACC-4", "an event is missing",
		"tx.associate", `t.relate("service.associated", s.ref(), at.user.ref(), "")`, ``},
	{"ACC-4", "nobody is told of the extensions of a deleted user",
		"tx.dropUser", `t.did("extension.removed", u.ref(), string(e.Digits))`, ``},
	{"ACC-4", "the phone of a deleted line is freed silently",
		"tx.putDown", `t.relate("device.freed", dev.ref(), s.ref(), "")`, ``},
	{"ACC-4", "an event comes twice",
		"tx.addUser", `t.did("user.created", row.ref(), string(e))`,
		`for range either(BUG, 2, 1) {
			OLD
		}`},
	{"ACC-4", "the journal has a gap",
		"tx.seal", `e.Seq, e.Pos = row.Rev, pos`,
		`pos += either(BUG && pos == 2, int64(1), 0)
		OLD`},
}
