package pbx

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/pbxkit/pbx/internal/csvfile"
	"github.com/pbxkit/pbx/rule"
)

// The limits of a file of users.
const (
	maxImportRows  = 10_000
	maxImportBytes = 16 << 20
)

// RowError is one refusal of one row of an import. Its message is safe to show,
// like that of Err.
type RowError struct {
	Row    int    // the line of the file on which the row begins; the first is 1
	Column string // the column's name, or "" for the row as a whole
	Err    *Error // the refusal
}

// Error returns the row, the column, and the refusal.
func (e *RowError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("row %d: %s", e.Row, e.Err.sentence())
	}
	return fmt.Sprintf("row %d, %s: %s", e.Row, e.Column, e.Err.sentence())
}

// sentence is the message without the field's name.
func (e *Error) sentence() string {
	if e == nil {
		return e.Error()
	}
	c := *e
	c.Field = ""
	return c.Error()
}

// Unwrap returns Err, so that errors.Is, errors.As, Errors and CodeOf find it.
func (e *RowError) Unwrap() error { return e.Err }

// RowErrors lists the refusals of rows in the error of an import, in the order of
// the file. A row has as many as there are things wrong with it.
func RowErrors(err error) []*RowError {
	if many, ok := errors.AsType[*multierror.Error](err); ok {
		var list []*RowError
		for _, e := range many.Errors {
			list = append(list, RowErrors(e)...)
		}
		return list
	}
	if one, ok := errors.AsType[*RowError](err); ok {
		return []*RowError{one}
	}
	return nil
}

// allRows returns nil, the one error, or all of them as a *multierror.Error.
func allRows(bad []*RowError) error {
	switch len(bad) {
	case 0:
		return nil
	case 1:
		return bad[0]
	}
	many := &multierror.Error{ErrorFormat: oneLine}
	for _, e := range bad {
		many.Errors = append(many.Errors, e)
	}
	return many
}

// csvRow is what the cells of a row say, before anything is looked up.
type csvRow struct {
	at       int   // the line of the file on which it begins
	in       SetUp // without the location and the device
	building string
	mac      MAC
	guided   bool       // it says more than CreateUser takes
	line     string     // its cell in the column line; "": the other cells decide
	broken   bool       // its cells do not match the header, and none was read
	check    validation // what is wrong with the cells themselves
}

// readFile reads all of a file, and leaves a reader that can seek where it was:
// the function of a batch or a review may run several times.
func readFile(r io.Reader) ([]byte, error) {
	if r == nil {
		return nil, misuse("there is nothing to read from")
	}
	content, err := csvfile.ReadAll(r, maxImportBytes)
	if errors.Is(err, csvfile.ErrTooLarge) {
		return nil, badFile("is larger than %d MiB", maxImportBytes>>20)
	}
	return content, err
}

func badFile(format string, args ...any) *Error {
	return &Error{Code: rule.SYS5, Kind: ErrInvalid, Field: "File", Reason: fmt.Sprintf(format, args...)}
}

// badLine is the refusal of a file that is not CSV; any other error stays as it is.
func badLine(err error) error {
	if bad, ok := errors.AsType[*csvfile.Error](err); ok {
		return &RowError{Row: bad.Line, Err: &Error{Code: rule.SYS5, Kind: ErrInvalid, Reason: bad.Reason, Err: bad.Err}}
	}
	return err
}

// readRows reads the rows of a file. A file that is wrong as a whole is refused at
// once; what is wrong with a row is kept in it.
func readRows(content []byte) ([]*csvRow, error) {
	file, err := csvfile.NewReader(content)
	if err != nil {
		return nil, badLine(err)
	}
	columns, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	var rows []*csvRow
	for {
		row, err := file.Next()
		switch {
		case err == io.EOF:
			return rows, nil
		case err != nil:
			return nil, badLine(err)
		case len(rows) == maxImportRows:
			return nil, badFile("has more than %d rows", maxImportRows)
		}
		rows = append(rows, readRow(columns, row))
	}
}

// readHeader reads the names of the columns.
func readHeader(file *csvfile.Reader) ([]*csvColumn, error) {
	header, err := file.Header()
	if err == io.EOF {
		return nil, badFile("is empty: its first row has to name the columns")
	}
	if err != nil {
		return nil, badLine(err)
	}
	names := header.Cells
	var bad []*RowError
	refuse := func(name, format string, args ...any) {
		bad = append(bad, &RowError{Row: header.Line, Column: name, Err: &Error{Code: rule.SYS5, Kind: ErrInvalid, Reason: fmt.Sprintf(format, args...)}})
	}
	columns := make([]*csvColumn, len(names))
	for i, name := range names {
		switch columns[i] = columnNamed(name); {
		case columns[i] == nil:
			refuse(name, "not a column of a file of users: those are %s", strings.Join(columnNames(), ", "))
		case slices.Index(names, name) < i:
			refuse(name, "the column is there twice")
		}
	}
	if !slices.Contains(names, "email") {
		refuse("email", "the column is missing")
	}
	if !slices.Contains(names, "first_name") && !slices.Contains(names, "last_name") {
		refuse("last_name", "the column is missing, and first_name too")
	}
	return columns, allRows(bad)
}

// readRow reads the cells of a row.
func readRow(columns []*csvColumn, from csvfile.Row) *csvRow {
	row := &csvRow{at: from.Line}
	if len(from.Cells) != len(columns) {
		row.broken = true
		row.check.refuse(rule.SYS5, "", "has %d cells, and there are %d columns", len(from.Cells), len(columns))
		return row
	}
	for i, column := range columns {
		if cell := from.Cells[i]; cell != "" {
			column.read(row, cell)
			row.guided = row.guided || column.guided
		}
	}
	if number := &row.in.Number; number.Number != "" {
		number.Source = cmp.Or(number.Source, FromTenant)
	}
	describesLine := row.in.Number != (NumberChoice{}) || row.in.ServiceType != "" || row.in.DeviceType != "" || row.mac != ""
	if describesLine && (row.line == lineNo || row.line == lineShared) {
		row.check.refuse(rule.SYS5, "Line", "is %s, but the row describes a new line", row.line)
	}
	if row.in.Ports != 0 && row.mac == "" && !slices.ContainsFunc(row.check.refusals, func(e *Error) bool { return e.Field == "DeviceID" }) {
		row.check.refuse(rule.DEV3, "Ports", "there is no device: say which by its mac")
	}
	return row
}

// hasNoEmail reports whether the row describes a user who has cleared their email
// address, as an export does: with a user ID, no address, and no welcome email.
func (r *csvRow) hasNoEmail() bool {
	return r.line != "" && r.in.Email == "" && r.in.NoWelcomeMail && len(r.in.Login) <= maxEmail && validEmail(r.in.Login)
}

// column names the column that a refusal of a field is about.
func (r *csvRow) column(field string) string {
	switch {
	case field == "Name":
		return "last_name"
	case field == "Login" && r.in.Login == "":
		return "email"
	}
	for i := range csvColumns {
		if csvColumns[i].field == field {
			return csvColumns[i].name
		}
	}
	return ""
}

// errors are refusals as those of the row.
func (r *csvRow) errors(refusals []*Error) []*RowError {
	list := make([]*RowError, len(refusals))
	for i, e := range refusals {
		list[i] = &RowError{Row: r.at, Column: r.column(e.Field), Err: e}
	}
	return list
}

// csvColumn is a column of a file of users. Import and export have the same ones.
type csvColumn struct {
	name   string
	field  string                // the input field that it fills, and whose refusals are the column's
	guided bool                  // SetUpUser takes it and CreateUser does not
	read   func(*csvRow, string) // reads a cell that is not empty
	write  func(*csvUser) string
}

// csvColumns are all columns, in the order of an export.
var csvColumns = []csvColumn{
	{"first_name", "FirstName", false, into(func(r *csvRow) *string { return &r.in.FirstName }), func(u *csvUser) string { return u.FirstName }},
	{"last_name", "LastName", false, into(func(r *csvRow) *string { return &r.in.LastName }), func(u *csvUser) string { return u.LastName }},
	{"email", "Email", false, into(func(r *csvRow) *string { return &r.in.Email }), func(u *csvUser) string { return u.Email }},
	{"login", "Login", false, into(func(r *csvRow) *string { return &r.in.Login }), func(u *csvUser) string { return u.Login }},
	{"extension", "Extension", false, into(func(r *csvRow) *Extension { return &r.in.Extension }), func(u *csvUser) string { return string(u.main) }},
	{"line", "Line", false, (*csvRow).readLine, (*csvUser).lineSaid},
	{"number_source", "Number.Source", true, into(func(r *csvRow) *NumberSource { return &r.in.Number.Source }), (*csvUser).numberSource},
	{"number", "Number", true, into(func(r *csvRow) *E164 { return &r.in.Number.Number }), func(u *csvUser) string { return string(u.number) }},
	{"number_prefix", "Number.Prefix", true, into(func(r *csvRow) *string { return &r.in.Number.Prefix }), func(*csvUser) string { return "" }},
	{"service_type", "ServiceType", true, into(func(r *csvRow) *string { return &r.in.ServiceType }), func(u *csvUser) string { return u.line.Type }},
	{"station", "Station", true, into(func(r *csvRow) *string { return &r.in.Station }), func(u *csvUser) string { return u.Station }},
	{"applications", "Applications", true, (*csvRow).readApplications, func(u *csvUser) string { return strings.Join(u.applications, ";") }},
	{"mac", "DeviceID", true, (*csvRow).readMAC, func(u *csvUser) string { return string(u.mac) }},
	{"ports", "Ports", true, (*csvRow).readPorts, (*csvUser).portsUsed},
	{"device_type", "DeviceType", true, into(func(r *csvRow) *string { return &r.in.DeviceType }), (*csvUser).deviceType},
	{"mobile", "Mobile", false, into(func(r *csvRow) *E164 { return &r.in.Mobile }), func(u *csvUser) string { return string(u.Mobile) }},
	{"department", "Department", false, into(func(r *csvRow) *string { return &r.in.Department }), func(u *csvUser) string { return u.Department }},
	{"building", "LocationID", false, into(func(r *csvRow) *string { return &r.building }), func(u *csvUser) string { return u.building }},
	{"music_on_hold", "MusicOnHold", false, into(func(r *csvRow) *string { return &r.in.MusicOnHold }), func(u *csvUser) string { return u.MusicOnHold }},
	{"sip_address", "SIPAddress", false, into(func(r *csvRow) *SIPAddress { return &r.in.SIPAddress }), func(u *csvUser) string { return string(u.SIPAddress) }},
	{"e911", "E911", false, yesOrNo("E911", func(r *csvRow, yes bool) { r.in.E911 = yes }), func(u *csvUser) string { return yes(u.E911) }},
	// Users who are not active, or whose line waits, come back pending: nothing that
	// does not work now may start working, or be billed, by an import.
	{"activate_later", "ActivateLater", false, yesOrNo("ActivateLater", func(r *csvRow, yes bool) { r.in.ActivateLater = yes }),
		(*csvUser).activateLater},
	// Users who are exported have been welcomed already.
	{"welcome_mail", "NoWelcomeMail", false, yesOrNo("NoWelcomeMail", func(r *csvRow, yes bool) { r.in.NoWelcomeMail = !yes }), func(*csvUser) string { return yes(false) }},
}

// columnNamed returns the column of that name, or nil.
func columnNamed(name string) *csvColumn {
	at := slices.IndexFunc(csvColumns, func(c csvColumn) bool { return c.name == name })
	if at < 0 {
		return nil
	}
	return &csvColumns[at]
}

func columnNames() []string {
	names := make([]string, len(csvColumns))
	for i := range csvColumns {
		names[i] = csvColumns[i].name
	}
	return names
}

// into returns what copies a cell into a field as it is.
func into[S ~string](field func(*csvRow) *S) func(*csvRow, string) {
	return func(r *csvRow, cell string) { *field(r) = S(cell) }
}

// yesOrNo returns what reads a cell that says yes or no.
func yesOrNo(field string, set func(*csvRow, bool)) func(*csvRow, string) {
	return func(r *csvRow, cell string) {
		switch strings.ToLower(cell) {
		case "yes", "true", "1":
			set(r, true)
		case "no", "false", "0":
			set(r, false)
		default:
			r.check.refuse(rule.SYS5, field, "not yes or no")
		}
	}
}

// yes is a cell that says yes or no.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// The values of the column line.
const (
	lineYes    = "yes"
	lineNo     = "no"
	lineShared = "shared" // the user shares the line that has the row's extension
)

func (r *csvRow) readLine(cell string) {
	switch cell = strings.ToLower(cell); cell {
	case lineYes, lineNo, lineShared:
		r.line = cell
		r.guided = r.guided || cell == lineYes
	default:
		r.check.refuse(rule.SYS5, "Line", "not yes, no or shared")
	}
}

func (r *csvRow) readApplications(cell string) {
	if strings.Count(cell, ";") >= maxCodes {
		r.check.refuse(rule.STN2, "Applications", "more than %d entries", maxCodes)
		return
	}
	for code := range strings.SplitSeq(cell, ";") {
		if code = strings.TrimSpace(code); code != "" {
			r.in.Applications = append(r.in.Applications, code)
		}
	}
}

func (r *csvRow) readMAC(cell string) {
	mac, err := ParseMAC(cell)
	_ = r.check.collectAs("DeviceID", err)
	r.mac = mac
}

func (r *csvRow) readPorts(cell string) {
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil || n < 1 {
		r.check.refuse(rule.DEV3, "Ports", "not a number of ports")
		return
	}
	r.in.Ports = n
}
