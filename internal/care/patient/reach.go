package patient

import (
	"context"
	"errors"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// Contact is how a person gets messages.
type Contact struct {
	Name     string
	Number   string // of a mobile, in full; "" when there is none
	Language string
}

// Reach says how a person gets messages, in the caller's transaction: by the
// primary mobile, another one, or that of the guardian. Who was merged is
// reached as the record that stands for them; who was erased is not. It is
// for the program itself and checks no right.
func (s *Service) Reach(ctx context.Context, tx *store.Tx, patientID string) (Contact, error) {
	current, err := s.resolve(ctx, tx, patientID)
	if err != nil {
		return Contact{}, err
	}
	c, guardian, err := s.reach(ctx, tx, current)
	if err != nil || c.Number != "" || guardian == "" {
		return c, err
	}
	other, _, err := s.reach(ctx, tx, guardian)
	if errs.Is(err, errs.NotFound) {
		return c, nil
	}
	c.Number = other.Number
	return c, err
}

// reach reads what one record says.
func (s *Service) reach(ctx context.Context, tx *store.Tx, patientID string) (c Contact, guardian string, err error) {
	c, guardian, phones, err := contactOf(ctx, tx, patientID)
	if err != nil {
		return c, "", err
	}
	for _, p := range phones {
		number, err := s.keys.Unseal(p.sealed, aad("patient_phones", p.id))
		if err != nil {
			return c, "", errors.Join(errors.New("open phone"), err)
		}
		if n, ok := NormalisePhone(number); ok && (isMobile(n) || n[0] == '+') {
			c.Number = n
			return c, guardian, nil
		}
	}
	return c, guardian, nil
}
