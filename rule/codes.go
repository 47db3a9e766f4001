// Package rule holds the codes of the rules, as docs/rules.md has them.
package rule

// Code is a rule's code in the catalogue, docs/rules.md. A rule keeps its code
// for life.
type Code string

// Tenants, actors and access.
const (
	// a tenant is the boundary: what is not in it is not found
	ACC1 Code = "ACC-1"
	// an operation not granted to the role is refused
	ACC2 Code = "ACC-2"
	// support finds a tenant by name and enters it
	ACC3 Code = "ACC-3"
	// every change is journalled
	ACC4 Code = "ACC-4"
)

// Lines and their owners.
const (
	// a line is opened by its national number, digits only
	OWN1 Code = "OWN-1"
	// an owner reaches only the lines owned
	OWN2 Code = "OWN-2"
	// owners are added and removed by principal
	OWN3 Code = "OWN-3"
	// removing yourself, or the last owner, warns
	OWN4 Code = "OWN-4"
	// ownership has no other effect
	OWN5 Code = "OWN-5"
	// cancelling, reassigning and creating are not an owner's
	OWN6 Code = "OWN-6"
	// a line's location is a building known to the tenant
	OWN7 Code = "OWN-7"
	// a location kept elsewhere is not changed here
	OWN8 Code = "OWN-8"
	// owner and location changes are saved together
	OWN9 Code = "OWN-9"
)

// Users.
const (
	// a name, an email address and an extension are enough
	USR1 Code = "USR-1"
	// guided set-up is one atomic act
	USR2 Code = "USR-2"
	// the user ID is an email address, unique everywhere
	USR3 Code = "USR-3"
	// without a number an extension must be given
	USR4 Code = "USR-4"
	// the optional details
	USR5 Code = "USR-5"
	// e911 needs a dispatchable location
	USR6 Code = "USR-6"
	// any section is modified; nothing is stored until saved
	USR7 Code = "USR-7"
	// search by name, without regard to case or accents
	USR8 Code = "USR-8"
	// deleting a user cannot be undone
	USR9 Code = "USR-9"
	// delete the user only, or user and phones
	USR10 Code = "USR-10"
	// deleting gives back licences, devices, extensions, numbers
	USR11 Code = "USR-11"
	// the welcome email
	USR12 Code = "USR-12"
	// pending, active, disabled
	USR13 Code = "USR-13"
	// email and user ID stay while a foreign service needs them
	USR14 Code = "USR-14"
	// a user is handed over to a new person
	USR15 Code = "USR-15"
)

// Extensions and SIP identities.
const (
	// extensions are digits of the policy's length; one is the main one
	EXT1 Code = "EXT-1"
	// an extension is unique across all that can be dialled
	EXT2 Code = "EXT-2"
	// an extension never touches an emergency number
	EXT3 Code = "EXT-3"
	// the advised form; anything else warns
	EXT4 Code = "EXT-4"
	// the lowest free extension fills itself in
	EXT5 Code = "EXT-5"
	// a SIP address, generated, adjustable, unique
	EXT6 Code = "EXT-6"
	// SIP aliases: sub-users without a licence
	EXT7 Code = "EXT-7"
	// aliases and users are members of groups and queues
	EXT8 Code = "EXT-8"
	// one identity on each line of a phone
	EXT9 Code = "EXT-9"
)

// Phone services.
const (
	// services are listed, or searched by number
	SVC1 Code = "SVC-1"
	// a new phone is saved whole; DN and device type are required
	SVC2 Code = "SVC-2"
	// at most eight services a user
	SVC3 Code = "SVC-3"
	// associate an existing service with a user
	SVC4 Code = "SVC-4"
	// disassociate; both live on
	SVC5 Code = "SVC-5"
	// exactly one primary service
	SVC6 Code = "SVC-6"
	// the primary is not disassociated while there are others
	SVC7 Code = "SVC-7"
	// a primary of a user with others is not deleted
	SVC8 Code = "SVC-8"
	// deleting a shared service names the users
	SVC9 Code = "SVC-9"
	// foreign services go with their service
	SVC10 Code = "SVC-10"
	// a remote service is not edited or deleted here
	SVC11 Code = "SVC-11"
	// one service is deleted at a time
	SVC12 Code = "SVC-12"
	// a foreign service is a name, a system and a link
	SVC13 Code = "SVC-13"
	// a device type changes only within its category
	SVC14 Code = "SVC-14"
	// a stale view never overwrites
	SVC15 Code = "SVC-15"
	// a service's type is in the tenant's catalogue
	SVC16 Code = "SVC-16"
	// the statuses of a service
	SVC17 Code = "SVC-17"
	// one act reaches both systems
	SVC18 Code = "SVC-18"
)

// Voicemail.
const (
	// at most one mailbox a service
	VM1 Code = "VM-1"
	// the DN's length must be the voicemail length
	VM2 Code = "VM-2"
	// a change of DN deletes the mailbox, or makes a new one
	VM3 Code = "VM-3"
	// mailbox numbers are unique and do not start with 0
	VM4 Code = "VM-4"
	// the PIN
	VM5 Code = "VM-5"
)

// Numbers.
const (
	// numbers are E.164 and belong to one tenant at most
	NUM1 Code = "NUM-1"
	// existing numbers: available or porting in
	NUM2 Code = "NUM-2"
	// a temporary number serves until the port is activated
	NUM3 Code = "NUM-3"
	// new numbers are proposed near the user
	NUM4 Code = "NUM-4"
	// the criteria of the choice can be kept
	NUM5 Code = "NUM-5"
	// no new numbers for a UK tenant
	NUM6 Code = "NUM-6"
	// number and extension change only with a profile
	NUM7 Code = "NUM-7"
	// replace, or unassign without replacement
	NUM8 Code = "NUM-8"
	// also update the extension
	NUM9 Code = "NUM-9"
	// the previous number is kept or returned
	NUM10 Code = "NUM-10"
	// port requests
	NUM11 Code = "NUM-11"
	// extension-only users are legal
	NUM12 Code = "NUM-12"
)

// Orders.
const (
	// a change that costs or saves money makes an order
	ORD1 Code = "ORD-1"
	// activate now, or bill on activation
	ORD2 Code = "ORD-2"
	// send the welcome email
	ORD3 Code = "ORD-3"
	// placed orders are listed; placing twice places one
	ORD4 Code = "ORD-4"
)

// Stations and applications.
const (
	// a user takes one station of a pool
	STN1 Code = "STN-1"
	// only applications that the station or type includes
	STN2 Code = "STN-2"
	// a lesser package takes applications away
	STN3 Code = "STN-3"
	// a pool is never lowered below its use
	STN4 Code = "STN-4"
)

// Devices.
const (
	// a device is added first; its MAC is unique everywhere
	DEV1 Code = "DEV-1"
	// only an available device is assigned
	DEV2 Code = "DEV-2"
	// as many ports as the model has
	DEV3 Code = "DEV-3"
	// one primary device, any number of secondary ones
	DEV4 Code = "DEV-4"
	// removing an assignment makes the device available
	DEV5 Code = "DEV-5"
	// an assigned device is not deleted
	DEV6 Code = "DEV-6"
	// programmable keys fit the model
	DEV7 Code = "DEV-7"
)

// The whole system.
const (
	// a batch succeeds together or leaves nothing
	SYS1 Code = "SYS-1"
	// anything can be reviewed without changing anything
	SYS2 Code = "SYS-2"
	// what has to happen outside leaves through the journal
	SYS3 Code = "SYS-3"
	// a checker proves the invariants
	SYS4 Code = "SYS-4"
	// bulk import and export
	SYS5 Code = "SYS-5"
)
