package pbx

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// PageToken marks a place in a list. The next page begins after it, whatever was added
// or deleted in the meantime, the record that it was made of included. It is valid only
// for the query and the tenant that it was made for: all that selects has to be the same
// again, and only Limit and Page may differ.
//
// A token is sealed, and shows nothing of the record, so it can be in a URL or a log.
// It is opened with the key that it was sealed with: see WithPageKey.
type PageToken string

// WithPageKey sets the key that page tokens are sealed with. Without it each New draws a
// key of its own, so tokens end with the process, and no other process knows them. Give
// one random key to all processes that serve the same pages. A token of another key is
// refused as one of another query is, and the list is read again from its beginning (USR-8).
func WithPageKey(key [32]byte) Option {
	return func(c *core) { c.pageKey.given = &key }
}

// pageKey is the key of page tokens. It is drawn when the first token is made or used.
type pageKey struct {
	given  *[secret.TokenKey]byte
	mu     sync.Mutex
	tokens *secret.Tokens
}

// pageTokens returns what page tokens are sealed with. code is the rule of the query.
func (c *core) pageTokens(code rule.Code) (*secret.Tokens, error) {
	k := &c.pageKey
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tokens != nil {
		return k.tokens, nil
	}
	key := k.given
	if key == nil {
		drawn, err := c.draw(code, secret.TokenKey)
		if err != nil {
			return nil, err
		}
		key = (*[secret.TokenKey]byte)(drawn)
	}
	tokens, err := secret.NewTokens(*key)
	if err != nil {
		return nil, &Error{Code: code, Kind: ErrStorage, Reason: "page tokens cannot be sealed", Err: err}
	}
	k.tokens = tokens
	return tokens, nil
}

// pagedQuery is what a page token is bound to.
type pagedQuery struct {
	code      rule.Code // the rule of the query
	operation string
	query     store.Query
	filter    string // what selects besides the range
}

// about returns all that a token is bound to as one text.
func (p *pagedQuery) about() string {
	ix := p.query.Index
	parts := []string{p.operation, ix.Name, p.query.Prefix, tokenText(p.query.From), tokenText(p.query.To), p.filter}
	for _, column := range ix.Columns {
		parts = append(parts, ix.Table.Columns[column].Name)
	}
	for _, v := range p.query.Equal {
		parts = append(parts, tokenText(v))
	}
	return fmt.Sprintf("%q", parts)
}

// tokenText returns a column's value as a token holds it; nil is "".
func tokenText(v any) string {
	if v == nil {
		return ""
	}
	switch v := store.ColumnValue(v).(type) {
	case [16]byte:
		return ID[Tenant](v).String()
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return fmt.Sprint(v)
	}
}

// tokenBlock is what the length of a token's content is a multiple of, so that it does
// not tell the length of any usual name.
const tokenBlock = 128

// tokenAfter returns the token of the page that begins after a record of the query.
func (d *Directory) tokenAfter(p *pagedQuery, r store.Record) (PageToken, error) {
	values, in := p.query.Index.Values(r)
	equal := len(p.query.Equal)
	for i := 0; in && i < equal; i++ {
		in = values[i] == store.ColumnValue(p.query.Equal[i])
	}
	if !in {
		return "", p.unlisted()
	}
	tokens, err := d.core.pageTokens(p.code)
	if err != nil {
		return "", err
	}
	place := make([]string, 0, len(values)-equal)
	for _, v := range values[equal:] {
		place = append(place, tokenText(v))
	}
	plain, err := json.Marshal(place)
	if err != nil {
		return "", &Error{Code: p.code, Kind: ErrInvalid, Field: "Page", Reason: "the record has no place in a list", Err: err}
	}
	plain = append(plain, bytes.Repeat([]byte{' '}, tokenBlock-len(plain)%tokenBlock)...)
	return PageToken(base64.RawURLEncoding.EncodeToString(tokens.Seal(plain, p.about()))), nil
}

// placeOf returns the place in the query's index that a token marks; nil, the
// beginning, for the empty token. Where the operation is not granted that is the error.
func (d *Directory) placeOf(ctx context.Context, operation string, p *pagedQuery, token PageToken) ([]any, error) {
	if token == "" {
		return nil, nil
	}
	if _, err := d.enter(ctx, operation); err != nil {
		return nil, err
	}
	tokens, err := d.core.pageTokens(p.code)
	if err != nil {
		return nil, err
	}
	var place []string
	sealed, err := base64.RawURLEncoding.DecodeString(string(token))
	plain, opened := tokens.Open(sealed, p.about())
	equal := len(p.query.Equal)
	if err != nil || !opened || json.Unmarshal(plain, &place) != nil || len(place) != len(p.query.Index.Columns)-equal {
		return nil, p.notMine()
	}
	values := make([]any, len(place))
	for i, text := range place {
		column := p.query.Index.Table.Columns[p.query.Index.Columns[equal+i]]
		if values[i], err = tokenValue(column.Type, text); err != nil {
			return nil, p.notMine()
		}
	}
	return values, nil
}

// notMine is the refusal of a token of another query, tenant or key.
func (p *pagedQuery) notMine() error {
	return &Error{Code: p.code, Kind: ErrInvalid, Field: "Page", Reason: "not a page token of this query"}
}

// unlisted is the refusal of a token for a record that is not in the list.
func (p *pagedQuery) unlisted() error {
	return &Error{Code: p.code, Kind: ErrInvalid, Field: "Page", Reason: "the record is not one of this query's list"}
}

// tokenValue returns a column's value from its text in a token.
func tokenValue(column store.Type, text string) (any, error) {
	switch column {
	case store.UUID:
		id, err := ParseID[Tenant](text)
		return [16]byte(id), err
	case store.Time:
		return time.Parse(time.RFC3339Nano, text)
	case store.Text:
		return text, nil
	}
	return nil, fmt.Errorf("pbx: no list is in the order of columns of type %d", column)
}

// withoutList is the refusal of a token that is asked for with nil.
func withoutList(code rule.Code) error {
	return &Error{Code: code, Kind: ErrMisuse, Field: "Page", Reason: "a page token needs a Directory and a record of the list"}
}
