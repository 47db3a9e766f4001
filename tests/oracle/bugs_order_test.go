package oracle_test

var orderBugs = []seededBug{
	{"ORD-1", "what a deleted service saved is not ordered",
		"tx.deleteService", `t.placeOrder(UserID{}, s.LocationID, t.now, saved...)`, ``},
	{"ORD-1", "the old type is credited where the line moves to",
		"tx.typeChanged", `was.LocationID`, `either(BUG, now.LocationID, OLD)`},
	{"ORD-1", "an order is placed twice",
		"tx.placeOrder", `o := row.with(lines)`,
		`if BUG && row.Number%2 == 1 {
			t.placeOrder(user, at, from, charges...)
		}
		OLD`},
	{"ORD-2", "billing starts before the activation",
		"setUp.stage", `service.ActivatedAt`, `either(BUG, s.now, OLD)`},
	{"ORD-2", "a number is not billed when its service is activated",
		"tx.billNumber", `edit(t, n, func(n *Number) { n.billedWith(s) })`, ``},
	{"ORD-3", "no welcome mail is sent",
		"tx.addUser", `t.did("user.welcome-mail", row.ref(), "")`, ``},
	{"ORD-4", "a review is placed as often as it is committed",
		"Review.Commit", `if r.done {`, ``},
}
