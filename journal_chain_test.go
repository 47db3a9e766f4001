package pbx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/chain"
	"github.com/pbxkit/pbx/store"
)

// What is hashed is a format: an event that was written once has to have the same hash
// with every version of the library. The text is spelled out here, byte by byte.
func TestSYS11_TheHashOfAnEventIsTheSameForAllTime(t *testing.T) {
	e := &Event{TenantID: TenantID{15: 7}, Seq: 258, Pos: 1, At: time.UnixMicro(-2).UTC(), Operation: OperationID{0: 0xff}, Actor: "ann",
		Role: RoleSupport, Type: "user.created", Kind: "user", Subject: "é", Detail: ""}
	before := fmt.Sprintf("%064x", 10)
	text := "pbx journal 1\n" + "\x00\x00\x00\x40" + before +
		"\x00\x00\x00\x09tenant_id" + "\x00\x00\x00\x10" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07" +
		"\x00\x00\x00\x03seq" + "\x00\x00\x00\x08" + "\x00\x00\x00\x00\x00\x00\x01\x02" +
		"\x00\x00\x00\x03pos" + "\x00\x00\x00\x08" + "\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x00\x00\x00\x02at" + "\x00\x00\x00\x08" + "\xff\xff\xff\xff\xff\xff\xff\xfe" +
		"\x00\x00\x00\x09operation" + "\x00\x00\x00\x10" + "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x05actor" + "\x00\x00\x00\x03ann" +
		"\x00\x00\x00\x04role" + "\x00\x00\x00\x07support" +
		"\x00\x00\x00\x04type" + "\x00\x00\x00\x0cuser.created" +
		"\x00\x00\x00\x04kind" + "\x00\x00\x00\x04user" +
		"\x00\x00\x00\x07subject" + "\x00\x00\x00\x02é" +
		"\x00\x00\x00\x06detail" + "\x00\x00\x00\x00"
	sum := sha256.Sum256([]byte(text))
	require.Equal(t, hex.EncodeToString(sum[:]), e.link(new(chain.Linker), before))
}

// The hash covers each column, also those that are added one day.
func TestSYS11_TheHashOfAnEventCoversEveryColumn(t *testing.T) {
	e := &Event{TenantID: TenantID{1}, Seq: 1, Pos: 1, At: time.UnixMicro(1), Operation: OperationID{1}, Actor: "a", Role: "r", Type: "t", Kind: "k", Subject: "s", Detail: "d"}
	links := new(chain.Linker)
	seen := []string{links.Hash("", e), links.Hash("x", e)}
	for i, f := range store.FieldsOf(e) {
		if f.Name == chain.Column {
			continue
		}
		changed := *e
		switch p := store.FieldsOf(&changed)[i].Ptr.(type) {
		case *string:
			*p += "x"
		case *int64:
			*p++
		case *time.Time:
			*p = p.Add(time.Microsecond)
		case *[16]byte:
			p[15]++
		}
		hash := links.Hash("", &changed)
		require.NotContains(t, seen, hash, f.Name)
		seen = append(seen, hash)
	}
	require.Len(t, seen, len(eventsTable.Columns)+1)
	require.Equal(t, chain.Column, eventsTable.Columns[len(eventsTable.Columns)-1].Name)
	require.Len(t, slices.Compact(seen), len(seen))
}
