package pbx

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pbxkit/pbx/internal/overlay"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// pageSize is how many records an iteration reads in one view. In between it
// holds nothing, so that a nested read, or a change, works on every store; a
// record changed meanwhile is seen as it is when its page is read.
const pageSize = 128

// pages yields copies of a range's records, all of it or the first limit that
// keep accepts; nil keeps all.
func pages[R store.Record](ctx context.Context, d *Directory, operation string, q store.Query, limit int, keep func(R) bool) iter.Seq2[R, error] {
	l := listing[R, R]{query: q, limit: limit, keep: keep, show: func(_ context.Context, _ *tx, r R) (R, error) { return copyOf(r), nil }}
	return l.pages(ctx, d, operation)
}

// listing is a range of records of which each is shown as something, which may
// need more to be read.
type listing[R store.Record, S any] struct {
	query store.Query
	limit int                                      // of those shown; 0: none
	keep  func(R) bool                             // which are shown; nil: all
	more  func(prefetched)                         // what showing them reads; nil: nothing
	show  func(context.Context, *tx, R) (S, error) // a copy
}

// pages yields the list, a page in a view.
func (l *listing[R, S]) pages(ctx context.Context, d *Directory, operation string) iter.Seq2[S, error] {
	return func(yield func(S, error) bool) {
		var none S
		q, given := l.query, 0
		for {
			q.Limit = pageSize
			if l.limit > 0 && l.keep == nil {
				q.Limit = min(pageSize, l.limit-given)
			}
			page, last, err := l.page(ctx, d, operation, q)
			if err != nil {
				yield(none, err)
				return
			}
			for _, s := range page {
				if given++; !yield(s, nil) || given == l.limit {
					return
				}
			}
			if last == nil {
				return
			}
			values, _ := q.Index.Values(last)
			q.After = values[len(q.Equal):]
		}
	}
}

// page reads one page, and returns what it shows, and its last record if
// another page may follow.
func (l *listing[R, S]) page(ctx context.Context, d *Directory, operation string, q store.Query) (page []S, last store.Record, err error) {
	if !keepable(q.Prefix) { // nothing that is kept begins so
		_, err := d.enter(ctx, operation)
		return nil, nil, err
	}
	plan := func(p *prefetch) {
		if from := p.scan(q); l.more != nil {
			l.more(from)
		}
	}
	err = d.read(ctx, operation, plan, func(t *tx) error {
		page, last = make([]S, 0, 16), nil
		recs, err := store.Collect(find[R](ctx, t, q))
		if err != nil {
			return err
		}
		if len(recs) == q.Limit {
			last = recs[len(recs)-1]
		}
		for _, r := range recs {
			if l.keep != nil && !l.keep(r) {
				continue
			}
			s, err := l.show(ctx, t, r)
			if err != nil {
				return err
			}
			page = append(page, s)
		}
		return nil
	})
	return page, last, err
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
func tokenAt(ix *store.Index, r store.Record, equal int) PageToken {
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
func (p PageToken) after(code rule.Code, ix *store.Index, equal int) ([]any, error) {
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
		case store.Text:
			if !overlay.Storable(s) {
				return nil, bad
			}
			values[i] = s
		case store.UUID:
			id, err := ParseID[Tenant](s)
			if err != nil {
				return nil, bad
			}
			values[i] = [16]byte(id)
		case store.Time:
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
