package proof

import (
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/pbxkit/pbx"
)

// The sequential system that a history is compared with: two customers, three user
// IDs that are unique over both (USR-3), and four extensions in each (EXT-2). It
// was written from the rules.
const (
	customers  = 2
	logins     = 3
	extensions = 4
)

// person is a user as the system knows it.
type person struct {
	ID       pbx.UserID // zero: there is none
	Customer int
	Rev      int64
	Room     string
}

// state is comparable, as the checker wants it.
type state struct {
	people   [logins]person
	dialPlan [customers][extensions]pbx.UserID // who has an extension; zero: nobody
}

// kind is an operation.
type kind string

const (
	create kind = "create" // a user with a user ID, and with extensions in one batch
	remove kind = "remove" // a user, by ID
	modify kind = "modify" // a user, based on the revision that was read
	add    kind = "add"    // an extension to a user
	read   kind = "read"   // a user by user ID
	list   kind = "list"   // the whole dial plan of a customer
)

// input is what a client asks for.
type input struct {
	Kind      kind
	Customer  int
	Login     int
	ID        pbx.UserID
	Rev       int64
	Room      string
	Extension []int
}

// answer is what it was told.
type answer string

const (
	done     answer = "done"
	notFound answer = "not found"
	conflict answer = "conflict"
	stale    answer = "stale"
	unknown  answer = "unknown" // done or not: the client was told so
	refused  answer = "refused" // others kept getting in the way: nothing was changed
)

type output struct {
	Answer   answer
	Person   person
	DialPlan [extensions]pbx.UserID
}

// step returns the states in which the system may be after an operation that got
// this answer; none, if it cannot have got it.
func step(s state, in input, out output) []state {
	switch out.Answer {
	case refused:
		return []state{s}
	case unknown:
		next, _, _ := apply(s, in, out)
		return []state{s, next}
	}
	next, want, right := apply(s, in, out)
	if want != out.Answer || !right {
		return nil
	}
	return []state{next}
}

// apply does an operation: it returns the state after it, the answer, and whether
// what was shown with it is right. An ID that the system draws it takes from the
// output.
func apply(s state, in input, out output) (next state, want answer, right bool) {
	switch in.Kind {
	case create:
		return s.create(in, out)
	case read:
		p := s.people[in.Login]
		if p.ID.IsZero() || p.Customer != in.Customer {
			return s, notFound, true
		}
		return s, done, out.Person == p
	case list:
		return s, done, out.DialPlan == s.dialPlan[in.Customer]
	}
	at := s.find(in.ID, in.Customer)
	if at < 0 {
		return s, notFound, true
	}
	switch in.Kind {
	case remove:
		s.people[at] = person{}
		for i, of := range s.dialPlan[in.Customer] {
			if of == in.ID {
				s.dialPlan[in.Customer][i] = pbx.UserID{}
			}
		}
	case modify:
		if s.people[at].Rev != in.Rev {
			return s, stale, true
		}
		s.people[at].Rev++
		s.people[at].Room = in.Room
		return s, done, out.Answer == unknown || out.Person == s.people[at]
	case add:
		e := in.Extension[0]
		if !s.dialPlan[in.Customer][e].IsZero() {
			return s, conflict, true
		}
		s.dialPlan[in.Customer][e] = in.ID
	}
	return s, done, true
}

// create is a batch: the user and all of their extensions, or nothing.
func (s state) create(in input, out output) (next state, want answer, right bool) {
	if !s.people[in.Login].ID.IsZero() {
		return s, conflict, true
	}
	for _, e := range in.Extension {
		if !s.dialPlan[in.Customer][e].IsZero() {
			return s, conflict, true
		}
	}
	s.people[in.Login] = person{ID: out.Person.ID, Customer: in.Customer, Rev: 1, Room: in.Room}
	for _, e := range in.Extension {
		s.dialPlan[in.Customer][e] = out.Person.ID
	}
	return s, done, true
}

func (s state) find(id pbx.UserID, customer int) int {
	for i, p := range s.people {
		if p.ID == id && p.Customer == customer && !id.IsZero() {
			return i
		}
	}
	return -1
}

// sequential is the system as the checker takes it.
func sequential() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{state{}} },
		Step: func(s, in, out any) []any {
			var list []any
			for _, next := range step(s.(state), in.(input), out.(output)) {
				list = append(list, next)
			}
			return list
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
	}
	return m.ToModel()
}
