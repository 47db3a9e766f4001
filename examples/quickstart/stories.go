package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pbxkit/pbx"
)

// teller tells the stories of one tenant, and prints what is refused.
type teller struct {
	ctx    context.Context
	dir    *pbx.Directory // as its administrator
	tenant *pbx.Tenant
	err    error
}

// tellStories places an order as a portal does, and walks through one story of
// each of the five handbooks that the rules come from.
func tellStories(ctx context.Context, dir *pbx.Directory, tenants []*pbx.Tenant) error {
	american, british := tenants[0], tenants[1]
	us := &teller{ctx: ctx, tenant: american, dir: dir.As(pbx.Administrator("admin", american.ID))}
	uk := &teller{ctx: ctx, tenant: british, dir: dir.As(pbx.Administrator("admin", british.ID))}
	us.order()
	us.ownership()
	us.sharedPhone()
	uk.numbers(dir.In(british.ID))
	us.queue()
	us.device()
	return errors.Join(us.err, uk.err)
}

// must keeps the first error that a story did not expect.
func must[T any](s *teller, value T, err error) T {
	if err != nil && s.err == nil {
		s.err = err
	}
	return value
}

func (s *teller) do(err error) { must(s, 0, err) }

func (s *teller) title(text string) { fmt.Printf("\n%s\n", text) }

func (s *teller) say(format string, args ...any) {
	if s.err == nil {
		fmt.Printf("  "+format+"\n", args...)
	}
}

// refused prints a refusal that the story is about.
func (s *teller) refused(what string, err error) {
	if s.err != nil {
		return
	}
	if err == nil {
		s.err = fmt.Errorf("%s was not refused", what)
		return
	}
	for _, e := range pbx.Errors(err) {
		fmt.Printf("  %s: refused\n    %s\n", what, e)
	}
}

// person finds a user by last name.
func (s *teller) person(last string) *pbx.User {
	for u, err := range s.dir.Users(s.ctx, pbx.UserQuery{LastName: last, Limit: 1}) {
		return must(s, u, err)
	}
	s.do(fmt.Errorf("nobody is called %s", last))
	return &pbx.User{}
}

// phone is a user's primary service.
func (s *teller) phone(u *pbx.User) *pbx.Service {
	list, err := s.dir.UserServices(s.ctx, u.ID)
	s.do(err)
	for _, has := range list {
		if has.Association.Primary() {
			return has.Service
		}
	}
	return &pbx.Service{}
}

func (s *teller) order() {
	s.title("An order is reviewed, then placed")
	boston := s.site("BOS-1")
	review, err := s.dir.Review(s.ctx, func(ctx context.Context, dir *pbx.Directory) error {
		_, err := dir.SetUpUser(ctx, pbx.SetUp{
			NewUser: pbx.NewUser{FirstName: "Noémie", LastName: "Laurent", Email: "noemie.laurent@example.com", LocationID: boston.ID},
			Number:  pbx.ProposedNumber(), ServiceType: "CONNECT-PRO", Station: "STANDARD", Applications: []string{"softphone"},
		})
		return err
	})
	if must(s, review, err) == nil {
		return
	}
	for _, o := range review.Orders {
		for _, l := range o.Lines() {
			s.say("%-18s %8s a month %8s once", l.Name, money(s.tenant, l.Monthly), money(s.tenant, l.OneTime))
		}
	}
	s.say("%-18s %8s a month %8s once   charged to %s. %s", "In all", money(s.tenant, review.Monthly()), money(s.tenant, review.OneTime()),
		boston.Building, strings.Join(review.NextInvoice(), " "))
	s.do(review.Commit(s.ctx))
	line := s.phone(s.person("Laurent"))
	s.say("Placed: Noémie Laurent has %s and extension %s.", line.Number, line.DN)
}

func (s *teller) site(building string) *pbx.Location {
	for l, err := range s.dir.Locations(s.ctx) {
		if must(s, l, err) == nil || l.Building == building {
			return l
		}
	}
	s.do(fmt.Errorf("there is no site %s", building))
	return &pbx.Location{}
}

func (s *teller) ownership() {
	s.title("An owner hands a line to a successor and moves its building (OWN)")
	room, owner := s.ownedRoom()
	if s.err != nil {
		return
	}
	number := national(s.tenant, room.Number)
	me := s.dir.As(pbx.LineOwner(owner, s.tenant.ID))
	successor := pbx.Principal("successor@HARBORREED.EXAMPLE")
	review, err := me.Review(s.ctx, func(ctx context.Context, dir *pbx.Directory) error {
		_, err := dir.ChangeLine(ctx, number, pbx.LineChange{
			AddOwners: []pbx.Principal{successor}, RemoveOwners: []pbx.Principal{owner}, Building: "CHI-2",
		})
		return err
	})
	if must(s, review, err) == nil {
		return
	}
	for _, w := range review.Warnings {
		s.say("Warning: %s", w)
	}
	s.do(review.Commit(s.ctx))
	_, err = me.Line(s.ctx, number)
	s.refused(fmt.Sprintf("%s opens the line of %s again", owner, room.Name), err)
	line, err := s.dir.As(pbx.LineOwner(successor, s.tenant.ID)).Line(s.ctx, number)
	if must(s, line, err) != nil {
		s.say("%s opens it: %s, now in %s.", successor, line.Number, line.Building)
	}
}

// ownedRoom finds a conference room's line with a number, and its owner.
func (s *teller) ownedRoom() (*pbx.Service, pbx.Principal) {
	for service, err := range s.dir.Services(s.ctx, pbx.ServiceQuery{}) {
		if must(s, service, err) == nil {
			break
		}
		if service.Name == "" || service.Number == "" {
			continue
		}
		line, err := s.dir.Line(s.ctx, national(s.tenant, service.Number))
		if must(s, line, err) != nil && len(line.Owners) > 0 {
			return service, line.Owners[0]
		}
	}
	s.do(errors.New("no room has an owner"))
	return nil, ""
}

func (s *teller) sharedPhone() {
	s.title("A shared phone is not deleted until another one is primary (SVC)")
	one, two := s.person("Harbor"), s.person("Reed")
	shared, err := s.dir.AddService(s.ctx, pbx.NewService{UserID: one.ID, Name: "Partners' desk", DN: "7900", DeviceType: "Yealink T58W"})
	if must(s, shared, err) == nil {
		return
	}
	own := s.phone(one)
	s.do(ignoreValue(s.dir.Associate(s.ctx, two.ID, shared.ID)))
	s.do(s.dir.SetPrimary(s.ctx, one.ID, shared.ID))
	s.refused("Deleting "+shared.Name, s.dir.DeleteService(s.ctx, shared.ID))
	s.do(s.dir.SetPrimary(s.ctx, one.ID, own.ID))
	review, err := s.dir.Review(s.ctx, func(ctx context.Context, dir *pbx.Directory) error {
		return dir.DeleteService(ctx, shared.ID)
	})
	if must(s, review, err) == nil {
		return
	}
	for _, c := range review.Confirmations {
		s.say("To confirm: %s", c)
	}
	s.do(review.Commit(s.ctx))
	s.say("%s is primary again, the review is confirmed, and the phone is gone.", own.DN)
}

func ignoreValue[T any](_ T, err error) error { return err }

// numbers is the story of a British tenant; support is the provider's agent in
// it, who knows when a port is through.
func (s *teller) numbers(support *pbx.Directory) {
	s.title("A British tenant gets no new number, but ports one in (NUM)")
	u := s.person("Pemberton")
	_, err := s.dir.ChangeNumber(s.ctx, u.ID, pbx.NumberChange{Number: pbx.ProposedNumber()})
	s.refused("A new number for "+u.Name(), err)
	port, err := s.dir.RequestPort(s.ctx, pbx.NewPort{Carrier: "Old Telecom", Date: s.tenant.CreatedAt.AddDate(0, 0, 14), Numbers: []pbx.E164{"+442079460888"}})
	if must(s, port, err) == nil {
		return
	}
	line, err := s.dir.ChangeNumber(s.ctx, u.ID, pbx.NumberChange{Number: pbx.ExistingNumber("+442079460888")})
	if must(s, line, err) == nil {
		return
	}
	s.say("+442079460888 is being ported in; until then %s has the temporary number %s.", u.Name(), line.Number)
	s.do(ignoreValue(support.ActivatePort(s.ctx, port.ID)))
	s.say("The port is activated: %s has %s, and the temporary number rests.", u.Name(), s.phone(u).Number)
}

func (s *teller) queue() {
	s.title("A SIP alias answers a queue (EXT)")
	u := s.person("Laurent")
	alias, err := s.dir.AddAlias(s.ctx, pbx.NewAlias{UserID: u.ID, Name: "Noémie Support"})
	s.do(err)
	queue, err := s.dir.CreateGroup(s.ctx, pbx.NewGroup{Kind: pbx.ACDQueue, Name: "Client support", Extension: "7950"})
	s.do(err)
	if s.err != nil {
		return
	}
	s.do(s.dir.AddMember(s.ctx, queue.ID, pbx.AliasMember(alias.ID)))
	s.say("%s <%s> is in the queue %s, extension 7950.", alias.Name, alias.SIPAddress, queue.Name)
	s.refused("The queue's extension for a person", ignoreValue(s.dir.AddExtension(s.ctx, u.ID, "7950")))
}

func (s *teller) device() {
	s.title("A phone that somebody else has (DEV)")
	theirs := s.person("Harbor")
	var phone *pbx.Device
	for d, err := range s.dir.Devices(s.ctx, pbx.DeviceQuery{UserID: theirs.ID}) {
		phone = must(s, d, err)
	}
	if phone == nil {
		s.do(fmt.Errorf("%s has no device", theirs.Name()))
		return
	}
	arrival := pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Tomáš", LastName: "D'Arcy", Email: "tomas.darcy@example.com", Extension: "7555"},
		Station: "BASIC", DeviceID: phone.ID, Ports: 2,
	}
	_, err := s.dir.SetUpUser(s.ctx, arrival)
	s.refused("Setting up Tomáš D'Arcy with it", err)
	s.do(s.dir.UnassignDevice(s.ctx, phone.ID))
	made, err := s.dir.SetUpUser(s.ctx, arrival)
	if must(s, made, err) != nil {
		s.say("The assignment is removed: %s has it now, at extension %s.", made.User.Name(), made.Service.DN)
	}
}
