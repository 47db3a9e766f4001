package model_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/transfer"
	"github.com/pbxkit/pbx/tests/model"
)

// played is a Directory over one store, on which the model's commands are
// carried out.
type played struct {
	name    string
	store   store.Store
	ctx     context.Context
	clock   time.Time
	dir     *pbx.Directory
	drawn   *draws
	ids     map[model.Handle][16]byte
	handles map[[16]byte]model.Handle
	reviews map[int]*pbx.Review
	seqs    map[pbx.TenantID]int64  // how much of each journal has been read
	hashes  map[pbx.TenantID]string // of the last event of each

	raw []byte // all records
}

// begin is a Directory over an empty store.
func begin(name string, store store.Store, now time.Time) *played {
	p := &played{
		name: name, store: store, ctx: context.Background(), clock: now, drawn: new(draws),
		ids:     map[model.Handle][16]byte{model.Provider: pbx.Provider},
		handles: map[[16]byte]model.Handle{pbx.Provider: model.Provider},
		reviews: map[int]*pbx.Review{}, seqs: map[pbx.TenantID]int64{pbx.Provider: 0}, hashes: map[pbx.TenantID]string{},
	}
	p.open()
	return p
}

// modelSealer seals credentials under the same key everywhere.
var modelSealer = func() *pbx.Sealer {
	s, err := pbx.SealerFrom(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	return s
}()

// open makes the Directory. Its randomness is the same on each store.
func (p *played) open() {
	p.dir = pbx.New(p.store, pbx.WithClock(func() time.Time { return p.clock }), pbx.WithIDs(p.drawn.Next),
		pbx.WithRandom(rand.NewChaCha8([32]byte{1})), pbx.WithSealer(modelSealer),
		pbx.WithPrincipals(func(_ context.Context, who pbx.Principal) error {
			if who == model.Nobody {
				return fmt.Errorf("unknown")
			}
			return nil
		}))
}

// on is the same Directory on a copy of the records in another store.
func (p *played) on(t testing.TB, name string, store store.Store) *played {
	_, err := transfer.Copy(p.ctx, store, p.store)
	require.NoError(t, err)
	c := begin(name, store, p.clock)
	*c.drawn = *p.drawn
	for h, id := range p.ids {
		c.known(h, id)
	}
	for id, seq := range p.seqs {
		c.seqs[id], c.hashes[id] = seq, p.hashes[id]
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

// id is the ID that a handle stands for. For one that never existed, each
// handle has a different ID; "" is zero.
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

// run carries out a command, and says its outcome in the model's words.
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
