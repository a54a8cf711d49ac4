package patient

import "context"

func (s *Service) judge(ctx context.Context) error { return nil }
