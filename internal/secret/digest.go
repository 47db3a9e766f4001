package secret

import (
	"crypto/md5"
	"crypto/sha256"
)

// Digests returns the hashes HA1 of a user name, realm and password (RFC 7616, RFC
// 8760).
func Digests(user, realm, password string) (bySHA256 [sha256.Size]byte, byMD5 [md5.Size]byte) {
	text := []byte(user + ":" + realm + ":" + password)
	return sha256.Sum256(text), md5.Sum(text)
}
