package pbx_test

import "slices"

// seededBug is a mistake that somebody could make in the code, and that the tests
// must find.
type seededBug struct {
	code string // of the rule that it breaks, whose tests look for it first
	name string // what is wrong then
	file string // where it is
	old  string // a piece of the file, which occurs in it once
	// new takes its place; BUG in it is whether this mistake is switched on. Empty
	// leaves old out, which is then an if statement, a case or a plain statement.
	new string
}

// seededBugs are tried in this order.
var seededBugs = slices.Concat(accessBugs, userBugs, extensionBugs, serviceBugs, voicemailBugs, numberBugs, moneyBugs, deviceBugs, systemBugs, storeBugs)

var accessBugs = []seededBug{
	{"ACC-1", "another tenant's number is found", "number.go",
		`(n == nil || n.TenantID != t.tenantID)`,
		`(n == nil || n.TenantID != t.tenantID && !BUG)`},
	{"ACC-1", "an administrator enters any tenant", "actor.go",
		`if d.actor.Role != RoleSupport && (tenant != d.actor.Tenant || tenant == Provider) {`, ``},
	{"ACC-1", "who has a user ID in another tenant is named", "create_user.go",
		`if taken.TenantID == t.tenantID {`,
		`if taken.TenantID == t.tenantID || BUG {`},
	{"ACC-2", "the role is not looked at", "actor.go",
		`granted = granted || role == d.actor.Role`,
		`granted = granted || role == d.actor.Role || BUG`},
	{"ACC-3", "support works under another name than its own", "review.go",
		`Actor: t.actor.Principal,`,
		`Actor: either(BUG && t.actor.Role == RoleSupport, "support", t.actor.Principal),`},
	{"ACC-4", "an event is missing", "association.go",
		`t.relate("service.associated", s.ref(), at.user.ref(), "")`, ``},
	{"ACC-4", "nobody is told of the extensions of a deleted user", "delete.go",
		`t.did("extension.removed", u.ref(), string(e.Digits))`, ``},
	{"ACC-4", "an event comes twice", "create_user.go",
		`t.did("user.created", row.ref(), string(e))`,
		`for range either(BUG, 2, 1) {
			t.did("user.created", row.ref(), string(e))
		}`},
	{"ACC-4", "the journal has a gap", "tx.go",
		`e.Seq, e.Pos = row.Rev, pos`,
		`pos += either(BUG && pos == 2, int64(1), 0)
			e.Seq, e.Pos = row.Rev, pos`},
	{"OWN-1", "hyphens in a national number are passed over", "line.go",
		`number, ok := numplan.National(t.tenant.Country, nationalNumber)`,
		`nationalNumber = either(BUG, without(nationalNumber, "-"), nationalNumber)
		number, ok := numplan.National(t.tenant.Country, nationalNumber)`},
	{"OWN-2", "an owner opens lines that he does not own", "line.go",
		`if owner != nil || err != nil {`,
		`if owner != nil || err != nil || BUG {`},
	{"OWN-3", "an owner is added to whom the line belongs already", "owner.go",
		`if d.listed(in.AddOwners, i, "AddOwners") && at(p) >= 0 {`, ``},
	{"OWN-3", "a user ID with a sign of its own is no owner's", "door.go",
		`!plain && !validEmail(string(p))`,
		`!plain && (!validEmail(string(p)) || BUG)`},
	{"OWN-3", "nobody is warned of owners without a number", "change_number.go",
		`if err == nil && len(owners) > 0 {`, ``},
	{"OWN-4", "the last owner goes without a warning", "owner.go",
		`if len(removed) > 0 && before+len(added) == len(removed) {`, ``},
	{"OWN-5", "owners are a part of the service", "line.go",
		`t.changeOwners(s, len(owners), in.AddOwners, removed)`,
		`t.changeOwners(s, len(owners), in.AddOwners, removed)
		if BUG {
			s = edit(t, s, func(*Service) {})
		}`},
	{"OWN-6", "an owner cancels lines", "actor.go",
		`"DeleteService":      {administrators, inCustomer},`,
		`"DeleteService":      {either(BUG, everyRole, administrators), inCustomer},`},
	{"OWN-7", "a line that moves stays where it is", "line.go",
		`s = edit(t, s, func(s *Service) { s.LocationID = to.ID })`, ``},
	{"OWN-8", "a location that is kept elsewhere is changed", "line.go",
		`if s.LocationKeptBy == "" {`,
		`if s.LocationKeptBy == "" || BUG {`},
	{"OWN-8", "who keeps a location stays what it was", "service.go",
		`s.LocationKeptBy = in.LocationKeptBy`, ``},
	{"OWN-9", "owners are saved although the line cannot move", "line.go",
		`to, err := t.lookBuilding(ctx, s, in)`,
		`to, err := t.lookBuilding(ctx, s, in)
		err = either(BUG, nil, err)`},
}

var userBugs = []seededBug{
	{"USR-1", "the first bad field hides the others", "door.go",
		`func (d *door) err() error { return all(d.bad) }`,
		`func (d *door) err() error {
			if BUG && len(d.bad) > 1 {
				return d.bad[0]
			}
			return all(d.bad)
		}`},
	{"USR-2", "a guided set-up takes no station", "setup.go",
		`s.takeStation(s.pool, s.user)`, ``},
	{"USR-3", "a user ID in other letters is another one", "create_user.go",
		`u.loginFolded = foldLogin(u.Login)`,
		`u.loginFolded = either(BUG, u.Login, foldLogin(u.Login))`},
	{"USR-4", "an extension fills itself in that has to be given", "setup.go",
		`return in.Number.Source != "" || in.ServiceType != ""`,
		`return in.Number.Source != "" || in.ServiceType != "" || BUG`},
	{"USR-5", "a mobile number may be anything", "create_user.go",
		`look.e164(USR5, "Mobile", u.Mobile)`, ``},
	{"USR-5", "the mailbox is left out of the guided set-up", "setup.go",
		`s.addMailbox(s.mailbox)`, ``},
	{"USR-6", "e911 does without an address", "create_user.go",
		`(at == nil || !at.dispatchable())`,
		`(at == nil || !at.dispatchable() && !BUG)`},
	{"USR-6", "a line moves away from e911 without a warning", "line.go",
		`if u.E911 && u.LocationID != s.LocationID {`, ``},
	{"USR-7", "a state is saved with the details", "modify_user.go",
		`look.stays(USR7, "State", row.State == was.State)`, ``},
	{"USR-8", "a search minds the accents", "fold.go",
		`if !unicode.Is(unicode.Mn, r) {`,
		`if !unicode.Is(unicode.Mn, r) || BUG {`},
	{"USR-9", "a user is deleted unconfirmed", "delete.go",
		`t.confirm(USR9, u.ref(), "%s will be deleted and cannot be recovered", u.ref())`, ``},
	{"USR-9", "the journal names the user who was deleted", "delete.go",
		`t.did("user.deleted", u.ref(), "")`,
		`t.did("user.deleted", u.ref(), either(BUG, u.Name(), ""))`},
	{"USR-9", "what other systems said of a deleted user stays", "settle_foreign.go",
		`if f.Outcome != "" {`, ``},
	{"USR-9", "nobody is warned of the name of a line that stays", "handover.go",
		`if s.Name != "" {`, ``},
	{"USR-10", "a shared service goes with one user, unconfirmed", "delete.go",
		`if len(others) > 0 {`, ``},
	{"USR-11", "a user with a remote service is deleted", "delete.go",
		`if s.RemoteSystem != "" {`, ``},
	{"USR-11", "the licence of a deleted user is not returned", "delete.go",
		`if err := t.returnStation(ctx, u); err != nil {`, ``},
	{"USR-11", "the phones of a deleted user stay assigned", "delete.go",
		`if err := t.free(ctx, dev); err != nil {`, ``},
	{"USR-11", "the extensions of a deleted user stay in the dial plan", "delete.go",
		`for _, e := range own {`,
		`for _, e := range own[:either(BUG, 0, len(own))] {`},
	{"USR-12", "the welcome mail cannot be left out", "create_user.go",
		`if !in.NoWelcomeMail {`,
		`if !in.NoWelcomeMail || BUG {`},
	{"USR-13", "what a pending user gets works at once", "create_service.go",
		`u.State != UserActive`,
		`u.State != UserActive && !BUG`},
	{"USR-13", "credentials outlive their user's disabling", "disable.go",
		`if err := t.endCredentialsOf(ctx, row); err != nil {`, ``},
	{"USR-14", "an email address is cleared that a foreign service needs", "modify_user.go",
		`if noEmail && f.there() && f.NeedsEmail {`, ``},
	{"USR-15", "the old person's PIN opens the new one's mailbox", "handover.go",
		`case m.HasPIN() && len(others) == 0:`, ``},
	{"USR-15", "aliases keep the old person's credentials", "handover.go",
		`if err := t.endCredentials(ctx, a.SIPAddress, a.ref()); err != nil {`, ``},
}

var extensionBugs = []seededBug{
	{"EXT-1", "the main extension is removed while there are others", "extension.go",
		`if entry.MainOf.IsZero() {`,
		`if entry.MainOf.IsZero() || BUG {`},
	{"EXT-1", "a user loses his last extension without a warning", "association.go",
		`if err == nil && main == "" {`, ``},
	{"EXT-1", "a user whose main extension passes to his service has no other", "dn.go",
		`edit(t, next, func(e *DialEntry) { e.MainOf = u.ID })`, ``},
	{"EXT-2", "somebody else's extension passes to a service", "dn.go",
		`slices.ContainsFunc(users, func(u *User) bool { return u.ID == e.UserID })`,
		`(BUG || slices.ContainsFunc(users, func(u *User) bool { return u.ID == e.UserID }))`},
	{"EXT-2", "the digits of a group are free for others", "extension.go",
		`return &Error{Code: EXT2, Kind: ErrConflict, Field: field,`,
		`if BUG && !taken.GroupID.IsZero() {
			t.remove(taken)
			return nil
		}
		return &Error{Code: EXT2, Kind: ErrConflict, Field: field,`},
	{"EXT-3", "only the emergency numbers of the tenant's country count", "extension.go",
		`if err == nil && l != nil {`, ``},
	{"EXT-3", "where no emergency number is known none counts", "extension.go",
		`if known {`,
		`if known || BUG {`},
	{"EXT-4", "no extension is advised against", "extension.go",
		`if !fits {`, ``},
	{"EXT-5", "an extension that was given up is never found again", "extension.go",
		`if len(e.Digits) == len(first) && first <= e.Digits && e.Digits < next {`, ``},
	{"EXT-5", "a user's main extension is passed over", "dn.go",
		`at.user.ID.IsZero() || !at.primary {`,
		`at.user.ID.IsZero() || !at.primary || BUG {`},
	{"EXT-6", "the SIP address of a deleted user stays claimed", "delete.go",
		`if err := t.releaseSIP(ctx, u.SIPAddress, u.ref()); err != nil {`, ``},
	{"EXT-7", "aliases outlive their user", "delete.go",
		`if err := t.removeAliasesOf(ctx, u); err != nil {`, ``},
	{"EXT-8", "a deleted user is a member of his groups still", "delete.go",
		`if err := t.leaveGroups(ctx, u.ID); err != nil {`, ``},
	{"EXT-9", "a line beyond the ports that were given carries somebody", "device_line.go",
		`if line < 1 || line > dev.PortsUsed {`, ``},
	{"EXT-9", "a deleted alias stays on the lines of phones", "alias.go",
		`if err := t.leaveLines(ctx, a); err != nil {`, ``},
}

var serviceBugs = []seededBug{
	{"SVC-1", "a search by number lists all services", "service.go",
		`Query{Index: servicesByDN, Equal: []any{tenant}, Prefix: q.Number}`,
		`Query{Index: servicesByDN, Equal: []any{tenant}, Prefix: either(BUG, "", q.Number)}`},
	{"SVC-2", "a service has a device type that nobody knows", "create_service.go",
		`case l.in.DeviceType != "" && !known:`, ``},
	{"SVC-3", "a ninth service fits", "association.go",
		`if len(has) >= maxServices {`,
		`if len(has) == maxServices && BUG {
			return seat{user: u, slot: maxServices + 1}, nil
		}
		if len(has) >= maxServices {`},
	{"SVC-4", "nobody says that a user has the service already", "association.go",
		`if s != nil && a.ServiceID == s.ID {`, ``},
	{"SVC-5", "a service is disassociated unconfirmed", "association.go",
		`t.confirm(SVC5, s.ref(), "%s will no longer be a service of %s", s.ref(), u.ref())`, ``},
	{"SVC-5", "whoever gets a service next has the PIN of the last one", "association.go",
		`return t.leaveMailbox(ctx, s, u, func(`,
		`if BUG {
			return nil
		}
		return t.leaveMailbox(ctx, s, u, func(`},
	{"SVC-6", "the first service does not become the primary one", "association.go",
		`primary: len(has) == 0}`,
		`primary: len(has) == 0 && !BUG}`},
	{"SVC-6", "the former primary service goes and none becomes it", "association.go",
		`edit(t, a, func(a *Association) { a.PrimaryOf = u.ID })`, ``},
	{"SVC-7", "the primary service is disassociated before the others", "association.go",
		`if a.Primary() && len(has) > 1 {`, ``},
	{"SVC-8", "a primary service is deleted before the others", "delete.go",
		`if primary && len(has) > 1 {`, ``},
	{"SVC-9", "a service of two users is deleted unconfirmed", "delete.go",
		`if len(users) > 1 {`,
		`if len(users) > 2 || len(users) == 2 && !BUG {`},
	{"SVC-10", "foreign services go unconfirmed", "settle_foreign.go",
		`if len(parts) > 0 {`, ``},
	{"SVC-10", "a foreign service is forgotten when its line goes", "settle_foreign.go",
		`case f.State == ForeignFailed:`,
		`case f.State == ForeignFailed || BUG:`},
	{"SVC-11", "a remote service is edited", "service.go",
		`if s.RemoteSystem == "" {`,
		`if s.RemoteSystem == "" || BUG {`},
	{"SVC-12", "the owners of a deleted service stay", "delete.go",
		`for _, o := range owners {`,
		`for _, o := range owners[:either(BUG, 0, len(owners))] {`},
	{"SVC-13", "the link of a foreign service leads anywhere", "foreign.go",
		`if len(s) > maxLink || !validLink(s) {`, ``},
	{"SVC-14", "a telephone becomes an analogue one", "service.go",
		`case model.Category != was.Category:`, ``},
	{"SVC-15", "a stale view overwrites", "tenant.go",
		`if based == present {`,
		`if based == present || BUG {`},
	{"SVC-16", "a service has a type that the catalogue has not", "catalogue.go",
		`if err == nil && st == nil {`, ``},
	{"SVC-17", "a service leaves a status in which it is not", "status.go",
		`if s.Status != from {`, ``},
	{"SVC-18", "the answer to an earlier request settles a later one", "settle_foreign.go",
		`if in.Request != 0 && in.Request != f.Requests {`, ``},
	{"SVC-18", "a foreign service is said to be what it cannot become", "settle_foreign.go",
		`if !slices.Contains(from, f.State) {`, ``},
}
