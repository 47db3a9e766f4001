package pbx

import (
	"cmp"
	"context"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
)

// Import is what an import made.
type Import struct {
	// Made is what each row made, in the order of the rows. Service is nil where
	// the row says no more than CreateUser takes, or says that there is no line.
	Made []*Provisioned
}

// ImportOption is an option of ImportUsers.
type ImportOption func(*importOptions)

type importOptions struct {
	progress func(ctx context.Context, done, all int)
}

// WithProgress has a function told how many rows of all were processed. It is
// called while the import holds the tenant, so it must not call a Directory: with
// the context that it is given, that is ErrMisuse at once. When other changes get
// in the way the import starts again, and so does the count.
func WithProgress(progress func(ctx context.Context, done, all int)) ImportOption {
	return func(o *importOptions) { o.progress = progress }
}

// ImportUsers creates the users in a CSV file, one for each row: all of them, or
// none (SYS-5). A row does what [Directory.SetUpUser] does, or what
// [Directory.CreateUser] does where it says no more than that takes. A row of an
// export can also make a user without an email address, a line or an extension,
// and users who share a line. In a batch or a review the import is a part of that.
//
// docs/import.md describes the file: UTF-8, up to 16 MiB and 10,000 rows; the first
// row names the columns. All of it is read first. A reader that can seek is put back
// to where it was, since the function of a batch or a review may run again; any
// other reader should be made in that function. Rows that share a line are
// processed after all others, so they may come before the row that makes the line.
//
// Where the store is on another machine, the import reads 500 rows ahead in three
// trips, and needs one trip more to begin and to end. Only a user whose SIP address
// has to be told apart from another one's by an extension that filled itself in
// takes a trip of their own.
//
// Errors: those of SetUpUser and CreateUser, of all rows at once, each in a
// *RowError (RowErrors lists them), where the later of two rows that want the same
// is refused; ErrInvalid (SYS-5) for a file or a header of another form; the
// reader's own error as it is; the context's error, if it ends meanwhile.
func (d *Directory) ImportUsers(ctx context.Context, r io.Reader, opts ...ImportOption) (*Import, error) {
	if _, err := d.enter(ctx, "ImportUsers"); err != nil {
		return nil, err
	}
	var options importOptions
	for _, set := range opts {
		if set != nil {
			set(&options)
		}
	}
	if r == nil {
		return nil, misuse("users are imported from a reader: nil was given")
	}
	content, err := readFile(r)
	if err != nil {
		return nil, err
	}
	rows, err := readRows(content)
	if err != nil {
		return nil, err
	}
	return change(ctx, d, "ImportUsers", nil, func(t *tx) (*Import, error) {
		im := importing{tx: t, options: options, rows: rows, made: make(map[*csvRow]*Provisioned), refused: make(map[uniqueValue]int)}
		return im.run(ctx)
	})
}

// importing is one import under way.
type importing struct {
	*tx
	options importOptions
	rows    []*csvRow

	made    map[*csvRow]*Provisioned
	bad     []*RowError
	refused map[uniqueValue]int // what refused rows want, and the line of the first such row
}

// chunk is how many rows are read ahead together.
const chunk = 500

// run processes all rows, so that each finds what the ones before it took, and
// refuses all if one is bad.
func (im *importing) run(ctx context.Context) (*Import, error) {
	done, inside := 0, context.WithValue(insideOf(ctx, im.tx), busyKey{im.tx}, true)
	for rows := range inTurn(im.rows) {
		if err := im.prefetch(ctx, rows); err != nil {
			return nil, err
		}
		for _, row := range rows {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := im.row(ctx, row); err != nil {
				return nil, err
			}
			done++
			if im.options.progress != nil {
				_ = im.core.functions.run(func() error { im.options.progress(inside, done, len(im.rows)); return nil })
			}
		}
	}
	if len(im.bad) > 0 {
		slices.SortStableFunc(im.bad, func(a, b *RowError) int { return a.Row - b.Row })
		return nil, allRows(im.bad)
	}
	made := &Import{}
	for _, row := range im.rows {
		made.Made = append(made.Made, im.made[row])
	}
	return made, nil
}

// inTurn yields the rows in chunks that are read ahead together. Those that share a
// line come after all others, wherever the row is that makes the line.
func inTurn(rows []*csvRow) iter.Seq[[]*csvRow] {
	return func(yield func([]*csvRow) bool) {
		for _, shared := range []bool{false, true} {
			turn := slices.DeleteFunc(slices.Clone(rows), func(r *csvRow) bool { return (r.line == lineShared) != shared })
			for some := range slices.Chunk(turn, chunk) {
				if !yield(some) {
					return
				}
			}
		}
	}
}

// row stages what a row describes, or keeps what is wrong with it.
func (im *importing) row(ctx context.Context, row *csvRow) error {
	check := validation{refusals: slices.Clone(row.check.refusals)}
	if !row.broken {
		in := row.in
		if err := im.named(ctx, row, &in, &check); err != nil {
			return err
		}
		made, err := im.provision(ctx, in, row)
		if err := check.collect(err); err != nil {
			return err
		}
		im.made[row] = made
		im.refuseClaimed(row, &check)
	}
	if len(check.refusals) > 0 {
		im.bad = append(im.bad, row.errors(check.refusals)...)
		for _, c := range row.claims() {
			if _, earlier := im.refused[c.uniqueValue]; !earlier {
				im.refused[c.uniqueValue] = row.at
			}
		}
	}
	return nil
}

// named looks up the location and the device that a row names.
func (t *tx) named(ctx context.Context, row *csvRow, in *SetUp, check *validation) error {
	if row.building != "" {
		at, err := t.building(ctx, rule.ACC1, row.building)
		if err := check.collectAs("LocationID", err); err != nil {
			return err
		}
		if at != nil {
			in.LocationID = at.ID
		}
	}
	if row.mac == "" {
		return nil
	}
	dev, err := one[*Device](ctx, t, devicesByMAC, string(row.mac))
	if err != nil {
		return err
	}
	if dev == nil || dev.TenantID != t.tenantID {
		return check.collectAs("DeviceID", notFound("device", string(row.mac)))
	}
	in.DeviceID = dev.ID
	return nil
}

// uniqueValue is a value that only one user can have.
type uniqueValue struct {
	code  rule.Code
	value string
}

// rowClaim is a unique value that a field of a row wants.
type rowClaim struct {
	uniqueValue
	field, kind string
}

// claims are what a row wants for its user alone.
func (r *csvRow) claims() []rowClaim {
	list := []rowClaim{
		{uniqueValue{rule.USR3, text.FoldLogin(cmp.Or(r.in.Login, r.in.Email))}, "Login", "user ID"},
		{uniqueValue{rule.EXT2, string(r.in.Extension)}, "Extension", "extension"},
		{uniqueValue{rule.EXT6, strings.ToLower(string(r.in.SIPAddress))}, "SIPAddress", "SIP address"},
		{uniqueValue{rule.NUM2, string(r.in.Number.Number)}, "Number", "number"},
		{uniqueValue{rule.DEV2, string(r.mac)}, "DeviceID", "device"},
	}
	return slices.DeleteFunc(list, func(c rowClaim) bool { return c.value == "" || c.code == rule.EXT2 && r.line == lineShared })
}

// refuseClaimed refuses what an earlier row wants too that was itself refused: once
// that row is corrected, the two would be in conflict. What an accepted row took, the
// rules themselves refuse to others.
func (im *importing) refuseClaimed(row *csvRow, check *validation) {
	for _, c := range row.claims() {
		line, claimed := im.refused[c.uniqueValue]
		if !claimed || slices.ContainsFunc(check.refusals, func(e *Error) bool { return e.Code == c.code && e.Field == c.field }) {
			continue
		}
		holder := Ref{Kind: "row", ID: strconv.Itoa(line)}
		check.refusals = append(check.refusals, &Error{Code: c.code, Kind: ErrConflict, Field: c.field, Subject: Ref{c.kind, c.value, c.value}, Holder: holder,
			Reason: c.kind + " " + c.value + " is wanted by " + holder.String() + " too"})
	}
}

// provision stages a user as SetUpUser or as CreateUser does; or, for a row of an
// export, a user without an email address, without a line, or with a share in a
// line that exists.
func (t *tx) provision(ctx context.Context, in SetUp, row *csvRow) (*Provisioned, error) {
	if !row.guided && row.line == "" {
		u, err := t.createUser(ctx, &in.NewUser)
		if err != nil {
			return nil, err
		}
		return &Provisioned{User: copyOf(u)}, nil
	}
	if row.hasNoEmail() {
		in.Email = in.Login // to pass the checks; it is cleared again below
	}
	s := setUp{tx: t, in: in, read: true}
	validate, stage := s.validate, func() (*Provisioned, error) { return s.stage(ctx) }
	switch row.line {
	case lineNo:
		validate, stage = s.validateAlone, s.stageAlone
	case lineShared:
		shared := sharing{setUp: &s, email: row.in.Email}
		validate, stage = shared.validate, shared.stage
	}
	if err := validate(ctx); err != nil {
		return nil, err
	}
	s.user.Email = row.in.Email
	return stage()
}

// validateAlone checks everything about a user without a line, who may have no
// extension either.
func (s *setUp) validateAlone(ctx context.Context) error {
	var check validation
	user, at, err := s.newUser(ctx, &s.in.NewUser, &check)
	if err != nil {
		return err
	}
	s.user = user
	if s.in.Extension != "" {
		if err := check.collect(s.takeExtension(ctx, "Extension", s.in.Extension, at)); err != nil {
			return err
		}
	}
	if err := s.validateAddress(ctx, user, s.in.SIPAddress, s.in.Extension, &check); err != nil {
		return err
	}
	if err := s.validateStation(ctx, &check); err != nil {
		return err
	}
	return check.err()
}

// stageAlone stages what validateAlone has checked.
func (s *setUp) stageAlone() (*Provisioned, error) {
	s.addUser(s.user, &s.in.NewUser, s.in.Extension)
	if s.in.Extension != "" {
		s.enterDialPlan(&DialEntry{Digits: s.in.Extension, UserID: s.user.ID, MainOf: s.user.ID})
	}
	if s.pool != nil {
		s.takeStation(s.pool, s.user)
	}
	return &Provisioned{User: copyOf(s.user)}, nil
}

// sharing is the set-up of a user who shares the line that has their extension.
type sharing struct {
	*setUp
	email  string // as the row says it; "" where it is cleared
	shared *Service
	with   []*User
}

// validate checks everything before anything is staged.
func (s *sharing) validate(ctx context.Context) error {
	var check validation
	user, home, err := s.newUser(ctx, &s.in.NewUser, &check)
	if err != nil {
		return err
	}
	s.user = user
	if err := s.validateShared(ctx, home, &check); err != nil {
		return err
	}
	if err := s.validateAddress(ctx, user, s.in.SIPAddress, s.in.Extension, &check); err != nil {
		return err
	}
	if s.shared != nil {
		s.in.ServiceType = s.shared.Type
		if s.line.typ, err = s.serviceType(ctx, s.shared.Type); err != nil {
			return err
		}
	}
	if err := s.validateStation(ctx, &check); err != nil {
		return err
	}
	return check.err()
}

// validateShared looks up the line, and checks whether the user can share it (SVC-4).
func (s *sharing) validateShared(ctx context.Context, home *Location, check *validation) error {
	entry, err := one[*DialEntry](ctx, s.tx, extensionsTable.Key(), s.tenantID, string(s.in.Extension))
	switch {
	case err != nil:
		return err
	case s.in.Extension == "":
		check.refuse(rule.SYS5, "Extension", "is missing: it says which line is shared")
		return nil
	case entry == nil || entry.ServiceID.IsZero():
		check.refuse(rule.SYS5, "Extension", "no line has it, so there is none to share")
		return nil
	}
	if s.shared, err = s.service(ctx, entry.ServiceID); err != nil {
		return err
	}
	if s.with, err = s.othersOf(ctx, s.shared.ID, UserID{}); err != nil {
		return err
	}
	if err := check.collect(s.clearOfEmergency("Extension", s.shared.DN, home)); err != nil {
		return err
	}
	as := *s.user
	as.Email = s.email
	return check.collect(s.unmetBy(ctx, s.shared.ID, &as))
}

// stage stages what validate has checked.
func (s *sharing) stage() (*Provisioned, error) {
	s.addUser(s.user, &s.in.NewUser, s.shared.DN)
	if s.pool != nil {
		s.takeStation(s.pool, s.user)
	}
	s.associate(slot{user: s.user, number: 1, primary: true}, s.shared)
	s.servedBy(s.shared, s.with, append(slices.Clone(s.with), s.user))
	return &Provisioned{User: copyOf(s.user), Service: copyOf(s.shared)}, nil
}
