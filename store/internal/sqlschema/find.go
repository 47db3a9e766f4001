package sqlschema

import (
	"bytes"
	"unicode/utf8"

	"github.com/pbxkit/pbx/store"
)

// Find returns the statement that reads a query's range, in its order, and
// appends its values to dst; one more value, the limit, comes last. It gives an
// error of kind ErrMisuse when the query does not fit its index.
//
// A record is in an index only where no column of it is NULL, so the statement
// excludes NULL for every column that may be.
func Find(q store.Query, dst []any) (Statement, []any, error) {
	rest := len(q.Index.Columns) - len(q.Equal)
	bounded := q.Prefix != "" || q.From != nil || q.To != nil
	switch {
	case rest < 0, rest == 0 && bounded:
		return Statement{}, dst, store.Misuse("a query with more values than its index has columns")
	case q.After != nil && len(q.After) != rest:
		return Statement{}, dst, store.Misuse("a query that goes on after half a record")
	case q.Prefix != "" && q.Index.Table.Columns[q.Index.Columns[len(q.Equal)]].Type != store.Text:
		return Statement{}, dst, store.Misuse("a query by the beginning of something that is no text")
	}
	lower, upper, after := bounds(q)
	s := Statement{Verb: VerbFind, Index: q.Index, Equal: uint8(len(q.Equal)), Desc: q.Desc}
	dst = append(dst, q.Equal...)
	if lower != nil {
		s.Lower, dst = true, append(dst, lower)
	}
	if upper != nil {
		s.Upper, dst = true, append(dst, upper)
	}
	if len(after) > 0 {
		s.After, dst = true, append(dst, after...)
	}
	return s, dst, nil
}

// bounds returns the bounds of the first column after those of Equal, and the
// record after which the range begins. Of a bound and a record on the same side
// only the tighter one is kept: the engine seeks by one of them, and skipping all
// records up to the other would make each page slower than the one before.
func bounds(q store.Query) (lower, upper any, after []any) {
	lower, upper, after = q.From, q.To, q.After
	if q.Prefix != "" {
		lower, upper = q.Prefix, nil
		if next := successor(q.Prefix); next != "" {
			upper = next
		}
	}
	if len(after) == 0 {
		return lower, upper, nil
	}
	switch {
	case q.Desc && upper != nil:
		if less(q.Index, after[0], upper) {
			upper = nil
		} else {
			after = nil
		}
	case !q.Desc && lower != nil:
		if less(q.Index, after[0], lower) {
			after = nil
		} else {
			lower = nil
		}
	}
	return lower, upper, after
}

// less reports whether a is before b in the order of the index's columns.
func less(ix *store.Index, a, b any) bool {
	var roomA, roomB [64]byte
	return bytes.Compare(ix.AppendValues(roomA[:0], a), ix.AppendValues(roomB[:0], b)) < 0
}

// successor returns the least string above all that begin with prefix, or ""
// where there is none. Records hold nothing but UTF-8, so the least above a
// prefix in UTF-8 is one that ends with the next character, and an engine that
// takes nothing else takes it.
func successor(prefix string) string {
	if !utf8.ValidString(prefix) {
		return nextBytes(prefix)
	}
	for prefix != "" {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case r == utf8.MaxRune:
			continue
		case r == '\ud7ff':
			return prefix + "\ue000" // after the surrogates
		}
		return prefix + string(r+1)
	}
	return ""
}

func nextBytes(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}

// where writes the condition of a range. Where it has sources, the column after
// those of Equal has a value that they yield.
func (w *writer) where(s Statement, sources Chain) {
	columns := s.Index.Columns
	rest := columns[s.Equal:]
	and := " WHERE "
	term := func(parts ...string) {
		w.text(and)
		w.text(parts...)
		and = " AND "
	}
	if s.Equal > 0 {
		term()
		w.equal(columns[:s.Equal])
	}
	if len(sources) > 0 {
		term(w.name(rest[0]), " IN (")
		w.source(sources)
		w.text(")")
	}
	if s.Lower {
		term(w.name(rest[0]), " >= ")
		w.valueOf(rest[0])
	}
	if s.Upper {
		term(w.name(rest[0]), " < ")
		w.valueOf(rest[0])
	}
	if s.After {
		term("(")
		w.names(rest, "")
		w.text(")", map[bool]string{false: " > ", true: " < "}[s.Desc], "(")
		w.values(rest)
		w.text(")")
	}
	for _, c := range rest {
		if w.table.Columns[c].Null {
			term(w.name(c), " IS NOT NULL")
		}
	}
}

func (w *writer) order(s Statement) {
	if rest := s.Index.Columns[s.Equal:]; len(rest) > 0 {
		w.text(" ORDER BY ")
		w.names(rest, map[bool]string{false: "", true: " DESC"}[s.Desc])
	}
}

func (w *writer) limit(s Statement) {
	if !s.Whole {
		w.text(" LIMIT ")
		w.value(store.Int)
	}
}
