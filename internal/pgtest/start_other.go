//go:build !unix

package pgtest

import "errors"

func start() (*server, error) {
	return nil, errors.New("a throw-away server is only started on Unix; name a server in PBX_POSTGRES")
}
