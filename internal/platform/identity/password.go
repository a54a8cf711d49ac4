package identity

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// HashCost is what one Argon2id computation costs (RFC 9106).
type HashCost struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

const (
	saltBytes = 16
	keyBytes  = 32
)

// hasher computes password hashes, at most a few at once: each takes memory
// and a processor, and guessing must not starve calls of them.
type hasher struct {
	cost  HashCost
	slots chan struct{}
	dummy string // compared with when the user does not exist
	key   func(password, salt []byte, passes, memoryKiB uint32, threads uint8, bytes uint32) []byte
}

func newHasher(cost HashCost) (*hasher, error) {
	h := &hasher{cost: cost, slots: make(chan struct{}, 2), key: argon2.IDKey}
	var err error
	h.dummy, err = h.hash(rand.Text())
	return h, err
}

// hash returns a password hash in the usual text form, with its parameters.
func (h *hasher) hash(password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("salt: %w", err)
	}
	key := h.derive(password, salt, h.cost)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.MemoryKiB, h.cost.Passes, h.cost.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

func (h *hasher) derive(password string, salt []byte, c HashCost) []byte {
	h.slots <- struct{}{}
	defer func() { <-h.slots }()
	return h.key([]byte(password), salt, c.Passes, c.MemoryKiB, c.Threads, keyBytes)
}

// verify reports whether password belongs to the stored hash, and whether the
// hash should be renewed because the cost has changed. An unreadable hash
// costs the same time as a wrong password.
func (h *hasher) verify(password, stored string) (ok, renew bool) {
	salt, key, cost, err := parseHash(stored)
	if err != nil {
		salt, key, cost, _ = parseHash(h.dummy)
		h.derive(password, salt, cost)
		return false, false
	}
	same := subtle.ConstantTimeCompare(h.derive(password, salt, cost), key) == 1
	return same, same && cost != h.cost
}

func parseHash(s string) (salt, key []byte, c HashCost, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return nil, nil, c, fmt.Errorf("not an argon2id hash")
	}
	var v int
	if _, err = fmt.Sscanf(parts[2], "v=%d", &v); err != nil || v != argon2.Version {
		return nil, nil, c, fmt.Errorf("argon2 version %d", v)
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &c.Threads); err != nil {
		return nil, nil, c, fmt.Errorf("argon2 parameters: %w", err)
	}
	if c.MemoryKiB > 1<<20 || c.Passes > 100 || c.Passes < 1 || c.Threads < 1 {
		return nil, nil, c, fmt.Errorf("argon2 parameters out of range")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return nil, nil, c, fmt.Errorf("argon2 salt: %w", err)
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(key) != keyBytes {
		return nil, nil, c, fmt.Errorf("argon2 key")
	}
	return salt, key, c, nil
}
