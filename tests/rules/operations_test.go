package rules_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
)

// reads are the methods that change nothing, and those that the table of
// operations is not for: Batch and Review run operations, and Deliver, which
// hands over at least once, has tests of its own.
var reads = strings.Fields(`
	Alias Aliases As AssociationChoices Batch Check CheckJournal Confirm Connect Deliver Device DeviceLines Devices Digest ExportUsers Extensions
	ForeignService ForeignServices Group Groups In Journal JournalHead Keys Line LineIdentity
	Location Locations Lookup Mailbox MainExtension Members OfferedNumbers Number Numbers Order Orders PortRequest PortRequests Review
	SIPIdentity Seen Service ServiceTypes ServiceUsers Services StationPools Stats Tenant Tenants User UserByLogin UserServices Users`)

func TestSYS4_EveryMethodIsEitherAnOperationOrARead(t *testing.T) {
	listed := slices.Clone(reads)
	for _, op := range testbed.Operations {
		if !slices.Contains(listed, op.Method) {
			listed = append(listed, op.Method)
		}
	}
	slices.Sort(listed)
	var methods []string
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		methods = append(methods, m.Name)
	}
	require.Equal(t, methods, listed, "a method is missing in testbed.Operations and in reads, or listed twice")
}
