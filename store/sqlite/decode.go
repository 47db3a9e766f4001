package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pbxkit/pbx/store"
)

// decode puts a row's values into the record's fields.
func (c *conn) decode(record store.Record, row []driver.Value) error {
	c.fields = record.Fields(c.fields[:0])
	for i := range c.fields {
		if f := &c.fields[i]; !decodeField(f, row[i]) {
			return fmt.Errorf("sqlite: %s.%s holds a %T that cannot be read", record.Table().Name, f.Name, row[i])
		}
	}
	return nil
}

// decodeField reports whether the value is one that the field can have.
func decodeField(f *store.Field, value driver.Value) (ok bool) {
	if value == nil { // the record is new: its fields are zero
		return f.Null
	}
	switch p := f.Ptr.(type) {
	case *string:
		*p, ok = asText(value)
	case *int64:
		*p, ok = value.(int64)
	case *bool:
		var n int64
		n, ok = value.(int64)
		*p = n != 0
	case *time.Time:
		var n int64
		n, ok = value.(int64)
		*p = time.UnixMicro(n).UTC()
	case *[16]byte:
		var b []byte
		b, ok = value.([]byte)
		ok = ok && copy(p[:], b) == len(p) && len(b) == len(p)
	case *[]string:
		var array string
		array, ok = asText(value)
		ok = ok && decodeList(p, array)
	case *[]byte:
		*p, ok = value.([]byte)
	}
	return ok
}

// asText returns text as drivers give it: the store's own as a string, a host's
// perhaps as bytes.
func asText(value driver.Value) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	}
	return "", false
}

// encodeList returns the list as a JSON array.
func encodeList(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return string(text)
}

// decodeList reads a JSON array; an empty one is a nil list.
func decodeList(list *[]string, text string) bool {
	if text == "[]" {
		return true
	}
	if simple(text) {
		*list = strings.Split(text[2:len(text)-2], `","`)
		return true
	}
	return json.Unmarshal([]byte(text), list) == nil
}

// simple reports whether the text is a JSON array of strings without escapes, as
// codes are: then it can be split at quotes and commas.
func simple(text string) bool {
	if len(text) < 4 || !strings.HasPrefix(text, `["`) || !strings.HasSuffix(text, `"]`) {
		return false
	}
	inside := text[2 : len(text)-2]
	quotes := strings.Count(inside, `"`)
	return strings.IndexByte(inside, '\\') < 0 && quotes == 2*strings.Count(inside, `","`)
}
