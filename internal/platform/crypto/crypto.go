// Package crypto keeps the hospital's keys and does everything that needs them:
// sealing of personal identifiers, blind indexes to find them by, encrypted
// recordings, message authentication and random tokens. Keys are tink keysets
// in files of mode 0600 outside the database; a copy of the database alone
// reveals nothing. It does not hash passwords (identity does) and does not
// decide who may see what.
package crypto

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrSealed is returned when sealed data does not open: another key, another
// row, or bytes that were changed.
var ErrSealed = errors.New("crypto: sealed value does not open")

// Keyring holds the open keys. It is safe for concurrent use.
type Keyring struct {
	seal      tink.AEAD // personal identifiers in the database
	recording tink.AEAD // wraps the keys of recordings
	index     *prf.Set  // blind indexes
	mac       *prf.Set  // MAC
}

// Seal encrypts plain so that it opens only with the same aad, which names the
// place it is stored at: "table:rowid:column". The empty string stays empty.
func (k *Keyring) Seal(plain, aad string) (string, error) {
	if plain == "" {
		return "", nil
	}
	sealed, err := k.seal.Encrypt([]byte(plain), []byte(aad))
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return base64.RawStdEncoding.EncodeToString(sealed), nil
}

// Unseal is the inverse of Seal.
func (k *Keyring) Unseal(sealed, aad string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrSealed
	}
	plain, err := k.seal.Decrypt(raw, []byte(aad))
	if err != nil {
		return "", ErrSealed
	}
	return string(plain), nil
}

// Index is a keyed fingerprint of value, 32 hexadecimal digits, equal for equal
// values of one purpose ("phone", "id_card") and useless without the key. The
// caller normalises value first. The empty string stays empty.
func (k *Keyring) Index(purpose, value string) string {
	if value == "" {
		return ""
	}
	return hex.EncodeToString(compute(k.index, []byte(purpose+"\x00"+value), 16))
}

// MAC authenticates data with a key of this installation: 32 bytes.
func (k *Keyring) MAC(data []byte) []byte { return compute(k.mac, data, 32) }

// CheckMAC reports in constant time whether mac is MAC(data).
func (k *Keyring) CheckMAC(data, mac []byte) bool {
	return subtle.ConstantTimeCompare(k.MAC(data), mac) == 1
}

// Token is a fresh secret of 256 random bits in URL-safe text.
func (k *Keyring) Token() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// compute panics only for a length that HMAC-SHA256 cannot give, and ours are
// constants that it can.
func compute(set *prf.Set, data []byte, n uint32) []byte {
	out, err := set.ComputePrimaryPRF(data, n)
	if err != nil {
		panic("crypto: " + err.Error())
	}
	return out
}
