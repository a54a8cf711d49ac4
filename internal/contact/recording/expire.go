package recording

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/job"
	"heartline/internal/platform/store"
)

// expireHour is when recordings go whose time is over, in the hospital's night.
const expireHour = 3

// expireJob comes back every night; each run promises the next one first.
type expireJob struct {
	Date string `json:"date"`
}

// Kind implements job.Args.
func (expireJob) Kind() string { return "recording.expire" }

// StartExpiry promises the next night's run; zone is the hospital's. It may be
// called at every start and on every node, before the queue is started.
func (s *Service) StartExpiry(ctx context.Context, q *job.Queue, zone *time.Location) error {
	plan := func(ctx context.Context) error {
		now := s.now().In(zone)
		at := time.Date(now.Year(), now.Month(), now.Day()+1, expireHour, 0, 0, 0, zone)
		date := at.Format(time.DateOnly)
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			return job.Enqueue(ctx, tx, q, expireJob{Date: date}, job.RunAt(at), job.UniqueKey(date))
		})
		if err != nil {
			return fmt.Errorf("plan expiry of recordings: %w", err)
		}
		return nil
	}
	job.Register(q, func(ctx context.Context, _ expireJob) error {
		if err := plan(ctx); err != nil {
			return err
		}
		n, err := s.Expire(ctx)
		if n > 0 {
			s.log.Info("recordings erased whose time is over", "count", n)
		}
		return err
	})
	return plan(ctx)
}

// expireAtOnce is how many recordings are read at a time: after a long pause
// years of them may be over.
const expireAtOnce = 200

// Expire erases the recordings whose time is over and that no hold keeps: the
// key goes with the row's commit, then the file. What a crash left half done
// is done the next time.
func (s *Service) Expire(ctx context.Context) (erased int, err error) {
	var failed error
	now, after := s.now(), place{}
	for {
		var list []Recording
		err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
			list, err = selectExpired(ctx, tx, now, after, expireAtOnce)
			return err
		})
		if err != nil {
			return erased, errors.Join(failed, fmt.Errorf("recordings whose time is over: %w", err))
		}
		for _, rec := range list {
			after = place{rec.KeepUntil, rec.ID}
			gone, err := s.erase(ctx, rec)
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("erase recording %s: %w", rec.ID, err))
			} else if gone {
				erased++
			}
		}
		if len(list) < expireAtOnce {
			return erased, failed
		}
	}
}

func (s *Service) erase(ctx context.Context, rec Recording) (gone bool, err error) {
	if rec.State == Ready {
		err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
			if gone, err = destroyKey(ctx, tx, rec.ID); err != nil || !gone {
				return err
			}
			return s.audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: "system", ActorName: "system", Action: "recording.expire",
				Object: "recording", ObjectID: rec.ID, Detail: map[string]any{"call": rec.CallID, "kept_until": rec.KeepUntil.UTC().Format(time.RFC3339)}})
		})
		if err != nil || !gone { // a hold came in between, or another node was here
			return false, err
		}
	}
	if err := os.Remove(filepath.Join(s.dir, rec.path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return true, s.db.Write(ctx, func(tx *store.Tx) error { return forgetFile(ctx, tx, rec.ID) })
}
