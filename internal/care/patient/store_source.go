package patient

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

// SetTimelineOf replaces what the timelines say about one source (a call, a
// booking) by entries, in the caller's transaction. Doing it again with the
// same entries changes nothing, so that a source whose person or outcome is
// corrected later is told once, and on the right timeline.
func (s *Service) SetTimelineOf(ctx context.Context, tx *store.Tx, kind, sourceID string, entries ...TimelineEntry) error {
	if err := tx.Later(ctx, "DELETE FROM patient_timeline WHERE source_id = $1 AND source_id <> '' AND kind = $2", sourceID, kind); err != nil {
		return fmt.Errorf("replace timeline of %s: %w", kind, err)
	}
	return s.AddTimeline(ctx, tx, entries...)
}
