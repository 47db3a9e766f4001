// Package csvfile reads and writes CSV files as spreadsheets do: with a byte
// order mark, empty rows, and cells that must not be taken for formulas. It
// knows nothing of what the columns mean.
package csvfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// ErrTooLarge: a file has more bytes than are allowed.
var ErrTooLarge = errors.New("csvfile: the file is too large")

// ReadAll reads a file of up to limit bytes. A reader that can seek is put back
// to where it was, so that the file can be read again. Errors: ErrTooLarge, and
// the reader's own as it is.
func ReadAll(r io.Reader, limit int) ([]byte, error) {
	if again, ok := r.(io.Seeker); ok {
		if at, err := again.Seek(0, io.SeekCurrent); err == nil {
			defer func() { _, _ = again.Seek(at, io.SeekStart) }()
		}
	}
	content, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(content) > limit {
		err = ErrTooLarge
	}
	return content, err
}

// Error says why a file is not CSV.
type Error struct {
	Line   int    // where the bad row begins; the first line is 1
	Reason string // holds nothing of the file
	Err    error  // the parser's own error, or nil
}

// Error returns the line and the reason.
func (e *Error) Error() string { return fmt.Sprintf("csvfile: line %d: %s", e.Line, e.Reason) }

// Unwrap returns the parser's own error.
func (e *Error) Unwrap() error { return e.Err }

// Row is a row of a file.
type Row struct {
	Line  int // where it begins; the first line is 1
	Cells []string
}

// Reader reads the rows of a file.
type Reader struct{ rows *csv.Reader }

// NewReader returns a reader of a file in UTF-8, with or without a byte order
// mark. Errors: an *Error for what is not UTF-8, and for the character NUL.
func NewReader(content []byte) (*Reader, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if err := checkText(content); err != nil {
		return nil, err
	}
	rows := csv.NewReader(bytes.NewReader(content))
	rows.FieldsPerRecord = -1 // the caller compares each row with the header
	return &Reader{rows}, nil
}

// checkText refuses a file that is not text, with the line of the first byte that
// is to blame.
func checkText(content []byte) error {
	at, reason := bytes.IndexByte(content, 0), "holds the character NUL"
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 {
			if at < 0 || i < at {
				at, reason = i, "not valid UTF-8"
			}
			break
		}
		i += size
	}
	if at < 0 {
		return nil
	}
	return &Error{Line: 1 + bytes.Count(content[:at], []byte("\n")), Reason: reason}
}

// Header reads the first row, which names the columns, as it is. Errors: io.EOF
// for an empty file; an *Error.
func (r *Reader) Header() (Row, error) { return r.read() }

// Next returns the next row with anything in it; cells that were escaped, as
// Escape does, are as they were before. Errors: io.EOF after the last row; an
// *Error.
func (r *Reader) Next() (Row, error) {
	for {
		row, err := r.read()
		if err != nil {
			return Row{}, err
		}
		if !slices.ContainsFunc(row.Cells, func(cell string) bool { return cell != "" }) {
			continue // spreadsheets leave empty rows at the end
		}
		for i, cell := range row.Cells {
			row.Cells[i] = Unescape(cell)
		}
		return row, nil
	}
}

func (r *Reader) read() (Row, error) {
	cells, err := r.rows.Read()
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return Row{}, &Error{Line: bad.StartLine, Err: err,
			Reason: fmt.Sprintf("not a row of CSV: a quotation mark is out of place on line %d", bad.Line)}
	}
	if err != nil {
		return Row{}, err
	}
	line, _ := r.rows.FieldPos(0)
	return Row{Line: line, Cells: cells}, nil
}
