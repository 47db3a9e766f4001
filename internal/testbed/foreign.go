package testbed

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// Linked are foreign services in every state, and a line with some.
type Linked struct {
	Hub                                            *pbx.Service
	There, Asked, Refused, Deleting, Left, Undying *pbx.ForeignService
}

// Foreigners adds them: on the hub those that can be on a line, and those that
// remain after their line is deleted.
func Foreigners(w *World) (l Linked) {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	visiting := w.Support.In(w.US.ID)
	var err error
	l.Hub, err = w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7651", DeviceType: "Cisco 8851", Foreign: []pbx.NewForeign{
		{System: "MICOLLAB", Name: "Client", Deletable: true, NeedsEmail: true, NeedsLogin: true}, {System: "MICOLLAB", Name: "Teleworker"},
	}})
	ok(err)
	l.There, err = w.Dir.AttachForeign(w.Ctx, l.Hub.ID, MiCollab("Softphone"))
	ok(err)
	on := Collect(w.T, w.Dir.ForeignServices(w.Ctx, l.Hub.ID))
	l.Asked = on[0]
	l.Refused, err = visiting.SettleForeign(w.Ctx, on[2].ID, pbx.Settlement{State: pbx.ForeignFailed, Outcome: "no licence left"})
	ok(err)

	gone := w.Service(pbx.UserID{}, "7652")
	for _, in := range []pbx.NewForeign{MiCollab("A"), MiCollab("B"), OwnMiCollab("Own")} {
		_, err = w.Dir.AttachForeign(w.Ctx, gone.ID, in)
		ok(err)
	}
	ok(w.Dir.Confirm(rule.SVC10).DeleteService(w.Ctx, gone.ID))
	for _, f := range Collect(w.T, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{})) {
		switch f.Name {
		case "A":
			l.Deleting = f
		case "B":
			l.Undying, err = visiting.SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: pbx.ForeignFailed, Outcome: "it is in use"})
			ok(err)
		case "Own":
			l.Left = f
		}
	}
	return l
}

// MiCollab is something that can be attached to a line, and that its system
// deletes.
func MiCollab(name string) pbx.NewForeign {
	return pbx.NewForeign{System: "MICOLLAB", Name: name, Link: "https://micollab.example.com/" + strings.ToLower(name), Deletable: true}
}

// OwnMiCollab is one that only its own system deletes.
func OwnMiCollab(name string) pbx.NewForeign {
	in := MiCollab(name)
	in.Deletable = false
	return in
}
