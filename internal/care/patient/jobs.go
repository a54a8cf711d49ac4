package patient

import (
	"context"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

type duplicateJob struct{ PatientID string }

func (duplicateJob) Kind() string { return "patient.duplicates" }

type duplicateScan struct{}

func (duplicateScan) Kind() string { return "patient.duplicates.scan" }

type qualityJob struct{}

func (qualityJob) Kind() string { return "patient.quality" }

type sixJob struct{}

func (sixJob) Kind() string { return "patient.fill_six" }

// UseJobs lets the service work behind the scenes: look for duplicates after a
// change, take imports over, judge the data, fill in what an older version left.
// Call it once, before q starts.
func (s *Service) UseJobs(q *job.Queue) {
	s.jobs = q
	job.Register(q, func(ctx context.Context, a duplicateJob) error {
		return s.duplicatesOf(identity.System(ctx, "duplicates"), a.PatientID)
	})
	job.Register(q, func(ctx context.Context, _ duplicateScan) error {
		return s.scanDuplicates(identity.System(ctx, "duplicates"))
	})
	job.Register(q, func(ctx context.Context, _ qualityJob) error {
		return s.judge(identity.System(ctx, "quality"))
	})
	job.Register(q, func(ctx context.Context, _ sixJob) error {
		_, err := s.FillSix(ctx)
		return err
	})
	s.importJobs(q)
}

// Start promises what an older version left to do, if it left anything. Call
// it after UseJobs.
func (s *Service) Start(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for table := range withTails() {
			list, err := withoutSix(ctx, tx, table, "", 1)
			if err != nil {
				return err
			}
			if len(list) > 0 {
				return job.Enqueue(ctx, tx, s.jobs, sixJob{}, job.UniqueKey("all"), job.MaxAttempts(5))
			}
		}
		return nil
	})
}

// lookForDuplicates promises to look whether somebody is recorded twice.
func (s *Service) lookForDuplicates(ctx context.Context, tx *store.Tx, patientID string) error {
	if s.jobs == nil {
		return nil
	}
	return job.Enqueue(ctx, tx, s.jobs, duplicateJob{patientID}, job.UniqueKey(patientID), job.MaxAttempts(5))
}

// ScanDuplicates promises to look for duplicates among everybody.
func (s *Service) ScanDuplicates(ctx context.Context) error {
	who, err := identity.Require(ctx, identity.PatientMerge)
	if err != nil {
		return err
	}
	return s.promise(ctx, who, "patient.duplicates_scan", func(tx *store.Tx) error {
		tx.AfterCommit(func() {
			s.scanned(func(sc *Scan) {
				if sc.State != ScanRunning {
					*sc = Scan{State: ScanWaiting}
				}
			})
		})
		return job.Enqueue(ctx, tx, s.jobs, duplicateScan{}, job.UniqueKey("all"), job.MaxAttempts(3))
	})
}

// RunQuality promises to judge the data of everybody.
func (s *Service) RunQuality(ctx context.Context) error {
	who, err := identity.Require(ctx, identity.PatientMerge, identity.PatientImport)
	if err != nil {
		return err
	}
	return s.promise(ctx, who, "patient.quality_run", func(tx *store.Tx) error {
		return job.Enqueue(ctx, tx, s.jobs, qualityJob{}, job.UniqueKey("all"), job.MaxAttempts(3))
	})
}

func (s *Service) promise(ctx context.Context, who identity.Principal, action string, enqueue func(tx *store.Tx) error) error {
	if s.jobs == nil {
		return errs.New(errs.Unavailable, "unavailable")
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := enqueue(tx); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, action, "", "", nil)
	})
}
