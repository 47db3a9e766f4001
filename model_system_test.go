package pbx_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/model"
	"github.com/pbxkit/pbx/store/transfer"
)

// played is a Directory over one store, on which the model's commands are
// carried out.
type played struct {
	name    string
	store   pbx.Store
	ctx     context.Context
	clock   time.Time
	dir     *pbx.Directory
	drawn   *draws
	ids     map[model.Handle][16]byte
	handles map[[16]byte]model.Handle
	reviews map[int]*pbx.Review
	seqs    map[pbx.TenantID]int64 // how much of each journal has been looked at

	raw []byte // all records
}

// begin is a Directory over an empty store.
func begin(name string, store pbx.Store, now time.Time) *played {
	p := &played{
		name: name, store: store, ctx: context.Background(), clock: now, drawn: new(draws),
		ids:     map[model.Handle][16]byte{model.Provider: pbx.Provider},
		handles: map[[16]byte]model.Handle{pbx.Provider: model.Provider},
		reviews: map[int]*pbx.Review{}, seqs: map[pbx.TenantID]int64{pbx.Provider: 0},
	}
	p.open()
	return p
}

// modelSealer seals credentials under the same key everywhere.
var modelSealer = func() *pbx.Sealer {
	s, err := pbx.NewSealer(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	return s
}()

// open makes the Directory. Its randomness is the same on each store.
func (p *played) open() {
	p.dir = pbx.New(p.store, pbx.WithClock(func() time.Time { return p.clock }), pbx.WithIDs(p.drawn.next),
		pbx.WithRandom(rand.NewChaCha8([32]byte{1})), pbx.WithSealer(modelSealer),
		pbx.WithPrincipals(func(_ context.Context, who pbx.Principal) error {
			if who == model.Nobody {
				return fmt.Errorf("unknown")
			}
			return nil
		}))
}

// on is the same on a copy of the records in another store.
func (p *played) on(t testing.TB, name string, store pbx.Store) *played {
	_, err := transfer.Copy(p.ctx, store, p.store)
	require.NoError(t, err)
	c := begin(name, store, p.clock)
	*c.drawn = *p.drawn
	for h, id := range p.ids {
		c.known(h, id)
	}
	for id, seq := range p.seqs {
		c.seqs[id] = seq
	}
	return c
}

// known keeps the handle of a record.
func (p *played) known(h model.Handle, id [16]byte) {
	p.ids[h] = id
	p.handles[id] = h
}

// made keeps the handle of the record of a kind that the n-th call made.
func (p *played) made(kind string, n int, id [16]byte) {
	p.known(model.Handle(fmt.Sprint(kind, n)), id)
}

// id is the ID that a handle stands for. One that never was is another one for
// each handle, and "" is zero.
func (p *played) id(h model.Handle) [16]byte {
	id, ok := p.ids[h]
	if !ok && h != "" {
		copy(id[:], "never "+h)
	}
	return id
}

// as is the Directory of an actor in a tenant.
func (p *played) as(a model.Actor, in model.Handle) *pbx.Directory {
	dir := p.dir.As(pbx.Actor{Principal: a.Name, Role: a.Role, Tenant: p.id(a.Home)})
	if in != "" {
		dir = dir.In(p.id(in))
	}
	return dir
}

// run carries out a command, and says what came of it in the model's words.
func (p *played) run(c model.Command) model.Outcome {
	switch c := c.(type) {
	case model.Wait:
		p.clock = p.clock.Add(c.Time)
		return model.Outcome{Op: "Wait"}
	case model.Call:
		return p.do(p.ctx, p.as(c.As, c.In), c)
	case model.Batch:
		return p.batch(c)
	case model.MakeReview:
		return p.review(c)
	case model.Commit:
		out := model.Outcome{Op: "Commit"}
		if r := p.reviews[c.Review]; r != nil {
			out.Refused = refusals(r.Commit(p.ctx))
		}
		return out
	}
	panic(fmt.Sprintf("no command %T", c))
}

// do carries out one operation.
func (p *played) do(ctx context.Context, dir *pbx.Directory, c model.Call) model.Outcome {
	answer, err := p.call(ctx, dir.Confirm(c.Confirm...), c)
	_, name, _ := strings.Cut(fmt.Sprintf("%T", c.Op), ".")
	return model.Outcome{Op: name, Refused: refusals(err), Answer: answer}
}

// partRefused ends a strict batch or review.
type partRefused struct{ error }

func (e partRefused) Unwrap() error { return e.error }

// together carries out the operations of a batch or a review.
func (p *played) together(w model.Together, outs *[]model.Outcome) func(context.Context, *pbx.Directory) error {
	return func(ctx context.Context, dir *pbx.Directory) error {
		*outs = nil
		for _, c := range w.Parts {
			answer, err := p.call(ctx, dir.Confirm(c.Confirm...), c)
			_, name, _ := strings.Cut(fmt.Sprintf("%T", c.Op), ".")
			*outs = append(*outs, model.Outcome{Op: name, Refused: refusals(err), Answer: answer})
			if err != nil && w.Strict {
				return partRefused{err}
			}
		}
		return nil
	}
}

func (p *played) batch(b model.Batch) model.Outcome {
	out := model.Outcome{Op: "Batch"}
	err := p.as(b.As, b.In).Batch(p.ctx, func(ctx context.Context, dir *pbx.Directory) error {
		if err := p.together(b.Together, &out.Parts)(ctx, dir); err != nil {
			return err
		}
		if b.Drop {
			return errDropped
		}
		return nil
	})
	if err != errDropped {
		out.Refused = refusals(err)
	}
	return out
}

func (p *played) review(m model.MakeReview) model.Outcome {
	out := model.Outcome{Op: "Review"}
	var during []model.Outcome
	r, err := p.as(m.As, m.In).Review(p.ctx, p.together(m.Together, &during))
	out.Parts, out.Refused = during, refusals(err)
	if err != nil {
		return out
	}
	p.reviews[m.N] = r
	out.Monthly, out.OneTime = r.Monthly(), r.OneTime()
	for _, n := range r.Warnings {
		out.Warnings = append(out.Warnings, p.notice(n))
	}
	for _, n := range r.Confirmations {
		out.Asked = append(out.Asked, p.notice(n))
	}
	out.Effects = p.effects(r)
	return out
}

// effects are a review's.
func (p *played) effects(r *pbx.Review) (list []model.Event) {
	for _, e := range r.Effects {
		list = append(list, model.Event{Type: e.Type, Kind: e.Subject.Kind, Subject: model.Handle(p.words(e.Subject.ID)),
			Object: model.Handle(p.words(e.Object.ID)), Detail: p.words(e.Detail)})
	}
	return list
}

func (p *played) notice(n pbx.Notice) model.Notice {
	return model.Notice{Code: n.Code, Subject: strings.TrimSpace(n.Subject.Kind + " " + p.words(n.Subject.ID))}
}

// refusals are what an error says, sorted.
func refusals(err error) []model.Refusal {
	if err == nil {
		return nil
	}
	list := pbx.Errors(err)
	if len(list) == 0 {
		return []model.Refusal{{Kind: err.Error()}}
	}
	var out []model.Refusal
	for _, e := range list {
		out = append(out, model.Refusal{Code: e.Code, Kind: e.Kind.Error(), Field: e.Field})
	}
	slices.SortFunc(out, func(a, b model.Refusal) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out
}

// words is a text with handles in the place of IDs.
func (p *played) words(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		if id, err := pbx.ParseID[pbx.Tenant](w); err == nil {
			words[i] = string(p.handle(id))
		}
	}
	return strings.Join(words, " ")
}

func (p *played) handle(id [16]byte) model.Handle {
	if h, ok := p.handles[id]; ok {
		return h
	}
	if id == [16]byte{} {
		return ""
	}
	return "?"
}

// look reads all records, and what is new in the journals.
func (p *played) look() (records [][]pbx.Record, err error) {
	tables := pbx.Tables()
	var reads []pbx.Read
	events := 0
	for i, table := range tables {
		if table.Name == "events" {
			events = i
		}
		if table.Name == "events" || table.Name == "cursors" {
			reads = append(reads, pbx.Read{Query: pbx.Query{Index: table.Key(), Limit: 1}})
			continue
		}
		reads = append(reads, pbx.Read{Query: pbx.Query{Index: table.Key()}})
	}
	for _, tenant := range p.tenants() {
		reads = append(reads, pbx.Read{Query: pbx.Query{Index: tables[events].Key(), Equal: []any{tenant}, From: p.seqs[tenant] + 1}})
	}
	results, err := p.fetch(reads)
	if err != nil {
		return nil, err
	}
	news := results[len(tables):]
	for _, rec := range results[0] {
		t := rec.(*pbx.Tenant)
		if _, met := p.seqs[t.ID]; !met {
			label, _, _ := strings.Cut(t.SIPDomain, ".")
			p.known(model.Handle(label), t.ID)
			more, err := p.fetch([]pbx.Read{{Query: pbx.Query{Index: tables[events].Key(), Equal: []any{t.ID}}}})
			if err != nil {
				return nil, err
			}
			news = append(news, more...)
		}
		p.seqs[t.ID] = t.Rev
	}
	results[events] = slices.Concat(news...)
	return results[:len(tables)], nil
}

// tenants are those whose journals have been looked at.
func (p *played) tenants() []pbx.TenantID {
	var list []pbx.TenantID
	for id := range p.seqs {
		list = append(list, id)
	}
	slices.SortFunc(list, func(a, b pbx.TenantID) int { return bytes.Compare(a[:], b[:]) })
	return list
}

func (p *played) fetch(reads []pbx.Read) (results [][]pbx.Record, err error) {
	if f, ok := p.store.(pbx.Fetcher); ok {
		return f.Fetch(p.ctx, reads...)
	}
	err = p.store.View(p.ctx, func(r pbx.Reader) error {
		results, err = pbx.Fetch(p.ctx, r, reads...)
		return err
	})
	return results, err
}

// encode is records as bytes, to be compared with another store's.
func encode(dst []byte, records [][]pbx.Record) []byte {
	var fields []pbx.Field
	for _, of := range records {
		for _, rec := range of {
			fields = rec.Fields(fields[:0])
			for i := range fields {
				dst = encodeField(dst, &fields[i])
			}
			dst = append(dst, '\n')
		}
	}
	return dst
}

func encodeField(dst []byte, f *pbx.Field) []byte {
	switch v := f.Ptr.(type) {
	case *string:
		dst = append(dst, *v...)
	case *int64:
		dst = binary.AppendVarint(dst, *v)
	case *bool:
		dst = append(dst, fmt.Sprint(*v)...)
	case *time.Time:
		dst = binary.AppendVarint(dst, v.UnixMicro())
	case *[16]byte:
		dst = append(dst, v[:]...)
	case *[]string:
		dst = append(dst, strings.Join(*v, "+")...)
	case *[]byte:
		dst = append(dst, *v...)
	}
	return append(dst, 0)
}

// unforeseen are the columns that the model does not foretell: revisions, folded
// texts, and what helps to find others.
var unforeseen = regexp.MustCompile(`^(rev|settings_rev|.*_folded|next_extension|member_id|extension_.*|advised_extension|voicemail_digits|pin_min.*|pin_max.*|pin_tries|pin_lock_ns|number_rest_ns|number_monthly|number_one_time)$`)

// lines shows records as the model does.
func (p *played) lines(records [][]pbx.Record) (lines, journal []string) {
	for _, rec := range slices.Concat(records...) {
		switch r := rec.(type) {
		case *pbx.Order:
			p.known(model.Handle(fmt.Sprint("o", r.Number)), r.ID)
		}
	}
	for _, rec := range slices.Concat(records...) {
		switch r := rec.(type) {
		case *pbx.Event:
			e := model.Event{Type: r.Type, Kind: r.Kind, Subject: model.Handle(p.words(r.Subject)), Detail: p.words(r.Detail)}
			journal = append(journal, fmt.Sprintf("%s %d %s by %s %s", p.handle(r.TenantID), r.Seq, e, r.Role, r.Actor))
		case *pbx.Cursor:
		default:
			lines = append(lines, p.line(rec))
		}
	}
	slices.Sort(lines)
	slices.Sort(journal)
	return lines, journal
}

// drawnEnd is the end of a SIP address for which no other one was free.
var drawnEnd = regexp.MustCompile(`-[0-9a-f]{8}@`)

func (p *played) line(rec pbx.Record) string {
	row := model.Row{}
	var owner model.Handle
	for _, f := range rec.Fields(nil) {
		value := ""
		switch v := f.Ptr.(type) {
		case *[16]byte:
			value = string(p.handle(*v))
		case *[]byte:
			value = model.Value(model.Secret(*v))
		default:
			value = model.Value(f.Value())
		}
		switch {
		case f.Name == "tenant_id":
			row.Table = value + " " + rec.Table().Name
		case value == "" || unforeseen.MatchString(f.Name):
		default:
			row.Columns = append(row.Columns, model.Column{Name: f.Name, Value: value})
		}
		if (f.Name == "user_id" || f.Name == "alias_id" || f.Name == "id") && value != "" {
			owner = model.Handle(value)
		}
	}
	if t, ok := rec.(*pbx.Tenant); ok {
		row.Table = string(p.handle(t.ID)) + " tenants"
		row.Columns = append(row.Columns, model.Column{Name: "rev", Value: fmt.Sprint(t.Rev)}, model.Column{Name: "policy", Value: model.PolicyText(t.Policy)})
	}
	for i, c := range row.Columns {
		if c.Name == "address" || c.Name == "sip_address" {
			if a, ok := rec.(*pbx.Alias); ok {
				owner = p.handle(a.ID)
			}
			row.Columns[i].Value = drawnEnd.ReplaceAllString(c.Value, "-?"+string(owner)+"@")
		}
	}
	return row.String()
}

// compare says in what two lists of lines differ, or "".
func compare(want, got []string) string {
	if slices.Equal(want, got) {
		return ""
	}
	var diff strings.Builder
	for _, line := range want {
		if !slices.Contains(got, line) {
			diff.WriteString("\n    - " + line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			diff.WriteString("\n    + " + line)
		}
	}
	if diff.Len() == 0 {
		return cmp.Diff(want, got)
	}
	return diff.String()
}
