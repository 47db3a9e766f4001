package csvfile

import (
	"encoding/csv"
	"io"
)

// Writer writes the rows of a file.
type Writer struct{ rows *csv.Writer }

// NewWriter returns a writer of a file in UTF-8 whose lines end with CRLF (RFC
// 4180, section 2).
func NewWriter(w io.Writer) *Writer {
	rows := csv.NewWriter(w)
	rows.UseCRLF = true
	return &Writer{rows}
}

// Write writes a row, and escapes what a spreadsheet could take for a formula.
// Errors: the underlying writer's own, as it is.
func (w *Writer) Write(cells []string) error {
	escaped := make([]string, len(cells))
	for i, cell := range cells {
		escaped[i] = Escape(cell)
	}
	return w.rows.Write(escaped)
}

// Flush writes what is still buffered. Errors: as Write.
func (w *Writer) Flush() error {
	w.rows.Flush()
	return w.rows.Error()
}
