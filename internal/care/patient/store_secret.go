package patient

import (
	"context"
	"errors"
	"fmt"

	"heartline/internal/platform/crypto"
	"heartline/internal/platform/store"
)

// errNoKey says that a person has no key of their own: nothing was sealed with
// it yet, or it was removed with the person's data.
var errNoKey = errors.New("patient: no personal key")

func secretAAD(patientID string) string { return "patient_secrets:" + patientID + ":wrapped" }

// secret opens the person's own key.
func (s *Service) secret(ctx context.Context, tx *store.Tx, patientID string) (*crypto.Personal, error) {
	var wrapped string
	err := tx.QueryRow(ctx, "SELECT wrapped FROM patient_secrets WHERE patient_id = $1", patientID).Scan(&wrapped)
	if store.IsNoRows(err) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("read personal key: %w", err)
	}
	return s.keys.OpenPersonal(wrapped, secretAAD(patientID))
}

// ensureSecret opens the person's own key and makes it on first use. Of a
// person whose data was removed there is none, and none is made.
func (s *Service) ensureSecret(ctx context.Context, tx *store.Tx, patientID string) (*crypto.Personal, error) {
	key, err := s.secret(ctx, tx, patientID)
	if !errors.Is(err, errNoKey) {
		return key, err
	}
	key, wrapped, err := s.keys.NewPersonal(secretAAD(patientID))
	if err != nil {
		return nil, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO patient_secrets (patient_id, wrapped, created_at)
		SELECT id, $2, $3 FROM patients WHERE id = $1 AND erased_at = 0 ON CONFLICT (patient_id) DO NOTHING`,
		patientID, wrapped, store.Millis(s.now()))
	if err != nil {
		return nil, fmt.Errorf("store personal key: %w", err)
	}
	if n == 1 {
		return key, nil
	}
	return s.secret(ctx, tx, patientID) // somebody else made it meanwhile, or the person is gone
}

// SealFor seals text with the person's own key, in the caller's transaction;
// aad names the place it is stored at. Other packages keep copies of a
// person's data so that its removal reaches them.
func (s *Service) SealFor(ctx context.Context, tx *store.Tx, patientID, plain, aad string) (string, error) {
	key, err := s.ensureSecret(ctx, tx, patientID)
	if err != nil {
		return "", err
	}
	return key.Seal(plain, aad)
}

// UnsealFor is the inverse of SealFor. It fails for good once the person's
// data was removed.
func (s *Service) UnsealFor(ctx context.Context, tx *store.Tx, patientID, sealed, aad string) (string, error) {
	key, err := s.secret(ctx, tx, patientID)
	if err != nil {
		return "", err
	}
	return key.Unseal(sealed, aad)
}
