package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// company is what the file describes: tenants, each with its lines in order.
type company struct{ tenants []*tenantPlan }

type tenantPlan struct {
	name string
	rows []row
}

// row is one person or room.
type row struct {
	line                       int // in the file
	room                       bool
	site                       string
	first, last, email, login  string
	department, serviceType    string
	station, extension, number string
	model, mac                 string
	ports                      int64
	applications               []string
	mailbox                    bool
	owner                      string
}

var columns = strings.Split("tenant,kind,site,first_name,last_name,email,user_id,department,service_type,station,"+
	"extension,number,device_model,mac,ports,applications,mailbox,owner", ",")

func (c *company) size() (n int) {
	for _, t := range c.tenants {
		n += len(t.rows)
	}
	return n
}

// readCompany reads the whole file before anything is provisioned; an error
// names the line and the column.
func readCompany(r io.Reader) (*company, error) {
	in := csv.NewReader(r)
	head, err := in.Read()
	if err != nil {
		return nil, position(err)
	}
	if !slices.Equal(head, columns) {
		return nil, fmt.Errorf("company.csv, line 1: the columns have to be %s", strings.Join(columns, ","))
	}
	c := &company{}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return nil, position(err)
		}
		if err := c.add(in, record); err != nil {
			return nil, err
		}
	}
}

func position(err error) error {
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("company.csv, line %d, column %d: %w", bad.Line, bad.Column, bad.Err)
	}
	return err
}

func (c *company) add(in *csv.Reader, record []string) error {
	field := func(name string) string { return record[slices.Index(columns, name)] }
	wrong := func(name, reason string) error {
		line, column := in.FieldPos(slices.Index(columns, name))
		return fmt.Errorf("company.csv, line %d, column %d (%s): %s", line, column, name, reason)
	}
	line, _ := in.FieldPos(0)
	r := row{
		line: line, site: field("site"), first: field("first_name"), last: field("last_name"), email: field("email"),
		login: field("user_id"), department: field("department"), serviceType: field("service_type"),
		station: field("station"), extension: field("extension"), number: field("number"),
		model: field("device_model"), mac: field("mac"), owner: field("owner"),
	}
	switch field("kind") {
	case "user":
	case "room":
		r.room = true
	default:
		return wrong("kind", "is neither user nor room")
	}
	switch field("mailbox") {
	case "yes":
		r.mailbox = true
	case "no":
	default:
		return wrong("mailbox", "is neither yes nor no")
	}
	ports, err := strconv.ParseInt(field("ports"), 10, 64)
	if err != nil {
		return wrong("ports", "is not a number")
	}
	r.ports = ports
	if list := field("applications"); list != "" {
		r.applications = strings.Split(list, ";")
	}
	at := slices.IndexFunc(c.tenants, func(t *tenantPlan) bool { return t.name == field("tenant") })
	if at < 0 {
		at = len(c.tenants)
		c.tenants = append(c.tenants, &tenantPlan{name: field("tenant")})
	}
	c.tenants[at].rows = append(c.tenants[at].rows, r)
	return nil
}
