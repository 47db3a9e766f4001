package model_test

import (
	"math/rand"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/tests/model"
)

// draw draws commands: from small pools, so that they conflict, and sometimes
// for what does not exist, no longer exists, or belongs to somebody else.
type draw struct {
	*rand.Rand
	s       *model.State
	said    *outcomes // of what was carried out so far
	careful bool      // draws what exists and is well formed
}

// oneOf draws one of a list; the zero value if it is empty.
func oneOf[T any](d draw, list ...T) T {
	var none T
	if len(list) == 0 {
		return none
	}
	return list[d.Intn(len(list))]
}

// one in n is true.
func (d draw) one(n int) bool { return d.Intn(n) == 0 }

// careless is one in n, but never when careful.
func (d draw) careless(n int) bool { return d.one(n) && !d.careful }

// good draws from a list or, if not careful, sometimes from what is not valid.
func good[T any](d draw, list, bad []T) T {
	if d.careless(4) {
		return oneOf(d, bad...)
	}
	return oneOf(d, list...)
}

// rarely is mostly the zero value.
func rarely[T any](d draw, n int, list ...T) T {
	var none T
	if d.one(n) {
		return oneOf(d, list...)
	}
	return none
}

// command draws the next command. As long as some outcome was never seen, half
// of the commands are ones that show it, if one is found soon.
func (d draw) command() model.Command {
	if missing := d.said.missing(); len(missing) > 0 && d.one(2) {
		for range 1000 {
			c := d.call()
			if missing[opName(c.Op)] != nil && d.said.wanted(c.Next(d.s).Last) {
				return c
			}
		}
	}
	return d.any()
}

// any draws any command.
func (d draw) any() model.Command {
	in := oneOf(d, d.tenants()...)
	switch d.Intn(24) {
	case 0:
		return model.Wait{Time: oneOf(d, 10*time.Minute, time.Hour, 20*time.Hour, 50*time.Hour, 46*24*time.Hour)}
	case 1, 2:
		return model.Batch{Together: d.together(in, d.s.N), Drop: d.one(4)}
	case 3, 4:
		return model.MakeReview{N: d.s.N + 1, Together: d.together(in, d.s.N+1)}
	case 5, 6:
		return model.Commit{Review: d.reviewed()}
	}
	return d.call()
}

// call draws an operation that acts at once.
func (d draw) call() model.Call {
	in := oneOf(d, d.tenants()...)
	op := d.op(in)
	as, where := d.actor(in, op)
	return model.Call{N: d.s.N + 1, As: as, In: where, Confirm: d.confirmed(op), Op: op}
}

// tenants are the customers, the first of them more often.
func (d draw) tenants() []model.Handle {
	list := []model.Handle{"us", "us", "us"}
	for _, t := range d.s.Tenants {
		if t.ID != model.Provider {
			list = append(list, t.ID)
		}
	}
	return list
}

// together draws one to three operations, numbered from n+1 on.
func (d draw) together(in model.Handle, n int) model.Together {
	w := model.Together{Strict: d.one(2)}
	for i := range 1 + d.Intn(3) {
		op := d.op(in)
		if i == 0 {
			w.As, w.In = d.actor(in, op)
		}
		w.Parts = append(w.Parts, model.Call{N: n + 1 + i, Confirm: d.confirmed(op), Op: op})
	}
	return w
}

// reviewed is the number of a review, mostly the latest.
func (d draw) reviewed() int {
	if n := len(d.s.Reviews); n > 0 {
		return d.s.Reviews[n-1-min(d.Intn(4)*d.Intn(2), n-1)].N
	}
	return 0
}

// confirmed are the confirmations that are given in advance: mostly all that the
// operation can ask for.
func (d draw) confirmed(op model.Op) []rule.Code {
	if d.one(4) {
		return nil
	}
	switch op.(type) {
	case model.DeleteUser:
		return []rule.Code{rule.SVC10, rule.USR9, rule.USR10}[d.Intn(6)/5:]
	case model.DeleteService:
		return []rule.Code{rule.SVC9, rule.SVC10}
	case model.Disassociate:
		return []rule.Code{rule.SVC5}
	case model.ChangeStation:
		return []rule.Code{rule.STN3}
	}
	return nil
}

// actor draws who calls an operation in a tenant, and whether they name the
// tenant.
func (d draw) actor(in model.Handle, op model.Op) (as model.Actor, where model.Handle) {
	switch op.(type) {
	case model.CreateTenant, model.StockNumbers:
		if !d.one(8) {
			return modelSupport, ""
		}
		return modelSupport, in
	case model.AddNumbers, model.ConfirmPort, model.ActivatePort, model.FailPort, model.DropRemoteService, model.CompleteOrder, model.FailOrder, model.SettleForeign:
		if !d.one(8) {
			return modelSupport, in
		}
		if d.one(2) {
			return modelSupport, oneOf[model.Handle](d, "gone", model.Provider)
		}
	case model.ChangeLine, model.AddOwner, model.RemoveOwner, model.SetLineLocation:
		if d.one(3) {
			return model.Actor{Role: pbx.RoleOwner, Name: oneOf[pbx.Principal](d, "kate", "kim"), Home: in}, ""
		}
	}
	admin := model.Actor{Role: pbx.RoleAdministrator, Name: "bob", Home: in}
	switch d.Intn(24) {
	case 0, 1, 2, 3, 4:
		return modelSupport, in
	case 5:
		return modelSupport, oneOf[model.Handle](d, "", "gone")
	case 6:
		return admin, oneOf[model.Handle](d, "uk", "ca", model.Provider, "gone")
	case 7:
		return model.Actor{Role: pbx.RoleOwner, Name: "kate", Home: in}, ""
	case 8:
		return oneOf(d, model.Actor{}, model.Actor{Role: pbx.RoleAdministrator, Home: in}, model.Actor{Role: "king", Name: "bob", Home: in}), in
	}
	return admin, rarely(d, 2, in)
}
