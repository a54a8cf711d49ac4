package booking

func (s *Service) registerJobs() {}
