package pbx

import "github.com/pbxkit/pbx/rule"

// foreignInvariants hold for what other systems provide on lines.
var foreignInvariants = []invariant{
	each(foreignTable, rule.SVC13, "a foreign service is such that it could be recorded", func(c *tenantCheck, f *ForeignService) {
		var check validation
		in := NewForeign{System: f.System, Name: f.Name, Link: f.Link}
		in.validate(&check, "", false)
		c.refused(f, check.err())
	}),
	each(foreignTable, rule.SVC10, "a foreign service has a line, or the DN of one that is gone", func(c *tenantCheck, f *ForeignService) {
		if f.ServiceID.IsZero() == (f.FormerDN == "") {
			c.broken(subjectOf(f), "its line is %s, and the former DN %q", f.ServiceID, f.FormerDN)
		}
	}),
	each(foreignTable, rule.SVC10, "a foreign service is there with its line; without it, it is being deleted where its system does that, and else left", func(c *tenantCheck, f *ForeignService) {
		gone := f.ServiceID.IsZero()
		switch f.State {
		case ForeignRequested, ForeignActive:
			if !gone {
				return
			}
		case ForeignFailed:
			if !gone || f.Deletable {
				return
			}
		case ForeignDeleting:
			if gone && f.Deletable {
				return
			}
		case ForeignLeft:
			if gone && !f.Deletable {
				return
			}
		}
		c.broken(subjectOf(f), "it is %q, its line gone: %t, deletable: %t", f.State, gone, f.Deletable)
	}),
	each(foreignTable, rule.SVC18, "what another system is to do, or refused, it was asked for", func(c *tenantCheck, f *ForeignService) {
		asked := f.State == ForeignRequested || f.State == ForeignFailed || f.State == ForeignDeleting
		if f.Requests < 0 || asked && f.Requests == 0 {
			c.broken(subjectOf(f), "it is %q, and %d requests were made", f.State, f.Requests)
		}
	}),
	each(foreignTable, rule.USR14, "the users of a line have the email address and the user ID that a foreign service of it needs", func(c *tenantCheck, f *ForeignService) {
		s := c.services[f.ServiceID]
		if s == nil || !f.there() {
			return
		}
		for _, id := range s.users {
			u := c.users[id]
			if u != nil && (f.NeedsEmail && !u.email || f.NeedsLogin && !u.login) {
				c.broken(subjectOf(f), "user %s has not", id)
			}
		}
	}),
}
