package patient

import "heartline/internal/platform/job"

func (s *Service) importJobs(q *job.Queue) {}
