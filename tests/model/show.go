package model

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
)

// Command leads from a state to another. It prints as one line.
type Command interface {
	Next(s *State) *State
	String() string
}

// String returns the call as it would be written: who, where, what.
func (c Call) String() string {
	line := fmt.Sprintf("%d: %s", c.N, c.As)
	if c.In != "" && c.In != c.As.Home {
		line += " in " + string(c.In)
	}
	return line + ": " + c.what()
}

func (c Call) what() string {
	line := nameOf(c.Op) + show(reflect.ValueOf(c.Op))
	if len(c.Confirm) > 0 {
		line += fmt.Sprint(" confirming ", c.Confirm)
	}
	return line
}

// String returns the time that passes.
func (w Wait) String() string { return fmt.Sprint("wait ", w.Time) }

func (w Together) String() string {
	var parts []string
	for _, c := range w.Parts {
		parts = append(parts, fmt.Sprintf("%d: %s", c.N, c.what()))
	}
	line := w.As.String()
	if w.In != "" && w.In != w.As.Home {
		line += " in " + string(w.In)
	}
	if w.Strict {
		line += " strictly"
	}
	return line + " [" + strings.Join(parts, "; ") + "]"
}

// String returns the batch with its parts.
func (b Batch) String() string {
	if b.Drop {
		return "batch, dropped, by " + b.Together.String()
	}
	return "batch by " + b.Together.String()
}

// String returns the review with its parts.
func (r MakeReview) String() string { return fmt.Sprintf("review %d by %s", r.N, r.Together) }

// String returns which review is committed.
func (c Commit) String() string { return fmt.Sprint("commit review ", c.Review) }

// show prints a struct's fields that are not zero.
func show(v reflect.Value) string {
	var fields []string
	collect(v, &fields)
	return "{" + strings.Join(fields, ", ") + "}"
}

func collect(v reflect.Value, fields *[]string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch value := v.Field(i); {
		case value.IsZero():
		case f.Anonymous:
			collect(value, fields)
		default:
			*fields = append(*fields, f.Name+": "+literal(value))
		}
	}
}

func literal(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Time:
		return value.Format(time.DateOnly)
	case pbx.NumberChoice:
		line := strings.TrimSpace(string(value.Source) + " " + string(value.Number))
		if value.Prefix != "" {
			line += " like " + value.Prefix
		}
		if value.Keep {
			line += ", kept"
		}
		return line
	}
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
		var list []string
		for i := range v.Len() {
			list = append(list, show(v.Index(i)))
		}
		return "[" + strings.Join(list, " ") + "]"
	}
	if v.Kind() == reflect.Struct {
		return show(v)
	}
	if v.Kind() == reflect.String || v.Kind() == reflect.Slice {
		return fmt.Sprintf("%q", v.Interface())
	}
	return fmt.Sprint(v.Interface())
}

// Simpler are variants of a command that say less: a field that is left out, a
// part that is left out.
func Simpler(c Command) []Command {
	var list []Command
	switch c := c.(type) {
	case Call:
		for _, op := range lesser(c.Op) {
			list = append(list, Call{c.N, c.As, c.In, c.Confirm, op})
		}
	case Batch:
		for _, w := range c.fewer() {
			list = append(list, Batch{w, c.Drop})
		}
		if len(c.Parts) == 1 {
			p := c.Parts[0]
			list = append(list, Call{p.N, c.As, c.In, p.Confirm, p.Op})
		}
	case MakeReview:
		for _, w := range c.fewer() {
			list = append(list, MakeReview{c.N, w})
		}
	}
	return list
}

// fewer are the operations without one of them, and with one of them simpler.
func (w Together) fewer() []Together {
	var list []Together
	for i := range w.Parts {
		less := w
		less.Parts = append(append([]Call(nil), w.Parts[:i]...), w.Parts[i+1:]...)
		list = append(list, less)
		for _, op := range lesser(w.Parts[i].Op) {
			less := w
			less.Parts = append([]Call(nil), w.Parts...)
			less.Parts[i].Op = op
			list = append(list, less)
		}
	}
	return list
}

// lesser are an operation with one of its fields left out.
func lesser(op Op) []Op {
	var list []Op
	v := reflect.ValueOf(op)
	for _, path := range paths(v, nil) {
		less := reflect.New(v.Type()).Elem()
		less.Set(v)
		less.FieldByIndex(path).SetZero()
		list = append(list, less.Interface().(Op))
	}
	return list
}

func paths(v reflect.Value, at []int) [][]int {
	var list [][]int
	for i := range v.NumField() {
		here := append(at[:len(at):len(at)], i)
		switch {
		case v.Field(i).IsZero():
		case v.Type().Field(i).Anonymous:
			list = append(list, paths(v.Field(i), here)...)
		default:
			list = append(list, here)
		}
	}
	return list
}
