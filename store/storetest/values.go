package storetest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// values writes the extremes of each type of column.
func values(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, map[string]func(*fixture){
		"text": func(f *fixture) {
			for i, text := range []string{"", " ", oddText, "\u0080", "\uffff", "\U0010ffff", "CaSe", strings.Repeat("long ", 10_000)} {
				l := f.location(fmt.Sprint("W", i))
				l.Name = text
				f.kept(l)
			}
		},
		"integers": func(f *fixture) {
			o := f.order(1)
			f.must(insert(o)...)
			for i, n := range []int64{0, 1, -1, math.MaxInt32 + 1, 1<<53 + 1, math.MaxInt64, math.MinInt64} {
				l := f.line(o, int64(i+1))
				l.Monthly = pbx.Money(n)
				f.kept(l)
			}
		},
		"times to the microsecond": func(f *fixture) {
			for i, at := range []time.Time{
				epoch,
				epoch.Add(time.Microsecond),
				epoch.Add(-time.Microsecond),
				time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
				time.Unix(0, 0).UTC(),
				time.Date(1600, 2, 29, 0, 0, 0, 1000, time.UTC),
				time.Date(2600, 12, 31, 23, 59, 59, 999999000, time.UTC),
			} {
				o := f.order(int64(i + 1))
				o.PlacedAt, o.BillingFrom = at, at
				f.kept(o)
			}
		},
		"IDs": func(f *fixture) {
			for i, id := range [][16]byte{{15: 2}, {0: 1}, {0: 0xff, 15: 0xff}, {0x80, 0x7f, 0, 0, 0, 0, 0x20}} {
				o := f.order(int64(i + 1))
				o.ID, o.UserID = id, id
				f.kept(o)
			}
		},
		"lists": func(f *fixture) {
			for i, list := range [][]string{nil, {}, {""}, {"", ""}, {"A"}, {"B", "A"}, {oddText}, oddList} {
				s := f.serviceType("TYPE" + string(rune('A'+i)))
				s.Applications = list
				f.kept(s)
			}
		},
		"bytes": func(f *fixture) {
			for _, secret := range [][]byte{nil, {0}, {0xff}, []byte("text"), make([]byte, 1000)} {
				s := f.service()
				f.must(insert(s)...)
				m := f.mailbox(s)
				set(m, "pin_hash", secret)
				f.kept(m)
			}
		},
	})
}

// kept fails the test unless the store gives the record back as it is.
func (f *fixture) kept(r store.Record) {
	f.Helper()
	want := clone(r)
	f.must(insert(r)...)
	f.holds(want)
}
