package pbx

import (
	"context"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/pbxkit/pbx/store"
)

// pageSize is how many records an iteration reads in one view. No view is open between
// pages, so that nested reads and changes work on every store. A record is seen as it
// was when its page was read.
const pageSize = 128

// pages yields copies of the records of a range that keep accepts, the first limit of
// them; 0 is no limit, and nil accepts all.
func pages[R store.Record](ctx context.Context, d *Directory, operation string, q store.Query, limit int, keep func(R) bool) iter.Seq2[R, error] {
	l := listing[R, R]{query: q, limit: limit, keep: keep, show: func(_ context.Context, _ *tx, r R) (R, error) { return copyOf(r), nil }}
	return l.pages(ctx, d, operation)
}

// listing is a range of records, each of which is shown as a value that may take more
// reads to make.
type listing[R store.Record, S any] struct {
	query store.Query
	limit int                                      // of the values shown; 0: no limit
	keep  func(R) bool                             // which records are shown; nil: all
	more  func(prefetched)                         // plans what show reads; nil: nothing
	show  func(context.Context, *tx, R) (S, error) // makes a value that the caller may change
}

// pages yields the values, and reads them page by page, each page in a view of its own.
func (l *listing[R, S]) pages(ctx context.Context, d *Directory, operation string) iter.Seq2[S, error] {
	return func(yield func(S, error) bool) {
		var none S
		q, given := l.query, 0
		for {
			q.Limit = pageSize
			if l.limit > 0 && l.keep == nil {
				q.Limit = min(pageSize, l.limit-given)
			}
			page, err := l.page(ctx, d, operation, q)
			if err != nil {
				yield(none, err)
				return
			}
			for _, s := range page.shown {
				if given++; !yield(s, nil) || given == l.limit {
					return
				}
			}
			if page.last == nil {
				return
			}
			values, _ := q.Index.Values(page.last)
			q.After = values[len(q.Equal):]
		}
	}
}

// listPage is a page of a listing.
type listPage[S any] struct {
	shown []S
	last  store.Record // the last record that was read, or nil if no other page follows
}

// page reads one page.
func (l *listing[R, S]) page(ctx context.Context, d *Directory, operation string, q store.Query) (listPage[S], error) {
	if !keepable(q.Prefix) { // no record can begin with it
		_, err := d.enter(ctx, operation)
		return listPage[S]{}, err
	}
	plan := func(p *prefetch) {
		if from := p.scan(q); l.more != nil {
			l.more(from)
		}
	}
	return read(ctx, d, operation, plan, func(t *tx) (listPage[S], error) {
		page := listPage[S]{shown: make([]S, 0, 16)}
		recs, err := store.Collect(find[R](ctx, t, q))
		if err != nil {
			return listPage[S]{}, err
		}
		if len(recs) == q.Limit {
			page.last = recs[len(recs)-1]
		}
		for _, r := range recs {
			if l.keep != nil && !l.keep(r) {
				continue
			}
			s, err := l.show(ctx, t, r)
			if err != nil {
				return listPage[S]{}, err
			}
			page.shown = append(page.shown, s)
		}
		return page, nil
	})
}

// keepable reports whether a store can keep the text.
func keepable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
