package model_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/tests/model"
)

func (p *played) callMailbox(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.AddMailbox:
		return second(dir.AddMailbox(ctx, p.service(o.Service), pbx.NewMailbox{Number: o.Number, Email: o.Email, PIN: pbx.PIN(o.PIN)}))
	case model.ModifyMailbox:
		m, err := dir.Mailbox(ctx, p.service(o.Service))
		if err != nil {
			m = &pbx.Mailbox{ServiceID: p.service(o.Service)}
		}
		m.Number, m.Email = o.Number, o.Email
		spoil(m, o.Kept)
		if o.Stale {
			m.Rev--
		}
		return second(dir.ModifyMailbox(ctx, m))
	case model.DeleteMailbox:
		return dir.DeleteMailbox(ctx, p.service(o.Service))
	case model.SetPIN:
		return dir.SetPIN(ctx, p.service(o.Service), pbx.PIN(o.PIN))
	case model.CheckPIN:
		return dir.CheckPIN(ctx, p.service(o.Service), pbx.PIN(o.PIN))
	}
	panic("unreachable")
}

func (p *played) callNumber(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.StockNumbers:
		return second(dir.StockNumbers(ctx, o.Numbers...))
	case model.AddNumbers:
		return second(dir.AddNumbers(ctx, o.Numbers...))
	case model.ReturnNumber:
		return dir.ReturnNumber(ctx, o.Number)
	case model.ChangeNumber:
		return second(dir.ChangeNumber(ctx, p.user(o.User), pbx.NumberChange{ServiceID: p.service(o.Service), KeepCurrent: o.KeepCurrent, Number: o.Number,
			Previous: o.Previous, UpdateExtension: o.UpdateExtension, Extension: o.Extension}))
	case model.RequestPort:
		r, err := dir.RequestPort(ctx, pbx.NewPort{Carrier: o.Carrier, Date: o.Date, Numbers: o.Numbers})
		if err == nil {
			p.made("p", c.N, r.ID)
		}
		return err
	case model.ConfirmPort:
		return second(dir.ConfirmPort(ctx, p.id(o.Port)))
	case model.ActivatePort:
		return second(dir.ActivatePort(ctx, p.id(o.Port)))
	case model.CancelPort:
		return second(dir.CancelPort(ctx, p.id(o.Port)))
	case model.FailPort:
		return second(dir.FailPort(ctx, p.id(o.Port)))
	}
	panic("unreachable")
}

func (p *played) callDevice(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.AddDevice:
		d, err := dir.AddDevice(ctx, pbx.NewDevice{MAC: o.MAC, Model: o.Model, LocationID: p.location(o.Location)})
		if err == nil {
			p.made("d", c.N, d.ID)
		}
		return err
	case model.AssignDevice:
		return second(dir.AssignDevice(ctx, p.device(o.Device), p.user(o.User), o.Ports))
	case model.UnassignDevice:
		return dir.UnassignDevice(ctx, p.device(o.Device))
	case model.SetPrimaryDevice:
		return dir.SetPrimaryDevice(ctx, p.device(o.Device))
	case model.DeleteDevice:
		return dir.DeleteDevice(ctx, p.device(o.Device))
	}
	panic("unreachable")
}

func foreignOf(list []model.NewForeign) []pbx.NewForeign {
	var out []pbx.NewForeign
	for _, f := range list {
		out = append(out, pbx.NewForeign(f))
	}
	return out
}

// madeForeign keeps the handles of the foreign services that came with a line.
func (p *played) madeForeign(ctx context.Context, dir *pbx.Directory, n int, line pbx.ServiceID, asked []model.NewForeign) error {
	if len(asked) == 0 {
		return nil
	}
	for f, err := range dir.ForeignServices(ctx, line) {
		if err != nil {
			return err
		}
		for i, a := range asked {
			if a.System == f.System && a.Name == f.Name {
				p.known(model.Handle(fmt.Sprint("f", n, []string{"", "b", "c"}[i])), f.ID)
			}
		}
	}
	return nil
}

func (p *played) callForeign(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	made := func(f *pbx.ForeignService, err error) error {
		if err == nil {
			p.made("f", c.N, f.ID)
		}
		return err
	}
	switch o := c.Op.(type) {
	case model.CompleteOrder:
		return second(dir.CompleteOrder(ctx, p.service(o.Service)))
	case model.FailOrder:
		return second(dir.FailOrder(ctx, p.service(o.Service), o.Reason))
	case model.RetryOrder:
		return second(dir.RetryOrder(ctx, p.service(o.Service)))
	case model.CancelService:
		return second(dir.CancelService(ctx, p.service(o.Service), p.clock.Add(o.After)))
	case model.WithdrawCancellation:
		return second(dir.WithdrawCancellation(ctx, p.service(o.Service)))
	case model.AttachForeign:
		return made(dir.AttachForeign(ctx, p.service(o.Service), pbx.NewForeign(o.NewForeign)))
	case model.RequestForeign:
		return made(dir.RequestForeign(ctx, p.service(o.Service), pbx.NewForeign(o.NewForeign)))
	case model.SettleForeign:
		return second(dir.SettleForeign(ctx, p.id(o.Foreign), pbx.Settlement{State: o.State, Outcome: o.Outcome, Link: o.Link, Request: o.Request}))
	case model.RetryForeign:
		return second(dir.RetryForeign(ctx, p.id(o.Foreign)))
	case model.DetachForeign:
		return dir.DetachForeign(ctx, p.id(o.Foreign))
	}
	panic("unreachable")
}

func (p *played) callPerson(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.ImportUsers:
		made, err := dir.ImportUsers(ctx, strings.NewReader(fileOf(o.Rows)))
		if err != nil {
			return err
		}
		at := 0
		for i, r := range o.Rows {
			if r == (model.ImportRow{}) {
				continue
			}
			which := []string{"", "b", "c"}[i]
			p.known(model.Handle(fmt.Sprint("u", c.N, which)), made.Made[at].User.ID)
			if s := made.Made[at].Service; s != nil {
				p.known(model.Handle(fmt.Sprint("s", c.N, which)), s.ID)
			}
			at++
		}
		return nil
	case model.DisableUser:
		return second(dir.DisableUser(ctx, p.user(o.User)))
	case model.EnableUser:
		return second(dir.EnableUser(ctx, p.user(o.User)))
	case model.HandOver:
		return second(dir.HandOver(ctx, p.user(o.User), pbx.Successor{FirstName: o.FirstName, LastName: o.LastName, Email: o.Email, Login: o.Login,
			Mobile: o.Mobile, SIPAddress: o.SIPAddress, NoWelcomeMail: o.NoMail, Rev: map[bool]int64{true: 999}[o.Stale]}))
	case model.IssueCredentials:
		address := o.Address
		if u, err := dir.User(ctx, p.user(o.User)); err == nil && o.User != "" {
			address = u.SIPAddress
		}
		if a, err := dir.Alias(ctx, p.id(o.Alias)); err == nil && o.Alias != "" {
			address = a.SIPAddress
		}
		return second(dir.IssueCredentials(ctx, address))
	case model.SetDeviceLine:
		return second(dir.SetDeviceLine(ctx, p.device(o.Device), o.Line, memberOf(p, o.User, o.Alias)))
	case model.ClearDeviceLine:
		return dir.ClearDeviceLine(ctx, p.device(o.Device), o.Line)
	case model.SetKeys:
		rev := int64(0)
		if s, err := dir.Service(ctx, p.service(o.Service)); err == nil {
			rev = s.Rev
		}
		if o.Stale {
			rev--
		}
		return second(dir.SetKeys(ctx, p.service(o.Service), rev, o.Keys))
	}
	panic("unreachable")
}

// fileOf is a file of users with these rows.
func fileOf(rows []model.ImportRow) string {
	var file strings.Builder
	w := csv.NewWriter(&file)
	lines := [][]string{{"first_name", "last_name", "email", "login", "extension", "service_type", "building", "line", "welcome_mail"}}
	for _, r := range rows {
		lines = append(lines, []string{r.FirstName, r.LastName, r.Email, r.Login, string(r.Extension), r.ServiceType, r.Building, r.Line, r.WelcomeMail})
	}
	if err := w.WriteAll(lines); err != nil {
		panic(err)
	}
	return file.String()
}
