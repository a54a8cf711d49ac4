package booking

import (
	"context"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// offer gives a number that became free to the first fitting wish on the
// waitlist: as a hold with a time limit, in the same transaction. A number
// whose offer ended goes to the next. Nobody waiting: it stays free for all.
func (s *Service) offer(ctx context.Context, tx *store.Tx, n Number) error {
	if err := s.settleOffer(ctx, tx, n.ID); err != nil {
		return err
	}
	if n.State != NumberFree || n.StartAt.Sub(s.now()) < shortestOffer {
		return nil
	}
	switch n.Lane {
	case LaneAdded, LaneReferral, LaneVIP, LaneOnSite:
		return nil // kept for those they were made for
	}
	waits, err := anybodyWaits(ctx, tx, n.SessionID)
	if err != nil || !waits {
		return err
	}
	se, err := loadSession(ctx, tx, n.SessionID)
	if err != nil || se.State != SessionOpen || se.ReleaseAt.After(s.now()) {
		return err
	}
	list, err := fittingWishes(ctx, tx, se, n.ID, candidates)
	if err != nil {
		return err
	}
	for _, entryID := range list {
		given, err := s.offerTo(ctx, tx, entryID, se, n)
		if err != nil || given {
			return err
		}
	}
	return nil
}

// offerAll offers several numbers, each to somebody else.
func (s *Service) offerAll(ctx context.Context, tx *store.Tx, list []Number) error {
	for _, n := range list {
		if err := s.offer(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

// settleOffer ends the offer of a number that came back: its entry waits on,
// at its place, but never for this number again. An entry whose offers lapse
// again and again ends, so that numbers are not kept for nobody.
func (s *Service) settleOffer(ctx context.Context, tx *store.Tx, numberID string) error {
	e, ok, err := offeredWith(ctx, tx, "number_id", numberID)
	if err != nil || !ok {
		return err
	}
	if err := passBy(ctx, tx, e.ID, numberID); err != nil {
		return err
	}
	a, err := loadAppointment(ctx, tx, e.AppointmentID)
	if err != nil {
		return err
	}
	e.State = Waiting
	if a.State == Expired && e.Offers >= maxLapses {
		e.State = WaitLeft
	}
	e.AppointmentID, e.NumberID, e.UpdatedAt = "", "", s.now()
	if err := putWait(ctx, tx, e); err != nil {
		return err
	}
	s.tellWait(tx, e)
	return nil
}

// offerTo holds a number for a wish, unless the wish is no longer waiting or
// its person may not have the number.
func (s *Service) offerTo(ctx context.Context, tx *store.Tx, entryID string, se Session, n Number) (bool, error) {
	e, err := lockWait(ctx, tx, entryID)
	if err != nil || e.State != Waiting {
		return false, err
	}
	rules, err := s.inForce(ctx, tx)
	if err != nil {
		return false, err
	}
	if err := lockPersons(ctx, tx, e.PatientID); err != nil {
		return false, err
	}
	p, err := s.person(ctx, tx, e.PatientID)
	if err != nil {
		return false, nil // gone, or joined with another record
	}
	r := Request{PatientID: e.PatientID, SessionID: se.ID, NumberID: n.ID, Channel: e.Channel, Lane: n.Lane, Origin: e.Origin,
		Hold: min(rules.Policy.Offer(), n.StartAt.Sub(s.now()))}
	if ok, err := s.eligibleFor(ctx, tx, p, se, r); err != nil || !ok {
		return false, err
	}
	who, _ := identity.From(identity.System(ctx, actorWaitlist))
	var a Appointment
	err = tx.Try(ctx, func() (err error) {
		a, err = s.take(ctx, tx, who, r, se, p, "")
		return err
	})
	if lost(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	e.State, e.AppointmentID, e.NumberID, e.OfferedAt, e.OfferUntil = OfferMade, a.ID, n.ID, s.now(), a.ExpiresAt
	e.Offers, e.UpdatedAt = e.Offers+1, s.now()
	if err := putWait(ctx, tx, e); err != nil {
		return false, err
	}
	s.tellWait(tx, e)
	return true, s.promise(ctx, tx, NoticeOffer, a, map[string]string{"until": a.ExpiresAt.In(s.zone).Format("15:04"), "entry": e.ID})
}

// eligibleFor asks the policy on behalf of somebody who is offered a number:
// what it refuses is no error here.
func (s *Service) eligibleFor(ctx context.Context, tx *store.Tx, p Person, se Session, r Request) (bool, error) {
	if ok, err := s.mayTake(ctx, tx, p.ID, se); err != nil || !ok {
		return false, err
	}
	err := s.permit(ctx, tx, p, se, r, known{})
	var refusal *errs.Error
	if as(err, &refusal) {
		return false, nil
	}
	return err == nil, err
}

// settleAccepted marks the wish as met whose offer was just confirmed.
func (s *Service) settleAccepted(ctx context.Context, tx *store.Tx, a Appointment) error {
	e, ok, err := offeredWith(ctx, tx, "appointment_id", a.ID)
	if err != nil || !ok {
		return err
	}
	e.State, e.UpdatedAt = OfferTaken, s.now()
	if err := putWait(ctx, tx, e); err != nil {
		return err
	}
	s.tellWait(tx, e)
	return nil
}
