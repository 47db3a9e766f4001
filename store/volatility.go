package store

// Volatility says what of a column's value may differ between two runs of the
// same operation, because it follows from the time of the run, from chance, or
// from what others do. Whoever compares two runs asks it; stores ignore it.
type Volatility uint8

// The volatilities of a column.
const (
	Stable    Volatility = iota // nothing: both runs give the same value
	Volatile                    // all of it: a revision, or a count that others move too
	Stamp                       // all but whether there is a value: a reading of the clock, a salted hash
	TimeOfDay                   // a Time, of which both runs give the same day
	Deadline                    // a Time that is as long after the start of its run in both, if there is one
)
