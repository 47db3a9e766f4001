package endure_test

import (
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
)

// step does one random thing.
func (w *walker) step(dir *pbx.Directory) error {
	ctx := w.Ctx
	users, services := w.living(dir)
	user, service := one(w, users), one(w, services)
	switch w.rng.IntN(31) {
	case 0, 1, 8:
		return w.create(dir)
	case 2, 3, 4:
		return w.setUp(dir)
	case 5, 6, 7:
		return w.addService(dir, users)
	case 9:
		return dir.DeleteUser(ctx, user, one(w, []pbx.Deletion{pbx.UserOnly, pbx.UserAndPhones}))
	case 11:
		return dir.DeleteService(ctx, service)
	case 10, 12, 13:
		_, err := dir.Associate(ctx, user, service)
		return err
	case 14:
		return dir.Disassociate(ctx, user, service)
	case 15:
		return dir.SetPrimary(ctx, user, service)
	case 16:
		return w.modifyUser(dir, user)
	case 17:
		return w.modifyService(dir, service)
	case 18:
		_, err := dir.AddExtension(ctx, user, w.extension())
		return err
	case 19:
		if w.rng.IntN(2) == 0 {
			return dir.SetMainExtension(ctx, user, w.extension())
		}
		return dir.RemoveExtension(ctx, w.extension())
	case 20:
		_, err := dir.AddAlias(ctx, pbx.NewAlias{UserID: user, Name: "Help", Extension: maybe(w, w.extension())})
		return err
	case 21:
		if w.rng.IntN(2) == 0 {
			_, err := dir.AssignDevice(ctx, one(w, w.devices), user, 1+int64(w.rng.IntN(2)))
			return err
		}
		return dir.UnassignDevice(ctx, one(w, w.devices))
	case 22:
		_, err := dir.ChangeNumber(ctx, user, pbx.NumberChange{
			Number: w.choice(), Previous: pbx.KeepNumber, UpdateExtension: w.rng.IntN(2) == 0, Extension: maybe(w, w.extension()),
		})
		return err
	case 23:
		return w.modifyLocation(dir)
	case 25:
		return w.ask(dir, service)
	case 26:
		return w.answer(dir)
	case 27:
		return w.move(dir, service)
	}
	if w.rng.IntN(4) > 0 {
		return w.stepOnPhone(dir, service)
	}
	_, err := dir.ActivateUser(ctx, user)
	return err
}

// serviceTypes are the types that most lines have; one does not exist.
var serviceTypes = []string{"PRO", "FREE", "FIBRE", "PRO", "FREE", "FIBRE", "GOLD"}

// create adds a user with nothing but an extension.
func (w *walker) create(dir *pbx.Directory) error {
	in := w.person()
	in.Extension = w.extension()
	_, err := dir.CreateUser(w.Ctx, in)
	return err
}

// setUp sets up a user with whatever there is.
func (w *walker) setUp(dir *pbx.Directory) error {
	_, err := dir.SetUpUser(w.Ctx, pbx.SetUp{
		NewUser: w.person(), Number: w.choice(), ServiceType: maybe(w, serviceTypes...), Station: maybe(w, "STANDARD"),
		Applications: maybe(w, []string{"fax"}, []string{"crm"}, []string{"softphone"}), DeviceID: maybe(w, w.devices...), Ports: int64(w.rng.IntN(3)),
	})
	return err
}

// addService adds a line, for a user or for none.
func (w *walker) addService(dir *pbx.Directory, users []pbx.UserID) error {
	_, err := dir.AddService(w.Ctx, pbx.NewService{
		UserID: maybe(w, users...), DN: maybe(w, w.extension()), DeviceType: one(w, []string{"Cisco 8851", "Yealink T46U"}), DeviceID: maybe(w, maybe(w, w.devices...)),
		Type: one(w, serviceTypes), Number: w.choice(), LocationID: maybe(w, w.sites...), RemoteSystem: maybe(w, maybe(w, maybe(w, "Leeds"))),
	})
	return err
}

// modifyUser saves what a user is now, changed.
func (w *walker) modifyUser(dir *pbx.Directory, user pbx.UserID) error {
	u, err := dir.User(w.Ctx, user)
	if err != nil {
		return err
	}
	in := w.person()
	u.Email = maybe(w, in.Email)
	u.LocationID, u.E911, u.Login, u.Applications = in.LocationID, in.E911, in.Email, maybe(w, []string{"fax"}, []string{"crm"})
	if in.SIPAddress != "" {
		u.SIPAddress = in.SIPAddress
	}
	_, err = dir.ModifyUser(w.Ctx, u)
	return err
}

// modifyService saves what a line is now, changed.
func (w *walker) modifyService(dir *pbx.Directory, service pbx.ServiceID) error {
	s, err := dir.Service(w.Ctx, service)
	if err != nil {
		return err
	}
	s.DN, s.Type, s.LocationID, s.DeviceType = w.extension(), maybe(w, serviceTypes...), maybe(w, w.sites...), one(w, []string{s.DeviceType, "Cisco 8851"})
	_, err = dir.ModifyService(w.Ctx, s)
	return err
}

// modifyLocation saves what a location is now, changed.
func (w *walker) modifyLocation(dir *pbx.Directory) error {
	l, err := dir.Location(w.Ctx, one(w, w.sites))
	if err != nil {
		return err
	}
	l.Address.Street, l.Address.Country, l.NumberPrefix = maybe(w, "1 Main Street"), one(w, []string{"US", "GB"}), ""
	_, err = dir.ModifyLocation(w.Ctx, l)
	return err
}

// ask attaches something of another system to a line, or asks for it.
func (w *walker) ask(dir *pbx.Directory, line pbx.ServiceID) error {
	in := pbx.NewForeign{System: "CRM", Name: string(rune('a' + w.rng.IntN(3))), Link: "https://crm.example.com"}
	in.Deletable, in.NeedsEmail, in.NeedsLogin = w.rng.IntN(2) == 0, w.rng.IntN(2) == 0, w.rng.IntN(2) == 0
	if w.rng.IntN(2) == 0 {
		return testbed.Second(dir.AttachForeign(w.Ctx, line, in))
	}
	return testbed.Second(dir.RequestForeign(w.Ctx, line, in))
}

// answer says what another system would, or asks it again, or forgets.
func (w *walker) answer(dir *pbx.Directory) error {
	var there []pbx.ForeignID
	for _, f := range testbed.Collect(w.T, dir.ForeignServices(w.Ctx, pbx.ServiceID{})) {
		there = append(there, f.ID)
	}
	id := one(w, there)
	switch w.rng.IntN(6) {
	case 0:
		return testbed.Second(dir.RetryForeign(w.Ctx, id))
	case 1:
		return dir.DetachForeign(w.Ctx, id)
	}
	said := one(w, []pbx.ForeignState{pbx.ForeignActive, pbx.ForeignFailed, pbx.ForeignGone, pbx.ForeignLeft})
	return testbed.Second(dir.As(pbx.Support("agent")).In(w.US.ID).SettleForeign(w.Ctx, id, pbx.Settlement{State: said}))
}

// move takes a service from one status to another.
func (w *walker) move(dir *pbx.Directory, line pbx.ServiceID) error {
	dir = dir.As(pbx.Support("agent")).In(w.US.ID)
	return testbed.Second(testbed.Moves[w.rng.IntN(len(testbed.Moves))].Call(w.Ctx, dir, line, w.Clock.Add(time.Hour)))
}

// stepOnPhone changes a line or the keys of a phone.
func (w *walker) stepOnPhone(dir *pbx.Directory, service pbx.ServiceID) error {
	device, line := one(w, w.devices), int64(w.rng.IntN(4))
	for _, d := range testbed.Collect(w.T, dir.Devices(w.Ctx, pbx.DeviceQuery{State: pbx.DeviceAssigned})) {
		if w.rng.IntN(2) == 0 {
			device = d.ID
		}
	}
	switch w.rng.IntN(6) {
	case 0:
		return dir.ClearDeviceLine(w.Ctx, device, line)
	case 1, 2, 3:
		whose, err := dir.Device(w.Ctx, device)
		if err != nil {
			return err
		}
		who := []pbx.MemberID{pbx.UserMember(whose.UserID)}
		for _, a := range testbed.Collect(w.T, dir.Aliases(w.Ctx, maybe(w, whose.UserID))) { // the user's own, or anybody's
			who = append(who, pbx.AliasMember(a.ID))
		}
		_, err = dir.SetDeviceLine(w.Ctx, device, line, one(w, who))
		return err
	}
	s, err := dir.Service(w.Ctx, service)
	if err != nil {
		return err
	}
	var keys []pbx.PhoneKey
	for range w.rng.IntN(4) {
		keys = append(keys, pbx.PhoneKey{Position: 1 + int64(w.rng.IntN(6)), Kind: one(w, []pbx.KeyKind{pbx.KeySpeedDial, pbx.KeyBusyLamp}), Target: string(w.extension())})
	}
	_, err = dir.SetKeys(w.Ctx, s.ID, s.Rev-int64(w.rng.IntN(8)/7), keys)
	return err
}
