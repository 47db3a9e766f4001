package pbx

import (
	"context"
	"iter"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Alias is a sub-user of a user: it has a name, a SIP address and credentials of its
// own, and an extension if wanted, but takes no licence (EXT-7).
type Alias struct {
	TenantID   TenantID
	ID         AliasID
	Rev        int64
	UserID     UserID
	Name       string     // up to 64 characters
	SIPAddress SIPAddress // unique across all tenants (EXT-6)
}

// Table returns the declaration of aliases.
func (a *Alias) Table() *store.Table { return aliasesTable }

// Fields appends the alias's columns.
func (a *Alias) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &a.TenantID), id("id", &a.ID), revision(&a.Rev),
		id("user_id", &a.UserID), words("name", &a.Name), words("sip_address", (*string)(&a.SIPAddress)),
	)
}

func (a *Alias) ref() Ref { return Ref{"alias", a.ID.String(), a.Name} }

// NewAlias is what adding an alias takes.
type NewAlias struct {
	UserID     UserID     // whose alias it is
	Name       string     // required, up to 64 characters: "John Support"
	SIPAddress SIPAddress // in the tenant's SIP domain; empty: generated from the name
	Extension  Extension  // empty: none
}

// AddAlias gives a user an alias (EXT-7): a sub-user with a SIP address of its own
// (EXT-6) and, if wanted, an extension. It costs nothing and takes no licence. Aliases
// may have the same name.
//
// Errors: ErrNotFound for the user; ErrInvalid for bad fields, all at once
// (EXT-1, EXT-3, EXT-6, EXT-7); ErrConflict with the holder for a SIP address
// (EXT-6) or an extension (EXT-2) that is taken.
func (d *Directory) AddAlias(ctx context.Context, in NewAlias) (*Alias, error) {
	return change(ctx, d, "AddAlias", func(p *prefetch) {
		p.user(in.UserID).place()
		p.extension(in.Extension)
		p.sipAddress(in.SIPAddress, in.Name, in.Extension)
	}, func(t *tx) (*Alias, error) {
		u, err := t.user(ctx, in.UserID)
		if err != nil {
			return nil, err
		}
		row := &Alias{TenantID: t.tenantID, UserID: u.ID, Name: in.Name}
		if err := t.validateAlias(ctx, row, u, in); err != nil {
			return nil, err
		}
		row.ID = t.newID()
		t.Insert(row)
		t.claimSIP(row.SIPAddress, UserID{}, row.ID)
		if in.Extension != "" {
			t.enterDialPlan(&DialEntry{Digits: in.Extension, AliasID: row.ID})
		}
		t.relate("alias.added", row.ref(), u.ref(), "")
		if in.Extension != "" {
			t.did("extension.added", row.ref(), string(in.Extension))
		}
		return copyOf(row), nil
	})
}

// validateAlias checks everything about a new alias, and sets its SIP address.
func (t *tx) validateAlias(ctx context.Context, row *Alias, u *User, in NewAlias) error {
	var check validation
	check.required(rule.EXT7, "Name", in.Name, maxName)
	at, err := t.location(ctx, u.LocationID)
	if err != nil {
		return err
	}
	if in.Extension != "" {
		if err := check.collect(t.takeExtension(ctx, "Extension", in.Extension, at)); err != nil {
			return err
		}
	}
	address, err := t.sipAddress(ctx, in.SIPAddress, in.Name, in.Extension)
	if err := check.collect(err); err != nil {
		return err
	}
	row.SIPAddress = address
	return check.err()
}

// alias reads an alias of the tenant.
func (t *tx) alias(ctx context.Context, id AliasID) (*Alias, error) {
	a, err := one[*Alias](ctx, t, aliasesTable.Key(), t.tenantID, id)
	if err == nil && a == nil {
		err = notFound("alias", id.String())
	}
	return a, err
}

// Alias returns an alias of the tenant (EXT-7). Errors: ErrNotFound.
func (d *Directory) Alias(ctx context.Context, id AliasID) (*Alias, error) {
	return read(ctx, d, "Alias", func(p *prefetch) { p.alias(id) }, func(t *tx) (*Alias, error) {
		a, err := t.alias(ctx, id)
		if err != nil {
			return nil, err
		}
		return copyOf(a), nil
	})
}

// Aliases yields the aliases of a user in the order in which they were added; for the
// zero ID, those of the whole tenant (EXT-7).
func (d *Directory) Aliases(ctx context.Context, user UserID) iter.Seq2[*Alias, error] {
	q := store.Query{Index: aliasesTable.Key(), Equal: []any{d.scope()}}
	if !user.IsZero() {
		q.Index, q.Equal = aliasesByUser, []any{d.scope(), user}
	}
	return pages[*Alias](ctx, d, "Aliases", q, 0, nil)
}

// ModifyAlias saves an alias as read and then changed: its name and its SIP address
// (EXT-7). Anything else that was changed is refused, all of it at once: it cannot be
// given to another user.
//
// Errors: ErrNotFound; ErrStale, with the alias as it is now in the StaleError (SVC-15);
// ErrInvalid for bad fields and ErrConflict with the holder for a SIP address that is
// taken (EXT-6), all at once.
func (d *Directory) ModifyAlias(ctx context.Context, in *Alias) (*Alias, error) {
	return save(ctx, d, "ModifyAlias", in, func(p *prefetch) {
		p.alias(in.ID).to(sipIdentitiesTable.Key(), "sip_address")
		p.sip(in.SIPAddress)
	}, func(t *tx) (*Alias, error) {
		was, err := t.alias(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := checkRevision(in.Rev, was.Rev, was); err != nil {
			return nil, err
		}
		address, err := t.validateModifiedAlias(ctx, in, was)
		if err != nil {
			return nil, err
		}
		moved := address != was.SIPAddress
		if moved {
			if err := t.releaseSIP(ctx, was.SIPAddress, was.ref()); err != nil {
				return nil, err
			}
		}
		row := edit(t, was, func(a *Alias) { a.Name, a.SIPAddress = in.Name, address })
		if moved {
			t.claimSIP(address, UserID{}, row.ID)
		}
		t.did("alias.modified", row.ref(), "")
		return copyOf(row), nil
	})
}

// validateModifiedAlias checks a changed alias, and returns its SIP address in the one
// form.
func (t *tx) validateModifiedAlias(ctx context.Context, in, was *Alias) (SIPAddress, error) {
	var check validation
	check.required(rule.EXT7, "Name", in.Name, maxName)
	check.kept(rule.EXT7, in, was, "name sip_address")
	address, err := t.tenant.validateSIP(in.SIPAddress)
	if err == nil && address != was.SIPAddress {
		err = t.freeSIP(ctx, address)
	}
	if err := check.collect(err); err != nil {
		return "", err
	}
	return address, check.err()
}

// DeleteAlias deletes an alias with its extensions, its SIP address, its memberships in
// groups and its lines on phones (EXT-7, EXT-9). Its user does not change. Errors:
// ErrNotFound.
func (d *Directory) DeleteAlias(ctx context.Context, id AliasID) error {
	return d.change(ctx, "DeleteAlias", func(p *prefetch) { p.alias(id).aliasEnding() }, func(t *tx) error {
		a, err := t.alias(ctx, id)
		if err != nil {
			return err
		}
		return t.removeAlias(ctx, a)
	})
}

// removeAlias stages the end of an alias and of everything that belongs to it.
func (t *tx) removeAlias(ctx context.Context, a *Alias) error {
	if err := t.leaveGroups(ctx, a.ID); err != nil {
		return err
	}
	if err := t.leaveLines(ctx, a); err != nil {
		return err
	}
	own, err := store.Collect(find[*DialEntry](ctx, t, store.Query{Index: extensionsByAlias, Equal: []any{t.tenantID, a.ID}}))
	if err != nil {
		return err
	}
	for _, e := range own {
		t.leaveDialPlan(e)
		t.did("extension.removed", a.ref(), string(e.Digits))
	}
	if err := t.releaseSIP(ctx, a.SIPAddress, a.ref()); err != nil {
		return err
	}
	t.Remove(a)
	t.relate("alias.deleted", a.ref(), Ref{Kind: "user", ID: a.UserID.String()}, "")
	return nil
}

// aliasesOf reads a user's aliases.
func (t *tx) aliasesOf(ctx context.Context, u *User) ([]*Alias, error) {
	return store.Collect(find[*Alias](ctx, t, store.Query{Index: aliasesByUser, Equal: []any{t.tenantID, u.ID}}))
}

// removeAliasesOf stages the end of a user's aliases, which go with the user (EXT-7).
func (t *tx) removeAliasesOf(ctx context.Context, u *User) error {
	own, err := t.aliasesOf(ctx, u)
	if err != nil {
		return err
	}
	for _, a := range own {
		if err := t.removeAlias(ctx, a); err != nil {
			return err
		}
	}
	return nil
}
