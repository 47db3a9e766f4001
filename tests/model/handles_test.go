package model_test

import (
	"fmt"
	"slices"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/tests/model"
)

// handle draws one of a kind: of this tenant, of another one, or one that does
// not exist.
func handle[R any](d draw, in model.Handle, kind string, list func(*model.Tenant) []*R, id func(*R) model.Handle) model.Handle {
	of := in
	if d.careless(8) {
		of = oneOf[model.Handle](d, "us", "uk", "ca")
	}
	if t := d.s.Tenant(of); t != nil && !d.careless(6) {
		var ids []model.Handle
		for _, r := range list(t) {
			ids = append(ids, id(r))
		}
		if len(ids) > 0 {
			return oneOf(d, ids...)
		}
	}
	return oneOf(d, model.Handle(fmt.Sprint(kind, 1+d.Intn(d.s.N+1))), "", model.Handle(kind+"0"))
}

// such mostly draws a record of the tenant that fits, and otherwise any.
func such[R any](d draw, in model.Handle, list func(*model.Tenant) []*R, fits func(*R) bool, id func(*R) model.Handle, any func(model.Handle) model.Handle) model.Handle {
	t := d.s.Tenant(in)
	if t == nil || d.one(4) {
		return any(in)
	}
	var ids []model.Handle
	for _, r := range list(t) {
		if fits(r) {
			ids = append(ids, id(r))
		}
	}
	if len(ids) == 0 {
		return any(in)
	}
	return oneOf(d, ids...)
}

// userWho, serviceThat, deviceThat and foreignThat are such.
func (d draw) userWho(in model.Handle, fits func(*model.User) bool) model.Handle {
	return such(d, in, func(t *model.Tenant) []*model.User { return t.Users }, fits, func(u *model.User) model.Handle { return u.ID }, d.user)
}

func (d draw) serviceThat(in model.Handle, fits func(*model.Service) bool) model.Handle {
	return such(d, in, func(t *model.Tenant) []*model.Service { return t.Services }, fits, func(s *model.Service) model.Handle { return s.ID }, d.service)
}

func (d draw) deviceThat(in model.Handle, state pbx.DeviceState) model.Handle {
	fits := func(v *model.Device) bool { return v.State == state }
	return such(d, in, func(t *model.Tenant) []*model.Device { return t.Devices }, fits, func(v *model.Device) model.Handle { return v.ID }, d.device)
}

func (d draw) foreignThat(in model.Handle, states ...pbx.ForeignState) model.Handle {
	fits := func(f *model.Foreign) bool { return slices.Contains(states, f.State) }
	return such(d, in, func(t *model.Tenant) []*model.Foreign { return t.Foreign }, fits, func(f *model.Foreign) model.Handle { return f.ID }, d.foreignID)
}

func (d draw) user(in model.Handle) model.Handle {
	return handle(d, in, "u", func(t *model.Tenant) []*model.User { return t.Users }, func(u *model.User) model.Handle { return u.ID })
}

func (d draw) service(in model.Handle) model.Handle {
	return handle(d, in, "s", func(t *model.Tenant) []*model.Service { return t.Services }, func(s *model.Service) model.Handle { return s.ID })
}

func (d draw) alias(in model.Handle) model.Handle {
	return handle(d, in, "a", func(t *model.Tenant) []*model.Alias { return t.Aliases }, func(a *model.Alias) model.Handle { return a.ID })
}

func (d draw) group(in model.Handle) model.Handle {
	return handle(d, in, "g", func(t *model.Tenant) []*model.Group { return t.Groups }, func(g *model.Group) model.Handle { return g.ID })
}

func (d draw) device(in model.Handle) model.Handle {
	return handle(d, in, "d", func(t *model.Tenant) []*model.Device { return t.Devices }, func(v *model.Device) model.Handle { return v.ID })
}

func (d draw) location(in model.Handle) model.Handle {
	return handle(d, in, "l", func(t *model.Tenant) []*model.Location { return t.Locations }, func(l *model.Location) model.Handle { return l.ID })
}

func (d draw) port(in model.Handle) model.Handle {
	return handle(d, in, "p", func(t *model.Tenant) []*model.Port { return t.Ports }, func(p *model.Port) model.Handle { return p.ID })
}
