package booking

import (
	"context"

	"heartline/internal/platform/store"
)

func (s *Service) offer(_ context.Context, _ *store.Tx, _ Number) error { return nil }

func (s *Service) remind(_ context.Context, _ *store.Tx, _ Appointment) error { return nil }

func (s *Service) offerAll(_ context.Context, _ *store.Tx, _ []Number) error { return nil }
