package pbx

import "github.com/pbxkit/pbx/rule"

// phoneInvariants hold for what lies on the lines and the keys of phones.
var phoneInvariants = []invariant{
	each(deviceLinesTable, rule.EXT9, "a line of a phone carries a user or an alias, one of the two", func(c *tenantCheck, l *DeviceLine) {
		if l.UserID.IsZero() == l.AliasID.IsZero() {
			c.broken(subjectOf(l), "it is neither or both")
		}
	}),
	each(deviceLinesTable, rule.EXT9, "a line is one of the ports that the phone's user was given", func(c *tenantCheck, l *DeviceLine) {
		if d := c.devices[l.DeviceID]; d != nil && (l.Line < 1 || l.Line > d.ports) {
			c.broken(subjectOf(l), "he was given %d", d.ports)
		}
	}),
	each(deviceLinesTable, rule.EXT9, "a line carries the phone's user or an alias of his", func(c *tenantCheck, l *DeviceLine) {
		d := c.devices[l.DeviceID]
		owner := l.UserID
		if owner.IsZero() {
			owner = c.aliases[l.AliasID]
		}
		if d != nil && !d.user.IsZero() && c.users[owner] != nil && owner != d.user {
			c.broken(subjectOf(l), "it carries one of user %s, and user %s has the phone", owner, d.user)
		}
	}),
	each(serviceKeysTable, rule.DEV7, "a programmable key is such that it could be saved", func(c *tenantCheck, k *ServiceKey) {
		var check validation
		k.validate(&check, "Key")
		c.refused(k, check.err())
	}),
	each(serviceKeysTable, rule.DEV7, "a programmable key is one of those of the phone's model", func(c *tenantCheck, k *ServiceKey) {
		s := c.services[k.ServiceID]
		if s == nil {
			return
		}
		if model, known := c.models[s.model]; k.Position < 1 || known && k.Position > model.Keys {
			c.broken(subjectOf(k), "a %s has %d", s.model, model.Keys)
		}
	}),
	each(serviceKeysTable, rule.DEV7, "a programmable key of a phone is one service's", func(c *tenantCheck, k *ServiceKey) {
		s := c.services[k.ServiceID]
		if s == nil || s.device.IsZero() {
			return
		}
		at := keyOf{s.device, k.Position}
		if other, taken := c.keys[at]; taken {
			c.broken(subjectOf(k), "it is one of service %s too", other)
		}
		c.keys[at] = k.ServiceID
	}),
}
