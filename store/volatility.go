package store

// Volatility says how a column's value may differ between two runs of the same
// operation, because it depends on the time of the run, on chance, or on what
// others do meanwhile. The domain asks it when it compares a review with what
// would be done now; stores ignore it.
type Volatility uint8

const (
	Stable    Volatility = iota // not at all
	Volatile                    // in any way: a revision, or a count that others change too
	Stamp                       // in any way, but both runs set it or neither: a clock reading, a salted hash
	TimeOfDay                   // in the time of day: a Time of the same day in both runs
	Deadline                    // as much as the runs are apart: a Time that is set equally long after each run, or in neither
)
