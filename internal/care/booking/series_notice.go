package booking

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"heartline/internal/platform/store"
)

// visitsInNotice is how many visits a message names; the patient asks for the
// others.
const visitsInNotice = 8

// tellSeries promises one notice about visits that were booked, or cancelled,
// together; about a single one the notice of any other appointment.
func (s *Service) tellSeries(ctx context.Context, tx *store.Tx, kind string, list []Appointment) error {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return s.promise(ctx, tx, kind, list[0], nil)
	}
	slices.SortFunc(list, func(a, b Appointment) int { return cmp.Or(a.StartAt.Compare(b.StartAt), cmp.Compare(a.ID, b.ID)) })
	named := list[:min(len(list), visitsInNotice)]
	visits := make([]string, len(named))
	for i, a := range named {
		visits[i] = s.clock(a.StartAt)
	}
	extra := map[string]string{"visits": strings.Join(visits, ", "), "count": strconv.Itoa(len(list))}
	if more := len(list) - len(named); more > 0 {
		extra["more"] = strconv.Itoa(more)
	}
	if slices.ContainsFunc(list, func(a Appointment) bool { return a.DoctorID != list[0].DoctorID }) {
		extra["doctor_id"] = ""
	}
	kinds := map[string]string{NoticeBooked: NoticeSeries, NoticeCancelled: NoticeSeriesCancelled}
	return s.promise(ctx, tx, kinds[kind], list[0], extra)
}

// ofSeries reports whether an appointment is told of with the other visits of
// its series.
func (a Appointment) ofSeries() bool { return a.SeriesID != "" && a.MovedFrom == "" }
