//go:build !linux && !darwin

package pgtest

import "errors"

func start() (*server, error) {
	return nil, errors.New("a throw-away server is only started on Linux and macOS; name a server in PBX_POSTGRES")
}
