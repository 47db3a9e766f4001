package model_test

import (
	"fmt"
	"slices"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/tests/model"
)

// text is a name of something, and seldom one that is not valid.
func (d draw) text(good ...string) string {
	if d.careless(10) {
		return oneOf(d, " x", "a\x07b", "\xff", "", string(slices.Repeat([]byte("long "), 40))+"x")
	}
	return oneOf(d, good...)
}

// product is a product of a catalogue with one of the codes, mostly.
func (d draw) product(codes ...string) model.ServiceType {
	return model.ServiceType{
		Code: good(d, codes, []string{"PRO", "no code", ""}), Name: d.text("Type"),
		Monthly: good(d, []pbx.Money{0, 100, 2500}, []pbx.Money{-1}), OneTime: good(d, []pbx.Money{0, 50}, []pbx.Money{1_000_000_01}),
		Applications: d.applications(), Fulfilment: d.one(4),
	}
}

// stations are a package with one of the names, mostly.
func (d draw) stations(names ...string) model.Pool {
	return model.Pool{
		Package: good(d, names, []string{"STANDARD", "no code"}), Name: d.text("Pool"),
		Total: good(d, []int64{0, 1, 2, 3, 4}, []int64{-1}), Applications: d.applications(),
	}
}

// counted are stations; seldom somebody changes how many of them are in use.
func (d draw) counted(names ...string) model.Pool {
	p := d.stations(names...)
	p.Used = good(d, []int64{0}, []int64{1, -1})
	return p
}

func (d draw) email(in model.Handle) string {
	if d.careless(8) {
		return oneOf(d, "", "ann", "ann@", "a b@us.example", "Ann <ann@us.example>")
	}
	return oneOf(d, "ann", "bo", "cy", "di", "Ann", "fay", "gil", "hal", "ivy", "ed") + "@" + string(in) + ".example"
}

// extension is one of few, most of which are possible.
func (d draw) extension(in model.Handle) pbx.Extension {
	if t := d.s.Tenant(in); t != nil && d.careless(4) {
		switch d.Intn(2) {
		case 0:
			if len(t.Entries) > 0 {
				return oneOf(d, t.Entries...).Digits
			}
		default:
			if len(t.Services) > 0 {
				return oneOf(d, t.Services...).DN
			}
		}
	}
	if d.careless(4) {
		return oneOf[pbx.Extension](d, "x12", "1", "12345678", "91", "9110", "112", "999", "9991", "11", "70a0")
	}
	switch in {
	case "uk":
		return pbx.Extension(fmt.Sprint(200 + d.Intn(8)))
	case "ca":
		return oneOf[pbx.Extension](d, "9108", "9109", "9121", "9123", "7000", "701")
	}
	return oneOf[pbx.Extension](d, "7000", "7001", "7002", "7003", "7004", "7007", "7011", "70", "71234", "7500", "0700", "9990", "7716")
}

func (d draw) number() pbx.E164 {
	if d.careless(3) {
		return oneOf[pbx.E164](d, "+1617", "16175550100", "+999", oneOf(d, d.s.Numbers...).E164)
	}
	return oneOf[pbx.E164](d, "+16175550104", "+16175550105", "+16175550110", "+16175550111", "+16175550201", "+16175550310", "+14165550100",
		"+14165550101", "+442079460000", "+442079460011", "+442079460012", "+18005550100", "+18005550101")
}

// owned is a number of the tenant's, mostly.
func (d draw) owned(in model.Handle) pbx.E164 {
	var own []pbx.E164
	for _, n := range d.s.Numbers {
		if n.Tenant == in {
			own = append(own, n.E164)
		}
	}
	if len(own) == 0 || d.careless(6) {
		return d.number()
	}
	return oneOf(d, own...)
}

func (d draw) numbers() []pbx.E164 {
	list := []pbx.E164{d.number(), d.number()}
	return list[:1+d.Intn(2)]
}

func (d draw) choice(in model.Handle) pbx.NumberChoice {
	switch d.Intn(12) {
	case 8:
		if d.careful {
			break
		}
		return oneOf(d, pbx.ExistingNumber(d.owned(in)).Keeping(), pbx.NumberChoice{Prefix: "+1"}, pbx.ProposedNumber().Keeping(), pbx.NumberChoice{Number: d.number()}, pbx.NumberChoice{Source: pbx.FromTenant}, pbx.NumberChoice{Source: "gift"})
	case 0, 1:
		return pbx.ProposedNumber()
	case 2:
		return d.like(in)
	case 3:
		return pbx.OfferedNumber(d.number())
	case 4, 5, 6, 7:
		return pbx.ExistingNumber(d.owned(in))
	}
	return pbx.NumberChoice{}
}

// like is a new number that has to begin with some digits.
func (d draw) like(in model.Handle) pbx.NumberChoice {
	c := pbx.ProposedNumberLike(good(d, []string{"+1416", "+1617", "+16175550104", "+1"}, []string{"+44", "1617"}))
	if d.one(3) {
		c.Number = d.number()
	}
	if d.one(2) {
		c = c.Keeping()
	}
	return c
}

// foreign is something that another system provides.
func (d draw) foreign() model.NewForeign {
	return model.NewForeign{System: good(d, []string{"MICOLLAB", "TEAMS"}, []string{"", "no code"}), Name: d.text("Chat", "Meet"),
		Link:      good(d, []string{"https://teams.example/x", "http://m.example"}, []string{"", "ftp://x.example", "page"}),
		Deletable: d.one(2), NeedsEmail: d.one(3), NeedsLogin: d.one(3)}
}

func (d draw) foreigns() []model.NewForeign {
	return rarely(d, 5, []model.NewForeign{d.foreign()}, []model.NewForeign{d.foreign(), d.foreign()})
}

func (d draw) foreignID(in model.Handle) model.Handle {
	return handle(d, in, "f", func(t *model.Tenant) []*model.Foreign { return t.Foreign }, func(f *model.Foreign) model.Handle { return f.ID })
}

// keys are programmable keys, of which two may be one.
func (d draw) keys(in model.Handle) []pbx.PhoneKey {
	var list []pbx.PhoneKey
	for range d.Intn(4) {
		k := oneOf(d, pbx.PhoneKey{Kind: pbx.KeySpeedDial, Target: string(d.extension(in))}, pbx.PhoneKey{Kind: pbx.KeyBusyLamp, Target: string(d.dialled(in))},
			pbx.PhoneKey{Kind: pbx.KeyLine}, pbx.PhoneKey{Kind: pbx.KeyFeature, Target: "*21"}, pbx.PhoneKey{Kind: pbx.KeySpeedDial, Target: string(d.number())})
		if d.careless(4) {
			k = oneOf(d, pbx.PhoneKey{Kind: "song"}, pbx.PhoneKey{Kind: pbx.KeyFeature, Target: "21"}, pbx.PhoneKey{Kind: pbx.KeyBusyLamp, Target: "+1617"})
		}
		k.Label, k.Position = rarely(d, 4, d.text("Boss")), good(d, []int64{1, 2, 3, 4, 5}, []int64{0, 6, 28})
		list = append(list, k)
	}
	return list
}

func (d draw) applications() []string {
	return good(d, [][]string{nil, {"fax"}, {"crm"}, {"softphone", "crm"}, {"fax", "softphone"}}, [][]string{{"crm", "crm"}, {"no code"}})
}

func (d draw) serviceType() string {
	return good(d, []string{"PRO", "PRO", "FREE", ""}, []string{"GOLD"})
}

func (d draw) pool() string {
	return good(d, []string{"STANDARD", "STANDARD", "LITE", ""}, []string{"GOLD"})
}

func (d draw) deviceType() string {
	return good(d, []string{"Cisco 8851", "Cisco 8851", "Yealink T46U", "Grandstream HT802", "Polycom Trio 8500"}, []string{"SIP softphone", "", "Brick"})
}

func (d draw) person(in model.Handle) model.Person {
	return model.Person{
		FirstName: d.text("Ann", "Bo", "Cy", "Zoë"), LastName: d.text("Lee", "Lee", "Day", ""), Email: d.email(in), Login: rarely(d, 4, d.email(in)),
		Mobile: rarely(d, 8, d.number()), Department: rarely(d, 8, d.text("Sales")), Location: rarely(d, 2, d.location(in)),
		MusicOnHold: rarely(d, 16, d.text("calm")), SIPAddress: rarely(d, 5, d.address(in)), E911: d.one(6), ActivateLater: d.one(4), NoMail: d.one(4),
	}
}

func (d draw) address(in model.Handle) pbx.SIPAddress {
	return good(d, []pbx.SIPAddress{pbx.SIPAddress("desk@" + in + ".example"), pbx.SIPAddress("Hall@" + in + ".example"), pbx.SIPAddress("ann@" + in + ".example")},
		[]pbx.SIPAddress{"desk@us.example", "desk", "", "a b@us.example"})
}

func (d draw) site() model.Site {
	s := model.Site{Building: good(d, []string{"NEW", "X", "Y", "BOS"}, []string{"", "no code"}), Name: d.text("Head office", ""),
		Country: good(d, []string{"US", "GB", "CA", "DE"}, []string{"XX"}), Region: rarely(d, 9, d.text("MA"))}
	if d.careless(3) {
		s.NumberPrefix = oneOf(d, "+1617", "+44", "+1416", "1617")
	}
	if !d.one(3) {
		s.Street, s.City, s.PostalCode = d.text("1 Main Street"), d.text("Boston"), d.text("02110")
	}
	return s
}

// set draws one or two fields to be changed.
func (d draw) set(fields ...string) model.Set {
	if d.one(2) {
		return model.Set{oneOf(d, fields...)}
	}
	return model.Set{oneOf(d, fields...), oneOf(d, fields...)}
}

// line is the national number of a line, mostly.
func (d draw) line(in model.Handle) string {
	if t := d.s.Tenant(in); t != nil && !d.careless(3) {
		var list []string
		for _, s := range t.Services {
			if s.Number != "" {
				list = append(list, string(s.Number[map[bool]int{true: 3, false: 2}[in == "uk"]:]))
			}
		}
		if len(list) > 0 {
			return oneOf(d, list...)
		}
	}
	return oneOf(d, "6175550100", "6175550999", "617-555-0100", "+16175550100", "5550100", "2079460010", "")
}

func (d draw) principal() pbx.Principal {
	return good(d, []pbx.Principal{"kate", "kate", "kim", "lee", "mia", "ann+pa@us.example"}, []pbx.Principal{"no body", model.Nobody})
}

func (d draw) building(in model.Handle) string {
	if t := d.s.Tenant(in); t != nil && len(t.Locations) > 0 && !d.careless(3) {
		return oneOf(d, t.Locations...).Building
	}
	return oneOf(d, "NOWHERE", "no code", "")
}

func (d draw) pin() string {
	return good(d, []string{"482915", "482915", "739164"}, []string{"111111", "123456", "147258", "123", "48x915", "7001", "002894", "550100", "112233"})
}
