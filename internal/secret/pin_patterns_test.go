package secret_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/secret"
)

func TestWeakness(t *testing.T) {
	for weakness, pins := range map[string][]string{
		"": {"4829", "482915", "190382", "131072", "0102030507", "12357"},
		"it has fewer than three different digits": {"", "1", "0000", "1221", "010101", "99899"},
		"it is a run of digits":                    {"1234", "654321", "890123", "135791", "112233", "3210", "09876", "0369258147", "1470369"},
		"it repeats its beginning":                 {"123123", "1231231", "48294829", "147147"},
		"it reads the same backwards":              {"48284", "482284", "13531"},
		"it is made of lines of the keypad":        {"2580", "0852", "147258", "159753", "123789", "7412580", "321456"},
	} {
		for _, pin := range pins {
			require.Equal(t, weakness, secret.Weakness(pin), pin)
		}
	}
}

func TestEitherWay(t *testing.T) {
	require.True(t, secret.EitherWay("7001", "4829", "7001"))
	require.True(t, secret.EitherWay("1007", "4829", "7001"))
	require.False(t, secret.EitherWay("7010", "4829", "7001"))
	require.False(t, secret.EitherWay("7001"))
}
