package oracle_test

var stationBugs = []seededBug{
	{"STN-1", "one user more than there are stations has one",
		"StationPool.left", `p.Available() > 0`, `OLD || p.Available() == 0 && BUG`},
	{"STN-1", "a changed station is not returned",
		"tx.returnStation", `edit(t, p, func(p *StationPool) { p.Used-- })`, ``},
	{"STN-2", "applications are enabled that nothing includes",
		"validation.included", `if !in {`, ``},
	{"STN-2", "what was dropped later is in the way of other changes",
		"tx.validateApplications", `slices.Contains(was.Applications, a)`, `OLD && !BUG`},
	{"STN-2", "an application goes with a line that did not include it",
		"tx.trimApplications", `typ.Applications`, `either(BUG, row.Applications, OLD)`},
	{"STN-2", "the applications of a new service are not enabled",
		"Directory.AddService", `t.Update(line.slot.user, enabled)`, ``},
	{"STN-3", "applications go unconfirmed with the station",
		"Directory.ChangeStation", `if len(gone) > 0 {`, ``},
	{"STN-4", "a pool is lowered below its use",
		"StationPool.validateModified", `if p.Total < was.Used {`, ``},
}
