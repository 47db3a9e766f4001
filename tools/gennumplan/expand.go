package main

import (
	"fmt"
	"math/bits"
	"regexp/syntax"
	"slices"
)

// A class is a set of decimal digits, bit d standing for the digit d.
type class uint16

const anyDigit class = 1<<10 - 1

// mostSequences stops the expansion of a pattern that was never meant to be
// listed; today's longest has about a hundred.
const mostSequences = 2000

// sequences lists what the pattern matches, one class for each digit: every
// alternative and every count of a repetition is a sequence of its own. It
// refuses anything but digits of bounded number, so that nothing is guessed.
func sequences(pattern string) ([][]class, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	list, err := walk(re)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return list, nil
}

func walk(re *syntax.Regexp) ([][]class, error) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return [][]class{{}}, nil
	case syntax.OpLiteral:
		return literal(re.Rune)
	case syntax.OpCharClass:
		c, err := digits(re.Rune)
		return [][]class{{c}}, err
	case syntax.OpCapture:
		return walk(re.Sub[0])
	case syntax.OpQuest:
		return repeat(re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		return repeat(re.Sub[0], re.Min, re.Max)
	case syntax.OpConcat:
		list := [][]class{{}}
		for _, sub := range re.Sub {
			next, err := walk(sub)
			if err != nil {
				return nil, err
			}
			if list, err = cross(list, next); err != nil {
				return nil, err
			}
		}
		return list, nil
	case syntax.OpAlternate:
		var list [][]class
		for _, sub := range re.Sub {
			next, err := walk(sub)
			if err != nil {
				return nil, err
			}
			list = append(list, next...)
		}
		return list, nil
	}
	return nil, fmt.Errorf("cannot expand %q (%s)", re, re.Op)
}

func literal(runes []rune) ([][]class, error) {
	var seq []class
	for _, r := range runes {
		c, err := digits([]rune{r, r})
		if err != nil {
			return nil, err
		}
		seq = append(seq, c)
	}
	return [][]class{seq}, nil
}

// digits turns the ranges of a character class into a set of digits.
func digits(ranges []rune) (class, error) {
	var c class
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i] < '0' || ranges[i+1] > '9' {
			return 0, fmt.Errorf("%q-%q is not a range of digits", ranges[i], ranges[i+1])
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			c |= 1 << (r - '0')
		}
	}
	return c, nil
}

func repeat(sub *syntax.Regexp, least, most int) ([][]class, error) {
	if most < 0 {
		return nil, fmt.Errorf("%q is repeated without bound", sub)
	}
	one, err := walk(sub)
	if err != nil {
		return nil, err
	}
	var list [][]class
	times := [][]class{{}}
	for n := 0; n <= most; n++ {
		if n >= least {
			list = append(list, times...)
		}
		if times, err = cross(times, one); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func cross(a, b [][]class) ([][]class, error) {
	if len(a)*len(b) > mostSequences {
		return nil, fmt.Errorf("more than %d sequences", mostSequences)
	}
	var list [][]class
	for _, x := range a {
		for _, y := range b {
			list = append(list, slices.Concat(x, y))
		}
	}
	return list, nil
}

// stringsOf lists the digit strings that a sequence stands for, in order.
func stringsOf(seq []class) ([]string, error) {
	count := 1
	for _, c := range seq {
		count *= bits.OnesCount16(uint16(c))
		if count > mostSequences {
			return nil, fmt.Errorf("more than %d digit strings", mostSequences)
		}
	}
	list := []string{""}
	for _, c := range seq {
		var next []string
		for _, s := range list {
			for d := range 10 {
				if c&(1<<d) != 0 {
					next = append(next, s+string(rune('0'+d)))
				}
			}
		}
		list = next
	}
	return list, nil
}

// literals lists the digit strings that the pattern matches, sorted.
func literals(pattern string) ([]string, error) {
	seqs, err := sequences(pattern)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, seq := range seqs {
		some, err := stringsOf(seq)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		list = append(list, some...)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// prefixes gives the leading digits of what the pattern matches, each with the
// total lengths (bit n for n digits): digits at the end that may be any are
// left out. A string matches the pattern exactly if it starts with one of the
// keys and has one of that key's lengths.
func prefixes(pattern string) (map[string]lengths, error) {
	seqs, err := sequences(pattern)
	if err != nil {
		return nil, err
	}
	found := map[string]lengths{}
	for _, seq := range seqs {
		free := len(seq)
		for free > 0 && seq[free-1] == anyDigit {
			free--
		}
		some, err := stringsOf(seq[:free])
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		for _, s := range some {
			found[s] |= 1 << len(seq)
		}
	}
	return found, nil
}

// mayLead reports whether a match of the pattern may start with the digit d.
// Unlike the expansion it works on patterns of any size.
func mayLead(pattern string, d int) (bool, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return false, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	c, _, err := first(re)
	if err != nil {
		return false, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return c&(1<<d) != 0, nil
}

// first returns the digits that a match may start with, and whether the match
// may be empty.
func first(re *syntax.Regexp) (c class, empty bool, err error) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return 0, true, nil
	case syntax.OpLiteral:
		c, err = digits([]rune{re.Rune[0], re.Rune[0]})
		return c, false, err
	case syntax.OpCharClass:
		c, err = digits(re.Rune)
		return c, false, err
	case syntax.OpCapture:
		return first(re.Sub[0])
	case syntax.OpQuest:
		c, _, err = first(re.Sub[0])
		return c, true, err
	case syntax.OpRepeat:
		c, empty, err = first(re.Sub[0])
		return c, empty || re.Min == 0, err
	case syntax.OpConcat:
		empty = true
		for i := 0; i < len(re.Sub) && empty; i++ {
			var more class
			if more, empty, err = first(re.Sub[i]); err != nil {
				return 0, false, err
			}
			c |= more
		}
		return c, empty, nil
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			more, none, err := first(sub)
			if err != nil {
				return 0, false, err
			}
			c, empty = c|more, empty || none
		}
		return c, empty, nil
	}
	return 0, false, fmt.Errorf("cannot read %q (%s)", re, re.Op)
}
