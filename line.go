package pbx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Line is the management record of a line, which is all that its owners see: the
// service that a number reaches, its users, its location, and its owners.
type Line struct {
	ServiceID ServiceID
	// Rev is the service's revision. It does not change with the owners, because they
	// are not part of the service (OWN-5).
	Rev        int64
	Number     E164
	DN         Extension
	Name       string
	Type       string // of the tenant's catalogue, or ""
	Status     ServiceStatus
	DeviceType string
	Users      []LineUser // sorted by name

	Building       string // where the line is, or ""
	Address        CivicAddress
	LocationKeptBy string // the self-service system in charge of its location, or "" (OWN-8)

	Owners []Principal // sorted
}

// LineUser is a user of a line, with the SIP address by which their phone registers.
type LineUser struct {
	Name       string
	SIPAddress SIPAddress
}

// LineChange is the input of [Directory.ChangeLine].
type LineChange struct {
	AddOwners    []Principal
	RemoveOwners []Principal
	Building     string // where the line moves to; "": it stays
	// Rev is the revision of the Line that the change is based on. A stale revision is
	// always refused. 0 means that none was seen; it is accepted only where nothing that
	// was read is overwritten, as here: owners are added and removed, and a building is
	// set (SVC-15).
	Rev int64

	moves bool // Building is required
}

// Line returns the management record of the line with a national number: digits
// only, ten in North America (OWN-1). In the role of an owner only the owned lines can
// be read; for any other line the answer is the same as for one that does not exist
// (OWN-2).
//
// Errors: ErrInvalid (OWN-1); ErrNotFound.
func (d *Directory) Line(ctx context.Context, nationalNumber string) (*Line, error) {
	return read(ctx, d, "Line", func(p *prefetch) { p.line(nationalNumber).shown() }, func(t *tx) (*Line, error) {
		s, err := t.lineAt(ctx, nationalNumber)
		if err != nil {
			return nil, err
		}
		return t.line(ctx, s)
	})
}

// ChangeLine changes the owners and the location of a line, all of it or nothing
// (OWN-9), and returns the changed line. It returns nil to owners who removed
// themselves, who have no access from then on (OWN-4). It warns of removing yourself
// and of removing the last owner (OWN-4), and of moving a line away from a user whose
// e911 location stays behind (USR-6).
//
// Errors: ErrInvalid (OWN-1); ErrNotFound (OWN-2); ErrStale, with the line as it is now
// in the StaleError (SVC-15); ErrFailedPrecondition for a remote service (SVC-11);
// and all of these at once: ErrInvalid for a principal that is malformed, unknown or
// listed twice (OWN-3); ErrConflict for adding a principal who is an owner already
// (OWN-3); ErrNotFound for removing one who is not an owner (OWN-3) and for an unknown
// building (OWN-7); ErrFailedPrecondition for a location that another system is in
// charge of (OWN-8).
func (d *Directory) ChangeLine(ctx context.Context, nationalNumber string, in LineChange) (*Line, error) {
	unknown, err := d.unknownOwners(ctx, nationalNumber, in.AddOwners)
	if err != nil {
		return nil, err
	}
	return change(ctx, d, "ChangeLine", func(p *prefetch) {
		p.line(nationalNumber).shown()
		p.get(locationsByBuilding, in.Building)
	}, func(t *tx) (*Line, error) {
		s, err := t.lineAt(ctx, nationalNumber)
		if err != nil {
			return nil, err
		}
		return t.updateLine(ctx, s, in, unknown)
	})
}

// SetLineLocation moves a line to a building of the tenant, as
// [Directory.ChangeLine] does (OWN-7, OWN-8).
func (d *Directory) SetLineLocation(ctx context.Context, nationalNumber, building string) (*Line, error) {
	return d.ChangeLine(ctx, nationalNumber, LineChange{Building: building, moves: true})
}

// updateLine checks and stages a change of a line, and returns the changed line. The
// refusals of unknown principals are collected with the others.
func (t *tx) updateLine(ctx context.Context, s *Service, in LineChange, unknown []*Error) (*Line, error) {
	if in.Rev != 0 && in.Rev != s.Rev {
		now, err := t.line(ctx, s)
		if err != nil {
			return nil, err
		}
		return nil, stale(now, s.ref())
	}
	if err := t.editable(s); err != nil {
		return nil, err
	}
	owners, err := t.ownersOf(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	check := validation{refusals: slices.Clone(unknown)}
	removed := check.owners(s, owners, in)
	to, err := t.validateBuilding(ctx, s, in)
	if err := check.collect(err); err != nil {
		return nil, err
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	t.changeOwners(s, len(owners), in.AddOwners, removed)
	if to != nil {
		s = edit(t, s, func(s *Service) { s.LocationID = to.ID })
		t.did("service.relocated", s.ref(), to.Building)
		if err := t.warnOfE911(ctx, s); err != nil {
			return nil, err
		}
	}
	if t.actor.Role == RoleOwner && slices.Contains(in.RemoveOwners, t.actor.Principal) {
		return nil, nil
	}
	return t.line(ctx, s)
}

// lineAt reads the service of a line by its national number, if the actor may see it
// (OWN-1, OWN-2).
func (t *tx) lineAt(ctx context.Context, nationalNumber string) (*Service, error) {
	number, ok := numplan.National(t.tenant.Country, nationalNumber)
	if !ok {
		return nil, &Error{Code: rule.OWN1, Kind: ErrInvalid, Field: "Number",
			Reason: fmt.Sprintf("not a national number of %s: %s digits, without spaces or any punctuation", t.tenant.Country, nationalLengths(t.tenant.Country))}
	}
	s, err := one[*Service](ctx, t, servicesByNumber, number)
	if err != nil {
		return nil, err
	}
	if s != nil && s.TenantID != t.tenantID {
		s = nil
	}
	if t.actor.Role == RoleOwner {
		return t.ownLine(ctx, nationalNumber, s)
	}
	if s == nil {
		return nil, notFound("line", nationalNumber)
	}
	return s, nil
}

// ownLine returns a line that the actor owns, and refuses all others with the same
// answer, which does not tell whether they exist (OWN-2).
func (t *tx) ownLine(ctx context.Context, nationalNumber string, s *Service) (*Service, error) {
	if s != nil {
		owner, err := one[*Owner](ctx, t, ownersTable.Key(), t.tenantID, s.ID, string(t.actor.Principal))
		if err != nil {
			return nil, err
		}
		if owner != nil {
			return s, nil
		}
	}
	return nil, &Error{Code: rule.OWN2, Kind: ErrNotFound, Subject: Ref{Kind: "line", ID: nationalNumber},
		Reason: "you are not an owner of a line with that number"}
}

// nationalLengths lists how many digits a country's national numbers have:
// "10", "7, 9 or 10".
func nationalLengths(country string) string {
	plan, _ := numplan.For(country)
	if plan.CallingCode == "1" {
		return "10" // numbers are always given with their area code there
	}
	var list []string
	for _, n := range plan.Lengths.List() {
		list = append(list, fmt.Sprint(n))
	}
	if last := len(list) - 1; last > 0 {
		return strings.Join(list[:last], ", ") + " or " + list[last]
	}
	return strings.Join(list, "")
}

// line reads the management record of a line.
func (t *tx) line(ctx context.Context, s *Service) (*Line, error) {
	l := &Line{
		ServiceID: s.ID, Rev: s.Rev, Number: s.Number, DN: s.DN, Name: s.Name, Type: s.Type, Status: s.Status,
		DeviceType: s.DeviceType, LocationKeptBy: s.LocationKeptBy,
	}
	owners, err := t.ownersOf(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	for _, o := range owners {
		l.Owners = append(l.Owners, o.Principal)
	}
	if l.Users, err = t.lineUsers(ctx, s); err != nil {
		return nil, err
	}
	at, err := t.location(ctx, s.LocationID)
	if err != nil {
		return nil, err
	}
	if at != nil {
		l.Building, l.Address = at.Building, at.Address
	}
	return l, nil
}

func (t *tx) lineUsers(ctx context.Context, s *Service) ([]LineUser, error) {
	of, err := t.usersOf(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	keys := make([]store.Key, 0, len(of)+1)
	for _, a := range of {
		keys = append(keys, usersTable.Key().At(t.tenantID, a.UserID))
	}
	if !s.LocationID.IsZero() {
		keys = append(keys, locationsTable.Key().At(t.tenantID, s.LocationID))
	}
	if err := t.Load(ctx, keys...); err != nil {
		return nil, err
	}
	var users []LineUser
	for _, a := range of {
		u, err := t.user(ctx, a.UserID)
		if err != nil {
			return nil, err
		}
		users = append(users, LineUser{u.Name(), u.SIPAddress})
	}
	slices.SortFunc(users, func(a, b LineUser) int {
		return strings.Compare(text.Fold(a.Name)+"\x00"+string(a.SIPAddress), text.Fold(b.Name)+"\x00"+string(b.SIPAddress))
	})
	return users, nil
}

// validateBuilding returns the location that a line moves to, or nil if it stays. It
// has to be a building of the tenant (OWN-7) where the line's DN is allowed (EXT-3), and
// the line's location must not be kept by another system (OWN-8).
func (t *tx) validateBuilding(ctx context.Context, s *Service, in LineChange) (*Location, error) {
	if in.Building == "" && !in.moves {
		return nil, nil
	}
	var check validation
	if check.code(rule.OWN7, "Building", in.Building); check.err() != nil {
		return nil, check.err()
	}
	to, err := t.building(ctx, rule.OWN7, in.Building)
	if err != nil || to.ID == s.LocationID {
		return nil, err
	}
	if err := s.relocatable(); err != nil {
		return nil, err
	}
	if err := t.clearOfEmergency("Building", s.DN, to); err != nil {
		return nil, err
	}
	return to, nil
}

// warnOfE911 warns of the users of a line that has moved whose e911 location is another
// one: help is sent there (USR-6).
func (t *tx) warnOfE911(ctx context.Context, s *Service) error {
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.E911 && u.LocationID != s.LocationID {
			t.warn(rule.USR6, u.ref(), "%s has moved, but e911 still sends help to the location of %s: change that too", s.ref(), u.ref())
		}
	}
	return nil
}

// relocatable refuses to move a line whose location another system is in charge of
// (OWN-8).
func (s *Service) relocatable() error {
	if s.LocationKeptBy == "" {
		return nil
	}
	return &Error{Code: rule.OWN8, Kind: ErrFailedPrecondition, Subject: s.ref(),
		Holder: Ref{"system", s.LocationKeptBy, s.LocationKeptBy},
		Reason: "the location of " + s.ref().String() + " is kept by " + s.LocationKeptBy + ": change it there"}
}
