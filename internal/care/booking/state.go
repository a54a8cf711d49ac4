package booking

import (
	"slices"

	"heartline/internal/platform/errs"
)

// Action is what may be done with an appointment.
type Action string

// The actions.
const (
	ActConfirm     Action = "confirm"
	ActChange      Action = "change"
	ActCancel      Action = "cancel"
	ActArrive      Action = "arrive"
	ActCheckIn     Action = "check_in"
	ActComplete    Action = "complete"
	ActMiss        Action = "miss"
	ActAcknowledge Action = "acknowledge"
)

// from lists the states in which an action is possible: the whole state
// machine of an appointment.
func (a Action) from() []State {
	switch a {
	case ActConfirm:
		return []State{Requested}
	case ActChange:
		return []State{Requested, Scheduled}
	case ActCancel:
		return []State{Requested, Scheduled, Arrived}
	case ActArrive, ActAcknowledge:
		return []State{Scheduled}
	case ActCheckIn:
		return []State{Scheduled, Arrived}
	case ActComplete:
		return []State{Arrived, CheckedIn}
	case ActMiss:
		return []State{Scheduled, Arrived}
	}
	return nil
}

// Allows reports whether the state of an appointment lets an action happen.
// Deadlines and rights are another matter.
func (a Appointment) Allows(act Action) bool { return slices.Contains(act.from(), a.State) }

// allow refuses an action in the wrong state.
func (a Appointment) allow(act Action) error {
	if a.Allows(act) {
		return nil
	}
	if a.State == Expired && act == ActConfirm {
		return errs.New(errs.Conflict, "booking.hold_expired")
	}
	return errs.New(errs.Conflict, "booking.wrong_state", "state", string(a.State), "action", string(act))
}
