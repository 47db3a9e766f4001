package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/pbxkit/pbx/store"
)

// Check reads the whole file and proves that its trees and indexes are sound
// and that every foreign key finds its row. It is meant for operators, after a
// crash of the machine or before a restored copy is trusted, and takes as long
// as reading the file does; updates go on meanwhile. What is wrong comes back
// as one error of kind store.ErrStorage, in which errors.Join has the findings.
func (s *Store) Check(ctx context.Context) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	c, err := s.readers.get()
	if err != nil {
		return err
	}
	findings, err := check(ctx, c)
	if err != nil {
		_ = c.close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return failure("be checked", err)
	}
	s.readers.put(c)
	if len(findings) == 0 {
		return nil
	}
	return &store.Error{Kind: store.ErrStorage, Err: errors.Join(findings...),
		Reason: fmt.Sprintf("the database is damaged in %d places: %v", len(findings), findings[0])}
}

func check(ctx context.Context, c *conn) (findings []error, err error) {
	rows, err := c.list(ctx, "PRAGMA integrity_check")
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if row[0] != "ok" {
			findings = append(findings, fmt.Errorf("%v", row[0]))
		}
	}
	rows, err = c.list(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		findings = append(findings, fmt.Errorf("a row of %v refers to one of %v that is not there", row[0], row[2]))
	}
	return findings, nil
}
