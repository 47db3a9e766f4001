package model_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// chained says where the journals of the tenants are not the chains that the rules
// foretell, by hashes of its own. It reads the records that look has read: events are the
// new ones.
func (p *played) chained(tenants, events []store.Record) error {
	for _, rec := range events {
		e := rec.(*pbx.Event)
		if want := follows(p.hashes[e.TenantID], e); column(e, "hash") != want {
			return fmt.Errorf("the event %s has another hash than %s", e.Key(), want)
		}
		p.hashes[e.TenantID] = column(e, "hash")
	}
	for _, rec := range tenants {
		t := rec.(*pbx.Tenant)
		if want := fmt.Sprint(t.Rev, ":", p.hashes[t.ID]); column(t, "journal_head") != want {
			return fmt.Errorf("the head of tenant %s is not %s", t.ID, want)
		}
	}
	return nil
}

// column is a text column of a record.
func column(r store.Record, name string) string {
	for _, f := range r.Fields(nil) {
		if f.Name == name {
			return *f.Ptr.(*string)
		}
	}
	panic("no column " + name)
}

// follows is the hash of an event after one with the hash before.
func follows(before string, e *pbx.Event) string {
	text := []byte("pbx journal 1\n")
	add := func(parts ...[]byte) {
		for _, p := range parts {
			text = append(binary.BigEndian.AppendUint32(text, uint32(len(p))), p...)
		}
	}
	number := func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	add([]byte(before))
	add([]byte("tenant_id"), e.TenantID[:], []byte("seq"), number(e.Seq), []byte("pos"), number(e.Pos))
	add([]byte("at"), number(e.At.UnixMicro()), []byte("operation"), e.Operation[:])
	add([]byte("actor"), []byte(e.Actor), []byte("role"), []byte(e.Role), []byte("type"), []byte(e.Type))
	add([]byte("kind"), []byte(e.Kind), []byte("subject"), []byte(e.Subject), []byte("detail"), []byte(e.Detail))
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
