// Package pbx is the provisioning core of a hosted telephone system: tenants,
// users, phone services, numbers, extensions and SIP identities, voicemail
// boxes, devices, licences, orders and line owners, with every rule that an
// admin portal would keep. A portal, a CLI, a SCIM bridge or a test suite embeds
// it: the package decides what is allowed, keeps the records in a store, and
// says through its journal what has to happen outside.
//
// # Getting in
//
// [New] makes a [Directory] over a store. Three stores come with the library:
// package store/memory for tests, store/sqlite for one file, and store/postgres
// for many processes. [Directory.As] chooses who acts, [Directory.In] the tenant
// that support works in:
//
//	support := pbx.New(store).As(pbx.Support("alice"))
//	acme, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
//	admin := support.As(pbx.Administrator("bob", acme.ID))
//	made, err := admin.SetUpUser(ctx, pbx.SetUp{ … })
//
// An actor has one of three roles. [Support] works for the provider, in every
// tenant; an [Administrator] works in one tenant; a [LineOwner] reaches only the
// management records of the lines that they own.
//
// # Three ways to call an operation
//
// Every operation is one method of Directory. Called directly, it acts at once.
// Inside the function of [Directory.Batch], the same methods act together or not
// at all. Inside the function of [Directory.Review] they change nothing: the
// [Review] lists what they would do, what they warn of, what has to be confirmed
// and what it costs. [Review.Commit] then does exactly that, or refuses with a
// fresh review.
//
// Some operations cannot be undone or touch others, and want a confirmation: a
// committed Review gives it, or [Directory.Confirm] with the rule's code.
// Otherwise they are refused with [ErrUnconfirmed].
//
// # Refusals
//
// Every refusal is an [*Error] with the Code of the rule that was broken
// (docs/rules.md lists them, package rule has the constants), a kind for
// errors.Is such as [ErrConflict], the field, the subject and its holder. Several
// at once come as one *multierror.Error; [Errors] lists them in either case, and
// [CodeOf] gives the first code. A refusal has changed nothing. Messages are safe
// to show: they hold no driver text, no secret, and nothing of another tenant.
//
// An operation that gives an error gives nothing else: there is no value beside
// it. What a refusal has to show comes in the error. A [*StaleError] holds the
// record as it is now, a [*StaleReview] holds a fresh review, and a [*RowError]
// says which row and column of a file is wrong.
//
// # Records
//
// Records are plain structs. Those that a Directory returns are copies, for the
// caller to change. Amounts of [Money] are in minor units of the tenant's
// currency, times are UTC in whole microseconds, numbers are [E164], and names are
// searched without regard to case and accents. The methods Table and Fields of a
// record are for stores.
//
// Lists are sequences to range over. They read page by page, so that the body of
// a loop may read and write; a list is no snapshot, but a batch and a review are.
//
// # Revisions
//
// A record that was read carries its revision, Rev. There is one rule (SVC-15):
// a change that is based on a revision which is no longer current is always
// refused, with [ErrStale].
//
//   - Saving a whole record (Modify…) demands its revision: save the copy that was
//     read.
//   - Any other operation can be based on what was seen, with [Directory.Seen], or
//     where its input has a Rev, by that. No record given, or a Rev of 0, means
//     that nothing was seen.
//   - The [*StaleError] holds what there is now.
//
// So whoever acts on a list that is an hour old decides whether that matters:
//
//	err := admin.Seen(user).DeleteUser(ctx, user.ID, pbx.UserOnly)
//
// # Stores
//
// A store has six methods and knows no rule. Package store declares them, package
// store/storetest tests any implementation with one call, and store/transfer
// copies a tenant or everything from one store to another. The tenant is the
// boundary of consistency: changes of one tenant queue, those of several tenants
// do not wait for each other where the engine allows it.
//
// # Verbs
//
// Which word gives, changes or ends what. The right column says which word ends
// what the left one made:
//
//	Create, Add      makes something new                        Delete or Remove
//	SetUp            makes a user with everything               Delete
//	Import           makes users, one for each row of a file    Delete
//	Assign           gives a device to a user                   Unassign
//	Associate        gives a line to a user                     Disassociate
//	Attach           records what another system provides       Detach
//	Request          asks another system, or for a port         Detach; Cancel or Fail
//	Issue            draws credentials, in place of older ones
//	Stock            puts numbers into the provider's stock
//
//	Modify           saves a whole record that was read and changed
//	Change           replaces one thing, with all that follows from it
//	Set              sets one thing, whatever it was before     Clear
//	HandOver         gives a user's place to a new person
//	Activate         starts what was made for later
//	Disable          stops a user and the lines of nobody else  Enable
//	Complete, Fail   record what came of an order or a port
//	Settle           records what another system answered
//	Retry            asks again for what failed
//
//	Delete           ends a record for good
//	Remove           takes one thing out of another: a member out of a group,
//	                 an owner off a line, an extension from a user
//	Unassign         takes a device back from its user; both stay
//	Disassociate     takes a line back from a user; both stay
//	Clear            leaves a line of a phone empty
//	Detach           drops the record of what another system provided
//	Drop             records that a remote service is gone
//	Return           gives a number back to the provider
//	Cancel           ends a service on a day to come            Withdraw
//	Cancel           gives up a port
//
// A noun alone reads: [Directory.User] one user, [Directory.Users] a list of them.
//
// # Operations by subject
//
// Every operation works in a Batch and in a Review, except Check, CheckJournal,
// CheckPIN, Connect and Deliver.
//
// Who acts, where, on what, and what is confirmed: [Directory.As], [Directory.In],
// [Directory.Seen], [Directory.Confirm].
//
// Several at once, and before it happens: [Directory.Batch], [Directory.Review].
//
// Tenants: [Directory.CreateTenant], [Directory.Tenant], [Directory.Tenants],
// [Directory.ModifyTenant].
//
// Locations: [Directory.AddLocation], [Directory.Location], [Directory.Locations],
// [Directory.ModifyLocation], [Directory.DeleteLocation].
//
// Catalogue of service types: [Directory.AddServiceType],
// [Directory.ServiceTypes], [Directory.ModifyServiceType].
//
// Packages of stations: [Directory.AddStationPool], [Directory.StationPools],
// [Directory.ModifyStationPool], [Directory.ChangeStation].
//
// Users: [Directory.CreateUser], [Directory.SetUpUser], [Directory.User],
// [Directory.UserByLogin], [Directory.Users], [Directory.ModifyUser],
// [Directory.ActivateUser], [Directory.DisableUser], [Directory.EnableUser],
// [Directory.HandOver], [Directory.DeleteUser], [Directory.SendWelcomeMail].
//
// Files of users: [Directory.ImportUsers], [Directory.ExportUsers].
//
// Aliases: [Directory.AddAlias], [Directory.Alias], [Directory.Aliases],
// [Directory.ModifyAlias], [Directory.DeleteAlias].
//
// Groups and queues: [Directory.CreateGroup], [Directory.Group],
// [Directory.Groups], [Directory.DeleteGroup], [Directory.AddMember],
// [Directory.Members], [Directory.RemoveMember].
//
// Extensions and the dial plan: [Directory.AddExtension], [Directory.Extensions],
// [Directory.Lookup], [Directory.MainExtension], [Directory.SetMainExtension],
// [Directory.RemoveExtension].
//
// Services, which are phone lines: [Directory.AddService], [Directory.Service],
// [Directory.Services], [Directory.ModifyService], [Directory.ActivateService],
// [Directory.CancelService], [Directory.WithdrawCancellation],
// [Directory.DeleteService], [Directory.DropRemoteService].
//
// Who uses a line: [Directory.Associate], [Directory.Disassociate],
// [Directory.SetPrimary], [Directory.UserServices], [Directory.ServiceUsers],
// [Directory.AssociationChoices].
//
// Programmable keys: [Directory.SetKeys], [Directory.Keys].
//
// Telephone numbers: [Directory.Number], [Directory.Numbers],
// [Directory.OfferedNumbers], [Directory.ChangeNumber], [Directory.ReturnNumber],
// [Directory.AddNumbers], [Directory.StockNumbers].
//
// Porting numbers in: [Directory.RequestPort], [Directory.PortRequest],
// [Directory.PortRequests], [Directory.ConfirmPort], [Directory.ActivatePort],
// [Directory.CancelPort], [Directory.FailPort].
//
// Voicemail: [Directory.AddMailbox], [Directory.Mailbox],
// [Directory.ModifyMailbox], [Directory.DeleteMailbox], [Directory.SetPIN],
// [Directory.CheckPIN].
//
// Devices: [Directory.AddDevice], [Directory.Device], [Directory.Devices],
// [Directory.AssignDevice], [Directory.UnassignDevice],
// [Directory.SetPrimaryDevice], [Directory.DeleteDevice].
//
// Lines of a device: [Directory.SetDeviceLine], [Directory.ClearDeviceLine],
// [Directory.DeviceLines], [Directory.LineIdentity].
//
// SIP credentials: [Directory.IssueCredentials], [Directory.SIPIdentity],
// [Directory.Digest].
//
// What other systems provide on a line: [Directory.AttachForeign],
// [Directory.RequestForeign], [Directory.ForeignService],
// [Directory.ForeignServices], [Directory.SettleForeign],
// [Directory.RetryForeign], [Directory.DetachForeign], [Directory.Connect].
//
// Line owners and their management record: [Directory.Line],
// [Directory.ChangeLine], [Directory.AddOwner], [Directory.RemoveOwner],
// [Directory.SetLineLocation].
//
// Orders and billing: [Directory.Order], [Directory.Orders],
// [Directory.CompleteOrder], [Directory.FailOrder], [Directory.RetryOrder].
//
// The journal and its subscribers: [Directory.Journal], [Directory.Deliver];
// [Directory.JournalHead] is to be kept elsewhere, and [Directory.CheckJournal]
// proves that the journal is still the one that it was.
//
// Looking after it: [Directory.Check] proves the invariants, [Directory.Stats]
// counts what came between operations and their commits.
package pbx
