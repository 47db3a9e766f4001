package pgtest

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// oldest is the first major version that the library supports.
const oldest = 15

// places are where systems put the server's programs.
var places = []string{
	"/usr/lib/postgresql/*/bin",          // Debian
	"/usr/pgsql-*/bin",                   // PostgreSQL's own RPM packages
	"/usr/local/pgsql/bin",               // built from source
	"/usr/libexec/postgresql*",           // Alpine
	"/usr/local/lib/postgresql/bin",      // the official container
	"/opt/homebrew/opt/postgresql@*/bin", // macOS
	"/usr/local/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// binaries returns the folder of initdb and postgres: that in PATH if it is new
// enough, or else the newest of the usual places.
func binaries() (string, error) {
	if found, err := exec.LookPath("postgres"); err == nil {
		if folder := filepath.Dir(found); version(folder) >= oldest {
			return folder, nil
		}
	}
	newest, folder := oldest-1, ""
	for _, place := range places {
		matches, err := filepath.Glob(place)
		if err != nil {
			return "", err
		}
		for _, match := range matches {
			if v := version(match); v > newest {
				newest, folder = v, match
			}
		}
	}
	if folder == "" {
		return "", errors.New("initdb and postgres of PostgreSQL 15 or newer are in none of the usual places; install them, or name a server in PBX_POSTGRES")
	}
	return folder, nil
}

var versionOf = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// version returns the major version of a folder's server, 0 where the folder
// does not have both programs.
func version(folder string) int {
	if _, err := exec.LookPath(filepath.Join(folder, "initdb")); err != nil {
		return 0
	}
	out, err := exec.Command(filepath.Join(folder, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	found := versionOf.FindSubmatch(out)
	if found == nil {
		return 0
	}
	v, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return 0
	}
	return v
}
