package pbx

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// DeviceLine is a line of a phone that carries an identity: the phone's user, or
// one of the user's aliases (EXT-9). A free line has no record.
type DeviceLine struct {
	TenantID TenantID
	DeviceID DeviceID
	Line     int64 // from 1 to the device's PortsUsed
	Rev      int64
	// Exactly one of the two is set. Each is on at most one line of the device.
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

// Identity returns the user or the alias that the line carries.
func (l *DeviceLine) Identity() MemberID { return MemberID{l.UserID, l.AliasID} }

// LineIdentity says whom a call on a line of a phone is for: the user, or the
// alias that the caller dialled (EXT-9).
type LineIdentity struct {
	Line int64
	// Exactly one of the two is set.
	UserID     UserID
	AliasID    AliasID
	Name       string
	SIPAddress SIPAddress // what the line registers with
}

// SetDeviceLine puts the user of a phone, or one of the user's aliases, on one of
// its lines, as in SetDeviceLine(ctx, device, 2, pbx.AliasMember(alias)). It
// replaces what the line carried before (EXT-9). Line 1 carries the user from the
// time when the phone is assigned, and can be changed like the others.
//
// Errors: ErrNotFound for the device, the user or the alias;
// ErrFailedPrecondition for a device that is not assigned; and both of these at
// once: ErrInvalid for a line that is not within 1 and PortsUsed, ErrConflict for
// an identity of another user or one on another line of the device.
func (d *Directory) SetDeviceLine(ctx context.Context, device DeviceID, line int64, who MemberID) (*DeviceLine, error) {
	return change(ctx, d, "SetDeviceLine", func(p *prefetch) {
		p.deviceLines(device)
		p.user(who.user)
		p.alias(who.alias)
	}, func(t *tx) (*DeviceLine, error) {
		dev, lines, err := t.deviceLines(ctx, device)
		if err != nil {
			return nil, err
		}
		var check validation
		check.line(dev, line)
		name, err := t.validateIdentity(ctx, dev, lines, line, who)
		if err := check.collect(err); err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		return copyOf(t.putOnLine(dev, lines, line, who, name)), nil
	})
}

// putOnLine stages that a line carries an identity that was validated, and returns
// the line. Nothing changes if the line carries it already.
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
// Errors: ErrNotFound for the device, and for a line that is free;
// ErrFailedPrecondition for a device that is not assigned; ErrInvalid for a line
// that is not within 1 and PortsUsed.
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

// DeviceLines yields the lines of a phone that are not free, by their number
// (EXT-9). A device that does not exist has none.
func (d *Directory) DeviceLines(ctx context.Context, device DeviceID) iter.Seq2[LineIdentity, error] {
	l := listing[*DeviceLine, LineIdentity]{
		query: store.Query{Index: deviceLinesTable.Key(), Equal: []any{d.scope(), device}},
		more:  prefetched.identities,
		show:  func(ctx context.Context, t *tx, l *DeviceLine) (LineIdentity, error) { return t.identityOn(ctx, l) },
	}
	return l.pages(ctx, d, "DeviceLines")
}

// LineIdentity returns whom a call on a line of a phone is for (EXT-9).
//
// Errors: those of ClearDeviceLine.
func (d *Directory) LineIdentity(ctx context.Context, device DeviceID, line int64) (LineIdentity, error) {
	return read(ctx, d, "LineIdentity", func(p *prefetch) { p.deviceLines(device).identities() }, func(t *tx) (LineIdentity, error) {
		_, row, err := t.carrying(ctx, device, line)
		if err != nil {
			return LineIdentity{}, err
		}
		return t.identityOn(ctx, row)
	})
}

// identityOn reads whom a call on a line is for.
func (t *tx) identityOn(ctx context.Context, l *DeviceLine) (LineIdentity, error) {
	who := LineIdentity{Line: l.Line, UserID: l.UserID, AliasID: l.AliasID}
	if !l.AliasID.IsZero() {
		a, err := t.alias(ctx, l.AliasID)
		if err != nil {
			return LineIdentity{}, err
		}
		who.Name, who.SIPAddress = a.Name, a.SIPAddress
		return who, nil
	}
	u, err := t.user(ctx, l.UserID)
	if err != nil {
		return LineIdentity{}, err
	}
	who.Name, who.SIPAddress = u.Name(), u.SIPAddress
	return who, nil
}

// deviceLines reads an assigned phone, and its lines.
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
	if err != nil {
		return nil, nil, err
	}
	return dev, lines, nil
}

func (t *tx) linesOf(ctx context.Context, dev *Device) ([]*DeviceLine, error) {
	return store.Collect(find[*DeviceLine](ctx, t, store.Query{Index: deviceLinesTable.Key(), Equal: []any{t.tenantID, dev.ID}}))
}

// carrying reads a phone, and one of its lines, which must not be free.
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

// line checks the number of a line of an assigned device.
func (check *validation) line(dev *Device, line int64) {
	if line < 1 || line > dev.PortsUsed {
		check.refusals = append(check.refusals, &Error{Code: rule.EXT9, Kind: ErrInvalid, Field: "Line", Subject: dev.ref(),
			Reason: fmt.Sprintf("not within 1 and the %d lines that the user of %s was given", dev.PortsUsed, dev.ref())})
	}
}

// validateIdentity returns the name of a user or an alias that a line of a phone
// is to carry. It refuses one that is not of the phone's user, or that is on
// another of the phone's lines.
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
			Reason: fmt.Sprintf("%s is the phone of %s: its lines carry that user and their aliases", dev.ref(), u.ref())}
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

// lineOne puts the user of a device that was just assigned on line 1. It is a part
// of the assignment, and has no event of its own (EXT-9).
func (t *tx) lineOne(dev *Device) {
	t.Insert(&DeviceLine{TenantID: t.tenantID, DeviceID: dev.ID, Line: 1, UserID: dev.UserID})
}

// clearLines frees all lines of a device that is taken from its user. There is an
// event for each alias; the user's own line is covered by that of the device.
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

// leaveLines takes an alias that is about to be deleted off the lines that carry it.
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

// deviceLines plans to read a device, its user and its lines; the result stands
// for the lines.
func (p *prefetch) deviceLines(device DeviceID) prefetched {
	p.device(device).to(usersTable.Key(), "user_id")
	return p.get(deviceLinesTable.Key(), device)
}

// identities plans to read the user or the alias on each line.
func (f prefetched) identities() {
	f.to(usersTable.Key(), "user_id")
	f.to(aliasesTable.Key(), "alias_id")
}
