package pbx

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/go-multierror"

	"github.com/pbxkit/pbx/internal/csvfile"
	"github.com/pbxkit/pbx/rule"
)

// The bounds of a file of users.
const (
	maxImportRows  = 10_000
	maxImportBytes = 16 << 20
)

// RowError is what is wrong with one row of an import. Its message is safe to
// show, as Err's is.
type RowError struct {
	Row    int    // the line of the file on which the row begins; the first is 1
	Column string // the column's name, or "" where it is about the row as a whole
	Err    *Error // the rule that was broken
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
	c := *e
	c.Field = ""
	return c.Error()
}

// Unwrap returns Err, for errors.Is, errors.As, Errors and CodeOf.
func (e *RowError) Unwrap() error { return e.Err }

// RowErrors lists the bad rows that the error of an import is about, in the
// order of the file, each as often as something is wrong with it.
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

// csvRow is a row of a file of users: what its cells say, before anything is
// looked up.
type csvRow struct {
	at       int   // on which line of the file it begins
	in       SetUp // but for the location and the device
	building string
	mac      MAC
	guided   bool       // it says more than CreateUser takes
	line     string     // what it says of its line, as those of an export do; "" leaves it to the others
	broken   bool       // it has not the header's columns, and its cells say nothing
	look     validation // what is wrong with the cells themselves
}

// readFile reads all of a file. One that can be read again is left where it
// was: the function of a batch or a review may be run several times.
func readFile(r io.Reader) ([]byte, error) {
	if r == nil {
		return nil, misuse("there is nothing to read from")
	}
	if again, ok := r.(io.Seeker); ok {
		if at, err := again.Seek(0, io.SeekCurrent); err == nil {
			defer func() { _, _ = again.Seek(at, io.SeekStart) }()
		}
	}
	content, err := io.ReadAll(io.LimitReader(r, maxImportBytes+1))
	if err == nil && len(content) > maxImportBytes {
		err = badFile("is larger than %d MiB", maxImportBytes>>20)
	}
	return content, err
}

func badFile(format string, args ...any) *Error {
	return &Error{Code: rule.SYS5, Kind: ErrInvalid, Field: "File", Reason: fmt.Sprintf(format, args...)}
}

// readRows reads the rows of a file. What is wrong with the file as a whole is
// refused at once, what is wrong with a row is kept with it.
func readRows(content []byte) ([]*csvRow, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if err := validateText(content); err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(content))
	r.FieldsPerRecord = -1
	columns, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	var rows []*csvRow
	for {
		cells, err := r.Read()
		switch {
		case err == io.EOF:
			return rows, nil
		case err != nil:
			return nil, malformed(err)
		case !slices.ContainsFunc(cells, func(cell string) bool { return cell != "" }):
			continue // spreadsheets leave such rows behind
		case len(rows) == maxImportRows:
			return nil, badFile("has more than %d rows", maxImportRows)
		}
		line, _ := r.FieldPos(0)
		rows = append(rows, readRow(line, columns, cells))
	}
}

// validateText refuses a file that is no text: not UTF-8, or with NUL in it.
func validateText(content []byte) error {
	at, what := bytes.IndexByte(content, 0), "holds the character NUL"
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 {
			if at < 0 || i < at {
				at, what = i, "not valid UTF-8"
			}
			break
		}
		i += size
	}
	if at < 0 {
		return nil
	}
	return &RowError{Row: 1 + bytes.Count(content[:at], []byte("\n")), Err: &Error{Code: rule.SYS5, Kind: ErrInvalid, Reason: what}}
}

// malformed says where a file is no CSV.
func malformed(err error) error {
	at, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return err
	}
	return &RowError{Row: at.StartLine, Err: &Error{Code: rule.SYS5, Kind: ErrInvalid, Err: err,
		Reason: fmt.Sprintf("not a row of CSV: a quotation mark is out of place on line %d", at.Line)}}
}

// readHeader reads the names of the columns.
func readHeader(r *csv.Reader) ([]*csvColumn, error) {
	names, err := r.Read()
	if err == io.EOF {
		return nil, badFile("is empty: its first row has to name the columns")
	}
	if err != nil {
		return nil, malformed(err)
	}
	line, _ := r.FieldPos(0)
	var bad []*RowError
	refuse := func(name, format string, args ...any) {
		bad = append(bad, &RowError{Row: line, Column: name, Err: &Error{Code: rule.SYS5, Kind: ErrInvalid, Reason: fmt.Sprintf(format, args...)}})
	}
	columns := make([]*csvColumn, len(names))
	for i, name := range names {
		switch columns[i] = columnNamed(name); {
		case columns[i] == nil:
			refuse(name, "not a column of a file of users: those are %s", columnNames())
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

func columnNames() string {
	names := make([]string, len(csvColumns))
	for i := range csvColumns {
		names[i] = csvColumns[i].name
	}
	return strings.Join(names, ", ")
}

// readRow reads the cells of a row.
func readRow(line int, columns []*csvColumn, cells []string) *csvRow {
	row := &csvRow{at: line}
	if len(cells) != len(columns) {
		row.broken = true
		row.look.refuse(rule.SYS5, "", "has %d cells, and there are %d columns", len(cells), len(columns))
		return row
	}
	for i, column := range columns {
		cell := csvfile.Unescape(cells[i])
		if cell == "" {
			continue
		}
		column.read(row, cell)
		row.guided = row.guided || column.guided
	}
	if number := &row.in.Number; number.Number != "" {
		number.Source = cmp.Or(number.Source, FromTenant)
	}
	says := row.in.Number != (NumberChoice{}) || row.in.ServiceType != "" || row.in.DeviceType != "" || row.mac != ""
	if says && (row.line == lineNo || row.line == lineShared) {
		row.look.refuse(rule.SYS5, "Line", "is %s, and the row says what a new one is", row.line)
	}
	if row.in.Ports != 0 && row.mac == "" && !slices.ContainsFunc(row.look.refusals, func(e *Error) bool { return e.Field == "DeviceID" }) {
		row.look.refuse(rule.DEV3, "Ports", "of no device: say which by its mac")
	}
	return row
}

// addressless reports whether the row is that of a user without an email address:
// an export says so of one who has cleared it, and welcomes nobody.
func (r *csvRow) addressless() bool {
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

// errors are the refusals of the row.
func (r *csvRow) errors(refusals []*Error) []*RowError {
	list := make([]*RowError, len(refusals))
	for i, e := range refusals {
		list[i] = &RowError{Row: r.at, Column: r.column(e.Field), Err: e}
	}
	return list
}
