package rules_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// canaries are secrets that would be recognised wherever they turned up, in each form
// that something may print them in.
type canaries struct {
	t        testing.TB
	forms    map[string]string // what each form is of
	searched int               // texts
}

func newCanaries(t testing.TB) *canaries { return &canaries{t: t, forms: map[string]string{}} }

// more is the same canaries, to which others can be added.
func (c *canaries) more() *canaries { return &canaries{t: c.t, forms: maps.Clone(c.forms)} }

// add makes a secret a canary.
func (c *canaries) add(what, secret string) {
	c.t.Helper()
	require.GreaterOrEqual(c.t, len(secret), 6, "%s may turn up by chance", what)
	raw := []byte(secret)
	for _, form := range []string{
		secret, hex.EncodeToString(raw), fmt.Sprintf("%X", raw), strings.Trim(fmt.Sprint(raw), "[]"), strings.Trim(fmt.Sprintf("%#v", raw), "[]byte{}"),
		base64.RawStdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), strings.Trim(fmt.Sprintf("%q", secret), `"`),
	} {
		c.forms[form] = what
	}
}

// text fails the test where a canary is in a text.
func (c *canaries) text(about, text string) {
	c.t.Helper()
	c.searched++
	for form, what := range c.forms {
		if strings.Contains(text, form) {
			c.t.Errorf("%s holds %s: …%.300s…", about, what, text[max(0, strings.Index(text, form)-80):])
			return
		}
	}
}

// value looks for canaries in all that can print a value: the verbs of fmt, JSON and
// the handlers of slog; and in what its exported fields lead to.
func (c *canaries) value(about string, v any) {
	c.t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		c.text(about+" as "+verb, fmt.Sprintf(verb, v))
	}
	if raw, err := json.Marshal(v); err == nil {
		c.text(about+" as JSON", string(raw))
	} else {
		c.text(about+" as JSON", err.Error())
	}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("a value", "value", v)
	}
	c.text(about+" in a log", out.String())
	c.reach(about, reflect.ValueOf(v), 0, map[uintptr]bool{})
}

// reach follows the exported fields of a value, as printers that know no interface of
// it do, and prints everything that it comes to.
func (c *canaries) reach(about string, v reflect.Value, depth int, seen map[uintptr]bool) {
	c.t.Helper()
	if !v.IsValid() || depth > 12 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return
		}
		seen[v.Pointer()] = true
		if v.CanInterface() {
			c.text(about, fmt.Sprintf("%+v %#v", v.Elem(), v.Elem()))
		}
		c.reach(about, v.Elem(), depth+1, seen)
	case reflect.Interface:
		c.reach(about, v.Elem(), depth+1, seen)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				c.reach(about+"."+f.Name, v.Field(i), depth+1, seen)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range min(v.Len(), 100) {
			c.reach(about, v.Index(i), depth+1, seen)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			c.reach(about, v.MapIndex(key), depth+1, seen)
		}
	case reflect.String:
		c.text(about, fmt.Sprintf("%v", v))
	}
}

// error looks for canaries in an error and in all its causes.
func (c *canaries) error(about string, err error) {
	c.t.Helper()
	if err == nil {
		return
	}
	c.text(about, err.Error())
	c.value(about, err)
	c.error(about+", its cause", errors.Unwrap(err))
	if many, is := err.(interface{ Unwrap() []error }); is {
		for _, e := range many.Unwrap() {
			c.error(about+", one of its causes", e)
		}
	}
}

// logbook keeps what is logged, by any goroutine.
type logbook struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// logger logs everything that there is to log, as text.
func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{AddSource: true, Level: slog.LevelDebug - 100}))
}

func (l *logbook) taken() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.out.String()
	l.out.Reset()
	return text
}
