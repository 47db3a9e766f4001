package pbx

import (
	"context"
	"io"
	"strconv"

	"github.com/pbxkit/pbx/internal/csvfile"
	"github.com/pbxkit/pbx/store"
)

// ExportUsers writes the tenant's users as a CSV file that [Directory.ImportUsers]
// reads: by last name and then first name, with all columns and without secrets
// (SYS-5). docs/import.md describes the file, and what a row cannot say about a
// user. It is read and written page by page, so it is not a snapshot, and what was
// written stays written if a later page cannot be read.
//
// Errors: ErrMisuse without a writer; the writer's own error as it is.
func (d *Directory) ExportUsers(ctx context.Context, w io.Writer) error {
	if _, err := d.enter(ctx, "ExportUsers"); err != nil {
		return err
	}
	if w == nil {
		return misuse("there is nothing to write to")
	}
	out := csvfile.NewWriter(w)
	if err := out.Write(columnNames()); err != nil {
		return err
	}
	users := listing[*User, *csvUser]{query: store.Query{Index: usersByLast, Equal: []any{d.scope()}}, more: prefetched.exported, show: exportedUser}
	for u, err := range users.pages(ctx, d, "ExportUsers") {
		if err != nil {
			return err
		}
		if err := out.Write(u.cells()); err != nil {
			return err
		}
	}
	return out.Flush()
}

// exported plans to read what the row of each user says.
func (f prefetched) exported() {
	f.place()
	f.to(stationPoolsTable.Key(), "station")
	f.to(extensionsByMain, "id")
	line := f.to(associationsByPrimary, "id").to(servicesTable.Key(), "service_id")
	line.to(numbersTable.Key(), "number")
	line.to(devicesTable.Key(), "device_id")
	line.to(serviceTypesTable.Key(), "type")
	line.users()
}

// csvUser is what a row of a file says about a user.
type csvUser struct {
	*User
	main     Extension
	building string
	line     Service // the primary one; empty where there is none
	number   E164    // of the line, or the one that it waits for
	mac      MAC     // of the device of the line, or ""
	ports    int64
	phoneOf  UserID // who has that device
	shared   bool   // the line is in the row of another user
	// applications are those that the station and the line include. Others come
	// with services that are not in the file.
	applications []string
}

// exportedUser reads what the row of a user says.
func exportedUser(ctx context.Context, t *tx, u *User) (*csvUser, error) {
	row := &csvUser{User: u}
	at, err := t.location(ctx, u.LocationID)
	if err != nil {
		return nil, err
	}
	if at != nil {
		row.building = at.Building
	}
	if row.main, err = t.mainExtension(ctx, u.ID); err != nil {
		return nil, err
	}
	line, err := t.primaryOf(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	if line != nil {
		row.line = *line
		if err := row.carried(ctx, t); err != nil {
			return nil, err
		}
	}
	if err := row.entitled(ctx, t); err != nil {
		return nil, err
	}
	return row, row.share(ctx, t)
}

// share leaves a line that is the primary one of several users to the row of one
// of them: the one who has its phone, or else the first who is active.
func (row *csvUser) share(ctx context.Context, t *tx) error {
	if row.line.ID.IsZero() {
		return nil
	}
	with, err := t.usersOf(ctx, row.line.ID)
	if err != nil {
		return err
	}
	owner := row.User
	for _, a := range with {
		if !a.Primary() {
			continue
		}
		u, err := t.user(ctx, a.UserID)
		if err != nil {
			return err
		}
		if before(u.ID == row.phoneOf, owner.ID == row.phoneOf, before(u.State == UserActive, owner.State == UserActive, u.ID.String() < owner.ID.String())) {
			owner = u
		}
	}
	if row.shared = owner.ID != row.ID; row.shared {
		row.line, row.number, row.mac, row.ports = Service{}, "", "", 0
	}
	return nil
}

// before reports whether a comes before b, where true comes before false; if they
// are equal, otherwise decides.
func before(a, b, otherwise bool) bool {
	if a != b {
		return a
	}
	return otherwise
}

// entitled adds the applications that an import of the row can enable.
func (row *csvUser) entitled(ctx context.Context, t *tx) error {
	if len(row.Applications) == 0 {
		return nil
	}
	typ, err := t.serviceType(ctx, row.line.Type)
	if err != nil {
		return err
	}
	var pool *StationPool
	if row.Station != "" {
		if pool, err = t.stationPool(ctx, row.Station); err != nil {
			return err
		}
	}
	row.applications = entitledTo(row.Applications, pool, typ)
	return nil
}

// carried adds the number and the device of the user's line: the number that they
// keep or wait for, not one on loan.
func (row *csvUser) carried(ctx context.Context, t *tx) error {
	n, err := t.heldNumber(ctx, &row.line)
	if err != nil {
		return err
	}
	switch {
	case n == nil:
	case n.Loan:
		row.number = n.TemporaryFor
	default:
		row.number = n.E164
	}
	if row.line.DeviceID.IsZero() {
		return nil
	}
	dev, err := t.device(ctx, row.line.DeviceID)
	if err != nil {
		return err
	}
	row.mac, row.ports, row.phoneOf = dev.MAC, dev.PortsUsed, dev.UserID
	return nil
}

// cells are the cells of the row.
func (row *csvUser) cells() []string {
	cells := make([]string, len(csvColumns))
	for i := range csvColumns {
		cells[i] = csvColumns[i].write(row)
	}
	return cells
}

// numberSource is where an import finds the number: among the tenant's own.
func (row *csvUser) numberSource() string {
	if row.number == "" {
		return ""
	}
	return string(FromTenant)
}

// lineSaid says whether the user has a line, and whether it is in another row.
func (row *csvUser) lineSaid() string {
	if row.shared {
		return lineShared
	}
	return yes(!row.line.ID.IsZero())
}

// deviceType is the model of a line without a device.
func (row *csvUser) deviceType() string {
	if row.mac != "" {
		return ""
	}
	return row.line.DeviceType
}

// activateLater says whether what the row makes must not work, or be billed, at once.
func (row *csvUser) activateLater() string {
	return yes(row.State != UserActive || row.line.Status == StatusPendingActivation || row.line.ActivateLater)
}

// portsUsed is how many ports of the device the user has.
func (row *csvUser) portsUsed() string {
	if row.ports == 0 {
		return ""
	}
	return strconv.FormatInt(row.ports, 10)
}
