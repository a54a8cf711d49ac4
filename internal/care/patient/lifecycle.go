package patient

import (
	"context"
	"fmt"
	"slices"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// stages are the stages in the order in which they are reached.
func stages() []string { return []string{Potential, Customer, Loyal, Lifelong} }

// visitKinds are the entries that count as a visit.
func visitKinds() []string { return []string{KindOutpatient, KindInpatient, KindExam, KindRemote} }

// stageOf is the highest stage that visits reach at now. It is pure.
func stageOf(rules []StageRule, visits []time.Time, now time.Time) string {
	best := Potential
	for _, r := range rules {
		since, count := time.Time{}, 0
		if r.WithinDays > 0 {
			since = now.AddDate(0, 0, -r.WithinDays)
		}
		first := now
		for _, v := range visits {
			if v.After(now) {
				continue
			}
			if v.Before(first) {
				first = v
			}
			if !v.Before(since) {
				count++
			}
		}
		if count >= r.Visits && !first.After(now.AddDate(-r.Years, 0, 0)) && rankOfStage(r.Stage) > rankOfStage(best) {
			best = r.Stage
		}
	}
	return best
}

func rankOfStage(stage string) int { return slices.Index(stages(), stage) }

// LifecycleRules tells when which stage is reached.
func (s *Service) LifecycleRules(ctx context.Context) (list []StageRule, err error) {
	if _, err := identity.Require(ctx, identity.PatientRead); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = stageRules(ctx, tx)
		return err
	})
	return list, err
}

// SaveLifecycleRules replaces the rules: one for each stage, each at least as
// hard as the one before. They hold from the next visit of each customer.
func (s *Service) SaveLifecycleRules(ctx context.Context, rules []StageRule) error {
	who, err := identity.Require(ctx, identity.SystemAdmin)
	if err != nil {
		return err
	}
	var f errs.Fields
	for i, r := range rules {
		path := fmt.Sprintf("rules[%d].", i)
		if i >= len(stages()) || r.Stage != stages()[i] {
			f.Add(path+"stage", "patient.stage_order")
		}
		if r.Visits < 0 || r.Visits > 1000 || (i > 0 && r.Visits < rules[i-1].Visits) {
			f.Add(path+"visits", "patient.stage_visits")
		}
		if r.WithinDays < 0 || r.WithinDays > 36500 {
			f.Add(path+"within_days", "validation.invalid")
		}
		if r.Years < 0 || r.Years > 100 {
			f.Add(path+"years", "validation.invalid")
		}
	}
	if len(rules) != len(stages()) {
		f.Add("rules", "patient.stage_order")
	}
	if err := f.Err(); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := saveStageRules(ctx, tx, rules, s.now()); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "patient.lifecycle_rules", "", "", map[string]any{"rules": len(rules)})
	})
}

// grow moves people up who reached a higher stage by a visit. A stage set by
// hand is never taken back.
func (s *Service) grow(ctx context.Context, tx *store.Tx, entries []TimelineEntry) error {
	seen := make(map[string]bool)
	for _, e := range entries {
		if seen[e.PatientID] || !slices.Contains(visitKinds(), e.Kind) {
			continue
		}
		seen[e.PatientID] = true
		if err := s.growOne(ctx, tx, e.PatientID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) growOne(ctx context.Context, tx *store.Tx, patientID string) error {
	stage, version, err := stageNow(ctx, tx, patientID)
	if err != nil || stage == Lifelong {
		return err
	}
	rules, err := stageRules(ctx, tx)
	if err != nil {
		return err
	}
	visits, err := visitTimes(ctx, tx, patientID)
	if err != nil {
		return err
	}
	reached := stageOf(rules, visits, s.now())
	if rankOfStage(reached) <= rankOfStage(stage) {
		return nil
	}
	if err := setStage(ctx, tx, patientID, reached); err != nil {
		return err
	}
	who := identity.Principal{UserID: "system:lifecycle", Name: "system:lifecycle"}
	err = s.note(ctx, tx, who, SourceLifecycle, Patient{ID: patientID, Lifecycle: stage}, Patient{ID: patientID, Version: version + 1, Lifecycle: reached})
	if err != nil {
		return err
	}
	return s.auditTx(ctx, tx, who, "patient.lifecycle", patientID, "", map[string]any{"stage": reached})
}
