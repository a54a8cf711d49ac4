package callrecord

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/store"
)

// maxEnded is how many ended calls stay in memory for what comes after the end
// (wrap-up, disposition); older ones are folded again from the log.
const maxEnded = 512

// Service keeps the projections and answers questions about calls.
type Service struct {
	db      *store.DB
	journal *journal.Journal
	rules   Rules
	now     func() time.Time

	mu    sync.Mutex
	cache map[string]Record // as of the last committed batch
	ended []string          // ids in cache that ended, oldest first
}

// New makes the service and hooks it into the journal, which must not have
// been started yet.
func New(db *store.DB, j *journal.Journal, rules Rules, now func() time.Time) *Service {
	if rules.ShortAbandon <= 0 {
		rules = DefaultRules()
	}
	s := &Service{db: db, journal: j, rules: rules, now: now, cache: make(map[string]Record)}
	j.OnBatch(s.project)
	return s
}

// project folds a batch into the tables, in the transaction of the batch. It
// works on copies and keeps them only when the transaction is on disk.
func (s *Service) project(ctx context.Context, tx *store.Tx, events []journal.Event) error {
	fresh := make(map[string]*Record)
	dirty := make(map[string]bool)
	var order []string
	presence := newSpans()
	for _, ev := range events {
		if isAgentKind(ev.Kind) {
			presence.add(ev)
		}
		if ev.Contact == "" {
			continue
		}
		rec, ok := fresh[ev.Contact]
		if !ok {
			loaded, whole, err := s.load(ctx, tx, ev)
			if err != nil {
				return err
			}
			rec = &loaded
			fresh[ev.Contact] = rec
			order = append(order, ev.Contact)
			if whole { // the log already holds the whole batch
				rec.fold.whole = true
				dirty[ev.Contact] = true
			}
		}
		if rec.fold.whole {
			continue
		}
		before := rec.marks()
		rec.apply(ev)
		if rec.marks() != before {
			dirty[ev.Contact] = true
		}
	}
	for _, id := range order {
		fresh[id].fold.whole = false
		if dirty[id] && fresh[id].Direction != "" {
			if err := save(ctx, tx, fresh[id]); err != nil {
				return err
			}
		}
	}
	if err := presence.save(ctx, tx); err != nil {
		return err
	}
	tx.OnEnd(func(committed bool) {
		if committed {
			s.keep(fresh, order)
		} else {
			s.forget(order)
		}
	})
	return nil
}

// load finds the record that an event continues: in memory, new, or folded
// from the log, which then already contains the whole batch.
func (s *Service) load(ctx context.Context, tx *store.Tx, ev journal.Event) (rec Record, whole bool, err error) {
	s.mu.Lock()
	rec, ok := s.cache[ev.Contact]
	s.mu.Unlock()
	switch {
	case ok:
		return rec.clone(), false, nil
	case ev.Kind == journal.KindCallStarted:
		return s.newRecord(), false, nil
	}
	events, err := journal.OfContactTx(ctx, tx, ev.Contact)
	if err != nil {
		return rec, false, err
	}
	return s.foldAll(events), true, nil
}

func (s *Service) newRecord() Record {
	var r Record
	r.fold.rules = s.rules
	return r
}

func (s *Service) foldAll(events []journal.Event) Record {
	r := s.newRecord()
	for _, ev := range events {
		r.apply(ev)
	}
	return r
}

// marks are the parts of a record whose change is worth a write at once. What
// changes in between is written with the next of them; the log has it anyway.
type marks struct {
	started, answered, ended    int64
	agents                      int // who may read and write the record
	patient, disposition, notes string
	wrap                        int64
}

func (r *Record) marks() marks {
	m := marks{
		started: unixMs(r.StartedAt), answered: unixMs(r.AnsweredAt), ended: unixMs(r.EndedAt),
		agents: len(r.Agents), patient: r.PatientID, disposition: r.Disposition, notes: r.Notes, wrap: r.WrapMs,
	}
	if r.Direction == "" {
		m.started = 0
	}
	return m
}

func (s *Service) keep(fresh map[string]*Record, order []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range order {
		rec := *fresh[id]
		_, known := s.cache[id]
		s.cache[id] = rec
		if !rec.Open() && (!known || !slices.Contains(s.ended, id)) {
			s.ended = append(s.ended, id)
		}
	}
	if n := len(s.ended) - maxEnded; n > 0 {
		for _, id := range s.ended[:n] {
			delete(s.cache, id)
		}
		s.ended = slices.Delete(s.ended, 0, n)
	}
}

func (s *Service) forget(order []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range order {
		delete(s.cache, id)
	}
}

func isAgentKind(kind string) bool {
	switch kind {
	case journal.KindAgentSignedIn, journal.KindAgentState, journal.KindAgentSignedOut:
		return true
	}
	return false
}

// CloseOrphans ends the calls that a crash left open: it appends call.ended
// by restart at that time (zero: when the log ends, the last moment the
// program is known to have lived) and signs out the agents who were signed in.
// It returns once that is on disk. Call it after the journal was started and
// before the first call.
func (s *Service) CloseOrphans(ctx context.Context, at time.Time) (calls int, err error) {
	if at.IsZero() {
		if at, err = s.journal.LastAt(ctx); err != nil {
			return 0, err
		}
	}
	open, err := s.openCalls(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range open {
		s.journal.AppendAt(at, id, "", "", journal.CallEnded{Cause: "restart", By: "restart"})
	}
	present, err := s.presentAgents(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range present {
		since := max(0, unixMs(at)-p.since)
		s.journal.AppendAt(at, "", p.agent, "", journal.AgentSignedOut{
			Reason: "restart", Prev: p.state, PrevReason: p.reason, SincePrevMs: since,
		})
	}
	if err := s.journal.Flush(ctx); err != nil {
		return 0, fmt.Errorf("close orphans: %w", err)
	}
	return len(open), nil
}

// SetDisposition notes the result of a call; it is on disk when the method
// returns. Empty notes or patient leave what was there.
func (s *Service) SetDisposition(ctx context.Context, callID, disposition, notes, patientID string) error {
	if _, err := s.Get(ctx, callID); err != nil {
		return err
	}
	s.journal.Append(callID, "", "", journal.CallDisposed{Disposition: disposition, Patient: patientID})
	if notes != "" {
		s.journal.Append(callID, "", "", journal.CallNoted{Notes: notes})
	}
	if err := s.journal.Flush(ctx); err != nil {
		return fmt.Errorf("set disposition: %w", err)
	}
	return nil
}

// SetNotes replaces the notes of a call, also by empty ones.
func (s *Service) SetNotes(ctx context.Context, callID, notes string) error {
	if _, err := s.Get(ctx, callID); err != nil {
		return err
	}
	s.journal.Append(callID, "", "", journal.CallNoted{Notes: notes})
	if err := s.journal.Flush(ctx); err != nil {
		return fmt.Errorf("set notes: %w", err)
	}
	return nil
}
