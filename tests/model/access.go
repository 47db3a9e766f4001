package model

import (
	"slices"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// Most operations are an administrator's, in a customer's tenant. These are
// not.
var (
	providersOwn = []string{"CreateTenant", "StockNumbers", "Tenants", "Deliver"}
	supportsOwn  = []string{"AddNumbers", "ConfirmPort", "ActivatePort", "FailPort", "CompleteOrder", "FailOrder", "SettleForeign", "DropRemoteService"}
	everybodys   = []string{"Line", "ChangeLine", "Batch", "Review"}
	everywhere   = []string{"Batch", "Review", "Tenant", "Journal", "Numbers"}
)

// linesAndUsers are what owning a line does not give (OWN-6).
var linesAndUsers = []string{
	"AddService", "DeleteService", "Associate", "Disassociate", "SetPrimary", "CreateUser", "SetUpUser", "DeleteUser", "HandOver", "ImportUsers",
	"CancelService", "WithdrawCancellation",
}

// enter checks whether a call is allowed (ACC-1, ACC-2, OWN-6), and refuses it
// if not.
func (x *step) enter(op string) bool {
	if x.batched && op == "CheckPIN" { // if the batch is dropped the try would not count
		x.refuse(rule.SYS1, pbx.ErrMisuse, "")
		return false
	}
	if c, ok := calledAs[op]; ok {
		op = c
	}
	if !x.granted(op) {
		code := rule.ACC2
		if x.actor.Role == pbx.RoleOwner && x.actor.Name != "" && slices.Contains(linesAndUsers, op) {
			code = rule.OWN6
		}
		x.refuse(code, pbx.ErrDenied, "")
		return false
	}
	if x.actor.Role != pbx.RoleSupport && (x.in != x.actor.Home || x.in == Provider) {
		x.missing("")
		return false
	}
	switch {
	case slices.Contains(everywhere, op):
	case slices.Contains(providersOwn, op) && x.in != Provider:
		x.refuse(rule.ACC2, pbx.ErrDenied, "")
		return false
	case !slices.Contains(providersOwn, op) && x.in == Provider:
		x.invalid(rule.ACC1, "Tenant")
		return false
	}
	return true
}

// calledAs are the operations that are a form of another one.
var calledAs = map[string]string{"AddOwner": "ChangeLine", "RemoveOwner": "ChangeLine", "SetLineLocation": "ChangeLine"}

func (x *step) granted(op string) bool {
	if x.actor.Name == "" {
		return false
	}
	switch x.actor.Role {
	case pbx.RoleSupport:
		return true
	case pbx.RoleAdministrator:
		return !slices.Contains(providersOwn, op) && !slices.Contains(supportsOwn, op)
	case pbx.RoleOwner:
		return slices.Contains(everybodys, op)
	}
	return false
}
