package pbx

// Code is a rule's code in the catalogue, docs/rules.md. A rule keeps its code
// for life.
type Code string

// Tenants, actors and access.
const (
	ACC1 Code = "ACC-1" // a tenant is the boundary: what is not in it is not found
	ACC2 Code = "ACC-2" // an operation not granted to the role is refused
	ACC3 Code = "ACC-3" // support finds a tenant by name and enters it
	ACC4 Code = "ACC-4" // every change is journalled
)

// Lines and their owners.
const (
	OWN1 Code = "OWN-1" // a line is opened by its national number, digits only
	OWN2 Code = "OWN-2" // an owner reaches only the lines owned
	OWN3 Code = "OWN-3" // owners are added and removed by principal
	OWN4 Code = "OWN-4" // removing yourself, or the last owner, warns
	OWN5 Code = "OWN-5" // ownership has no other effect
	OWN6 Code = "OWN-6" // cancelling, reassigning and creating are not an owner's
	OWN7 Code = "OWN-7" // a line's location is a building known to the tenant
	OWN8 Code = "OWN-8" // a location kept elsewhere is not changed here
	OWN9 Code = "OWN-9" // owner and location changes are saved together
)

// Users.
const (
	USR1  Code = "USR-1"  // a name, an email address and an extension are enough
	USR2  Code = "USR-2"  // guided set-up is one atomic act
	USR3  Code = "USR-3"  // the user ID is an email address, unique everywhere
	USR4  Code = "USR-4"  // without a number an extension must be given
	USR5  Code = "USR-5"  // the optional details
	USR6  Code = "USR-6"  // e911 needs a dispatchable location
	USR7  Code = "USR-7"  // any section is modified; nothing is stored until saved
	USR8  Code = "USR-8"  // search by name, without regard to case or accents
	USR9  Code = "USR-9"  // deleting a user cannot be undone
	USR10 Code = "USR-10" // delete the user only, or user and phones
	USR11 Code = "USR-11" // deleting gives back licences, devices, extensions, numbers
	USR12 Code = "USR-12" // the welcome email
	USR13 Code = "USR-13" // pending, active, disabled
	USR14 Code = "USR-14" // email and user ID stay while a foreign service needs them
	USR15 Code = "USR-15" // a user is handed over to a new person
)

// Extensions and SIP identities.
const (
	EXT1 Code = "EXT-1" // extensions are digits of the policy's length; one is the main one
	EXT2 Code = "EXT-2" // an extension is unique across all that can be dialled
	EXT3 Code = "EXT-3" // an extension never touches an emergency number
	EXT4 Code = "EXT-4" // the advised form; anything else warns
	EXT5 Code = "EXT-5" // the lowest free extension fills itself in
	EXT6 Code = "EXT-6" // a SIP address, generated, adjustable, unique
	EXT7 Code = "EXT-7" // SIP aliases: sub-users without a licence
	EXT8 Code = "EXT-8" // aliases and users are members of groups and queues
	EXT9 Code = "EXT-9" // one identity on each line of a phone
)

// Phone services.
const (
	SVC1  Code = "SVC-1"  // services are listed, or searched by number
	SVC2  Code = "SVC-2"  // a new phone is saved whole; DN and device type are required
	SVC3  Code = "SVC-3"  // at most eight services a user
	SVC4  Code = "SVC-4"  // associate an existing service with a user
	SVC5  Code = "SVC-5"  // disassociate; both live on
	SVC6  Code = "SVC-6"  // exactly one primary service
	SVC7  Code = "SVC-7"  // the primary is not disassociated while there are others
	SVC8  Code = "SVC-8"  // a primary of a user with others is not deleted
	SVC9  Code = "SVC-9"  // deleting a shared service names the users
	SVC10 Code = "SVC-10" // foreign services go with their service
	SVC11 Code = "SVC-11" // a remote service is not edited or deleted here
	SVC12 Code = "SVC-12" // one service is deleted at a time
	SVC13 Code = "SVC-13" // a foreign service is a name, a system and a link
	SVC14 Code = "SVC-14" // a device type changes only within its category
	SVC15 Code = "SVC-15" // a stale view never overwrites
	SVC16 Code = "SVC-16" // a service's type is in the tenant's catalogue
	SVC17 Code = "SVC-17" // the statuses of a service
	SVC18 Code = "SVC-18" // one act reaches both systems
)

// Voicemail.
const (
	VM1 Code = "VM-1" // at most one mailbox a service
	VM2 Code = "VM-2" // the DN's length must be the voicemail length
	VM3 Code = "VM-3" // a change of DN deletes the mailbox, or makes a new one
	VM4 Code = "VM-4" // mailbox numbers are unique and do not start with 0
	VM5 Code = "VM-5" // the PIN
)

// Numbers.
const (
	NUM1  Code = "NUM-1"  // numbers are E.164 and belong to one tenant at most
	NUM2  Code = "NUM-2"  // existing numbers: available or porting in
	NUM3  Code = "NUM-3"  // a temporary number serves until the port is activated
	NUM4  Code = "NUM-4"  // new numbers are proposed near the user
	NUM5  Code = "NUM-5"  // the criteria of the choice can be kept
	NUM6  Code = "NUM-6"  // no new numbers for a UK tenant
	NUM7  Code = "NUM-7"  // number and extension change only with a profile
	NUM8  Code = "NUM-8"  // replace, or unassign without replacement
	NUM9  Code = "NUM-9"  // also update the extension
	NUM10 Code = "NUM-10" // the previous number is kept or returned
	NUM11 Code = "NUM-11" // port requests
	NUM12 Code = "NUM-12" // extension-only users are legal
)

// Orders.
const (
	ORD1 Code = "ORD-1" // a change that costs or saves money makes an order
	ORD2 Code = "ORD-2" // activate now, or bill on activation
	ORD3 Code = "ORD-3" // send the welcome email
	ORD4 Code = "ORD-4" // placed orders are listed; placing twice places one
)

// Stations and applications.
const (
	STN1 Code = "STN-1" // a user takes one station of a pool
	STN2 Code = "STN-2" // only applications that the station or type includes
	STN3 Code = "STN-3" // a lesser package takes applications away
	STN4 Code = "STN-4" // a pool is never lowered below its use
)

// Devices.
const (
	DEV1 Code = "DEV-1" // a device is added first; its MAC is unique everywhere
	DEV2 Code = "DEV-2" // only an available device is assigned
	DEV3 Code = "DEV-3" // as many ports as the model has
	DEV4 Code = "DEV-4" // one primary device, any number of secondary ones
	DEV5 Code = "DEV-5" // removing an assignment makes the device available
	DEV6 Code = "DEV-6" // an assigned device is not deleted
	DEV7 Code = "DEV-7" // programmable keys fit the model
)

// The whole system.
const (
	SYS1 Code = "SYS-1" // a batch succeeds together or leaves nothing
	SYS2 Code = "SYS-2" // anything can be reviewed without changing anything
	SYS3 Code = "SYS-3" // what has to happen outside leaves through the journal
	SYS4 Code = "SYS-4" // a checker proves the invariants
	SYS5 Code = "SYS-5" // bulk import and export
)
