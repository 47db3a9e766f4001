package sqlschema

import "github.com/pbxkit/pbx/store"

// Binder takes the values of a statement, one after another.
type Binder interface{ BindField(f *store.Field) }

// Changer makes statements of changes. It keeps room that each of them uses again.
type Changer struct{ old, new []store.Field }

// Change returns the statement of a change, and binds its values in their order.
func (c *Changer) Change(b Binder, ch *store.Change) Statement {
	if ch.Old == nil {
		c.new = ch.New.Fields(c.new[:0])
		for i := range c.new {
			b.BindField(&c.new[i])
		}
		return Insert(ch.New.Table())
	}
	table := ch.Old.Table()
	c.old = ch.Old.Fields(c.old[:0])
	if ch.New == nil {
		c.bindUnchanged(b, table)
		return Delete(table)
	}
	c.new = ch.New.Fields(c.new[:0])
	columns := Changed(c.old, c.new)
	for i := range c.new {
		if columns&(1<<i) != 0 {
			b.BindField(&c.new[i])
		}
	}
	c.bindUnchanged(b, table)
	return Update(table, columns)
}

// bindUnchanged binds the old record's key and revision.
func (c *Changer) bindUnchanged(b Binder, table *store.Table) {
	for _, i := range table.Key().Columns {
		b.BindField(&c.old[i])
	}
	if table.Revision >= 0 {
		b.BindField(&c.old[table.Revision])
	}
}

// Doing says what a change does, for a message.
func Doing(ch *store.Change) string {
	switch {
	case ch.Old == nil:
		return "insert into " + ch.New.Table().Name
	case ch.New == nil:
		return "delete from " + ch.Old.Table().Name
	}
	return "update " + ch.Old.Table().Name
}
