package pbx

import (
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
	// Made is what each row made, in their order. There is no Service where the
	// row says no more than CreateUser takes, or that there is none.
	Made []*Provisioned
}

// ImportOption sets how an import goes.
type ImportOption func(*importing)

// WithProgress has a function told how many rows were checked, of how many. It
// is called while the import holds the tenant, so it must not call a Directory:
// with the context that it is given, that is ErrMisuse at once. When others got
// in the way the import begins again, and so do the numbers.
func WithProgress(tell func(ctx context.Context, checked, all int)) ImportOption {
	return func(im *importing) { im.tell = tell }
}

// ImportUsers creates the users in a CSV file, one a row, each as SetUpUser or,
// where the row says no more than that takes, CreateUser would; the rows of an
// export also make users without an email address, a line or an extension, and
// users who share a line. All of them, or none (SYS-5). In a batch or a review
// it is a part of that. docs/import.md describes the file: UTF-8, up to 16 MiB
// and 10,000 rows, the first row names the columns. All of it is read first; a
// reader that can seek is put back to where it was, for the function of a batch
// or a review may be run again, and others should be made in that function.
//
// Rows that share a line are looked at behind all others, so that one may come before
// the row that makes the line.
//
// Where asking the store is a trip, 500 rows at a time are looked up in three, and
// one more begins and ends the import, whatever the number of rows. Only a user
// whose SIP address must be told apart from another's by an extension that
// filled itself in takes one of his own.
//
// Errors: those of SetUpUser and CreateUser, of all rows at once, each in a
// *RowError (RowErrors lists them); for what rows take from each other the later
// one is refused. ErrInvalid (SYS-5) for a file or a header that is no such one.
// The reader's own error as it is. The context's, if that ends meanwhile.
func (d *Directory) ImportUsers(ctx context.Context, r io.Reader, opts ...ImportOption) (*Import, error) {
	if _, err := d.enter(ctx, "ImportUsers"); err != nil {
		return nil, err
	}
	im := importing{tell: func(context.Context, int, int) {}}
	for _, set := range opts {
		set(&im)
	}
	content, err := readFile(r)
	if err != nil {
		return nil, err
	}
	if im.rows, err = readRows(content); err != nil {
		return nil, err
	}
	var made *Import
	err = d.change(ctx, "ImportUsers", nil, func(t *tx) error {
		im.tx, im.made, im.bad, im.refused = t, make(map[*csvRow]*Provisioned), nil, make(map[claimOfRow]int)
		if err := im.run(ctx); err != nil {
			return err
		}
		made = &Import{}
		for _, row := range im.rows {
			made.Made = append(made.Made, im.made[row])
		}
		return nil
	})
	return made, err
}

// importing is one import under way.
type importing struct {
	*tx
	rows []*csvRow
	tell func(ctx context.Context, checked, all int)

	made    map[*csvRow]*Provisioned
	bad     []*RowError
	refused map[claimOfRow]int // what refused rows want to have, and their lines
}

// chunk is how many rows are read ahead together.
const chunk = 500

// run looks at all rows and stages those that can be had, so that each finds
// what the ones before it took; and refuses all if one is bad.
func (im *importing) run(ctx context.Context) error {
	looked, inside := 0, insideOf(ctx, im.tx)
	for rows := range inTurn(im.rows) {
		if err := im.prefetch(ctx, rows); err != nil {
			return err
		}
		for _, row := range rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := im.row(ctx, row); err != nil {
				return err
			}
			looked++
			im.tell(inside, looked, len(im.rows))
		}
	}
	slices.SortStableFunc(im.bad, func(a, b *RowError) int { return a.Row - b.Row })
	return allRows(im.bad)
}

// inTurn yields the rows that are looked up together. Those that share a line come
// behind all others, wherever the row is that makes it.
func inTurn(rows []*csvRow) iter.Seq[[]*csvRow] {
	return func(yield func([]*csvRow) bool) {
		for _, shared := range []bool{false, true} {
			part := slices.DeleteFunc(slices.Clone(rows), func(r *csvRow) bool { return (r.line == lineShared) != shared })
			for some := range slices.Chunk(part, chunk) {
				if !yield(some) {
					return
				}
			}
		}
	}
}

// row makes what a row says, or keeps what is wrong with it.
func (im *importing) row(ctx context.Context, row *csvRow) error {
	check := validation{refusals: slices.Clone(row.look.refusals)}
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
		im.besideRefused(row, &check)
	}
	if len(check.refusals) > 0 {
		im.bad = append(im.bad, row.errors(check.refusals)...)
		for _, c := range row.claims() {
			if _, earlier := im.refused[c.claimOfRow]; !earlier {
				im.refused[c.claimOfRow] = row.at
			}
		}
	}
	return nil
}

// named finds the location and the device that a row names.
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

// claimOfRow is something that only one can have.
type claimOfRow struct {
	code  rule.Code
	value string
}

type rowClaim struct {
	claimOfRow
	field, kind string
}

// claims are what a row wants to have for itself.
func (r *csvRow) claims() []rowClaim {
	login := r.in.Login
	if login == "" {
		login = r.in.Email
	}
	list := []rowClaim{
		{claimOfRow{rule.USR3, text.FoldLogin(login)}, "Login", "user ID"},
		{claimOfRow{rule.EXT2, string(r.in.Extension)}, "Extension", "extension"},
		{claimOfRow{rule.EXT6, strings.ToLower(string(r.in.SIPAddress))}, "SIPAddress", "SIP address"},
		{claimOfRow{rule.NUM2, string(r.in.Number.Number)}, "Number", "number"},
		{claimOfRow{rule.DEV2, string(r.mac)}, "DeviceID", "device"},
	}
	return slices.DeleteFunc(list, func(c rowClaim) bool { return c.value == "" || c.code == rule.EXT2 && r.line == lineShared })
}

// besideRefused refuses what an earlier row wants too that was refused for
// something else: once that is put right, this row would be refused. The rules
// find what a row has got.
func (im *importing) besideRefused(row *csvRow, check *validation) {
	for _, c := range row.claims() {
		line, wanted := im.refused[c.claimOfRow]
		if !wanted || slices.ContainsFunc(check.refusals, func(e *Error) bool { return e.Code == c.code && e.Field == c.field }) {
			continue
		}
		holder := Ref{Kind: "row", ID: strconv.Itoa(line)}
		check.refusals = append(check.refusals, &Error{Code: c.code, Kind: ErrConflict, Field: c.field, Subject: Ref{c.kind, c.value, c.value}, Holder: holder,
			Reason: c.kind + " " + c.value + " is wanted by " + holder.String() + " too"})
	}
}
