package endure_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgwire"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/memory"
)

// trips limits how often each method asks a remote store and waits, once the
// process has used the tenant: a change reads ahead together with the lock on
// its tenant, perhaps once more by what it found, and sends all that it does
// with the commit. A read is one trip, and a list one a page.
var trips = map[string]int{
	"AttachForeign": 2, "CancelService": 2, "CompleteOrder": 2, "DetachForeign": 2, "DropRemoteService": 2, "FailOrder": 2, "RequestForeign": 2,
	"RetryForeign": 2, "RetryOrder": 2, "SettleForeign": 2, "WithdrawCancellation": 2, "ForeignService": 1, "ForeignServices": 1,

	"ActivatePort": 2, "ActivateService": 2, "ActivateUser": 2, "AddAlias": 2, "AddDevice": 2, "AddExtension": 2,
	"AddLocation": 2, "AddMailbox": 2, "AddMember": 2, "AddNumbers": 3, "AddOwner": 2, "AddService": 3, "AddServiceType": 2,
	"AddStationPool": 2, "AssignDevice": 2,
	"Associate": 2, "Batch": 3, "CancelPort": 2, "ChangeNumber": 4, "ChangeStation": 2, "CheckPIN": 3, "ConfirmPort": 2,
	"CreateGroup": 2, "CreateTenant": 2, "CreateUser": 2, "DeleteAlias": 2, "DeleteDevice": 2, "DeleteGroup": 2,
	"DeleteLocation": 2, "DeleteMailbox": 2, "DeleteService": 2, "DeleteUser": 2, "DisableUser": 2, "Disassociate": 2,
	"EnableUser": 2, "FailPort": 2, "HandOver": 2, "ImportUsers": 4, "IssueCredentials": 2,
	"ModifyAlias": 2, "ModifyLocation": 2, "ModifyMailbox": 2, "ModifyService": 2, "ModifyServiceType": 2,
	"ModifyStationPool": 2, "ModifyTenant": 2, "ModifyUser": 2,
	"RemoveExtension": 2, "RemoveMember": 2, "RemoveOwner": 2, "RequestPort": 3, "ReturnNumber": 2, "Review": 3,
	"SendWelcomeMail": 2, "SetLineLocation": 2, "SetMainExtension": 2, "SetPIN": 2, "SetPrimary": 2, "SetPrimaryDevice": 2,
	"ClearDeviceLine": 2, "SetDeviceLine": 2, "SetKeys": 2,
	"SetUpUser": 3, "StockNumbers": 3, "UnassignDevice": 2, "ChangeLine": 2,

	"Alias": 1, "Aliases": 1, "AssociationChoices": 1, "Device": 1, "Devices": 1, "Digest": 1, "ExportUsers": 1, "Extensions": 1, "Group": 1, "Groups": 1,
	"Journal": 1, "JournalHead": 1, "Line": 1, "Location": 1, "Locations": 1, "Lookup": 1, "Mailbox": 1, "MainExtension": 1, "Members": 1,
	"OfferedNumbers": 1, "Number": 1, "Numbers": 1, "Order": 1, "Orders": 1, "PortRequest": 1, "PortRequests": 1, "SIPIdentity": 1, "Service": 1,
	"ServiceTypes": 1, "ServiceUsers": 1, "Services": 1, "StationPools": 1, "Tenant": 1, "Tenants": 1, "User": 1,
	"UserByLogin": 1, "UserServices": 1, "Users": 1, "DeviceLines": 1, "Keys": 1, "LineIdentity": 1,
}

// withoutTrips are the methods that have no such limit: those that ask no
// store, and those that read all of it.
var withoutTrips = strings.Fields("As Check CheckJournal Confirm Connect Deliver In Seen Stats")

// ownReads is how many of an operation's trips in the table of operations are
// reads of the call itself, before it: those that save what they read.
var ownReads = map[string]int{
	"ActivateService": 2, "DeleteLocation": 1, "ModifyAlias": 1, "ModifyLocation": 1, "ModifyMailbox": 1, "ModifyService": 1,
	"ModifyTenant": 1, "ModifyUser": 1, "Order": 1, "SetPrimaryDevice": 1,
	"ModifyServiceType": 1, "ModifyStationPool": 1,
}

func TestEveryMethodHasABoundOnItsTrips(t *testing.T) {
	called := map[string]bool{}
	for _, op := range slices.Concat(testbed.Operations, testbed.Readings) {
		called[op.Method] = true
	}
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		_, bounded := trips[m.Name]
		require.Equal(t, slices.Contains(withoutTrips, m.Name), !bounded, "%s needs a bound in trips, or a place in withoutTrips", m.Name)
		require.Equal(t, bounded, called[m.Name], "%s needs a call in operations or readings", m.Name)
	}
	for method, bound := range trips {
		require.LessOrEqual(t, bound, map[bool]int{false: 4, true: 5}[method == "SetUpUser"], method)
	}
}

// countTrips calls every method in a world of its own, after using the tenant
// there, and fails if one takes more trips than its limit. If the run is not a
// long one, it calls a sample.
func countTrips(t *testing.T, sample int, world func(t *testing.T) (r *testbed.Replica, count func(func()) int)) {
	for i, op := range slices.Concat(testbed.Operations, testbed.Readings) {
		if !testbed.Sampled(i, sample) {
			continue
		}
		r, count := world(t)
		require.NoError(t, testbed.Second(r.World.Dir.OfferedNumbers(r.Ctx, r.Boston.ID, "", 1)))
		require.NoError(t, testbed.Second(r.World.Support.StockNumbers(r.Ctx, "+16175550179")))
		var err error
		n := count(func() { err = testbed.AtOnce(r.Ctx, op, r) })
		if op.Method != "CheckPIN" { // whose call has the wrong PIN
			require.NoError(t, err, op.Method)
		}
		n -= ownReads[op.Method]
		t.Logf("%-20s %d, at most %d", op.Method, n, trips[op.Method])
		require.LessOrEqual(t, n, trips[op.Method], op.Method)
	}
}

// On the wire, a trip is what the client sends before it waits for the server.
func TestTripsOfEveryMethodOnTheWire(t *testing.T) {
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	countTrips(t, testbed.SampleOfOperations, func(t *testing.T) (*testbed.Replica, func(func()) int) {
		proxy := pgwire.Listen(t, o.Database(t))
		return o.On(t, testbed.OnServer(t, proxy.DSN())), func(call func()) int {
			proxy.Reset()
			call()
			return proxy.Flushes()
		}
	})
}

func TestTripsOfEveryMethod(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	countTrips(t, 1, func(t *testing.T) (*testbed.Replica, func(func()) int) {
		r := o.InMemory(t)
		store := &testbed.Faraway{Store: r.World.Store}
		r = o.On(t, store)
		return r, func(call func()) int {
			store.Trips.Store(0)
			call()
			return int(store.Trips.Load())
		}
	})
}
