package sqlschema

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Migration is one step of the schema: the file NNNN_name.sql makes version
// NNNN of version NNNN-1.
type Migration struct {
	Version int
	Name    string
	SQL     string
}

// Migrations reads the migrations of a folder, in order. Their numbers go up
// from 1 without a gap.
func Migrations(folder fs.FS) ([]Migration, error) {
	files, err := fs.Glob(folder, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var list []Migration
	for i, file := range files {
		number, name, _ := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("sqlschema: the migration %s should be number %d", file, i+1)
		}
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		list = append(list, Migration{Version: version, Name: name, SQL: string(text)})
	}
	return list, nil
}
