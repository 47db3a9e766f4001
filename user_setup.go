package pbx

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/rule"
)

// SetUp is the guided set-up of a user: the person, the number or extension,
// the station with its applications, the phone and its ports (USR-2).
type SetUp struct {
	NewUser

	// Number says where the line's telephone number comes from; by default there
	// is none. The extension fills itself in (EXT-5), but without a number and
	// without a service type it must be given (USR-4).
	Number      NumberChoice
	ServiceType string // a code of the tenant's catalogue, or ""

	Station      string   // a package with a station left, or ""
	Applications []string // of those that the station or the service type includes

	DeviceID   DeviceID // an available device, or zero
	Ports      int64    // of the device; 0 is 1
	DeviceType string   // the phone's model where no device is given; empty: "SIP softphone"

	LocationKeptBy string // the self-service system that keeps the line's location, or "" (OWN-8)

	Mailbox *NewMailbox  // the line's mailbox; nil: none (VM-1)
	Foreign []NewForeign // what other systems are asked to provide on the line (SVC-18)
	Keys    []PhoneKey   // the programmable keys of the phone (DEV-7)
}

// Provisioned is what a guided set-up made.
type Provisioned struct {
	User    *User
	Service *Service // nil only for a row of an import that makes no line
	Mailbox *Mailbox // nil where none was wanted
	Order   *Order   // nil where nothing is charged
}

// SetUpUser creates a user with a line in one step (USR-2): a service with its DN,
// number and device, and where wanted a mailbox, a station and applications. What they
// cost is ordered. The user is active at once, billed from today, and gets a welcome
// email, unless the input says otherwise (ORD-2, ORD-3).
//
// Errors, all at once: those of CreateUser and AddService; ErrInvalid where there is no
// number, no service type and no extension (USR-4), for the mailbox's fields (VM-1,
// VM-4, VM-5), for who keeps the location (OWN-8), for ports that the device does not
// have (DEV-3), and for applications that neither station nor service type includes
// (STN-2); ErrExhausted for a package with no station left (STN-1); ErrConflict for a
// device (DEV-2) or a mailbox number (VM-4) that is taken; ErrFailedPrecondition for the
// mailbox of a DN that does not have the voicemail length (VM-2).
func (d *Directory) SetUpUser(ctx context.Context, in SetUp) (*Provisioned, error) {
	var hash []byte
	if in.Mailbox != nil {
		var err error
		if hash, err = d.hashNew(ctx, "SetUpUser", in.Mailbox.PIN); err != nil {
			return nil, err
		}
	}
	return change(ctx, d, "SetUpUser", in.prefetch, func(t *tx) (*Provisioned, error) {
		s := setUp{tx: t, in: in, pinHash: hash}
		if err := s.validate(ctx); err != nil {
			return nil, err
		}
		return s.stage(ctx)
	})
}

// prefetch plans to read what a guided set-up needs.
func (in *SetUp) prefetch(p *prefetch) {
	p.newcomer(&in.NewUser)
	p.device(in.DeviceID)
	p.serviceType(in.ServiceType)
	p.number(in.Number.Number)
	p.stationPool(in.Station)
	p.keyTargets(in.Keys)
	if in.Mailbox != nil {
		p.get(mailboxesByNumber, cmp.Or(in.Mailbox.Number, string(in.Extension)))
	}
}

// fillsDN reports whether the DN may fill itself in.
func (in *SetUp) fillsDN() bool { return in.Number.Source != "" || in.ServiceType != "" }

// setUp is one guided set-up under way.
type setUp struct {
	*tx
	in   SetUp
	read bool // what its choices need was read ahead
	user *User
	line newLine
	pool *StationPool

	pinHash []byte
	mailbox *Mailbox
}

// validate checks everything before anything is staged.
func (s *setUp) validate(ctx context.Context) error {
	var check validation
	user, at, err := s.newUser(ctx, &s.in.NewUser, &check)
	if err != nil {
		return err
	}
	s.user = user
	s.line = s.newLine(at)
	if err := s.validateDevice(ctx, &check); err != nil {
		return err
	}
	if err := s.validateLine(ctx, &s.line, &check); err != nil {
		return err
	}
	if err := s.validateAddress(ctx, user, s.in.SIPAddress, s.line.in.DN, &check); err != nil {
		return err
	}
	if err := s.validateStation(ctx, &check); err != nil {
		return err
	}
	if err := s.validateMailbox(ctx, &check); err != nil {
		return err
	}
	for _, bad := range check.refusals {
		bad.Field = cmp.Or(setUpFields[bad.Field], bad.Field)
	}
	return check.err()
}

// setUpFields are the fields of a SetUp that have another name in a NewService.
var setUpFields = map[string]string{"DN": "Extension", "Type": "ServiceType"}

// newLine is the service that comes with the user.
func (s *setUp) newLine(at *Location) newLine {
	in := NewService{
		DN: s.in.Extension, Type: s.in.ServiceType, Number: s.in.Number, DeviceID: s.in.DeviceID, DeviceType: s.in.DeviceType,
		LocationID: s.in.LocationID, LocationKeptBy: s.in.LocationKeptBy, ActivateLater: s.in.ActivateLater, Foreign: s.in.Foreign, Keys: s.in.Keys,
	}
	if in.DeviceID.IsZero() && in.DeviceType == "" {
		in.DeviceType = softphoneModel
	}
	return newLine{
		in: in, slot: slot{user: s.user, number: 1, primary: true}, at: at, near: at, sites: []*Location{at},
		autoDN: s.in.fillsDN(), needsDN: rule.USR4, read: s.read,
	}
}

// validateDevice checks the device and its ports.
func (s *setUp) validateDevice(ctx context.Context, check *validation) error {
	if s.in.DeviceID.IsZero() {
		return nil
	}
	device, err := s.tx.device(ctx, s.in.DeviceID)
	if err := check.collectAs("DeviceID", err); err != nil || device == nil {
		return err
	}
	s.line.device = device
	s.in.Ports = cmp.Or(s.in.Ports, 1)
	return check.collect(s.assignable(ctx, device, s.in.Ports))
}

// validateStation checks the station and the applications.
func (s *setUp) validateStation(ctx context.Context, check *validation) error {
	check.codes(rule.STN2, "Applications", s.in.Applications)
	s.user.Station, s.user.Applications = s.in.Station, slices.Clone(s.in.Applications)
	if s.in.Station != "" {
		pool, err := s.stationPool(ctx, s.in.Station)
		if err == nil {
			s.pool = pool
			err = pool.left()
		}
		if err := check.collect(err); err != nil {
			return err
		}
	}
	if (s.in.Station == "") == (s.pool == nil) && (s.in.ServiceType == "") == (s.line.typ == nil) {
		check.included(s.user.Applications, s.pool, s.line.typ)
	}
	return nil
}

// validateMailbox checks the mailbox of the line. Where the DN was refused, what depends
// on it is not checked.
func (s *setUp) validateMailbox(ctx context.Context, check *validation) error {
	in := s.in.Mailbox
	if in == nil {
		return nil
	}
	line := Service{DN: s.line.in.DN, Number: s.line.number.e164()}
	if slices.ContainsFunc(check.refusals, func(e *Error) bool { return e.Field == "DN" }) {
		line.DN = ""
	}
	s.mailbox = s.newMailbox(&line, *in, s.pinHash)
	var box validation
	if err := s.validateNewMailbox(ctx, &line, s.line.number.awaited(), s.mailbox, in.PIN, &box); err != nil {
		return err
	}
	for _, bad := range box.refusals {
		bad.Field = strings.TrimSuffix("Mailbox."+bad.Field, ".")
	}
	check.refusals = append(check.refusals, box.refusals...)
	return nil
}

// stage stages what validate has checked.
func (s *setUp) stage(ctx context.Context) (*Provisioned, error) {
	s.addUser(s.user, &s.in.NewUser, s.line.in.DN)
	if s.line.device != nil {
		s.give(s.line.device, s.user, s.in.Ports, true)
	}
	service, err := s.addLine(ctx, &s.line)
	if err != nil {
		return nil, err
	}
	s.associate(s.line.slot, service)
	if s.pool != nil {
		s.takeStation(s.pool, s.user)
	}
	made := &Provisioned{User: copyOf(s.user), Service: copyOf(service)}
	if s.mailbox != nil {
		s.mailbox.ServiceID = service.ID
		s.addMailbox(s.mailbox)
		made.Mailbox = s.mailbox.shown()
	}
	if order := s.placeOrder(s.user.ID, service.LocationID, service.ActivatedAt, s.line.charges...); order != nil {
		made.Order = copyOf(order)
	}
	return made, nil
}
