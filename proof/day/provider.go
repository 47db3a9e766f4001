package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// provider is the system of the day, and the clerk who works in it.
type provider struct {
	support   *pbx.Directory
	customers []*customer
	rand      *rand.Rand
	born      int // people so far
	done      map[string]int
	refused   int
}

type customer struct {
	dir    *pbx.Directory
	site   *pbx.Location
	people []pbx.UserID
	target int
}

const customers = 3

func openProvider(ctx context.Context, db store.Store, people int) (*provider, error) {
	p := &provider{support: pbx.New(db).As(pbx.Support("day")), rand: rand.New(rand.NewPCG(1, 2)), done: map[string]int{}}
	for i := range customers {
		c, err := p.open(ctx, i, people)
		if err != nil {
			return nil, err
		}
		p.customers = append(p.customers, c)
		for len(c.people) < people {
			if err := p.arrive(ctx, c); err != nil {
				return nil, err
			}
		}
	}
	p.done = map[string]int{}
	return p, nil
}

func (p *provider) open(ctx context.Context, i, people int) (*customer, error) {
	policy := pbx.DefaultPolicy()
	policy.ExtensionFirst, policy.ExtensionLast, policy.AdvisedExtension = "70000", "79999", ""
	area := 617 + 100*i // Boston, Memphis, Norfolk…
	tenant, err := p.support.CreateTenant(ctx, pbx.NewTenant{Name: fmt.Sprintf("Customer %d", i), Country: "US",
		SIPDomain: fmt.Sprintf("c%d.example.com", i), Policy: &policy})
	if err != nil {
		return nil, err
	}
	c := &customer{dir: p.support.In(tenant.ID).Confirm(rule.USR9, rule.USR10), target: people}
	if c.site, err = c.dir.AddLocation(ctx, pbx.NewLocation{Building: "HQ", NumberPrefix: fmt.Sprintf("+1%d", area),
		Address: pbx.CivicAddress{Street: "1 Main Street", City: "Town", Country: "US"}}); err != nil {
		return nil, err
	}
	if _, err = c.dir.AddServiceType(ctx, pbx.NewServiceType{Code: "PRO", Name: "Pro", Monthly: 2500, OneTime: 1000}); err != nil {
		return nil, err
	}
	for start := 0; start < 4*people; start += 500 {
		var numbers []pbx.E164
		for n := start; n < min(start+500, 4*people); n++ {
			numbers = append(numbers, pbx.E164(fmt.Sprintf("+1%d555%04d", area, n)))
		}
		if _, err := c.dir.AddNumbers(ctx, numbers...); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// work is one thing that a clerk does.
func (p *provider) work(ctx context.Context) error {
	c := p.customers[p.rand.IntN(len(p.customers))]
	name, err := "arrival", error(nil)
	switch n := p.rand.IntN(1000); {
	case n < 2:
		name, err = "check", p.check(ctx)
	case n < 5:
		name, err = "export", c.dir.ExportUsers(ctx, io.Discard)
	case n < 40:
		name, err = "delivery", second(p.support.Deliver(ctx, "mail", func(context.Context, *pbx.Event) error { return nil }))
	case n < 400:
		name, err = "change of a person", p.change(ctx, c)
	case n < 600:
		name, err = "page", p.page(ctx, c)
	case n < 700:
		name, err = "hand-over", p.handOver(ctx, c)
	case len(c.people) > c.target:
		name, err = "leaving", p.leave(ctx, c)
	default:
		err = p.arrive(ctx, c)
	}
	p.done[name]++
	if refusal, is := errors.AsType[*pbx.Error](err); is && !errors.Is(refusal, pbx.ErrStorage) && !errors.Is(refusal, pbx.ErrMisuse) {
		p.refused++
		return nil
	}
	return err
}

func second[R any](_ R, err error) error { return err }

func (p *provider) check(ctx context.Context) error {
	report, err := p.support.Check(ctx)
	if err == nil && len(report.Violations) > 0 {
		err = fmt.Errorf("the checker finds %v", report.Violations[0])
	}
	return err
}

func (p *provider) arrive(ctx context.Context, c *customer) error {
	p.born++
	made, err := c.dir.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Zoe", LastName: fmt.Sprintf("Miller %06d", p.born), Email: fmt.Sprintf("zoe.%06d@example.com", p.born),
			LocationID: c.site.ID},
		Number: pbx.ProposedNumberLike(c.site.NumberPrefix), ServiceType: "PRO", Mailbox: &pbx.NewMailbox{},
	})
	if err != nil {
		made, err = c.dir.SetUpUser(ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Zoe", LastName: fmt.Sprintf("Miller %06d", p.born),
			Email: fmt.Sprintf("zoe.%06d@example.com", p.born), LocationID: c.site.ID}, ServiceType: "PRO"})
	}
	if err == nil {
		c.people = append(c.people, made.User.ID)
	}
	return err
}

func (c *customer) anybody(r *rand.Rand) int { return r.IntN(len(c.people)) }

func (p *provider) change(ctx context.Context, c *customer) error {
	u, err := c.dir.User(ctx, c.people[c.anybody(p.rand)])
	if err != nil {
		return err
	}
	u.Department = fmt.Sprintf("Room %d", p.rand.IntN(400))
	return second(c.dir.ModifyUser(ctx, u))
}

func (p *provider) page(ctx context.Context, c *customer) error {
	for _, err := range c.dir.Users(ctx, pbx.UserQuery{LastName: "Miller", Limit: 20}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *provider) handOver(ctx context.Context, c *customer) error {
	p.born++
	return second(c.dir.HandOver(ctx, c.people[c.anybody(p.rand)], pbx.Successor{FirstName: "Ann", LastName: fmt.Sprintf("Lee %06d", p.born),
		Email: fmt.Sprintf("ann.%06d@example.com", p.born)}))
}

func (p *provider) leave(ctx context.Context, c *customer) error {
	at := c.anybody(p.rand)
	err := c.dir.DeleteUser(ctx, c.people[at], pbx.UserAndPhones)
	if err == nil {
		c.people[at] = c.people[len(c.people)-1]
		c.people = c.people[:len(c.people)-1]
	}
	return err
}
