package model_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/tests/model"
)

// words is a text with handles in place of IDs.
func (p *played) words(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		if id, err := pbx.ParseID[pbx.Tenant](w); err == nil {
			words[i] = string(p.handle(id))
		}
	}
	return strings.Join(words, " ")
}

func (p *played) handle(id [16]byte) model.Handle {
	if h, ok := p.handles[id]; ok {
		return h
	}
	if id == [16]byte{} {
		return ""
	}
	return "?"
}

// look reads all records, and the new entries of the journals.
func (p *played) look() (records [][]store.Record, err error) {
	tables := pbx.Tables()
	var reads []store.Read
	events := 0
	for i, table := range tables {
		if table.Name == "events" {
			events = i
		}
		if table.Name == "events" || table.Name == "cursors" {
			reads = append(reads, store.Read{Query: store.Query{Index: table.Key(), Limit: 1}})
			continue
		}
		reads = append(reads, store.Read{Query: store.Query{Index: table.Key()}})
	}
	for _, tenant := range p.tenants() {
		reads = append(reads, store.Read{Query: store.Query{Index: tables[events].Key(), Equal: []any{tenant}, From: p.seqs[tenant] + 1}})
	}
	results, err := p.fetch(reads)
	if err != nil {
		return nil, err
	}
	news := results[len(tables):]
	for _, rec := range results[0] {
		t := rec.(*pbx.Tenant)
		if _, met := p.seqs[t.ID]; !met {
			label, _, _ := strings.Cut(t.SIPDomain, ".")
			p.known(model.Handle(label), t.ID)
			more, err := p.fetch([]store.Read{{Query: store.Query{Index: tables[events].Key(), Equal: []any{t.ID}}}})
			if err != nil {
				return nil, err
			}
			news = append(news, more...)
		}
		p.seqs[t.ID] = t.Rev
	}
	results[events] = slices.Concat(news...)
	return results[:len(tables)], p.chained(results[0], results[events])
}

// tenants are those whose journals have been read.
func (p *played) tenants() []pbx.TenantID {
	var list []pbx.TenantID
	for id := range p.seqs {
		list = append(list, id)
	}
	slices.SortFunc(list, func(a, b pbx.TenantID) int { return bytes.Compare(a[:], b[:]) })
	return list
}

func (p *played) fetch(reads []store.Read) (results [][]store.Record, err error) {
	if f, ok := p.store.(store.Fetcher); ok {
		return f.Fetch(p.ctx, reads...)
	}
	err = p.store.View(p.ctx, func(r store.Reader) error {
		results, err = store.Fetch(p.ctx, r, reads...)
		return err
	})
	return results, err
}

// encode is records as bytes, to be compared with another store's.
func encode(dst []byte, records [][]store.Record) []byte {
	var fields []store.Field
	for _, of := range records {
		for _, rec := range of {
			fields = rec.Fields(fields[:0])
			for i := range fields {
				dst = encodeField(dst, &fields[i])
			}
			dst = append(dst, '\n')
		}
	}
	return dst
}

func encodeField(dst []byte, f *store.Field) []byte {
	switch v := f.Ptr.(type) {
	case *string:
		dst = append(dst, *v...)
	case *int64:
		dst = binary.AppendVarint(dst, *v)
	case *bool:
		dst = append(dst, fmt.Sprint(*v)...)
	case *time.Time:
		dst = binary.AppendVarint(dst, v.UnixMicro())
	case *[16]byte:
		dst = append(dst, v[:]...)
	case *[]string:
		dst = append(dst, strings.Join(*v, "+")...)
	case *[]byte:
		dst = append(dst, *v...)
	}
	return append(dst, 0)
}

// unforeseen are the columns that the model does not predict: revisions, folded
// texts, and columns that help to find others.
var unforeseen = regexp.MustCompile(`^(rev|settings_rev|.*_folded|next_extension|journal_head|member_id|extension_.*|advised_extension|voicemail_digits|pin_min.*|pin_max.*|pin_tries|pin_lock_ns|number_rest_ns|number_monthly|number_one_time)$`)

// lines shows records as the model does.
func (p *played) lines(records [][]store.Record) (lines, journal []string) {
	for _, rec := range slices.Concat(records...) {
		switch r := rec.(type) {
		case *pbx.Order:
			p.known(model.Handle(fmt.Sprint("o", r.Number)), r.ID)
		}
	}
	for _, rec := range slices.Concat(records...) {
		switch r := rec.(type) {
		case *pbx.Event:
			e := model.Event{Type: r.Type, Kind: r.Kind, Subject: model.Handle(p.words(r.Subject)), Detail: p.words(r.Detail)}
			journal = append(journal, fmt.Sprintf("%s %d %s by %s %s", p.handle(r.TenantID), r.Seq, e, r.Role, r.Actor))
		case *pbx.Cursor:
		default:
			lines = append(lines, p.line(rec))
		}
	}
	slices.Sort(lines)
	slices.Sort(journal)
	return lines, journal
}

// drawnEnd is the end of a SIP address for which no other one was free.
var drawnEnd = regexp.MustCompile(`-[0-9a-f]{8}@`)

func (p *played) line(rec store.Record) string {
	row := model.Row{}
	var owner model.Handle
	for _, f := range rec.Fields(nil) {
		value := ""
		switch v := f.Ptr.(type) {
		case *[16]byte:
			value = string(p.handle(*v))
		case *[]byte:
			value = model.Value(model.Secret(*v))
		default:
			value = model.Value(f.Value())
		}
		switch {
		case f.Name == "tenant_id":
			row.Table = value + " " + rec.Table().Name
		case value == "" || unforeseen.MatchString(f.Name):
		default:
			row.Columns = append(row.Columns, model.Column{Name: f.Name, Value: value})
		}
		if (f.Name == "user_id" || f.Name == "alias_id" || f.Name == "id") && value != "" {
			owner = model.Handle(value)
		}
	}
	if t, ok := rec.(*pbx.Tenant); ok {
		row.Table = string(p.handle(t.ID)) + " tenants"
		row.Columns = append(row.Columns, model.Column{Name: "rev", Value: fmt.Sprint(t.Rev)}, model.Column{Name: "policy", Value: model.PolicyText(t.Policy)})
	}
	for i, c := range row.Columns {
		if c.Name == "address" || c.Name == "sip_address" {
			if a, ok := rec.(*pbx.Alias); ok {
				owner = p.handle(a.ID)
			}
			row.Columns[i].Value = drawnEnd.ReplaceAllString(c.Value, "-?"+string(owner)+"@")
		}
	}
	return row.String()
}

// compare says how two lists of lines differ, or "".
func compare(want, got []string) string {
	if slices.Equal(want, got) {
		return ""
	}
	var diff strings.Builder
	for _, line := range want {
		if !slices.Contains(got, line) {
			diff.WriteString("\n    - " + line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			diff.WriteString("\n    + " + line)
		}
	}
	if diff.Len() == 0 {
		return cmp.Diff(want, got)
	}
	return diff.String()
}
