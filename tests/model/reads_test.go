package model_test

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/tests/model"
)

// said is a line of an answer, as the model says it.
func said(parts ...any) string { return strings.Join(strings.Fields(fmt.Sprintln(parts...)), " ") }

// each says something of every record of a list.
func each[R any](seq iter.Seq2[R, error], say func(R) string) (lines []string, err error) {
	for r, err := range seq {
		if err != nil {
			return nil, err
		}
		lines = append(lines, say(r))
	}
	return lines, nil
}

// answer calls a method that reads.
func (p *played) answer(ctx context.Context, dir *pbx.Directory, op model.Op) ([]string, error) {
	switch o := op.(type) {
	case model.Users:
		return each(dir.Users(ctx, pbx.UserQuery{LastName: o.LastName, FirstName: o.FirstName}), func(u *pbx.User) string { return said(p.handle(u.ID)) })
	case model.Lookup:
		target, err := dir.Lookup(ctx, o.Extension)
		if err != nil {
			return nil, err
		}
		return answered(nil, said(target.Ref.Kind, p.words(target.Ref.ID), target.Ref.Name))
	case model.MainExtension:
		e, err := dir.MainExtension(ctx, p.user(o.User))
		return answered(err, said(e))
	case model.OfferedNumbers:
		list, err := dir.OfferedNumbers(ctx, p.location(o.At), o.Prefix, 0)
		var lines []string
		for _, n := range list {
			lines = append(lines, said(n))
		}
		return lines, err
	case model.Numbers:
		return each(dir.Numbers(ctx, pbx.NumberQuery{State: o.State, Unawaited: o.Unawaited}), func(n *pbx.Number) string { return said(n.E164, p.handle(n.ServiceID)) })
	case model.Line:
		l, err := dir.Line(ctx, o.Number)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, u := range l.Users {
			names = append(names, u.Name)
		}
		return []string{said(p.handle(l.ServiceID), l.DN, l.Status, strings.Join(names, ", "), l.Building), said(l.Owners)}, nil
	case model.Services:
		return each(dir.Services(ctx, pbx.ServiceQuery{Number: o.Number}), func(s *pbx.Service) string { return said(p.handle(s.ID)) })
	case model.Devices:
		return each(dir.Devices(ctx, pbx.DeviceQuery{UserID: p.user(o.User), State: o.State}), func(d *pbx.Device) string { return said(p.handle(d.ID)) })
	case model.Extensions:
		return each(dir.Extensions(ctx, pbx.ExtensionQuery{UserID: p.user(o.User)}), func(e *pbx.DialEntry) string { return said(e.Digits) })
	case model.ForeignServices:
		return each(dir.ForeignServices(ctx, p.service(o.Service)), func(f *pbx.ForeignService) string { return said(p.handle(f.ID), f.State) })
	case model.Orders:
		return each(dir.Orders(ctx, 0), func(o *pbx.Order) string { return said(o.Number, int64(o.Monthly), int64(o.OneTime)) })
	}
	return p.related(ctx, dir, op)
}

func answered(err error, line string) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return []string{line}, nil
}

// related calls a method that reads how two records are related.
func (p *played) related(ctx context.Context, dir *pbx.Directory, op model.Op) (lines []string, err error) {
	switch o := op.(type) {
	case model.UserServices:
		list, err := dir.UserServices(ctx, p.user(o.User))
		for _, has := range list {
			lines = append(lines, said(has.Association.Slot, p.handle(has.Service.ID), p.handle(has.Association.PrimaryOf)))
		}
		return lines, err
	case model.ServiceUsers:
		users, err := dir.ServiceUsers(ctx, p.service(o.Service))
		for _, u := range users {
			lines = append(lines, said(p.handle(u.ID)))
		}
		return lines, err
	case model.DeviceLines:
		return each(dir.DeviceLines(ctx, p.device(o.Device)), func(l pbx.LineIdentity) string {
			return said(l.Line, p.handle(l.UserID), p.handle(l.AliasID), l.Name)
		})
	}
	panic(fmt.Sprintf("no call for %T", op))
}
