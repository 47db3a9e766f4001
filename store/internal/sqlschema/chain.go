package sqlschema

import "github.com/pbxkit/pbx/store"

// Chain is a read with its source, the source's own source, and so on to a range
// without one. It becomes one statement.
type Chain []Link

// Link is one range of a chain.
type Link struct {
	Statement
	Column int // of a source: the column whose values the range before it is read by
}

// Fetch returns the chain that answers the read at that place among those of a
// store.Fetcher, and appends its values to dst. Errors: ErrMisuse for a read that
// does not fit its index, or those before it.
func Fetch(reads []store.Read, at int, dst []any) (Chain, []any, error) {
	var chain Chain
	for column := 0; ; {
		read := &reads[at]
		if err := read.Check(reads[:at]); err != nil {
			return nil, dst, err
		}
		if read.Source == 0 {
			s, dst, err := Find(read.Query, dst)
			if read.Limit > 0 {
				dst = append(dst, int64(read.Limit))
			} else {
				s.Whole = true
			}
			return append(chain, Link{s, column}), dst, err
		}
		s := Statement{Verb: VerbFind, Index: read.Index, Equal: uint8(len(read.Equal)), Whole: true}
		dst = append(dst, read.Equal...)
		chain = append(chain, Link{s, column})
		at, column = read.Source-1, read.Column
	}
}

// Text returns the chain's statement and the types of its values. Its records
// come in the order of the first range's index, each once.
func (c Chain) Text(d Dialect) (text string, values []store.Type) {
	first := c[0].Statement
	w := &writer{table: first.Index.Table, dialect: d}
	w.selectAll()
	w.where(first, c[1:])
	w.order(first)
	w.limit(first)
	return w.String(), w.types
}

// AppendKey appends a few bytes that identify the chain.
func (c Chain) AppendKey(dst []byte) []byte {
	for _, link := range c {
		dst = append(link.Statement.AppendKey(dst), byte(link.Column))
	}
	return dst
}

// source writes the query of the values by which a range is read. Its order matters
// only where a limit chooses among the records.
func (w *writer) source(c Chain) {
	outer := w.table
	s := c[0].Statement
	w.table = s.Index.Table
	w.text("SELECT ", w.name(c[0].Column), " FROM ")
	w.tableName()
	w.where(s, c[1:])
	if !s.Whole {
		w.order(s)
		w.limit(s)
	}
	w.table = outer
}
