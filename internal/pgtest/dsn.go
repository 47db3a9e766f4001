package pgtest

import (
	"errors"
	"net/url"
	"strings"
)

// withDatabase returns the postgres:// URL of any database on a DSN's server.
// The DSN is a URL or a list of key=value settings.
func withDatabase(dsn string) (func(database string) string, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		u, err := url.Parse(dsn)
		if err != nil {
			return nil, errors.New("not a URL") // the cause would quote the password
		}
		query := u.Query()
		query.Del("dbname")
		query.Del("database")
		u.RawQuery = query.Encode()
		return func(database string) string {
			with := *u
			with.Path = "/" + database
			return with.String()
		}, nil
	}
	settings, err := keyValues(dsn)
	if err != nil {
		return nil, err
	}
	settings.Del("dbname")
	settings.Del("database")
	return func(database string) string {
		return "postgres:///" + database + "?" + settings.Encode()
	}, nil
}

// keyValues reads libpq's form: key = value, where a value with spaces is in single
// quotes and a backslash escapes the next character.
func keyValues(dsn string) (url.Values, error) {
	settings := url.Values{}
	for rest := strings.TrimSpace(dsn); rest != ""; {
		key, after, found := strings.Cut(rest, "=")
		key = strings.TrimSpace(key)
		if !found || key == "" {
			return nil, errors.New("neither a postgres:// URL nor key=value settings")
		}
		after = strings.TrimLeft(after, " \t\r\n")
		ends := " \t\r\n"
		if strings.HasPrefix(after, "'") {
			after, ends = after[1:], "'"
		}
		var value strings.Builder
		i := 0
		for ; i < len(after) && !strings.ContainsRune(ends, rune(after[i])); i++ {
			if after[i] == '\\' && i+1 < len(after) {
				i++
			}
			value.WriteByte(after[i])
		}
		if ends == "'" && i == len(after) {
			return nil, errors.New("a quoted value has no end")
		}
		settings.Set(key, value.String())
		rest = strings.TrimSpace(after[min(i+1, len(after)):])
	}
	if len(settings) == 0 {
		return nil, errors.New("no settings")
	}
	return settings, nil
}
