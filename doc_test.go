package pbx_test

import (
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
)

// The overview groups the operations by subject: whoever adds one lists it there.
func TestTheOverviewLinksEveryMethodOfDirectory(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	require.NoError(t, err)
	linked := map[string]bool{}
	for _, link := range regexp.MustCompile(`\[Directory\.(\w+)\]`).FindAllStringSubmatch(file.Doc.Text(), -1) {
		linked[link[1]] = true
	}
	directory := reflect.TypeFor[*pbx.Directory]()
	for i := range directory.NumMethod() {
		name := directory.Method(i).Name
		require.True(t, linked[name], "doc.go does not link [Directory.%s]", name)
		delete(linked, name)
	}
	require.Empty(t, linked, "doc.go links methods that are not there")
}
