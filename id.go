package pbx

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// ID identifies a record of type R: a UUID (RFC 9562), by default of version 7. The type
// parameter keeps the ID of a user from being used as that of a service.
type ID[R any] [16]byte

// The IDs of the records that have one.
type (
	TenantID   = ID[Tenant]
	LocationID = ID[Location]
	UserID     = ID[User]
	AliasID    = ID[Alias]
	GroupID    = ID[Group]
	ServiceID  = ID[Service]
	DeviceID   = ID[Device]
	PortID     = ID[PortRequest]
	OrderID    = ID[Order]
	ForeignID  = ID[ForeignService]
	LeaseID    = ID[Cursor] // of the holder of a subscriber's lease
	// OperationID is the same in all events of one committed operation, batch or
	// review.
	OperationID = ID[Event]
)

// IsZero reports whether the ID is not set.
func (id ID[R]) IsZero() bool { return id == ID[R]{} }

// String returns the canonical form, xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.
func (id ID[R]) String() string {
	text, _ := id.MarshalText()
	return string(text)
}

// MarshalText returns the canonical form.
func (id ID[R]) MarshalText() ([]byte, error) {
	b := make([]byte, 36)
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return b, nil
}

// UnmarshalText reads the canonical form, in upper or lower case. Errors: ErrInvalid for
// anything else.
func (id *ID[R]) UnmarshalText(text []byte) error {
	var out ID[R]
	bad := &Error{Code: rule.ACC1, Kind: ErrInvalid, Field: "ID", Reason: "not an ID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"}
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return bad
	}
	packed := make([]byte, 0, 32)
	for i, c := range text {
		if i != 8 && i != 13 && i != 18 && i != 23 {
			packed = append(packed, c)
		}
	}
	if _, err := hex.Decode(out[:], packed); err != nil {
		return bad
	}
	*id = out
	return nil
}

// ParseID reads the canonical form of the ID of a record of type R, as in
// ParseID[User](text). Errors: ErrInvalid.
func ParseID[R any](text string) (ID[R], error) {
	var id ID[R]
	err := id.UnmarshalText([]byte(text))
	return id, err
}

// UUID returns the ID as bytes, which a store keeps.
func (id ID[R]) UUID() [16]byte { return id }

// uuid7 returns a source of UUIDs of version 7 (RFC 9562, section 5.7): 48 bits of Unix
// milliseconds, 12 bits that count within the millisecond (method 1), and 62 random
// bits. Each ID of a source is greater than the one before it. Errors: ErrStorage where
// the random source fails.
func uuid7(now func() time.Time, random io.Reader) func() ([16]byte, error) {
	var mu sync.Mutex
	var last uint64 // milliseconds<<12 | counter
	return func() ([16]byte, error) {
		var id [16]byte
		if _, err := io.ReadFull(random, id[8:]); err != nil {
			return id, noRandomness(rule.SYS1, err)
		}
		mu.Lock()
		stamp := uint64(now().UnixMilli()) << 12
		if stamp <= last {
			stamp = last + 1
		}
		last = stamp
		mu.Unlock()
		ms, count := stamp>>12, stamp&0xfff
		for i := range 6 {
			id[i] = byte(ms >> (40 - 8*i))
		}
		id[6] = 0x70 | byte(count>>8)
		id[7] = byte(count)
		id[8] = 0x80 | id[8]&0x3f
		return id, nil
	}
}

// repeated returns the error of a change that others seem to have got in the way of. If
// an ID that was drawn for a new record is in use already, nobody is in the way: the
// source of IDs repeats itself, and says so.
func (c *core) repeated(ctx context.Context, t *tx, err error) error {
	if t == nil || !errors.Is(err, store.ErrRetry) && !errors.Is(err, store.ErrHostRetry) {
		return err
	}
	var keys []store.Key
	for _, change := range t.Changes() {
		if change.Old != nil {
			continue
		}
		key := change.New.Table().Key()
		values, _ := key.Values(change.New)
		if slices.ContainsFunc(values, func(v any) bool { id, is := v.([16]byte); return is && slices.Contains(t.ids, id) }) {
			keys = append(keys, store.Key{Index: key, Values: values})
		}
	}
	var found []store.Record
	viewed := c.view(ctx, func(r store.Reader) (err error) {
		found, err = r.Get(ctx, keys...)
		return err
	})
	if viewed != nil || !slices.ContainsFunc(found, func(r store.Record) bool { return r != nil }) {
		return err
	}
	return &Error{Code: rule.Storage, Kind: ErrStorage,
		Reason: "an ID that was drawn for a new record is in use already: the source of IDs, or of randomness, repeats itself; nothing was changed"}
}

// noRandomness is the refusal of what needs a random source that failed.
func noRandomness(code rule.Code, err error) error {
	return &Error{Code: code, Kind: ErrStorage, Reason: "the source of randomness failed; nothing was changed", Err: err}
}
