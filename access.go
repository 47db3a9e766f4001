package pbx

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pbxkit/pbx/rule"
)

// Role is what an actor is to the system (ACC-2).
type Role string

// The roles.
const (
	RoleSupport       Role = "support"       // the provider's agent: every tenant
	RoleAdministrator Role = "administrator" // one tenant, all of it
	RoleOwner         Role = "owner"         // the management record of the lines owned
)

// Actor is who acts. The embedding program has signed them in; the library
// decides what they may do, and the journal keeps their name.
type Actor struct {
	Principal Principal
	Role      Role
	Tenant    TenantID // the tenant of an administrator or an owner
}

// Support is an agent of the provider. They find a tenant with Tenants, enter it
// with Directory.In, and work there under their own name (ACC-3).
func Support(p Principal) Actor { return Actor{Principal: p, Role: RoleSupport} }

// Administrator is an administrator of one tenant (ACC-2).
func Administrator(p Principal, tenant TenantID) Actor {
	return Actor{Principal: p, Role: RoleAdministrator, Tenant: tenant}
}

// LineOwner is somebody who owns lines of a tenant. They reach the management
// records of those lines, and nothing else (ACC-2, OWN-6).
func LineOwner(p Principal, tenant TenantID) Actor {
	return Actor{Principal: p, Role: RoleOwner, Tenant: tenant}
}

// grant says who may call an operation, and where.
type grant struct {
	roles []Role
	scope scope
}

type scope uint8

const (
	inCustomer scope = iota // in a customer's tenant
	inProvider              // in the provider's own
	anywhere
)

var (
	supportOnly    = []Role{RoleSupport}
	administrators = []Role{RoleSupport, RoleAdministrator}
	everyRole      = []Role{RoleSupport, RoleAdministrator, RoleOwner}
)

// grants is the one table of what each role may do. One function reads it: allow.
// A method that is not in it is granted to nobody.
var grants = map[string]grant{
	"Batch":  {everyRole, anywhere},
	"Review": {everyRole, anywhere},

	"CreateTenant":   {supportOnly, inProvider},
	"Tenants":        {supportOnly, inProvider},
	"StockNumbers":   {supportOnly, inProvider},
	"Tenant":         {administrators, anywhere},
	"Journal":        {administrators, anywhere},
	"JournalHead":    {administrators, anywhere},
	"Check":          {administrators, anywhere},
	"CheckJournal":   {administrators, anywhere},
	"Deliver":        {supportOnly, inProvider},
	"ModifyTenant":   {administrators, inCustomer},
	"AddLocation":    {administrators, inCustomer},
	"Location":       {administrators, inCustomer},
	"Locations":      {administrators, inCustomer},
	"ModifyLocation": {administrators, inCustomer},
	"DeleteLocation": {administrators, inCustomer},

	"AddServiceType":    {administrators, inCustomer},
	"ModifyServiceType": {administrators, inCustomer},
	"ServiceTypes":      {administrators, inCustomer},
	"AddStationPool":    {administrators, inCustomer},
	"ModifyStationPool": {administrators, inCustomer},
	"StationPools":      {administrators, inCustomer},
	"ChangeStation":     {administrators, inCustomer},

	"CreateUser":      {administrators, inCustomer},
	"SetUpUser":       {administrators, inCustomer},
	"User":            {administrators, inCustomer},
	"UserByLogin":     {administrators, inCustomer},
	"Users":           {administrators, inCustomer},
	"ModifyUser":      {administrators, inCustomer},
	"ActivateUser":    {administrators, inCustomer},
	"DisableUser":     {administrators, inCustomer},
	"EnableUser":      {administrators, inCustomer},
	"HandOver":        {administrators, inCustomer},
	"DeleteUser":      {administrators, inCustomer},
	"SendWelcomeMail": {administrators, inCustomer},
	"ImportUsers":     {administrators, inCustomer},
	"ExportUsers":     {administrators, inCustomer},

	"AddExtension":     {administrators, inCustomer},
	"RemoveExtension":  {administrators, inCustomer},
	"SetMainExtension": {administrators, inCustomer},
	"Extensions":       {administrators, inCustomer},
	"MainExtension":    {administrators, inCustomer},
	"Lookup":           {administrators, inCustomer},

	"ActivateService":    {administrators, inCustomer},
	"AddService":         {administrators, inCustomer},
	"Service":            {administrators, inCustomer},
	"Services":           {administrators, inCustomer},
	"ModifyService":      {administrators, inCustomer},
	"DeleteService":      {administrators, inCustomer},
	"Associate":          {administrators, inCustomer},
	"Disassociate":       {administrators, inCustomer},
	"SetPrimary":         {administrators, inCustomer},
	"UserServices":       {administrators, inCustomer},
	"ServiceUsers":       {administrators, inCustomer},
	"AssociationChoices": {administrators, inCustomer},

	"CompleteOrder":        {supportOnly, inCustomer},
	"DropRemoteService":    {supportOnly, inCustomer},
	"FailOrder":            {supportOnly, inCustomer},
	"RetryOrder":           {administrators, inCustomer},
	"CancelService":        {administrators, inCustomer},
	"WithdrawCancellation": {administrators, inCustomer},

	"AttachForeign":   {administrators, inCustomer},
	"RequestForeign":  {administrators, inCustomer},
	"ForeignService":  {administrators, inCustomer},
	"ForeignServices": {administrators, inCustomer},
	"SettleForeign":   {supportOnly, inCustomer},
	"RetryForeign":    {administrators, inCustomer},
	"DetachForeign":   {administrators, inCustomer},
	"Connect":         {supportOnly, inProvider},

	"Line":       {everyRole, inCustomer},
	"ChangeLine": {everyRole, inCustomer},

	"AddMailbox":    {administrators, inCustomer},
	"Mailbox":       {administrators, inCustomer},
	"ModifyMailbox": {administrators, inCustomer},
	"DeleteMailbox": {administrators, inCustomer},
	"SetPIN":        {administrators, inCustomer},
	"CheckPIN":      {administrators, inCustomer},

	"Number":         {administrators, anywhere},
	"Numbers":        {administrators, anywhere},
	"OfferedNumbers": {administrators, inCustomer},
	"AddNumbers":     {supportOnly, inCustomer},
	"ChangeNumber":   {administrators, inCustomer},
	"ReturnNumber":   {administrators, inCustomer},
	"RequestPort":    {administrators, inCustomer},
	"ConfirmPort":    {supportOnly, inCustomer},
	"ActivatePort":   {supportOnly, inCustomer},
	"CancelPort":     {administrators, inCustomer},
	"FailPort":       {supportOnly, inCustomer},
	"PortRequest":    {administrators, inCustomer},
	"PortRequests":   {administrators, inCustomer},

	"Order":  {administrators, inCustomer},
	"Orders": {administrators, inCustomer},

	"AddDevice":        {administrators, inCustomer},
	"Device":           {administrators, inCustomer},
	"Devices":          {administrators, inCustomer},
	"AssignDevice":     {administrators, inCustomer},
	"UnassignDevice":   {administrators, inCustomer},
	"SetPrimaryDevice": {administrators, inCustomer},
	"DeleteDevice":     {administrators, inCustomer},
	"SetDeviceLine":    {administrators, inCustomer},
	"ClearDeviceLine":  {administrators, inCustomer},
	"DeviceLines":      {administrators, inCustomer},
	"LineIdentity":     {administrators, inCustomer},

	"SetKeys": {administrators, inCustomer},
	"Keys":    {administrators, inCustomer},

	"IssueCredentials": {administrators, inCustomer},
	"SIPIdentity":      {administrators, inCustomer},
	"Digest":           {supportOnly, anywhere},

	"AddAlias":     {administrators, inCustomer},
	"Alias":        {administrators, inCustomer},
	"Aliases":      {administrators, inCustomer},
	"ModifyAlias":  {administrators, inCustomer},
	"DeleteAlias":  {administrators, inCustomer},
	"CreateGroup":  {administrators, inCustomer},
	"Group":        {administrators, inCustomer},
	"Groups":       {administrators, inCustomer},
	"DeleteGroup":  {administrators, inCustomer},
	"AddMember":    {administrators, inCustomer},
	"RemoveMember": {administrators, inCustomer},
	"Members":      {administrators, inCustomer},
}

// linesAndUsers are the operations that cancel a line, create one, or change who
// uses it. Owning a line does not grant them (OWN-6).
var linesAndUsers = []string{
	"AddService", "DeleteService", "Associate", "Disassociate", "SetPrimary", "CreateUser", "SetUpUser", "ImportUsers", "DeleteUser",
	"HandOver", "CancelService", "WithdrawCancellation",
}

// allow is the one place where access is decided: it returns the tenant that the
// operation works in, or the refusal.
func (d *Directory) allow(operation string) (TenantID, error) {
	g, listed := grants[operation]
	granted := false
	for _, role := range g.roles {
		granted = granted || role == d.actor.Role
	}
	if !listed || !granted || !d.actor.named() {
		code := rule.ACC2
		if d.actor.Role == RoleOwner && d.actor.named() && slices.Contains(linesAndUsers, operation) {
			code = rule.OWN6
		}
		return TenantID{}, &Error{Code: code, Kind: ErrDenied, Subject: Ref{Kind: "operation", ID: operation},
			Reason: operation + " is not granted to " + d.actor.describe()}
	}
	tenant := d.scope()
	if tenant.IsZero() || d.actor.Role != RoleSupport && (tenant != d.actor.Tenant || tenant == Provider) {
		return TenantID{}, noTenant(tenant)
	}
	switch {
	case g.scope == inCustomer && tenant == Provider:
		return TenantID{}, &Error{Code: rule.ACC1, Kind: ErrInvalid, Field: "Tenant", Reason: operation + " works in a customer's tenant: choose one with In"}
	case g.scope == inProvider && tenant != Provider:
		return TenantID{}, &Error{Code: rule.ACC2, Kind: ErrDenied, Reason: operation + " works in the provider's own tenant, not in a customer's"}
	}
	return tenant, nil
}

// scope is the tenant that was chosen with In, or else the actor's own.
func (d *Directory) scope() TenantID {
	switch {
	case !d.tenant.IsZero():
		return d.tenant
	case d.actor.Role == RoleSupport:
		return Provider
	}
	return d.actor.Tenant
}

// named reports whether the actor has a name that the journal can keep.
func (a Actor) named() bool {
	p := string(a.Principal)
	return p != "" && utf8.ValidString(p) && !strings.ContainsFunc(p, unprintable)
}

func (a Actor) describe() string {
	if a.Role == "" || !a.named() {
		return "nobody: choose an actor with As"
	}
	return "the role " + string(a.Role)
}

func noTenant(id TenantID) error {
	return &Error{Code: rule.ACC1, Kind: ErrNotFound, Subject: Ref{Kind: "tenant", ID: id.String()}, Reason: "there is no such tenant"}
}
