package transfer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// Side says which of two stores has a record.
type Side uint8

// The sides.
const (
	Both Side = iota
	OnlyFirst
	OnlySecond
)

// Difference is a record that is not the same in two stores. It names columns
// and shows no value of them, for some are secrets.
type Difference struct {
	Table   string
	Tenant  pbx.TenantID // whose record it is; in the first store, where the two disagree
	Key     string       // of the record, without the tenant
	In      Side
	Columns []string // that differ, where both stores have the record
}

// String returns the table, the tenant, the key, and what differs.
func (d Difference) String() string {
	at := fmt.Sprintf("%s %s of tenant %s: ", d.Table, d.Key, d.Tenant)
	switch d.In {
	case OnlyFirst:
		return at + "only in the first store"
	case OnlySecond:
		return at + "only in the second store"
	}
	return at + "different " + strings.Join(d.Columns, ", ")
}

// MostDifferences is how many differences Compare lists.
const MostDifferences = 1000

// Compare compares the named tenants of two stores, or where none is named
// everything in them, and lists what differs, table by table: nothing where one
// is a copy of the other. It stops at MostDifferences. It reads a snapshot of
// each store, both at the same pace and page by page, and keeps only the
// differences. Named tenants' numbers, SIP identities and cursors are found by
// reading those tables as a whole.
//
// Leases are not compared, nor are the revisions of cursors, which count leases too;
// the position of a cursor is.
//
// Errors: ErrNotFound for a named tenant that is in neither store; those of both
// stores.
func Compare(ctx context.Context, a, b store.Store, tenants ...pbx.TenantID) ([]Difference, error) {
	if ctx == nil || a == nil || b == nil {
		return nil, incomplete()
	}
	c := &comparison{ctx: ctx, tenants: tenants}
	err := a.View(ctx, func(first store.Reader) error {
		return b.View(ctx, func(second store.Reader) error {
			c.first, c.second = first, second
			if err := known(ctx, tenants, first, second); err != nil {
				return err
			}
			return c.tables()
		})
	})
	if err != nil {
		return nil, err
	}
	return c.found, nil
}

type comparison struct {
	ctx           context.Context
	first, second store.Reader
	tenants       []pbx.TenantID // none: all
	found         []Difference
}

func (c *comparison) tables() error {
	for _, table := range pbx.Tables() {
		for _, q := range c.ranges(table) {
			if err := c.step(q); err != nil {
				return err
			}
		}
	}
	return nil
}

// ranges are the ranges of a table's key in which the tenants' records are.
func (c *comparison) ranges(table *store.Table) []store.Query {
	whole := store.Query{Index: table.Key()}
	if len(c.tenants) == 0 || table.Key().Columns[0] != tenantColumn[table] {
		return []store.Query{whole}
	}
	each := make([]store.Query, len(c.tenants))
	for i, tenant := range c.tenants {
		each[i] = whole
		each[i].Equal = []any{tenant}
	}
	return each
}

// step walks a range of both stores in the order of the key, and always advances
// the one that has not got as far.
func (c *comparison) step(q store.Query) error {
	a, b := c.walk(c.first, q), c.walk(c.second, q)
	defer a.stop()
	defer b.stop()
	for len(c.found) < MostDifferences {
		if err := cmp.Or(a.err, b.err); err != nil {
			return err
		}
		order := a.compare(b)
		switch {
		case a.rec == nil && b.rec == nil:
			return nil
		case order < 0:
			c.differ(a.rec, OnlyFirst, nil)
		case order > 0:
			c.differ(b.rec, OnlySecond, nil)
		default:
			if columns := differing(a.rec, b.rec); len(columns) > 0 {
				c.differ(a.rec, Both, columns)
			}
		}
		if order <= 0 {
			a.advance()
		}
		if order >= 0 {
			b.advance()
		}
	}
	return nil
}

func (c *comparison) differ(rec store.Record, in Side, columns []string) {
	c.found = append(c.found, Difference{Table: rec.Table().Name, Tenant: tenantOf(rec), Key: keyText(rec), In: in, Columns: columns})
}

// walk goes through a range of one store.
func (c *comparison) walk(r store.Reader, q store.Query) *walk {
	w := &walk{index: q.Index, concerns: func(rec store.Record) bool {
		return len(c.tenants) == 0 || slices.Contains(c.tenants, tenantOf(rec))
	}}
	w.pull, w.stop = iter.Pull2(r.Find(c.ctx, q))
	w.advance()
	return w
}

// walk is a place in a range: a record, or nil after the last one.
type walk struct {
	index    *store.Index
	concerns func(store.Record) bool
	pull     func() (store.Record, error, bool)
	stop     func()

	rec store.Record
	key []byte
	err error
}

// advance goes on to the next record that concerns the comparison.
func (w *walk) advance() {
	for {
		rec, err, more := w.pull()
		w.rec, w.err = nil, err
		if err != nil || !more {
			return
		}
		if rec = arriving(rec); rec == nil || !w.concerns(rec) {
			continue
		}
		w.rec = rec
		w.key, _ = w.index.AppendFields(w.key[:0], store.FieldsOf(rec))
		return
	}
}

// compare orders two places; the end comes after everything.
func (w *walk) compare(other *walk) int {
	switch {
	case w.rec == nil && other.rec == nil:
		return 0
	case w.rec == nil:
		return 1
	case other.rec == nil:
		return -1
	}
	return bytes.Compare(w.key, other.key)
}

// differing are the columns in which two records of a table differ.
func differing(a, b store.Record) (columns []string) {
	changed := sqlschema.Changed(store.FieldsOf(a), store.FieldsOf(b))
	for i, column := range a.Table().Columns {
		if changed&(1<<i) != 0 {
			columns = append(columns, column.Name)
		}
	}
	return columns
}

// keyText is a record's key as text, without the tenant where there is more.
func keyText(rec store.Record) string {
	table := rec.Table()
	fields := rec.Fields(nil)
	var parts []string
	for _, column := range table.Key().Columns {
		if column == tenantColumn[table] && table != tenantsTable {
			continue
		}
		if id, is := fields[column].Ptr.(*[16]byte); is {
			parts = append(parts, pbx.TenantID(*id).String())
		} else {
			parts = append(parts, fmt.Sprint(fields[column].Value()))
		}
	}
	return strings.Join(parts, "/")
}
