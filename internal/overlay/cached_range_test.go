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

// dialPlan draws a small dial plan, and queries over it.
type dialPlan struct {
	*rand.Rand
	recs []store.Record // in their order
}

func newDialPlan(seed uint64) *dialPlan {
	p := &dialPlan{Rand: rand.New(rand.NewPCG(seed, 0))}
	var digits []string
	for range p.IntN(20) {
		digits = append(digits, p.digits())
	}
	slices.Sort(digits)
	for _, d := range slices.Compact(digits) {
		p.recs = append(p.recs, &DialEntry{TenantID: TenantID{1}, Digits: d})
	}
	return p
}

func (p *dialPlan) digits() string {
	return strings.Repeat("7", p.IntN(2)) + string(rune('0'+p.IntN(4))) + strings.Repeat(string(rune('0'+p.IntN(3))), p.IntN(3))
}

func (p *dialPlan) query() store.Query {
	q := store.Query{Index: extensionsTable.Key(), Equal: []any{TenantID{1}}, Desc: p.IntN(2) == 0}
	switch p.IntN(6) {
	case 0:
		q.Prefix = p.digits()[:1]
	case 1:
		q.From = p.digits()
	case 2:
		q.To = p.digits()
	case 3:
		q.From, q.To = p.digits(), p.digits()
	case 4:
		q.Equal = append(q.Equal, p.digits())
	}
	if len(q.Equal) == 1 && p.IntN(3) == 0 {
		q.After = []any{p.digits()}
	}
	if p.IntN(2) == 0 {
		q.Limit = 1 + p.IntN(5)
	}
	return q
}

// select answers a query by looking at every record.
func (p *dialPlan) selected(q store.Query) []store.Record {
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
	properties.Property("spans answer right, or as far as they go, or not at all", prop.ForAll(func(seed uint64) string {
		p := newDialPlan(seed)
		t := new(Overlay)
		for range 1 + p.IntN(4) {
			q := p.query()
			t.learnSpan(q.Index, newSpan(q, p.selected(q)))
		}
		for i, s := range t.spans[extensionsTable.Key()] {
			if i > 0 && !(t.spans[extensionsTable.Key()][i-1].from < s.from && t.spans[extensionsTable.Key()][i-1].to < s.to) {
				return "a span within another"
			}
		}
		for range 10 {
			q := p.query()
			got, known := t.answer(q)
			if !known {
				passed++
				first, rest, all := t.beginning(q)
				if all {
					return "all of what is not known"
				}
				if len(first) > 0 {
					begun++
				}
				if diff := cmp.Diff(digitsOf(p.selected(q)), digitsOf(append(slices.Clip(first), p.selected(rest)...))); diff != "" {
					return diff
				}
				continue
			}
			answered++
			if diff := cmp.Diff(digitsOf(p.selected(q)), digitsOf(got)); diff != "" {
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

func digitsOf(recs []store.Record) (list []string) {
	for _, rec := range recs {
		list = append(list, string(rec.(*DialEntry).Digits))
	}
	return list
}
