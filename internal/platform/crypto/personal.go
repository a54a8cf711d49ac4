package crypto

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Personal is the key of one person. It seals the copies of a person's data
// that are spread over the database or never changed again (histories,
// exports): once the wrapped key is removed they cannot be read by anybody.
type Personal struct{ aead tink.AEAD }

// NewPersonal makes a fresh key and wraps it with the key that seals
// identifiers; aad names the place where the wrapped key is stored.
func (k *Keyring) NewPersonal(aad string) (p *Personal, wrapped string, err error) {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails: the runtime ends the program instead
	sealed, err := k.seal.Encrypt(key[:], []byte(aad))
	if err != nil {
		return nil, "", fmt.Errorf("wrap personal key: %w", err)
	}
	if p, err = personal(key[:]); err != nil {
		return nil, "", err
	}
	return p, base64.RawStdEncoding.EncodeToString(sealed), nil
}

// OpenPersonal unwraps a key that NewPersonal made.
func (k *Keyring) OpenPersonal(wrapped, aad string) (*Personal, error) {
	raw, err := base64.RawStdEncoding.DecodeString(wrapped)
	if err != nil {
		return nil, ErrSealed
	}
	key, err := k.seal.Decrypt(raw, []byte(aad))
	if err != nil {
		return nil, ErrSealed
	}
	return personal(key)
}

func personal(key []byte) (*Personal, error) {
	a, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, fmt.Errorf("personal key: %w", err)
	}
	return &Personal{aead: a}, nil
}

// Seal is Keyring.Seal with the person's key.
func (p *Personal) Seal(plain, aad string) (string, error) {
	if plain == "" {
		return "", nil
	}
	sealed, err := p.aead.Encrypt([]byte(plain), []byte(aad))
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return base64.RawStdEncoding.EncodeToString(sealed), nil
}

// Unseal is the inverse of Seal.
func (p *Personal) Unseal(sealed, aad string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrSealed
	}
	plain, err := p.aead.Decrypt(raw, []byte(aad))
	if err != nil {
		return "", ErrSealed
	}
	return string(plain), nil
}
