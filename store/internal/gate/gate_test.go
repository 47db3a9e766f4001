package gate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store/internal/gate"
)

func TestCloseWaitsForThoseInside(t *testing.T) {
	g := gate.New()
	require.True(t, g.Enter())
	require.True(t, g.Enter())
	closed := make(chan bool)
	go func() { closed <- g.Close() }()
	for g.Enter() { // until it is shut
		g.Leave()
	}
	g.Leave()
	select {
	case <-closed:
		require.Fail(t, "closed under one that is inside")
	default:
	}
	g.Leave()
	require.True(t, <-closed)
	require.False(t, g.Enter())
	require.False(t, g.Close(), "once is enough")
}

func TestAnEmptyGateClosesAtOnce(t *testing.T) {
	g := gate.New()
	require.True(t, g.Enter())
	g.Leave()
	require.True(t, g.Close())
}
