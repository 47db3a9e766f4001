package sqlite_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/sqlite"
)

// A guided set-up costs a known number of statements: each row that it needs is
// read once, and each row that it makes is written once.
func TestAGuidedSetUpTakesABoundedNumberOfStatements(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var ran []string
	store := open(t, newFile(t), sqlite.WithDriver(watching(func(kind, text string) error {
		if kind == "run" {
			ran = append(ran, text)
		}
		return nil
	})))
	support := pbx.New(store).As(pbx.Support("agent"))
	tenant, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	require.NoError(t, err)
	dir := support.In(tenant.ID)
	at, err := dir.AddLocation(ctx, pbx.NewLocation{Building: "HQ", Address: pbx.CivicAddress{Country: "US"}})
	require.NoError(t, err)
	_, err = dir.AddServiceType(ctx, pbx.NewServiceType{Code: "PRO", Name: "Connect Pro", Monthly: 2500})
	require.NoError(t, err)
	_, err = dir.AddStationPool(ctx, pbx.NewStationPool{Package: "STANDARD", Name: "Standard", Total: 5})
	require.NoError(t, err)
	_, err = dir.AddNumbers(ctx, "+16175550100")
	require.NoError(t, err)
	phone, err := dir.AddDevice(ctx, pbx.NewDevice{MAC: "0004f2000001", Model: "Polycom VVX 450"})
	require.NoError(t, err)

	ran = nil
	_, err = dir.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Zoë", Email: "zoe@acme.example.com", LocationID: at.ID},
		Number:  pbx.ExistingNumber("+16175550100"), ServiceType: "PRO", Station: "STANDARD", DeviceID: phone.ID,
	})
	require.NoError(t, err)
	count := map[string]int{}
	for _, text := range ran {
		count[strings.Fields(text)[0]]++
	}
	t.Logf("one guided set-up: %d statements, %v", len(ran), count)
	require.LessOrEqual(t, len(ran), 34)
	require.Equal(t, 1, count["BEGIN"])
	require.Equal(t, 1, count["COMMIT"])
}
