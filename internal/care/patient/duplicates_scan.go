package patient

import (
	"context"
	"fmt"
	"slices"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// pairOf is two records, the lower id first.
type pairOf struct{ a, b string }

// duplicatesOf compares one person with whoever shares a blocking key.
func (s *Service) duplicatesOf(ctx context.Context, patientID string) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		current, err := s.resolve(ctx, tx, patientID)
		if err != nil || current != patientID {
			return err
		}
		near, err := s.neighbours(ctx, tx, patientID)
		if err != nil {
			return err
		}
		pairs := make([]pairOf, 0, len(near))
		for _, other := range near {
			pairs = append(pairs, pairOf{min(patientID, other), max(patientID, other)})
		}
		return s.judgePairs(ctx, tx, pairs)
	})
	if errs.Is(err, errs.NotFound) {
		return nil // removed meanwhile
	}
	return err
}

// scanDuplicates compares everybody with everybody who shares a blocking key,
// in short steps, so that the desk does not feel it.
func (s *Service) scanDuplicates(ctx context.Context) error {
	s.scanned(func(sc *Scan) { *sc = Scan{State: ScanRunning, StartedAt: s.now()} })
	for i, next := range blocks() {
		s.scanned(func(sc *Scan) { sc.Step = i })
		after := ""
		for {
			var found []member
			err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
				found, after, err = next(ctx, tx, after)
				return err
			})
			if err != nil {
				return fmt.Errorf("scan for duplicates: %w", err)
			}
			if err := s.judgeMembers(ctx, found); err != nil {
				return fmt.Errorf("scan for duplicates: %w", err)
			}
			if after == "" {
				break
			}
		}
	}
	s.scanned(func(sc *Scan) { sc.State, sc.Step, sc.EndedAt = ScanDone, len(blocks()), s.now() })
	return nil
}

func (s *Service) judgeMembers(ctx context.Context, found []member) error {
	for chunk := range slices.Chunk(pairsOf(found), 200) {
		err := s.db.Write(ctx, func(tx *store.Tx) error { return s.judgePairs(ctx, tx, chunk) })
		if err != nil {
			return err
		}
		s.scanned(func(sc *Scan) { sc.Compared += len(chunk) })
	}
	return nil
}

// pairsOf pairs the people of each block. A block beyond maxBlock is passed
// over: its key tells nothing, and its pairs would be without end.
func pairsOf(found []member) []pairOf {
	byKey := make(map[string][]string)
	for _, m := range found {
		if list := byKey[m.key]; len(list) <= maxBlock && !slices.Contains(list, m.patientID) {
			byKey[m.key] = append(list, m.patientID)
		}
	}
	seen := make(map[pairOf]bool)
	for _, list := range byKey {
		if len(list) > maxBlock {
			continue
		}
		for i, a := range list {
			for _, b := range list[i+1:] {
				seen[pairOf{min(a, b), max(a, b)}] = true
			}
		}
	}
	out := make([]pairOf, 0, len(seen))
	for p := range seen {
		out = append(out, p)
	}
	slices.SortFunc(out, func(x, y pairOf) int {
		return slices.Compare([]string{x.a, x.b}, []string{y.a, y.b})
	})
	return out
}

func (s *Service) judgePairs(ctx context.Context, tx *store.Tx, pairs []pairOf) error {
	var ids []string
	for _, p := range pairs {
		ids = append(ids, p.a, p.b)
	}
	slices.Sort(ids)
	people, err := s.profiles(ctx, tx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for _, p := range pairs {
		a, okA := people[p.a]
		b, okB := people[p.b]
		if !okA || !okB {
			continue
		}
		points, reasons := score(a, b)
		if err := propose(ctx, tx, p.a, p.b, points, reasons, s.now()); err != nil {
			return err
		}
	}
	return nil
}
