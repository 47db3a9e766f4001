// Package chain computes the hash chain of a journal (SYS-11): each record's hash covers
// all of its columns and the hash of the record before it. It knows no domain: a record
// is what it says of its columns.
package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/pbxkit/pbx/store"
)

// Column is the column that keeps a record's hash. The hash covers all others.
const Column = "hash"

// version begins what is hashed. It changes when the encoding does, and when a journal's
// records get other columns; hashes of an earlier version are then checked with that.
const version = "pbx journal 1\n"

// Linker computes hashes. It keeps room that each of them uses again.
type Linker struct {
	buf    []byte
	fields []store.Field
}

// Hash returns the hash of a record that follows one with the hash before, which is ""
// for the first record of a journal. Hashes are in hexadecimal.
func (l *Linker) Hash(before string, rec store.Record) string {
	l.buf = appendText(append(l.buf[:0], version...), before)
	l.fields = rec.Fields(l.fields[:0])
	for i := range l.fields {
		if f := &l.fields[i]; f.Name != Column {
			l.buf = appendField(l.buf, f)
		}
	}
	clear(l.fields) // a pointer that stays would keep the record
	sum := sha256.Sum256(l.buf)
	return hex.EncodeToString(sum[:])
}

// appendField appends a column: its name and its value, each with its length before it,
// so that nothing can pass from one column into the next. Numbers have eight bytes, and
// times are microseconds since 1970 UTC.
func appendField(dst []byte, f *store.Field) []byte {
	dst = appendText(dst, f.Name)
	switch p := f.Ptr.(type) {
	case *string:
		return appendText(dst, *p)
	case *int64:
		return appendInt(dst, *p)
	case *bool:
		if *p {
			return appendInt(dst, 1)
		}
		return appendInt(dst, 0)
	case *time.Time:
		return appendInt(dst, p.UnixMicro())
	case *[16]byte:
		return appendBytes(dst, p[:])
	case *[]byte:
		return appendBytes(dst, *p)
	}
	panic("pbx: column " + f.Name + " cannot be in a journal")
}

func appendText(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

func appendInt(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, 8), uint64(n))
}

// Head is the text of a journal's head: the sequence of its last change, a colon, and the
// hash of its last record, "" where there is none.
func Head(seq int64, hash string) string { return strconv.FormatInt(seq, 10) + ":" + hash }

// ParseHead reads the text of a head, in that form and no other.
func ParseHead(text string) (seq int64, hash string, ok bool) {
	before, hash, _ := strings.Cut(text, ":")
	seq, err := strconv.ParseInt(before, 10, 64)
	if err != nil || seq < 1 || Head(seq, hash) != text {
		return 0, "", false
	}
	if hash != "" && (len(hash) != 2*sha256.Size || strings.Trim(hash, "0123456789abcdef") != "") {
		return 0, "", false
	}
	return seq, hash, true
}
