package pgwire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// message is a whole message of the protocol: its kind, four bytes of length,
// which count themselves, and its body.
type message []byte

func (m message) kind() byte { return m[0] }

// cutMessage cuts the first message off, if all of it is there.
func cutMessage(in []byte) (m message, rest []byte, whole bool) {
	if len(in) < 5 {
		return nil, in, false
	}
	size := 1 + int(binary.BigEndian.Uint32(in[1:]))
	if len(in) < size {
		return nil, in, false
	}
	return in[:size], in[size:], true
}

// cutStart cuts off the first message of a connection, which has no kind.
func cutStart(in []byte) (start, rest []byte, whole bool) {
	if len(in) < 8 {
		return nil, in, false
	}
	size := int(binary.BigEndian.Uint32(in))
	if len(in) < size {
		return nil, in, false
	}
	return in[:size], in[size:], true
}

// wantsEncryption reports whether a start is an SSLRequest or a GSSENCRequest.
func wantsEncryption(start []byte) bool {
	code := binary.BigEndian.Uint32(start[4:])
	return code == 80877103 || code == 80877104
}

// cancels returns the key of the connection that a start wants to cancel.
func cancels(start []byte) (key string, ok bool) {
	return string(start[8:]), binary.BigEndian.Uint32(start[4:]) == 80877102
}

var names = map[byte]string{
	'B': "Bind", 'C': "Close", 'd': "CopyData", 'c': "CopyDone", 'f': "CopyFail", 'D': "Describe",
	'E': "Execute", 'H': "Flush", 'F': "FunctionCall", 'P': "Parse", 'Q': "Query", 'S': "Sync",
}

// completes reports whether the client can wait for an answer after a message.
func (m message) completes() bool {
	switch m.kind() {
	case 'S', 'Q', 'H', 'F', 'c', 'f':
		return true
	}
	return false
}

// copies reports whether a message is part of the data of a COPY.
func (m message) copies() bool {
	switch m.kind() {
	case 'd', 'c', 'f':
		return true
	}
	return false
}

// describe names a message, with its SQL where it has some. It notes in statements
// what Parse prepares, so that Bind can repeat it.
func (m message) describe(statements map[string]string) string {
	name := names[m.kind()]
	if name == "" {
		name = fmt.Sprintf("%q", m.kind())
	}
	first, rest, _ := bytes.Cut(m[5:], []byte{0})
	second, _, _ := bytes.Cut(rest, []byte{0})
	switch m.kind() {
	case 'P':
		sql := oneLine(second)
		statements[string(first)] = sql
		return name + "(" + sql + ")"
	case 'B':
		return name + "(" + statements[string(second)] + ")"
	case 'Q':
		return name + "(" + oneLine(first) + ")"
	}
	return name
}

func oneLine(sql []byte) string { return strings.Join(strings.Fields(string(sql)), " ") }
