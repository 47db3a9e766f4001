package pbx

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

// pageSize is how many records an iteration reads in one view. In between it
// holds nothing, so that a nested read, or a change, works on every store; a
// record changed meanwhile is seen as it is when its page is read.
const pageSize = 128

// pages yields copies of a range's records, all of it or the first limit that
// keep accepts; nil keeps all.
func pages[R Record](ctx context.Context, d *Directory, operation string, q Query, limit int, keep func(R) bool) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		given := 0
		for {
			page := make([]R, 0, 16)
			q.Limit = pageSize
			if limit > 0 && keep == nil {
				q.Limit = min(pageSize, limit-given)
			}
			err := d.read(ctx, operation, func(t *tx) (err error) {
				if keepable(q.Prefix) { // else nothing that is kept begins so
					page, err = gather(find[R](ctx, t, q))
				}
				return err
			})
			if err != nil {
				yield(none, err)
				return
			}
			for _, r := range page {
				if keep != nil && !keep(r) {
					continue
				}
				if given++; !yield(copyOf(r), nil) || given == limit {
					return
				}
			}
			if len(page) < q.Limit {
				return
			}
			values, _ := q.Index.Values(page[len(page)-1])
			q.After = values[len(q.Equal):]
		}
	}
}

// keepable reports whether a store can keep the text.
func keepable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// PageToken marks a place in a list: the page that follows it begins behind
// it, whatever was added or deleted meanwhile. It is opaque, and holds for the
// query that it was made for.
type PageToken string

type tokenContent struct {
	Index  string   `json:"i"`
	Values []string `json:"v"`
}

// tokenAt returns the token of a record's place in an index.
func tokenAt(ix *Index, r Record, equal int) PageToken {
	values, in := ix.Values(r)
	if !in {
		return ""
	}
	content := tokenContent{Index: ix.Name}
	for _, v := range values[equal:] {
		switch v := v.(type) {
		case string:
			content.Values = append(content.Values, v)
		case [16]byte:
			content.Values = append(content.Values, ID[Tenant](v).String())
		case time.Time:
			content.Values = append(content.Values, v.Format(time.RFC3339Nano))
		}
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return ""
	}
	return PageToken(base64.RawURLEncoding.EncodeToString(raw))
}

// after reads a token made for the index; the empty one is the beginning. code
// is the rule of the query that it came with.
func (p PageToken) after(code Code, ix *Index, equal int) ([]any, error) {
	if p == "" {
		return nil, nil
	}
	bad := &Error{Code: code, Kind: ErrInvalid, Field: "Page", Reason: "not a page token of this query"}
	raw, err := base64.RawURLEncoding.DecodeString(string(p))
	var content tokenContent
	if err != nil || json.Unmarshal(raw, &content) != nil || content.Index != ix.Name || len(content.Values) != len(ix.Columns)-equal {
		return nil, bad
	}
	values := make([]any, len(content.Values))
	for i, s := range content.Values {
		switch ix.Table.Columns[ix.Columns[equal+i]].Type {
		case Text:
			if !storable(s) {
				return nil, bad
			}
			values[i] = s
		case UUID:
			id, err := ParseID[Tenant](s)
			if err != nil {
				return nil, bad
			}
			values[i] = [16]byte(id)
		case Time:
			at, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				return nil, bad
			}
			values[i] = at
		default:
			return nil, bad
		}
	}
	return values, nil
}
