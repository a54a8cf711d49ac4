package patient

import (
	"context"
	"sync"
	"time"

	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
)

// The states of a scan.
const (
	ScanIdle    = "idle"    // nobody asked for one since the start
	ScanWaiting = "waiting" // promised, not begun
	ScanRunning = "running"
	ScanDone    = "done"
)

// Scan is how far the look for duplicates among everybody is. It lives in
// memory: one that a restart cut short begins anew.
type Scan struct {
	State     string
	Step      int // kinds of keys looked through
	Steps     int
	Compared  int // pairs
	StartedAt time.Time
	EndedAt   time.Time
}

// ScanProgress says that a scan moved on.
type ScanProgress struct{}

type scanState struct {
	mu sync.Mutex
	at Scan
}

func (s *Service) scanned(change func(sc *Scan)) {
	s.scan.mu.Lock()
	change(&s.scan.at)
	s.scan.mu.Unlock()
	if s.bus != nil {
		event.Publish(s.bus, ScanProgress{})
	}
}

// ScanState tells how far the scan is that was asked for last.
func (s *Service) ScanState(ctx context.Context) (Scan, error) {
	if _, err := identity.Require(ctx, identity.PatientMerge); err != nil {
		return Scan{}, err
	}
	s.scan.mu.Lock()
	defer s.scan.mu.Unlock()
	out := s.scan.at
	if out.State == "" {
		out.State = ScanIdle
	}
	out.Steps = len(blocks())
	return out, nil
}
