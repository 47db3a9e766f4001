package oracle_test

var deviceBugs = []seededBug{
	{"DEV-1", "a MAC in another notation is another one",
		"ParseMAC", `MAC(hw.String())`, `either(BUG, MAC(s), OLD)`},
	{"DEV-2", "a device is assigned that somebody has",
		"tx.assignable", `dev.State == DeviceAvailable`, `OLD || BUG`},
	{"DEV-3", "one port more is given than the model has",
		"tx.assignable", `if ports < 1 || ports > dev.Ports {`,
		`if ports < 1 || ports > dev.Ports+1 || ports == dev.Ports+1 && !BUG {`},
	{"DEV-4", "no other device becomes the primary one",
		"Directory.UnassignDevice", `edit(t, next, func(d *Device) { d.PrimaryOf = dev.UserID })`, ``},
	{"DEV-2", "the phone of a line stays nobody's when the line gets a user",
		"Directory.Associate", `if len(others) == 0 {`, ``},
	{"DEV-2", "a line stays on the phone of a user who leaves it",
		"tx.leavePhone", `if err == nil && dev.UserID == u.ID {`, ``},
	{"DEV-5", "a device that is given back carries its services still",
		"tx.free", `for _, s := range carried {`,
		`for _, s := range carried[:either(BUG, 0, len(carried))] {`},
	{"DEV-7", "a line moves to a phone on which its keys are another's",
		"tx.keysMeet", `if holder, is := taken[k.Position]; is {`, ``},
	{"DEV-2", "a line moves to a phone that is nobody's, or anybody's",
		"tx.takesLine", `return t.assignable(ctx, dev, 1)`,
		`if BUG {
			return nil
		}
		OLD`},
	{"DEV-6", "an assigned device is deleted",
		"Directory.DeleteDevice", `if holder != (Ref{}) {`, ``},
	{"DEV-7", "a key is set that the model has not",
		"tx.validateKeys", `case k.Position < 1 || k.Position > model.Keys:`, ``},
	{"DEV-7", "the keys outlive their service",
		"tx.strip", `if err := t.removeKeys(ctx, s); err != nil {`, ``},
}
