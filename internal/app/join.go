package app

import (
	"context"

	"heartline/internal/care/patient"
	"heartline/internal/contact/call"
	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// identifier tells call control who may be calling: the one place where a
// telephone number meets a patient.
type identifier struct{ patients *patient.Service }

// shortestOutside is the length of the shortest number that can be a
// person's; extensions and service numbers are nobody's.
const shortestOutside = 7

// Identify implements call.Identifier.
func (i identifier) Identify(ctx context.Context, number string) ([]call.Candidate, error) {
	if len(number) < shortestOutside {
		return nil, nil
	}
	pop, err := i.patients.Pop(identity.System(ctx, "screen-pop"), number)
	if err != nil {
		return nil, err
	}
	list := make([]call.Candidate, 0, len(pop.Candidates))
	for _, c := range pop.Candidates {
		list = append(list, call.Candidate{ID: c.ID, Name: c.Name, Sex: c.Sex, Age: c.Age, Match: patient.MatchPhone, Allergies: c.Allergies})
	}
	return list, nil
}

// timelineOfCalls puts each finished call on the timeline of its patient, in
// the transaction that stores the call's last event. A later correction of
// patient or disposition corrects the timeline too.
func (a *App) timelineOfCalls(ctx context.Context, tx *store.Tx, events []journal.Event) error {
	done := map[string]bool{}
	for _, ev := range events {
		switch ev.Kind {
		case journal.CallEnded{}.Kind(), journal.CallDisposed{}.Kind(), journal.CallNoted{}.Kind():
		default:
			continue
		}
		if done[ev.Contact] {
			continue
		}
		done[ev.Contact] = true
		rec, err := a.records.GetTx(ctx, tx, ev.Contact)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := a.patients.SetTimelineOf(ctx, tx, patient.KindCall, rec.ID, a.callEntries(ctx, rec)...); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return nil
}

// callEntries is what a call leaves on a timeline: nothing while it lasts or
// while nobody knows whose call it was.
func (a *App) callEntries(ctx context.Context, rec callrecord.Record) []patient.TimelineEntry {
	if rec.PatientID == "" || rec.EndedAt.IsZero() {
		return nil
	}
	return []patient.TimelineEntry{{PatientID: rec.PatientID, At: rec.StartedAt, Kind: patient.KindCall,
		Title: callTitle(a.board.Current(ctx), rec), Summary: rec.Notes, SourceID: rec.ID}}
}

// callTitle is what a call was about: its disposition, else its queue, else
// the key of what it was.
func callTitle(snap *switchboard.Snapshot, rec callrecord.Record) string {
	for _, d := range snap.Dispositions() {
		if d.Code == rec.Disposition {
			return d.Name
		}
	}
	if q, ok := snap.Queue(rec.Queue); ok {
		return q.Name
	}
	switch {
	case rec.Outcome == callrecord.SelfService:
		return "call.ivr"
	case rec.Direction == call.Outbound && rec.Outcome != callrecord.Answered:
		return "call.outbound_missed"
	}
	return "call." + rec.Direction
}

// mayDialOut lets every enabled desk phone and softphone of the house call
// outside; mobiles are reached, they do not dial through us.
func mayDialOut(ext switchboard.Extension) bool {
	return ext.Enabled && ext.Kind != switchboard.KindMobile
}

// showNumber says whether the person behind ctx sees full numbers.
func showNumber(ctx context.Context) bool {
	_, err := identity.Require(ctx, identity.PatientReveal)
	return err == nil
}
