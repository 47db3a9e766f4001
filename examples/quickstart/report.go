package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/pbxkit/pbx"
)

// report prints the directory, the journal's last lines and the checker's
// verdict.
func report(ctx context.Context, dir *pbx.Directory, tenants []*pbx.Tenant) error {
	for _, tenant := range tenants {
		if err := table(ctx, dir.In(tenant.ID), tenant); err != nil {
			return err
		}
	}
	last := tenants[len(tenants)-1]
	fmt.Printf("\nThe last lines of the journal of %s\n", last.Name)
	var lines []*pbx.Event
	for e, err := range dir.In(last.ID).Journal(ctx, pbx.JournalQuery{Latest: true, Limit: 4}) {
		if err != nil {
			return err
		}
		lines = append(lines, e)
	}
	for _, e := range slices.Backward(lines) {
		fmt.Printf("  %s  %3d.%-2d %-22s by %s (%s)\n", e.At.Format("15:04:05"), e.Seq, e.Pos, e.Type, e.Actor, e.Role)
	}
	found, err := dir.Check(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nThe checker looked at %d records of %d tenants", found.Records, found.Tenants)
	if len(found.Violations) == 0 {
		fmt.Println(": every invariant holds.")
		return nil
	}
	fmt.Println(" and found:")
	for _, v := range found.Violations {
		fmt.Printf("  %s %s: %s\n", v.Code, v.Subject, v.Text)
	}
	return errors.New("the directory is broken")
}

// entriesAcross is how many entries of the directory stand on one line.
const entriesAcross = 3

// table prints every line of the tenant by DN: who it is for, and its number.
func table(ctx context.Context, dir *pbx.Directory, tenant *pbx.Tenant) error {
	var entries []string
	for s, err := range dir.Services(ctx, pbx.ServiceQuery{}) {
		if err != nil {
			return err
		}
		name := s.Name
		users, err := dir.ServiceUsers(ctx, s.ID)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			name = users[0].Name()
		}
		entries = append(entries, fmt.Sprintf("%s %s %-13s", s.DN, fit(name, 20), s.Number))
	}
	fmt.Printf("\n%s: %d lines\n", tenant.Name, len(entries))
	rows := (len(entries) + entriesAcross - 1) / entriesAcross
	for i := range rows {
		fmt.Print(" ")
		for j := i; j < len(entries); j += rows {
			fmt.Print(" ", entries[j])
		}
		fmt.Println()
	}
	return nil
}

// fit makes a name exactly so many characters wide.
func fit(s string, width int) string {
	if n := utf8.RuneCountInString(s); n <= width {
		return fmt.Sprintf("%-*s", width, s)
	}
	return string([]rune(s)[:width-1]) + "…"
}
