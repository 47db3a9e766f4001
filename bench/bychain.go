package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// chainEvents returns the hashes of the events of one set-up, by hand: each is of an
// event and of the hash before it. The first of them follows the one in the tenant's row.
// It also returns what the row has after them.
func chainEvents(head string, tenant, operation []byte, seq, at int64, detail string) (hashes []string, next string) {
	_, last, _ := strings.Cut(head, ":")
	var text []byte
	for pos, e := range events {
		text = append(append(text[:0], "journal"...), last...)
		text = append(append(text, tenant...), operation...)
		for _, n := range []int64{seq, int64(pos + 1), at} {
			text = binary.BigEndian.AppendUint64(text, uint64(n))
		}
		for _, word := range []string{"bench", "support", e.typ, e.kind, detail} {
			text = append(binary.BigEndian.AppendUint32(text, uint32(len(word))), word...)
		}
		sum := sha256.Sum256(text)
		last = hex.EncodeToString(sum[:])
		hashes = append(hashes, last)
	}
	return hashes, fmt.Sprint(seq, ":", last)
}
