package pbx

import "fmt"

// A type that has a PIN or an HA1 among its fields formats itself. Otherwise fmt would
// print a pointer to it, in another structure and with a verb that is wrong for pointers
// such as %s, without the formatting of its fields, and so their secrets.

// Format writes the fields as fmt does, and a placeholder for the PIN.
func (m NewMailbox) Format(s fmt.State, verb rune) {
	type mailbox NewMailbox // which has no Format
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), mailbox(m))
}

// Format writes the fields as fmt does, and a placeholder for the mailbox's PIN.
func (in SetUp) Format(s fmt.State, verb rune) {
	type setUp SetUp
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), setUp(in))
}

// Format writes the fields as fmt does, and placeholders for the hashes.
func (d Digest) Format(s fmt.State, verb rune) {
	type digest Digest
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), digest(d))
}
