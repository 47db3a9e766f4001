package rule

// Storage is the code of refusals that no rule gives: the store failed, or refuses to
// be written to (pbx.ErrStorage). It has no number, and no row in docs/rules.md, so
// it is never the code of a rule.
const Storage Code = "STORAGE"
