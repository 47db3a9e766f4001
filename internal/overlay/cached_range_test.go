package overlay

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store"
)

// wordList draws a short list of words, and queries over it.
type wordList struct {
	*rand.Rand
	recs []store.Record // in their order
}

func newWordList(seed uint64) *wordList {
	p := &wordList{Rand: rand.New(rand.NewPCG(seed, 0))}
	var list []string
	for range p.IntN(20) {
		list = append(list, p.word())
	}
	slices.Sort(list)
	for _, w := range slices.Compact(list) {
		p.recs = append(p.recs, &Word{Tenant: home, Text: w})
	}
	return p
}

func (p *wordList) word() string {
	return strings.Repeat("7", p.IntN(2)) + string(rune('0'+p.IntN(4))) + strings.Repeat(string(rune('0'+p.IntN(3))), p.IntN(3))
}

func (p *wordList) query() store.Query {
	q := store.Query{Index: words.Key(), Equal: []any{home}, Desc: p.IntN(2) == 0}
	switch p.IntN(6) {
	case 0:
		q.Prefix = p.word()[:1]
	case 1:
		q.From = p.word()
	case 2:
		q.To = p.word()
	case 3:
		q.From, q.To = p.word(), p.word()
	case 4:
		q.Equal = append(q.Equal, p.word())
	}
	if len(q.Equal) == 1 && p.IntN(3) == 0 {
		q.After = []any{p.word()}
	}
	if p.IntN(2) == 0 {
		q.Limit = 1 + p.IntN(5)
	}
	return q
}

// selected answers a query by checking every record.
func (p *wordList) selected(q store.Query) []store.Record {
	from, to := bounds(q)
	var out []store.Record
	for _, rec := range p.recs {
		key, _ := q.Index.AppendFields(nil, rec.Fields(nil))
		if string(key) >= from && string(key) < to {
			out = append(out, rec)
		}
	}
	if q.Desc {
		slices.Reverse(out)
	}
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out
}

func TestWhatWasReadAheadAnswersAsTheStoreWould(t *testing.T) {
	params := gopter.DefaultTestParametersWithSeed(20261124)
	params.MinSuccessfulTests = 3000
	answered, passed, begun := 0, 0, 0
	properties := gopter.NewProperties(params)
	properties.Property("ranges answer right, or as far as they go, or not at all", prop.ForAll(func(seed uint64) string {
		p := newWordList(seed)
		t := new(Overlay)
		for range 1 + p.IntN(4) {
			q := p.query()
			t.learnRange(q.Index, newCachedRange(q, p.selected(q)))
		}
		for i, s := range t.ranges[words.Key()] {
			if i > 0 && !(t.ranges[words.Key()][i-1].from < s.from && t.ranges[words.Key()][i-1].to < s.to) {
				return "a range within another"
			}
		}
		for range 10 {
			q := p.query()
			got, known := t.answer(q)
			if !known {
				passed++
				first, rest, all := t.cachedStart(q)
				if all {
					return "all of what is not known"
				}
				if len(first) > 0 {
					begun++
				}
				if diff := cmp.Diff(textOf(p.selected(q)), textOf(append(slices.Clip(first), p.selected(rest)...))); diff != "" {
					return diff
				}
				continue
			}
			answered++
			if diff := cmp.Diff(textOf(p.selected(q)), textOf(got)); diff != "" {
				return diff
			}
		}
		return ""
	}, gen.UInt64()))
	properties.TestingRun(t)
	require.Greater(t, answered, 1000)
	require.Greater(t, passed, 1000)
	require.Greater(t, begun, 100)
}

func textOf(recs []store.Record) (list []string) {
	for _, rec := range recs {
		list = append(list, rec.(*Word).Text)
	}
	return list
}
