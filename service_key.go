package pbx

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// KeyKind is what a programmable key does.
type KeyKind string

// The kinds of key.
const (
	KeySpeedDial KeyKind = "speed dial" // dials an extension or an E.164 number
	KeyBusyLamp  KeyKind = "busy lamp"  // shows whether an extension is in use, and dials it
	KeyLine      KeyKind = "line"       // takes the line with a DN; without a target the service's own
	KeyFeature   KeyKind = "feature"    // dials a feature code: "*21", "#31#"
)

// PhoneKey is what a programmable key is set to (DEV-7).
type PhoneKey struct {
	Position int64 // 1 to as many as the phone's model has
	Kind     KeyKind
	Label    string // what the phone shows beside it, up to 64 characters, or ""
	Target   string // what its kind says
}

// ServiceKey is a programmable key of the phone of a service (DEV-7). Those
// without a record do what the phone makes of them.
type ServiceKey struct {
	TenantID  TenantID
	ServiceID ServiceID
	Rev       int64
	PhoneKey
}

// Table returns the declaration of the keys of services.
func (k *ServiceKey) Table() *store.Table { return serviceKeysTable }

// Fields appends the key's columns.
func (k *ServiceKey) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &k.TenantID), id("service_id", &k.ServiceID), integer("position", &k.Position), revision(&k.Rev),
		words("kind", (*string)(&k.Kind)), words("label", &k.Label), words("target", &k.Target),
	)
}

// SetKeys saves the programmable keys of a service's phone, all of them in one
// act (DEV-7): those not listed are given back to the phone. rev is the revision
// of the service whose keys were read; it is raised, so that of two who change
// the keys, or the service, the later one sees the other's change first. A busy
// lamp for an extension that nothing has warns and is saved; so does one stay
// whose extension goes later, and is dark until something has it again.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service (SVC-11);
// ErrStale, together with the service as it is now (SVC-15); and all of these at
// once: ErrInvalid for bad fields and for keys that the model has not (DEV-7),
// ErrConflict naming another service on the same device that has the key.
func (d *Directory) SetKeys(ctx context.Context, service ServiceID, rev int64, keys []PhoneKey) (*Service, error) {
	var out *Service
	err := d.change(ctx, "SetKeys", func(p *prefetch) {
		s := p.service(service)
		p.get(serviceKeysTable.Key(), service)
		s.to(servicesByDevice, "device_id").to(serviceKeysTable.Key(), "id")
		p.keyTargets(keys)
	}, func(t *tx) error {
		s, err := t.service(ctx, service)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		out = copyOf(s)
		if err := current(rev, s.Rev, s.ref()); err != nil {
			return err
		}
		var check validation
		if err := t.validateKeys(ctx, keys, t.core.models[s.DeviceType], s, &check); err != nil {
			return err
		}
		if err := check.err(); err != nil {
			return err
		}
		changed, err := t.replaceKeys(ctx, s, keys)
		if err != nil || !changed {
			return err
		}
		row := edit(t, s, func(*Service) {})
		t.did("service.keys-set", row.ref(), "")
		out = copyOf(row)
		return nil
	})
	return out, err
}

// Keys yields the programmable keys of a service that are set, by their
// position (DEV-7). A service that is not there has none.
func (d *Directory) Keys(ctx context.Context, service ServiceID) iter.Seq2[*ServiceKey, error] {
	return pages[*ServiceKey](ctx, d, "Keys", store.Query{Index: serviceKeysTable.Key(), Equal: []any{d.scope(), service}}, 0, nil)
}

// keysOf reads the keys of a service.
func (t *tx) keysOf(ctx context.Context, service ServiceID) ([]*ServiceKey, error) {
	return store.Collect(find[*ServiceKey](ctx, t, store.Query{Index: serviceKeysTable.Key(), Equal: []any{t.tenantID, service}}))
}

// replaceKeys stages that a service has these keys and no others, and reports
// whether that changes anything.
func (t *tx) replaceKeys(ctx context.Context, s *Service, keys []PhoneKey) (changed bool, err error) {
	had, err := t.keysOf(ctx, s.ID)
	if err != nil {
		return false, err
	}
	wanted := make(map[int64]PhoneKey, len(keys))
	for _, k := range keys {
		wanted[k.Position] = k
	}
	for _, was := range had {
		k, stays := wanted[was.Position]
		delete(wanted, was.Position)
		switch {
		case !stays:
			t.Remove(was)
		case k != was.PhoneKey:
			edit(t, was, func(row *ServiceKey) { row.PhoneKey = k })
		default:
			continue
		}
		changed = true
	}
	for _, k := range keys {
		if _, is := wanted[k.Position]; is {
			t.Insert(&ServiceKey{TenantID: t.tenantID, ServiceID: s.ID, PhoneKey: k})
			changed = true
		}
	}
	return changed, nil
}

// removeKeys stages the end of a service's keys.
func (t *tx) removeKeys(ctx context.Context, s *Service) error {
	keys, err := t.keysOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		t.Remove(k)
	}
	return nil
}

// validateKeys checks keys for a service, by its phone's model and by what else its
// device carries. The service need not be there yet.
func (t *tx) validateKeys(ctx context.Context, keys []PhoneKey, model DeviceModel, s *Service, check *validation) error {
	if !check.fits(model, len(keys)) {
		return nil
	}
	taken, err := t.keysBeside(ctx, s)
	if err != nil {
		return err
	}
	at := make(map[int64]bool, len(keys))
	for i, k := range keys {
		field := fmt.Sprintf("Keys[%d]", i)
		k.validate(check, field)
		switch holder, is := taken[k.Position]; {
		case k.Position < 1 || k.Position > model.Keys:
			check.refuse(rule.DEV7, field+".Position", "not within 1 and the %d keys of a %s", model.Keys, model.Name)
		case at[k.Position]:
			check.refuse(rule.DEV7, field+".Position", "key %d is listed twice", k.Position)
		case is:
			check.refusals = append(check.refusals, &Error{Code: rule.DEV7, Kind: ErrConflict, Field: field + ".Position", Holder: holder.ref(),
				Reason: fmt.Sprintf("key %d of the phone is one of %s", k.Position, holder.ref())})
		}
		at[k.Position] = true
	}
	return t.warnDark(ctx, keys, s)
}

// keysFit refuses another device type, which has not all the keys that a service
// has set, and names those that it has not (DEV-7). What is no device type at all,
// or of another category, is refused for that.
func (t *tx) keysFit(ctx context.Context, s *Service, deviceType string) error {
	model, known := t.core.models[deviceType]
	if !known || model.Category != s.Category {
		return nil
	}
	keys, err := t.keysOf(ctx, s.ID)
	if err != nil {
		return err
	}
	var beyond []string
	for _, k := range keys {
		if k.Position > model.Keys {
			beyond = append(beyond, fmt.Sprint(k.Position))
		}
	}
	if len(beyond) == 0 {
		return nil
	}
	return &Error{Code: rule.DEV7, Kind: ErrFailedPrecondition, Field: "DeviceType", Subject: s.ref(),
		Reason: fmt.Sprintf("a %s has %d programmable keys, and %s are set: clear those first", model.Name, model.Keys, strings.Join(beyond, ", "))}
}

// fits looks at a number of keys for a model. Of too many only that is said.
func (check *validation) fits(model DeviceModel, keys int) bool {
	switch {
	case int64(keys) <= model.Keys:
		return true
	case model.Keys == 0:
		check.refuse(rule.DEV7, "Keys", "a %s has no programmable keys", model.Name)
	default:
		check.refuse(rule.DEV7, "Keys", "a %s has %d programmable keys, not %d", model.Name, model.Keys, keys)
	}
	return false
}

// keysBeside are the keys that other services have on a service's device, by
// their position.
func (t *tx) keysBeside(ctx context.Context, s *Service) (map[int64]*Service, error) {
	if s.DeviceID.IsZero() {
		return nil, nil
	}
	carried, err := store.Collect(find[*Service](ctx, t, store.Query{Index: servicesByDevice, Equal: []any{t.tenantID, s.DeviceID}}))
	if err != nil {
		return nil, err
	}
	taken := make(map[int64]*Service)
	for _, other := range carried {
		if other.ID == s.ID {
			continue
		}
		keys, err := t.keysOf(ctx, other.ID)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			taken[k.Position] = other
		}
	}
	return taken, nil
}

// validate checks what a key says by itself.
func (k PhoneKey) validate(check *validation, field string) {
	check.text(rule.DEV7, field+".Label", k.Label, maxName)
	switch k.Kind {
	case KeySpeedDial:
		if !dialable(k.Target) && !numplan.Valid(k.Target) {
			check.refuse(rule.DEV7, field+".Target", "neither an extension nor a number in E.164 form")
		}
	case KeyBusyLamp:
		if !dialable(k.Target) {
			check.refuse(rule.DEV7, field+".Target", "not an extension")
		}
	case KeyLine:
		if k.Target != "" && !dialable(k.Target) {
			check.refuse(rule.DEV7, field+".Target", "not a DN")
		}
	case KeyFeature:
		if !featureCode(k.Target) {
			check.refuse(rule.DEV7, field+".Target", "not a feature code: * or #, and then up to %d digits, * and #", maxFeatureCode-1)
		}
	default:
		check.refuse(rule.DEV7, field+".Kind", "not one of %s, %s, %s and %s", KeySpeedDial, KeyBusyLamp, KeyLine, KeyFeature)
	}
}

const maxFeatureCode = 16

func featureCode(s string) bool {
	return len(s) >= 2 && len(s) <= maxFeatureCode && (s[0] == '*' || s[0] == '#') && strings.Trim(s, "0123456789*#") == ""
}

// warnDark warns of busy lamps of a service for extensions that nothing has.
func (t *tx) warnDark(ctx context.Context, keys []PhoneKey, s *Service) error {
	for _, k := range keys {
		if k.Kind != KeyBusyLamp || !dialable(k.Target) || k.Target == string(s.DN) {
			continue
		}
		entry, err := one[*DialEntry](ctx, t, extensionsTable.Key(), t.tenantID, k.Target)
		if err != nil {
			return err
		}
		if entry == nil {
			t.warn(rule.DEV7, Ref{"extension", k.Target, k.Target}, "nothing has the extension %s: the lamp of key %d stays dark", k.Target, k.Position)
		}
	}
	return nil
}

// maxKeysAhead bounds how many targets are read ahead: no phone has so many keys.
const maxKeysAhead = 256

// keyTargets plans what warning of dark lamps looks at.
func (p *prefetch) keyTargets(keys []PhoneKey) {
	if len(keys) > maxKeysAhead {
		return
	}
	for _, k := range keys {
		if k.Kind == KeyBusyLamp && dialable(k.Target) {
			p.extension(Extension(k.Target))
		}
	}
}
