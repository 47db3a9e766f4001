package model_test

import (
	"errors"
	"os"
	"testing"

	"github.com/pbxkit/pbx/internal/testbed"
)

var (
	stores  = testbed.Stores
	numbers = testbed.Numbers
)

func second[R any](r R, err error) error { return testbed.Second(r, err) }

// draws are the IDs that a world draws.
type draws struct{ testbed.Counted }

var errDropped = errors.New("dropped")

func TestMain(m *testing.M) { os.Exit(testbed.Run(m)) }
