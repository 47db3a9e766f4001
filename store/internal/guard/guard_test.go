package guard_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/guard"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC)

func user(change func(*pbx.User)) *pbx.User {
	u := &pbx.User{TenantID: pbx.TenantID{1}, ID: pbx.UserID{2}, Rev: 1, FirstName: "Ada", CreatedAt: noon}
	change(u)
	return u
}

func nothing(*pbx.User) {}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		name, field string
		change      func(*pbx.User)
	}{
		{"good", "", nothing},
		{"any text", "", func(u *pbx.User) { u.LastName = "\x01 é e\u0301 😀 \ufffd \ufeff" }},
		{"no optional time", "", func(u *pbx.User) { u.ActivatedAt = time.Time{} }},
		{"NUL", "last_name", func(u *pbx.User) { u.LastName = "a\x00" }},
		{"invalid UTF-8", "department", func(u *pbx.User) { u.Department = "\xff" }},
		{"NUL in a list", "applications", func(u *pbx.User) { u.Applications = []string{"A", "\x00"} }},
		{"another zone", "created_at", func(u *pbx.User) { u.CreatedAt = noon.In(time.FixedZone("", 60)) }},
		{"the machine's zone", "created_at", func(u *pbx.User) { u.CreatedAt = time.Now().Truncate(time.Microsecond) }},
		{"nanoseconds", "activated_at", func(u *pbx.User) { u.ActivatedAt = noon.Add(1) }},
		{"no time", "created_at", func(u *pbx.User) { u.CreatedAt = time.Time{} }},
		{"no ID", "id", func(u *pbx.User) { u.ID = pbx.UserID{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := guard.Changes([]store.Change{{New: user(nothing)}, {New: user(c.change)}})
			if c.field == "" {
				require.NoError(t, err)
				return
			}
			var e *store.Error
			require.ErrorIs(t, err, pbx.ErrInvalid)
			require.True(t, errors.As(err, &e))
			require.Equal(t, c.field, e.Field)
		})
	}
}

func TestChanges(t *testing.T) {
	old := user(nothing)
	event := &pbx.Event{TenantID: pbx.TenantID{1}, Seq: 1, Pos: 1, At: noon, Operation: pbx.OperationID{1}}
	for _, c := range []struct {
		name   string
		change store.Change
		ok     bool
	}{
		{"insertion", store.Change{New: old}, true},
		{"deletion", store.Change{Old: old}, true},
		{"deletion of what should never have been there", store.Change{Old: user(func(u *pbx.User) { u.LastName = "\x00" })}, true},
		{"update", store.Change{Old: old, New: user(func(u *pbx.User) { u.Rev = 2 })}, true},
		{"nothing", store.Change{}, false},
		{"same revision", store.Change{Old: old, New: user(nothing)}, false},
		{"lower revision", store.Change{Old: old, New: user(func(u *pbx.User) { u.Rev = 0 })}, false},
		{"another key", store.Change{Old: old, New: user(func(u *pbx.User) { u.Rev, u.ID = 2, pbx.UserID{3} })}, false},
		{"another kind", store.Change{Old: old, New: event}, false},
		{"update of an event", store.Change{Old: event, New: event}, false},
		{"insertion of an event", store.Change{New: event}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := guard.Changes([]store.Change{c.change})
			if c.ok {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, pbx.ErrMisuse)
			}
		})
	}
}

func BenchmarkChanges(b *testing.B) {
	changes := []store.Change{{Old: user(nothing), New: user(func(u *pbx.User) { u.Rev = 2 })}}
	b.ReportAllocs()
	for b.Loop() {
		if err := guard.Changes(changes); err != nil {
			b.Fatal(err)
		}
	}
}
