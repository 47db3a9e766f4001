// Package rule has the codes of the rules that docs/rules.md lists.
package rule

// Code is a rule's code, as in docs/rules.md. The code of a rule never changes.
type Code string

// Tenants, actors and access.
const (
	// a tenant is the boundary: a record of another tenant is not found
	ACC1 Code = "ACC-1"
	// an operation that is not granted to the role is refused
	ACC2 Code = "ACC-2"
	// support finds a tenant by name and enters it
	ACC3 Code = "ACC-3"
	// every change is recorded in the journal
	ACC4 Code = "ACC-4"
)

// Lines and their owners.
const (
	// a line is opened by its national number, digits only
	OWN1 Code = "OWN-1"
	// an owner reaches only the lines that they own
	OWN2 Code = "OWN-2"
	// owners are added and removed by principal
	OWN3 Code = "OWN-3"
	// removing yourself, or the last owner, warns
	OWN4 Code = "OWN-4"
	// owning a line has no other effect
	OWN5 Code = "OWN-5"
	// an owner cannot cancel a line, create one or change who uses it
	OWN6 Code = "OWN-6"
	// a line moves only to a building that the tenant has
	OWN7 Code = "OWN-7"
	// a location that another system keeps is not changed here
	OWN8 Code = "OWN-8"
	// changes of owners and location are saved together
	OWN9 Code = "OWN-9"
)

// Users.
const (
	// a user needs a name, an email address and an extension
	USR1 Code = "USR-1"
	// the guided set-up is one atomic step
	USR2 Code = "USR-2"
	// the user ID has the form of an email address and is unique everywhere
	USR3 Code = "USR-3"
	// without a number or a type of service an extension must be given
	USR4 Code = "USR-4"
	// the optional fields
	USR5 Code = "USR-5"
	// e911 needs a location to which help can be sent
	USR6 Code = "USR-6"
	// any section can be changed; nothing is stored until the user is saved
	USR7 Code = "USR-7"
	// users are found by name, whatever the case and accents
	USR8 Code = "USR-8"
	// deleting a user cannot be undone
	USR9 Code = "USR-9"
	// the user only, or user and phones, is deleted
	USR10 Code = "USR-10"
	// deleting returns station, devices and extensions; numbers stay with the tenant
	USR11 Code = "USR-11"
	// the welcome email
	USR12 Code = "USR-12"
	// a user is pending, active or disabled
	USR13 Code = "USR-13"
	// the email address and the user ID stay while a foreign service needs them
	USR14 Code = "USR-14"
	// a user is handed over to a new person
	USR15 Code = "USR-15"
)

// Extensions and SIP identities.
const (
	// extensions are digits of the policy's length; one is the main one
	EXT1 Code = "EXT-1"
	// an extension is unique across everything that can be dialled
	EXT2 Code = "EXT-2"
	// an extension does not conflict with an emergency number
	EXT3 Code = "EXT-3"
	// extensions that do not have the recommended form warn
	EXT4 Code = "EXT-4"
	// the lowest free extension is filled in
	EXT5 Code = "EXT-5"
	// a SIP address is generated or chosen, and unique
	EXT6 Code = "EXT-6"
	// SIP aliases need no licence; each SIP address has credentials of its own
	EXT7 Code = "EXT-7"
	// users and aliases are members of groups and queues
	EXT8 Code = "EXT-8"
	// each line of a phone carries one identity
	EXT9 Code = "EXT-9"
)

// Phone services.
const (
	// services are listed, or found by DN or number
	SVC1 Code = "SVC-1"
	// a new phone is saved whole; a DN and a device type are required
	SVC2 Code = "SVC-2"
	// a user has at most eight services
	SVC3 Code = "SVC-3"
	// an existing service is given to one user at a time
	SVC4 Code = "SVC-4"
	// taking a service from a user is confirmed; both stay
	SVC5 Code = "SVC-5"
	// a user with services has exactly one primary one
	SVC6 Code = "SVC-6"
	// the primary service of a user who has others is not taken from them
	SVC7 Code = "SVC-7"
	// the primary service of a user who has others is not deleted
	SVC8 Code = "SVC-8"
	// deleting a shared service is confirmed, and names its users
	SVC9 Code = "SVC-9"
	// deleting a line with foreign services is confirmed
	SVC10 Code = "SVC-10"
	// a remote service is not edited or deleted here
	SVC11 Code = "SVC-11"
	// one service is deleted at a time
	SVC12 Code = "SVC-12"
	// a foreign service is a name, a system and a link
	SVC13 Code = "SVC-13"
	// a device type changes only within its category
	SVC14 Code = "SVC-14"
	// a change that is based on an outdated view is refused
	SVC15 Code = "SVC-15"
	// a service's type is in the tenant's catalogue
	SVC16 Code = "SVC-16"
	// a service has a status
	SVC17 Code = "SVC-17"
	// one operation here reaches the other system too
	SVC18 Code = "SVC-18"
)

// Voicemail.
const (
	// a service has at most one mailbox
	VM1 Code = "VM-1"
	// the DN must have the tenant's voicemail length
	VM2 Code = "VM-2"
	// a new DN deletes the mailbox, or makes a new one
	VM3 Code = "VM-3"
	// mailbox numbers are unique and do not begin with 0
	VM4 Code = "VM-4"
	// a PIN is not easy to guess, and wrong tries lock the mailbox
	VM5 Code = "VM-5"
)

// Numbers.
const (
	// numbers are E.164 and belong to one tenant at most
	NUM1 Code = "NUM-1"
	// an existing number is available or porting in
	NUM2 Code = "NUM-2"
	// a temporary number serves until the port is activated
	NUM3 Code = "NUM-3"
	// a new number is proposed near the user
	NUM4 Code = "NUM-4"
	// the first digits of new numbers can be kept
	NUM5 Code = "NUM-5"
	// a UK tenant gets no new numbers
	NUM6 Code = "NUM-6"
	// with ChangeNumber, number and extension change only with a service that has a type
	NUM7 Code = "NUM-7"
	// a number is replaced, or unassigned
	NUM8 Code = "NUM-8"
	// the extension changes with the number only when asked for
	NUM9 Code = "NUM-9"
	// the previous number is kept or returned
	NUM10 Code = "NUM-10"
	// a port request goes through its states
	NUM11 Code = "NUM-11"
	// a user can have an extension and no number
	NUM12 Code = "NUM-12"
)

// Orders.
const (
	// what costs or saves money makes an order
	ORD1 Code = "ORD-1"
	// billing starts today, or on activation
	ORD2 Code = "ORD-2"
	// the welcome email is sent unless it is left out
	ORD3 Code = "ORD-3"
	// orders are listed; placing a review twice places one order
	ORD4 Code = "ORD-4"
)

// Stations and applications.
const (
	// a user takes one station of a package
	STN1 Code = "STN-1"
	// a user's applications are those that their station or service types include
	STN2 Code = "STN-2"
	// changing to a lesser package is confirmed
	STN3 Code = "STN-3"
	// a pool's total is not set below the stations in use
	STN4 Code = "STN-4"
)

// Devices.
const (
	// a device is added first; its MAC is unique everywhere
	DEV1 Code = "DEV-1"
	// only an available device is assigned
	DEV2 Code = "DEV-2"
	// a device is assigned with one to all of its ports
	DEV3 Code = "DEV-3"
	// a user has one primary device and any number of others
	DEV4 Code = "DEV-4"
	// removing an assignment makes the device available
	DEV5 Code = "DEV-5"
	// a device in use is not deleted
	DEV6 Code = "DEV-6"
	// programmable keys fit the model of the phone
	DEV7 Code = "DEV-7"
)

// The whole system.
const (
	// operations in a batch succeed together, or change nothing
	SYS1 Code = "SYS-1"
	// any operation or batch can be reviewed without changing anything
	SYS2 Code = "SYS-2"
	// what has to happen outside is sent from the journal
	SYS3 Code = "SYS-3"
	// a checker proves the invariants
	SYS4 Code = "SYS-4"
	// users are imported from and exported to CSV files
	SYS5 Code = "SYS-5"
	// the journal of each tenant is a hash chain
	SYS11 Code = "SYS-11"
)
