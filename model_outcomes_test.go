package pbx_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/model"
)

// outcomes count what came of the operations.
type outcomes struct {
	commands int
	done     map[string]int
	refused  map[string]map[pbx.Code]int
}

func newOutcomes() *outcomes {
	return &outcomes{done: map[string]int{}, refused: map[string]map[pbx.Code]int{}}
}

func (o *outcomes) add(out model.Outcome) {
	o.commands++
	o.count(out)
	for _, part := range out.Parts {
		o.count(part)
	}
}

func (o *outcomes) count(out model.Outcome) {
	if len(out.Refused) == 0 {
		o.done[out.Op]++
		return
	}
	if o.refused[out.Op] == nil {
		o.refused[out.Op] = map[pbx.Code]int{}
	}
	for _, r := range out.Refused {
		o.refused[out.Op][r.Code]++
	}
}

// anyones are the refusals of nearly every operation.
const anyones = "ACC-1 ACC-2"

// refusable are the codes with which each operation is refused, beside anyones.
var refusable = map[string]string{}

// wanted are the operations of which something was not seen yet.
func (o *outcomes) wanted() []string {
	var list []string
	for op := range o.missing() {
		list = append(list, op)
	}
	slices.Sort(list)
	return list
}

// missing are the operations that never went through, and the codes with which
// they were never refused.
func (o *outcomes) missing() map[string][]string {
	missing := map[string][]string{}
	for op, codes := range refusable {
		for _, code := range strings.Fields(anyones + " " + codes) {
			if o.refused[op][pbx.Code(code)] == 0 {
				missing[op] = append(missing[op], code)
			}
		}
		if o.done[op] == 0 {
			missing[op] = append(missing[op], "done")
		}
	}
	return missing
}

// report prints the table, and fails where something was never reached.
func (o *outcomes) report(t *testing.T) {
	t.Logf("%d commands on each of %s; divergences: 0", o.commands, strings.Join(slices.Sorted(maps.Keys(stores)), ", "))
	ops := map[string]bool{}
	for op := range maps.Keys(o.done) {
		ops[op] = true
	}
	for op := range maps.Keys(o.refused) {
		ops[op] = true
	}
	for _, op := range slices.Sorted(maps.Keys(ops)) {
		var codes []string
		for _, code := range slices.Sorted(maps.Keys(o.refused[op])) {
			codes = append(codes, fmt.Sprintf("%s %d", code, o.refused[op][code]))
		}
		t.Logf("%-18s done %5d; refused: %s", op, o.done[op], strings.Join(codes, ", "))
	}
}
