package transfer

import (
	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/chain"
	"github.com/pbxkit/pbx/store"
)

var eventsTable = new(pbx.Event).Table()

// chained reports whether the events among a tenant's records are a hash chain that
// begins with the first event and ends with the head in the tenant's row.
func chained(records []store.Record) bool {
	var links chain.Linker
	last := ""
	for _, rec := range records {
		if rec.Table() != eventsTable {
			continue
		}
		hash := *text(rec, chain.Column)
		if hash != links.Hash(last, rec) {
			return false
		}
		last = hash
	}
	rev, _ := store.RevisionOf(records[0]) // the tenant's
	return *text(records[0], "journal_head") == chain.Head(rev, last)
}

// text is a text column of a record.
func text(rec store.Record, column string) *string {
	return store.FieldsOf(rec)[rec.Table().Column(column)].Ptr.(*string)
}
