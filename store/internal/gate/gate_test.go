package gate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/gate"
)

func TestCloseWaitsForThoseInside(t *testing.T) {
	g := gate.New()
	require.NoError(t, g.Enter())
	require.NoError(t, g.Enter())
	closed := make(chan error)
	go func() { closed <- g.Close() }()
	for g.Enter() == nil { // until it is shut
		g.Leave()
	}
	g.Leave()
	select {
	case <-closed:
		require.Fail(t, "closed under one that is inside")
	default:
	}
	g.Leave()
	require.NoError(t, <-closed)
	require.ErrorIs(t, g.Enter(), store.ErrMisuse)
	require.ErrorIs(t, g.Close(), store.ErrMisuse, "once is enough")
}

func TestAnEmptyGateClosesAtOnce(t *testing.T) {
	g := gate.New()
	require.NoError(t, g.Enter())
	g.Leave()
	require.NoError(t, g.Close())
}
