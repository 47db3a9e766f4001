package oracle_test

var lineBugs = []seededBug{
	{"OWN-1", "hyphens in a national number are passed over",
		"tx.lineAt", `number, ok := numplan.National(t.tenant.Country, nationalNumber)`,
		`nationalNumber = either(BUG, without(nationalNumber, "-"), nationalNumber)
		OLD`},
	{"OWN-2", "an owner opens lines that he does not own",
		"tx.ownLine", `owner != nil`, `OLD || BUG`},
	{"OWN-3", "an owner is added to whom the line belongs already",
		"validation.owners", `if check.listed(in.AddOwners, i, "AddOwners") && at(p) >= 0 {`, ``},
	{"OWN-3", "a user ID with a sign of its own is no owner's",
		"validation.principal", `!validEmail(string(p))`, `OLD || BUG`},
	{"OWN-3", "nobody is warned of owners without a number",
		"tx.warnOfOwners", `if err == nil && len(owners) > 0 {`, ``},
	{"OWN-4", "the last owner goes without a warning",
		"tx.changeOwners", `if len(removed) > 0 && before+len(added) == len(removed) {`, ``},
	{"OWN-5", "owners are a part of the service",
		"tx.updateLine", `t.changeOwners(s, len(owners), in.AddOwners, removed)`,
		`OLD
		if BUG {
			s = edit(t, s, func(*Service) {})
		}`},
	{"OWN-6", "an owner cancels lines",
		"grants", `"DeleteService": {administrators, inCustomer}`,
		`"DeleteService": {either(BUG, everyRole, administrators), inCustomer}`},
	{"OWN-7", "a line that moves stays where it is",
		"tx.updateLine", `s = edit(t, s, func(s *Service) { s.LocationID = to.ID })`, ``},
	{"OWN-8", "a location that is kept elsewhere is changed",
		"Service.relocatable", `s.LocationKeptBy == ""`, `OLD || BUG`},
	{"OWN-8", "who keeps a location stays what it was",
		"tx.saveService", `in.LocationKeptBy`, `either(BUG, s.LocationKeptBy, OLD)`},
	{"OWN-9", "owners are saved although the line cannot move",
		"tx.updateLine", `to, err := t.validateBuilding(ctx, s, in)`,
		`OLD
		err = either(BUG, nil, err)`},
}
