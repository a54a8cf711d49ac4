package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const (
	totpPeriod    = 30 // seconds (RFC 6238)
	recoveryCodes = 10
)

func totpAAD(userID string) string { return "users:" + userID + ":totp" }

// SetupTOTP begins a second factor for the acting principal: the secret is
// stored aside until ConfirmTOTP proves that the authenticator has it.
func (s *Service) SetupTOTP(ctx context.Context) (Setup, error) {
	p, err := Require(ctx)
	if err != nil {
		return Setup{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: s.issuer, AccountName: p.Login, Period: totpPeriod, SecretSize: 20})
	if err != nil {
		return Setup{}, fmt.Errorf("generate second factor: %w", err)
	}
	img, err := key.Image(220, 220)
	if err != nil {
		return Setup{}, fmt.Errorf("draw second factor: %w", err)
	}
	var qr bytes.Buffer
	if err := png.Encode(&qr, img); err != nil {
		return Setup{}, fmt.Errorf("draw second factor: %w", err)
	}
	sealed, err := s.keys.Seal(key.Secret(), totpAAD(p.UserID))
	if err != nil {
		return Setup{}, fmt.Errorf("seal second factor: %w", err)
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		u, err := selectUser(ctx, tx, p.UserID)
		if err != nil {
			return err
		}
		if u.TOTP {
			return errs.New(errs.Conflict, "auth.totp_on")
		}
		return updatePendingTOTP(ctx, tx, p.UserID, sealed)
	})
	if err != nil {
		return Setup{}, fmt.Errorf("set up second factor: %w", err)
	}
	return Setup{Secret: key.Secret(), URL: key.URL(), QR: qr.Bytes()}, nil
}

// ConfirmTOTP turns the second factor on and returns the recovery codes,
// which are never shown again.
func (s *Service) ConfirmTOTP(ctx context.Context, code string) ([]string, error) {
	p, err := Require(ctx)
	if err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes()
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		u, err := selectUser(ctx, tx, p.UserID)
		if err != nil {
			return err
		}
		if u.totpPending == "" {
			return errs.New(errs.Conflict, "auth.totp_not_begun")
		}
		step, ok, err := s.matchCode(u.totpPending, u, code)
		if err != nil {
			return err
		}
		if !ok {
			return errs.InvalidField("body.code", "auth.totp_invalid")
		}
		if err := updateTOTP(ctx, tx, p.UserID, u.totpPending, step); err != nil {
			return err
		}
		if err := replaceRecoveryCodes(ctx, tx, p.UserID, hashes); err != nil {
			return err
		}
		return s.record(ctx, tx, "user.totp_on", "user", p.UserID, nil)
	})
	if err != nil {
		return nil, fmt.Errorf("confirm second factor: %w", err)
	}
	return codes, nil
}

// DisableTOTP takes the acting principal's second factor away; the password
// is asked for again.
func (s *Service) DisableTOTP(ctx context.Context, password string) error {
	p, err := Require(ctx)
	if err != nil {
		return err
	}
	if err := s.confirmPassword(ctx, p.UserID, "body.password", password); err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error { return s.dropTOTP(ctx, tx, p.UserID) })
	if err != nil {
		return fmt.Errorf("disable second factor: %w", err)
	}
	return nil
}

func (s *Service) dropTOTP(ctx context.Context, tx *store.Tx, userID string) error {
	if err := updateTOTP(ctx, tx, userID, "", 0); err != nil {
		return err
	}
	if err := replaceRecoveryCodes(ctx, tx, userID, nil); err != nil {
		return err
	}
	return s.record(ctx, tx, "user.totp_off", "user", userID, nil)
}

// secondFactor checks the code of a user who has a second factor; ok is true
// when there is none.
func (s *Service) secondFactor(ctx context.Context, u storedUser, code string) (use factorUse, ok bool, err error) {
	if !u.TOTP {
		return use, true, nil
	}
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	step, ok, err := s.matchCode(u.totp, u, code)
	if err != nil || ok {
		return factorUse{step: step}, ok, err
	}
	hash := recoveryHash(code)
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		ok, err = hasRecoveryCode(ctx, tx, u.ID, hash)
		return err
	})
	return factorUse{recovery: hash}, ok, err
}

// matchCode compares a code with the time steps around now, and refuses a
// step that was used before.
func (s *Service) matchCode(sealed string, u storedUser, code string) (step int64, ok bool, err error) {
	if len(code) != 6 {
		return 0, false, nil
	}
	secret, err := s.keys.Unseal(sealed, totpAAD(u.ID))
	if err != nil {
		return 0, false, fmt.Errorf("unseal second factor: %w", err)
	}
	now := s.now()
	for _, shift := range []int64{0, -1, 1} {
		at := now.Add(time.Duration(shift*totpPeriod) * time.Second)
		valid, err := totp.ValidateCustom(code, secret, at, totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix})
		if err != nil {
			return 0, false, nil // not six digits
		}
		if step := at.Unix() / totpPeriod; valid && step > u.totpStep {
			return step, true, nil
		}
	}
	return 0, false, nil
}

// consumeFactor makes sure, inside the transaction of the sign-in, that a
// code or recovery code is used once.
func consumeFactor(ctx context.Context, tx *store.Tx, userID string, used factorUse, at time.Time) error {
	n := int64(1)
	var err error
	switch {
	case used.recovery != "":
		n, err = useRecoveryCode(ctx, tx, userID, used.recovery, at)
	case used.step != 0:
		n, err = useStep(ctx, tx, userID, used.step)
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.New(errs.Unknown, "auth.totp_invalid")
	}
	return nil
}

// newRecoveryCodes returns codes to show once and the hashes to keep.
func newRecoveryCodes() (codes, hashes []string) {
	for range recoveryCodes {
		b := make([]byte, 10)
		_, _ = rand.Read(b) // never fails (crypto/rand)
		text := base32.StdEncoding.EncodeToString(b)
		codes = append(codes, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
		hashes = append(hashes, recoveryHash(text))
	}
	return codes, hashes
}

// recoveryHash needs no slow hash: a code has 80 random bits.
func recoveryHash(code string) string {
	sum := sha256.Sum256([]byte("recovery:" + code))
	return hex.EncodeToString(sum[:])
}
