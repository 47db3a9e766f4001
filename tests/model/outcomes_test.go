package model_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/tests/model"
)

// outcomes count the results of the operations.
type outcomes struct {
	commands int
	done     map[string]int
	refused  map[string]map[rule.Code]int

	known   int // the number of commands for which lacking holds
	lacking map[string][]string
}

func newOutcomes() *outcomes {
	return &outcomes{done: map[string]int{}, refused: map[string]map[rule.Code]int{}}
}

func (o *outcomes) add(out model.Outcome) {
	o.commands++
	o.count(out)
	for _, part := range out.Parts {
		o.count(part)
	}
}

func (o *outcomes) count(out model.Outcome) {
	if len(out.Refused) == 0 {
		o.done[out.Op]++
		return
	}
	if o.refused[out.Op] == nil {
		o.refused[out.Op] = map[rule.Code]int{}
	}
	for _, r := range out.Refused {
		o.refused[out.Op][r.Code]++
	}
}

// anyones are the refusals of every operation.
const anyones = "ACC-1 ACC-2"

// refusable are the codes with which each operation can be refused, besides
// anyones.
var refusable = map[string]string{
	"ActivatePort": "NUM-11", "ActivateService": "SVC-17 USR-13", "ActivateUser": "USR-13", "AddAlias": "EXT-1 EXT-2 EXT-3 EXT-6 EXT-7",
	"AddDevice": "DEV-1", "AddExtension": "EXT-1 EXT-2 EXT-3", "AddLocation": "NUM-4", "AddMailbox": "SVC-11 VM-1 VM-2 VM-4 VM-5",
	"AddMember": "EXT-8", "AddNumbers": "NUM-1", "AddOwner": "OWN-1 OWN-2 OWN-3",
	"AddService":   "DEV-2 DEV-7 EXT-1 EXT-2 EXT-3 EXT-5 NUM-2 NUM-3 NUM-4 NUM-5 NUM-6 OWN-6 OWN-8 STN-2 SVC-2 SVC-3 SVC-11 SVC-13 SVC-16 USR-14",
	"AssignDevice": "DEV-2 DEV-3", "Associate": "EXT-3 OWN-6 SVC-3 SVC-4 USR-14", "AttachForeign": "SVC-11 SVC-13 USR-14", "CancelPort": "NUM-11",
	"CancelService": "OWN-6 SVC-11 SVC-17", "ChangeNumber": "EXT-1 EXT-2 EXT-3 EXT-5 NUM-2 NUM-3 NUM-4 NUM-5 NUM-6 NUM-7 NUM-8 NUM-9 NUM-10 SVC-4 SVC-11",
	"ChangeStation": "STN-1 STN-3", "CheckPIN": "SVC-17 SYS-1 USR-13 VM-5", "ClearDeviceLine": "EXT-9", "CompleteOrder": "SVC-17", "ConfirmPort": "NUM-11",
	"CreateGroup": "EXT-1 EXT-2 EXT-3 EXT-8", "CreateTenant": "EXT-1 EXT-4 EXT-5 NUM-10 ORD-1 VM-2 VM-5",
	"CreateUser": "EXT-1 EXT-2 EXT-3 EXT-6 OWN-6 USR-1 USR-3 USR-5 USR-6", "DeleteAlias": "", "DeleteDevice": "DEV-6", "DeleteGroup": "",
	"DeleteLocation": "", "DeleteMailbox": "", "DeleteService": "OWN-6 SVC-8 SVC-9 SVC-10 SVC-11",
	"DeleteUser": "OWN-6 SVC-8 SVC-10 USR-9 USR-10 USR-11", "DetachForeign": "SVC-13", "DropRemoteService": "SVC-8 SVC-11", "DisableUser": "USR-13",
	"Disassociate": "OWN-6 SVC-4 SVC-5 SVC-7", "EnableUser": "USR-13", "FailOrder": "SVC-17", "FailPort": "NUM-11",
	"HandOver": "EXT-6 OWN-6 SVC-15 USR-1 USR-3 USR-5", "ImportUsers": "EXT-1 EXT-2 EXT-3 EXT-5 OWN-6 SVC-16 SYS-5 USR-1 USR-3 USR-4", "IssueCredentials": "USR-13", "ModifyAlias": "EXT-6 EXT-7 SVC-15",
	"ModifyLocation": "EXT-3 NUM-4 SVC-15 USR-6", "ModifyMailbox": "SVC-15 VM-1 VM-4",
	"ModifyService": "DEV-2 DEV-7 EXT-1 EXT-2 EXT-3 OWN-8 SVC-2 SVC-11 SVC-14 SVC-15 SVC-16",
	"ModifyTenant":  "EXT-1 EXT-4 EXT-5 NUM-5 NUM-10 ORD-1 SVC-15 VM-2 VM-5",
	"ModifyUser":    "EXT-3 EXT-6 STN-2 SVC-15 USR-1 USR-3 USR-5 USR-6 USR-7 USR-14", "RemoveExtension": "EXT-1", "RemoveMember": "EXT-8",
	"RemoveOwner": "OWN-1 OWN-2 OWN-3", "RequestForeign": "SVC-11 SVC-13 USR-14", "RequestPort": "NUM-1 NUM-11", "RetryForeign": "SVC-18 USR-14",
	"RetryOrder": "SVC-17", "ReturnNumber": "NUM-2 NUM-10", "SendWelcomeMail": "USR-12 USR-13", "SetDeviceLine": "EXT-9",
	"SetKeys": "DEV-7 SVC-11 SVC-15", "SetLineLocation": "EXT-3 OWN-1 OWN-2 OWN-7 OWN-8", "SetMainExtension": "", "SetPIN": "VM-5",
	"SetPrimary": "OWN-6 SVC-4", "SetPrimaryDevice": "DEV-5",
	"AddServiceType": "STN-2 SVC-16", "ModifyServiceType": "STN-2 SVC-15 SVC-16", "AddStationPool": "STN-1 STN-2", "ModifyStationPool": "STN-1 STN-2 STN-4 SVC-15",
	"SetUpUser":     "DEV-2 DEV-3 DEV-7 EXT-1 EXT-2 EXT-3 EXT-5 EXT-6 NUM-2 NUM-3 NUM-4 NUM-5 NUM-6 OWN-6 OWN-8 STN-1 STN-2 SVC-2 SVC-13 SVC-16 USR-1 USR-3 USR-4 USR-5 USR-6 VM-1 VM-2 VM-4 VM-5",
	"SettleForeign": "SVC-13 SVC-18", "StockNumbers": "NUM-1", "UnassignDevice": "DEV-5",
	"ChangeLine": "EXT-3 OWN-1 OWN-2 OWN-3 OWN-7 OWN-8 SVC-15", "WithdrawCancellation": "OWN-6 SVC-17",

	"DeviceLines": "", "Devices": "", "Extensions": "", "ForeignServices": "", "Line": "OWN-1 OWN-2", "Lookup": "", "MainExtension": "",
	"OfferedNumbers": "NUM-4 NUM-6", "Numbers": "NUM-2", "Orders": "", "ServiceUsers": "", "Services": "", "UserServices": "", "Users": "",

	"Commit as reviewed": "", "Commit, run again": "SYS-2",
}

// wanted reports whether an outcome was never seen.
func (o *outcomes) wanted(out model.Outcome) bool {
	missing := o.missing()[out.Op]
	if len(out.Refused) == 0 {
		return slices.Contains(missing, "done")
	}
	return slices.ContainsFunc(out.Refused, func(r model.Refusal) bool { return slices.Contains(missing, string(r.Code)) })
}

// missing are the operations that never went through, and the codes with which
// they were never refused.
func (o *outcomes) missing() map[string][]string {
	if o.known == o.commands && o.lacking != nil {
		return o.lacking
	}
	o.known, o.lacking = o.commands, map[string][]string{}
	for op, codes := range refusable {
		switch {
		case op == "StockNumbers": // support is in the provider's tenant, or refused
			codes += " ACC-2"
		case !strings.HasPrefix(op, "Commit"):
			codes += " " + anyones
		}
		for _, code := range strings.Fields(codes) {
			if o.refused[op][rule.Code(code)] == 0 {
				o.lacking[op] = append(o.lacking[op], code)
			}
		}
		if o.done[op] == 0 {
			o.lacking[op] = append(o.lacking[op], "done")
		}
	}
	return o.lacking
}

// unexpected are the refusals that the table does not have: the model knows
// more than it says.
func (o *outcomes) unexpected() []string {
	var list []string
	for op, codes := range o.refused {
		known, listed := refusable[op]
		for code := range codes {
			if listed && !slices.Contains(strings.Fields(anyones+" "+known), string(code)) {
				list = append(list, op+" "+string(code))
			}
		}
	}
	slices.Sort(list)
	return list
}

// report prints the table, and fails where something was never reached.
func (o *outcomes) report(t *testing.T) {
	t.Logf("%d commands on each of %s; divergences: 0", o.commands, strings.Join(slices.Sorted(maps.Keys(stores)), ", "))
	ops := map[string]bool{}
	for op := range maps.Keys(o.done) {
		ops[op] = true
	}
	for op := range maps.Keys(o.refused) {
		ops[op] = true
	}
	for _, op := range slices.Sorted(maps.Keys(ops)) {
		var codes []string
		for _, code := range slices.Sorted(maps.Keys(o.refused[op])) {
			codes = append(codes, fmt.Sprintf("%s %d", code, o.refused[op][code]))
		}
		t.Logf("%-18s done %5d; refused: %s", op, o.done[op], strings.Join(codes, ", "))
	}
	require.Empty(t, o.unexpected(), "refusals that are not in the table")
	require.Empty(t, o.missing(), "operations that never went through, and refusals that never came")
}

// unmodelled are the methods that change something and of which the model knows
// nothing: what they do to the store is also done by other methods, which it
// knows.
var unmodelled = map[string]string{
	"Batch": "a command around others", "Review": "a command around others",
	"Connect": "asks other systems and settles what they say, as SettleForeign does",
}

// Every method that the testbed's table of operations has is in one of the two
// tables.
func TestTheModelKnowsEveryOperation(t *testing.T) {
	for _, op := range testbed.Operations {
		_, known := refusable[op.Method]
		require.True(t, known || unmodelled[op.Method] != "", op.Method)
	}
	for method := range unmodelled {
		_, known := refusable[method]
		require.False(t, known, method)
	}
}
