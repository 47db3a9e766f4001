package testbed

import (
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// Collect lists what a sequence yields, and fails on an error in it.
func Collect[R any](t testing.TB, seq iter.Seq2[R, error]) []R {
	t.Helper()
	var all []R
	for r, err := range seq {
		require.NoError(t, err)
		all = append(all, r)
	}
	return all
}

// Drain loops over a sequence to its end, or its error.
func Drain[R any](seq iter.Seq2[R, error]) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// Digits are the extensions of entries of the dial plan.
func Digits(entries []*pbx.DialEntry) []pbx.Extension {
	var list []pbx.Extension
	for _, e := range entries {
		list = append(list, e.Digits)
	}
	return list
}

// Codes are the rules that notices are about.
func Codes(notices []pbx.Notice) []rule.Code {
	var list []rule.Code
	for _, n := range notices {
		list = append(list, n.Code)
	}
	return list
}

// Numbers are n numbers of a form.
func Numbers(form string, n int) []pbx.E164 {
	list := make([]pbx.E164, n)
	for i := range list {
		list[i] = pbx.E164(fmt.Sprintf(form, i))
	}
	return list
}

// Second is the error of a call that returns something too.
func Second[R any](_ R, err error) error { return err }
