package pbx

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// ModifyUser saves a user as read by [Directory.User] and then changed: names, email,
// user ID, mobile, department, location, music on hold, SIP address, e911 and
// applications (USR-5, USR-7, STN-2). Anything else that was changed is refused, all of it
// at once. The email address may be cleared. A user ID that is cleared becomes the email
// address (USR-3), and a SIP address that is cleared is generated again (EXT-6).
//
// Errors: ErrNotFound; ErrStale, with the user as they are now in the StaleError
// (SVC-15); and all of these at once: ErrInvalid for bad fields, also for a location
// where an extension that reaches the user would get in the way of an emergency number
// (EXT-3); ErrConflict for a user ID or SIP address that is taken (USR-3, EXT-6);
// ErrNotFound for the location; ErrFailedPrecondition for an email address or a user ID
// that is cleared while a foreign service needs it (USR-14).
func (d *Directory) ModifyUser(ctx context.Context, in *User) (*User, error) {
	return save(ctx, d, "ModifyUser", in, in.prefetchModification, func(t *tx) (*User, error) {
		was, err := t.user(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := checkRevision(in.Rev, was.Rev, was); err != nil {
			return nil, err
		}
		row := copyOf(in)
		if err := t.validateModified(ctx, row, was); err != nil {
			return nil, err
		}
		moved := row.SIPAddress != was.SIPAddress
		if moved {
			if err := t.releaseSIP(ctx, was.SIPAddress, was.ref()); err != nil {
				return nil, err
			}
		}
		t.Update(was, row)
		if moved {
			t.claimSIP(row.SIPAddress, row.ID, AliasID{})
		}
		t.did("user.modified", row.ref(), "")
		return copyOf(row), nil
	})
}

// prefetchModification plans to read what saving a changed user needs.
func (u *User) prefetchModification(p *prefetch) {
	was := p.user(u.ID)
	was.to(sipIdentitiesTable.Key(), "sip_address")
	if u.Email == "" || u.Login == "" {
		was.to(associationsTable.Key(), "id").to(foreignByLine, "service_id")
	}
	p.login(cmp.Or(u.Login, u.Email))
	p.location(u.LocationID)
	if u.SIPAddress != "" {
		p.sip(u.SIPAddress)
		return
	}
	p.get(associationsByPrimary, u.ID).to(servicesTable.Key(), "service_id")
	p.get(extensionsByMain, u.ID)
	p.sipAddress("", cmp.Or(u.Login, u.Email), "")
}

// validateModified checks a changed user, and brings the SIP address into its one form.
func (t *tx) validateModified(ctx context.Context, row, was *User) error {
	var check validation
	check.kept(rule.USR7, row, was, "first_name last_name email login mobile department location_id music_on_hold sip_address e911 applications")
	row.CreatedAt, row.ActivatedAt = was.CreatedAt, was.ActivatedAt // as UTC, whatever zone they were given in
	if err := t.validateCleared(ctx, row, was, &check); err != nil {
		return err
	}
	row.Station = was.Station // applications are checked against the present station
	check.names(row)
	if row.Email != "" {
		check.email(rule.USR1, "Email", row.Email)
	}
	at, err := t.validateUser(ctx, row, was, &check)
	if err != nil {
		return err
	}
	address, err := t.modifiedSIP(ctx, row, was)
	if err := check.collect(err); err != nil {
		return err
	}
	row.SIPAddress = address
	if !slices.Equal(row.Applications, was.Applications) {
		if err := t.validateApplications(ctx, row, was, &check); err != nil {
			return err
		}
	}
	if row.LocationID != was.LocationID && at != nil {
		if err := t.validateReached(ctx, &check, "LocationID", row.ID, at); err != nil {
			return err
		}
	}
	return check.err()
}

// modifiedSIP is the SIP address of a changed user in its one form. One that is cleared
// is generated from the user ID and the main extension; where others have all those
// addresses, the present one stays (EXT-6).
func (t *tx) modifiedSIP(ctx context.Context, row, was *User) (SIPAddress, error) {
	if row.SIPAddress != "" {
		address, err := t.tenant.validateSIP(row.SIPAddress)
		if err == nil && address != was.SIPAddress {
			err = t.freeSIP(ctx, address)
		}
		return address, err
	}
	main, err := t.mainExtension(ctx, was.ID)
	if err != nil {
		return "", err
	}
	for _, address := range sipAddresses("", row.Login, main, t.tenant.SIPDomain) {
		taken, err := t.sipIdentity(ctx, address)
		if err != nil {
			return "", err
		}
		if taken == nil || taken.UserID == was.ID {
			return address, nil
		}
	}
	return was.SIPAddress, nil
}

// validateCleared refuses to clear what a foreign service needs (USR-14). A user ID that
// is cleared becomes the email address.
func (t *tx) validateCleared(ctx context.Context, row, was *User, check *validation) error {
	noEmail, noLogin := row.Email == "" && was.Email != "", row.Login == ""
	if noLogin {
		row.Login = row.Email // where both are cleared, the user ID is refused
	}
	if !noEmail && !noLogin {
		return nil
	}
	has, err := t.servicesOf(ctx, was.ID)
	if err != nil {
		return err
	}
	for _, a := range has {
		foreign, err := t.foreignOf(ctx, a.ServiceID)
		if err != nil {
			return err
		}
		for _, f := range foreign {
			if noEmail && f.there() && f.NeedsEmail {
				check.refusals = append(check.refusals, f.keeps(was, "Email", "email address"))
			}
			if noLogin && f.there() && f.NeedsLogin {
				check.refusals = append(check.refusals, f.keeps(was, "Login", "user ID"))
			}
		}
	}
	return nil
}

// keeps refuses to clear a field of a user that a foreign service of their line needs.
func (f *ForeignService) keeps(u *User, field, what string) *Error {
	return &Error{Code: rule.USR14, Kind: ErrFailedPrecondition, Field: field, Subject: u.ref(), Holder: f.ref(),
		Reason: fmt.Sprintf("%s of %s needs the %s of %s", f.Name, f.System, what, u.ref())}
}

// validateReached checks that no extension that reaches a user gets in the way of an
// emergency number at a location (EXT-3).
func (t *tx) validateReached(ctx context.Context, check *validation, field string, user UserID, at *Location) error {
	reaching, err := t.extensionsOf(ctx, user)
	if err != nil {
		return err
	}
	for _, e := range reaching {
		if err := check.collect(t.clearOfEmergency(field, e, at)); err != nil {
			return err
		}
	}
	return nil
}

// extensionsOf lists the extensions that reach a user: their own, those of their
// aliases, and the DNs of their services.
func (t *tx) extensionsOf(ctx context.Context, user UserID) ([]Extension, error) {
	if err := t.prefetch(ctx, func(p *prefetch) { p.user(user).reached() }); err != nil {
		return nil, err
	}
	entries, err := store.Collect(find[*DialEntry](ctx, t, store.Query{Index: extensionsByUser, Equal: []any{t.tenantID, user}}))
	if err != nil {
		return nil, err
	}
	aliases, err := store.Collect(find[*Alias](ctx, t, store.Query{Index: aliasesByUser, Equal: []any{t.tenantID, user}}))
	if err != nil {
		return nil, err
	}
	for _, a := range aliases {
		of, err := store.Collect(find[*DialEntry](ctx, t, store.Query{Index: extensionsByAlias, Equal: []any{t.tenantID, a.ID}}))
		if err != nil {
			return nil, err
		}
		entries = append(entries, of...)
	}
	services, err := t.servicesOf(ctx, user)
	if err != nil {
		return nil, err
	}
	var reaching []Extension
	for _, e := range entries {
		reaching = append(reaching, e.Digits)
	}
	for _, a := range services {
		s, err := t.service(ctx, a.ServiceID)
		if err != nil {
			return nil, err
		}
		reaching = append(reaching, s.DN)
	}
	return reaching, nil
}
