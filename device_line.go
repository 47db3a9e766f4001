package pbx

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// DeviceLine is a line of a phone that carries an identity: its user, or one of
// his aliases (EXT-9). A line without one is free, and has no record.
type DeviceLine struct {
	TenantID TenantID
	DeviceID DeviceID
	Line     int64 // 1 to the ports that the user was given
	Rev      int64
	// Exactly one of the two is set; each is on one line of the device at most.
	UserID  UserID
	AliasID AliasID
}

// Table returns the declaration of the lines of devices.
func (l *DeviceLine) Table() *store.Table { return deviceLinesTable }

// Fields appends the line's columns.
func (l *DeviceLine) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &l.TenantID), id("device_id", &l.DeviceID), integer("line", &l.Line), revision(&l.Rev),
		maybeID("user_id", &l.UserID), maybeID("alias_id", &l.AliasID),
	)
}

// Identity says who is on the line.
func (l *DeviceLine) Identity() MemberID { return MemberID{l.UserID, l.AliasID} }

// LineIdentity is whom a call on a line of a phone is for: the user, or one of
// his aliases, under which the caller reached him (EXT-9).
type LineIdentity struct {
	Line int64
	// Exactly one of the two is set.
	UserID     UserID
	AliasID    AliasID
	Name       string
	SIPAddress SIPAddress // what the line registers with
}

// SetDeviceLine puts the user of a phone, or one of his aliases, on one of its
// lines, in the place of whoever was there (EXT-9), as in SetDeviceLine(ctx,
// device, 2, pbx.AliasMember(alias)). Line 1 carries the user from the
// assignment on, and may be changed as the others.
//
// Errors: ErrNotFound for the device, the user or the alias;
// ErrFailedPrecondition for a device that nobody has; ErrInvalid for a line
// beyond the ports that its user was given, and ErrConflict for an identity that
// is another user's, or on another line of the device already, both at once.
func (d *Directory) SetDeviceLine(ctx context.Context, device DeviceID, line int64, who MemberID) (*DeviceLine, error) {
	var out *DeviceLine
	err := d.change(ctx, "SetDeviceLine", func(p *prefetch) {
		p.deviceLines(device)
		p.user(who.user)
		p.alias(who.alias)
	}, func(t *tx) error {
		dev, lines, err := t.deviceLines(ctx, device)
		if err != nil {
			return err
		}
		var check validation
		check.line(dev, line)
		name, err := t.validateIdentity(ctx, dev, lines, line, who)
		if err := check.collect(err); err != nil {
			return err
		}
		if err := check.err(); err != nil {
			return err
		}
		out = copyOf(t.putOnLine(dev, lines, line, who, name))
		return nil
	})
	return out, err
}

// putOnLine stages that a line carries an identity that may be there, and
// returns it; nothing changes where it does already.
func (t *tx) putOnLine(dev *Device, lines []*DeviceLine, line int64, who MemberID, name Ref) *DeviceLine {
	at := slices.IndexFunc(lines, func(l *DeviceLine) bool { return l.Line == line })
	row := &DeviceLine{TenantID: t.tenantID, DeviceID: dev.ID, Line: line, UserID: who.user, AliasID: who.alias}
	switch {
	case at < 0:
		t.Insert(row)
	case lines[at].Identity() == who:
		return lines[at]
	default:
		t.Update(lines[at], row)
	}
	t.relate("device.line-set", dev.ref(), name, fmt.Sprint(line))
	return row
}

// ClearDeviceLine frees a line of a phone (EXT-9).
//
// Errors: ErrNotFound for the device, or for a line that is free;
// ErrFailedPrecondition for a device that nobody has; ErrInvalid for a line that
// it has not.
func (d *Directory) ClearDeviceLine(ctx context.Context, device DeviceID, line int64) error {
	return d.change(ctx, "ClearDeviceLine", func(p *prefetch) { p.deviceLines(device) }, func(t *tx) error {
		dev, row, err := t.carrying(ctx, device, line)
		if err != nil {
			return err
		}
		t.Remove(row)
		t.did("device.line-cleared", dev.ref(), fmt.Sprint(line))
		return nil
	})
}

// DeviceLines yields the lines of a phone that carry an identity, by their
// number, and whom a call on each is for (EXT-9). A device that is not there has
// none.
func (d *Directory) DeviceLines(ctx context.Context, device DeviceID) iter.Seq2[LineIdentity, error] {
	l := listing[*DeviceLine, LineIdentity]{
		query: store.Query{Index: deviceLinesTable.Key(), Equal: []any{d.scope(), device}},
		more:  prefetched.identities,
		show:  func(ctx context.Context, t *tx, l *DeviceLine) (LineIdentity, error) { return t.identityOn(ctx, l) },
	}
	return l.pages(ctx, d, "DeviceLines")
}

// LineIdentity says whom a call on a line of a phone is for (EXT-9).
//
// Errors: ErrNotFound for the device, or for a line that is free;
// ErrFailedPrecondition for a device that nobody has; ErrInvalid for a line that
// it has not.
func (d *Directory) LineIdentity(ctx context.Context, device DeviceID, line int64) (LineIdentity, error) {
	var out LineIdentity
	err := d.read(ctx, "LineIdentity", func(p *prefetch) { p.deviceLines(device).identities() }, func(t *tx) error {
		_, row, err := t.carrying(ctx, device, line)
		if err == nil {
			out, err = t.identityOn(ctx, row)
		}
		return err
	})
	return out, err
}

// identityOn reads whom a call on a line is for.
func (t *tx) identityOn(ctx context.Context, l *DeviceLine) (LineIdentity, error) {
	who := LineIdentity{Line: l.Line, UserID: l.UserID, AliasID: l.AliasID}
	if !l.AliasID.IsZero() {
		a, err := t.alias(ctx, l.AliasID)
		if err == nil {
			who.Name, who.SIPAddress = a.Name, a.SIPAddress
		}
		return who, err
	}
	u, err := t.user(ctx, l.UserID)
	if err == nil {
		who.Name, who.SIPAddress = u.Name(), u.SIPAddress
	}
	return who, err
}

// deviceLines reads a phone that somebody has, and its lines.
func (t *tx) deviceLines(ctx context.Context, device DeviceID) (*Device, []*DeviceLine, error) {
	dev, err := t.device(ctx, device)
	if err != nil {
		return nil, nil, err
	}
	if dev.State != DeviceAssigned {
		return nil, nil, &Error{Code: rule.EXT9, Kind: ErrFailedPrecondition, Subject: dev.ref(),
			Reason: dev.ref().String() + " is not assigned to anyone: its lines carry nobody"}
	}
	lines, err := t.linesOf(ctx, dev)
	return dev, lines, err
}

func (t *tx) linesOf(ctx context.Context, dev *Device) ([]*DeviceLine, error) {
	return store.Collect(find[*DeviceLine](ctx, t, store.Query{Index: deviceLinesTable.Key(), Equal: []any{t.tenantID, dev.ID}}))
}

// carrying reads a phone, and one of its lines, which must carry an identity.
func (t *tx) carrying(ctx context.Context, device DeviceID, line int64) (*Device, *DeviceLine, error) {
	dev, lines, err := t.deviceLines(ctx, device)
	if err != nil {
		return nil, nil, err
	}
	var check validation
	check.line(dev, line)
	if err := check.err(); err != nil {
		return nil, nil, err
	}
	for _, l := range lines {
		if l.Line == line {
			return dev, l, nil
		}
	}
	return nil, nil, &Error{Code: rule.EXT9, Kind: ErrNotFound, Field: "Line", Subject: dev.ref(),
		Reason: fmt.Sprintf("line %d of %s is free", line, dev.ref())}
}

// line looks at the number of a line of an assigned device.
func (check *validation) line(dev *Device, line int64) {
	if line < 1 || line > dev.PortsUsed {
		check.refusals = append(check.refusals, &Error{Code: rule.EXT9, Kind: ErrInvalid, Field: "Line", Subject: dev.ref(),
			Reason: fmt.Sprintf("not within 1 and the %d lines that the user of %s was given", dev.PortsUsed, dev.ref())})
	}
}

// validateIdentity reads who is to be on a line of a phone, and names him. It must
// be the phone's user or an alias of his, and on no other of its lines.
func (t *tx) validateIdentity(ctx context.Context, dev *Device, lines []*DeviceLine, line int64, who MemberID) (Ref, error) {
	name, owner, err := t.identity(ctx, who)
	if err != nil {
		return Ref{}, err
	}
	if owner != dev.UserID {
		u, err := t.user(ctx, dev.UserID)
		if err != nil {
			return Ref{}, err
		}
		return Ref{}, &Error{Code: rule.EXT9, Kind: ErrConflict, Field: "Identity", Subject: name, Holder: u.ref(),
			Reason: fmt.Sprintf("%s is the phone of %s: its lines carry him and his aliases", dev.ref(), u.ref())}
	}
	for _, l := range lines {
		if l.Identity() == who && l.Line != line {
			at := Ref{"line", fmt.Sprintf("%s/%d", dev.ID, l.Line), fmt.Sprintf("%d of %s", l.Line, dev.ref())}
			return Ref{}, &Error{Code: rule.EXT9, Kind: ErrConflict, Field: "Identity", Subject: name, Holder: at,
				Reason: fmt.Sprintf("%s is on %s already: clear that one first", name, at)}
		}
	}
	return name, nil
}

// lineOne puts the user of a device that was just assigned on its first line,
// which is a part of the assignment (EXT-9).
func (t *tx) lineOne(dev *Device) {
	t.Insert(&DeviceLine{TenantID: t.tenantID, DeviceID: dev.ID, Line: 1, UserID: dev.UserID})
}

// clearLines frees all lines of a device that its user gives back. That his own is
// free is a part of giving it back; an alias that was on one is told of.
func (t *tx) clearLines(ctx context.Context, dev *Device) error {
	lines, err := t.linesOf(ctx, dev)
	if err != nil {
		return err
	}
	for _, l := range lines {
		t.Remove(l)
		if !l.AliasID.IsZero() {
			t.did("device.line-cleared", dev.ref(), fmt.Sprint(l.Line))
		}
	}
	return nil
}

// leaveLines takes an alias that is about to go off the phones that carry it.
func (t *tx) leaveLines(ctx context.Context, a *Alias) error {
	on, err := store.Collect(find[*DeviceLine](ctx, t, store.Query{Index: deviceLinesByAlias, Equal: []any{t.tenantID, a.ID}}))
	if err != nil {
		return err
	}
	for _, l := range on {
		dev, err := t.device(ctx, l.DeviceID)
		if err != nil {
			return err
		}
		t.Remove(l)
		t.did("device.line-cleared", dev.ref(), fmt.Sprint(l.Line))
	}
	return nil
}

// deviceLines plans a device, its user, and its lines, and goes on from those.
func (p *prefetch) deviceLines(device DeviceID) prefetched {
	p.device(device).to(usersTable.Key(), "user_id")
	return p.get(deviceLinesTable.Key(), device)
}

// identities are who is on each line.
func (f prefetched) identities() {
	f.to(usersTable.Key(), "user_id")
	f.to(aliasesTable.Key(), "alias_id")
}
