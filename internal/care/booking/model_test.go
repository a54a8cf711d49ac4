package booking_test

import (
	"time"

	"heartline/internal/care/booking"

	"pgregory.net/rapid"
)

// model is what a pair of sessions should be like.
type model struct {
	w     *world
	byID  map[string]*booking.Appointment
	taken map[string]string // number → appointment that keeps it
}

func newModel(w *world) *model {
	return &model{w: w, byID: map[string]*booking.Appointment{}, taken: map[string]string{}}
}

func (m *model) lapsed(a *booking.Appointment) bool {
	return a.State == booking.Requested && !a.ExpiresAt.After(m.w.r.clock.now())
}

// free are the numbers of a session that may be given now.
func (m *model) free(session int) (n int) {
	for _, x := range m.w.numbers[session] {
		holder := m.taken[x.ID]
		if x.StartAt.After(m.w.r.clock.now()) && (holder == "" || m.lapsed(m.byID[holder])) {
			n++
		}
	}
	return n
}

// foretell gives the key of the refusal, or "".
func (m *model) foretell(s step, id string) string {
	now := m.w.r.clock.now()
	a := m.byID[id]
	switch s.Op {
	case opBook, opHold:
		return m.foretellBook(s)
	case opWait:
		return ""
	}
	if a == nil {
		return "booking.not_found"
	}
	act := map[int]booking.Action{opConfirm: booking.ActConfirm, opCancel: booking.ActCancel, opArrive: booking.ActArrive, opCheckIn: booking.ActCheckIn,
		opComplete: booking.ActComplete, opMiss: booking.ActMiss}[s.Op]
	switch {
	case s.Op == opExpire, s.Op == opConfirm && a.State == booking.Scheduled, s.Op == opCheckIn && a.State == booking.CheckedIn:
		return ""
	case s.Op == opConfirm && (a.State == booking.Expired || m.lapsed(a)):
		return "booking.hold_expired"
	case !a.Allows(act):
		return "booking.wrong_state"
	case s.Op == opMiss && a.StartAt.After(now):
		return "booking.not_yet"
	}
	return ""
}

func (m *model) foretellBook(s step) string {
	se := m.w.sessions[s.Session]
	if !se.EndAt.After(m.w.r.clock.now()) {
		return "booking.past"
	}
	who := m.w.request(s).PatientID
	for _, a := range m.byID {
		sameDay := a.DepartmentID == se.DepartmentID && a.PatientID == who
		if sameDay && a.State.Active() && !m.lapsed(a) {
			return "booking.double"
		}
	}
	if m.free(s.Session) == 0 {
		return "booking.session_full"
	}
	return ""
}

// happened brings the model up to date.
func (m *model) happened(s step, id string, a booking.Appointment) {
	for n, holder := range m.taken { // a booking ends holds on its way, the rest does so later
		if m.lapsed(m.byID[holder]) && (s.Op == opBook || s.Op == opHold || s.Op == opExpire && holder == id) {
			if got, err := m.w.r.svc.Get(m.w.r.ctx(), holder); err == nil && got.State == booking.Expired {
				m.byID[holder].State = booking.Expired
				delete(m.taken, n)
			}
		}
	}
	if a.ID == "" {
		return
	}
	m.byID[a.ID] = &a
	switch {
	case a.State.Active(), a.State == booking.Completed:
		m.taken[a.NumberID] = a.ID
	case m.taken[a.NumberID] == a.ID:
		delete(m.taken, a.NumberID)
	}
}

// compare checks that the timetable tells what the model knows.
func (m *model) compare(t *rapid.T) {
	for i, se := range m.w.sessions {
		got, err := m.w.r.svc.Session(m.w.r.ctx(), se.ID)
		if err != nil {
			t.Fatal(err)
		}
		if want := m.free(i); got.Free != want || got.Total != 4 {
			t.Fatalf("session %d at %s: %d of %d free, want %d", i, m.w.r.clock.now().Format(time.TimeOnly), got.Free, got.Total, want)
		}
	}
}
