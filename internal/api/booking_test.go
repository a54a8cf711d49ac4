package api

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/platform/identity"
)

// TestBookingOnPaper: a request by fax is booked with the fax, found by its
// channel, and exported with it.
func TestBookingOnPaper(t *testing.T) {
	h := newHall(t)
	se := h.clinic()
	nurse := h.as("nurse", identity.RoleAgent)
	p, other := newPatient(nurse, "曾小贤", "13812345678"), newPatient(nurse, "胡一菲", "13812345679")
	today := time.Now().In(h.deps.Zone).Format(time.DateOnly)
	body := func(patientID, key string, more map[string]any) map[string]any {
		out := map[string]any{"key": key, "patient_id": patientID, "session_id": se.ID}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	fax := map[string]any{"channel": "fax", "reference": "市三医院 F-118", "received_on": today}
	const path = "/api/booking/appointments"
	nurse.do("POST", path, body(p.ID, "paper-0001", map[string]any{"channel": "fax"})).fails(422, "invalid", "body.reference")
	nurse.do("POST", path, body(p.ID, "paper-0002", map[string]any{"channel": "mail", "reference": "M-1"})).fails(422, "invalid", "body.received_on")
	nurse.do("POST", path, body(p.ID, "paper-0003", map[string]any{"reference": "F-118", "received_on": today})).fails(422, "invalid", "body.reference")
	h.as("doc", identity.RoleDoctor).do("POST", path, body(p.ID, "paper-0004", fax)).fails(http.StatusForbidden, "auth.denied")
	a := read[AppointmentView](nurse.do("POST", path, body(p.ID, "paper-0005", fax)).status(200))
	if a.Channel != "fax" || a.Reference != "市三医院 F-118" || a.ReceivedOn != today {
		t.Fatalf("booked %+v", a)
	}
	nurse.do("POST", path, body(other.ID, "paper-0006", nil)).status(200)

	for query, want := range map[string]string{"channel=fax": "曾小贤", "channel=fax&channel=mail": "曾小贤", "channel=desk": "胡一菲", "channel=web": ""} {
		list := read[List[AppointmentView]](nurse.get(path + "?" + query).status(200)).Items
		switch {
		case want == "" && len(list) == 0:
		case len(list) != 1 || list[0].Patient.Name != want:
			t.Errorf("%s: %+v", query, list)
		}
	}
	nurse.get(path+"?channel=pigeon").fails(422, "invalid", "query.channel")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(nurse.get(path+"/export?"+url.Values{"channel": {"fax"}}.Encode()).status(200).body), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%q, %v", rows, err)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	if got["channel"] != "fax" || got["reference"] != "市三医院 F-118" || got["received_on"] != today || got["name"] != "曾小贤" {
		t.Errorf("exported %v", got)
	}
	events := read[List[AppointmentEventView]](nurse.get(path + "/" + a.ID + "/history").status(200)).Items
	if len(events) != 1 || events[0].Detail["reference"] != "市三医院 F-118" {
		t.Errorf("history %+v", events)
	}
}

// TestCheckInIsOfferedAtTheDoorOnly: on the day of the visit, to those who may
// let people in; on other days it says why not, and the kiosk does too.
func TestCheckInIsOfferedAtTheDoorOnly(t *testing.T) {
	h := newHall(t)
	nurse := h.as("nurse", identity.RoleAgent)
	p := newPatient(nurse, "曾小贤", "13812345678")
	today := h.visit(p.ID, h.clinic())
	later := h.clinic(func(se *booking.Session) {
		se.StartAt, se.EndAt = se.StartAt.AddDate(0, 0, 1), se.EndAt.AddDate(0, 0, 1)
		se.Date = se.StartAt.In(h.deps.Zone).Format(time.DateOnly)
	})
	tomorrow := h.visit(p.ID, later)
	const path = "/api/booking/appointments/"
	one := func(a *client, id string) AppointmentCan {
		return read[AppointmentView](a.get(path + id).status(200)).Can
	}
	if can := one(nurse, today.ID); !can.CheckIn || !can.Arrive || can.Miss || can.Why != nil {
		t.Errorf("today: %+v", can)
	}
	can := one(nurse, tomorrow.ID)
	if can.CheckIn || can.Arrive || can.Miss || !can.Change || can.Why == nil || can.Why.Key != "booking.not_today" || can.Why.Params["date"] != tomorrow.Date {
		t.Errorf("tomorrow: %+v %+v", can, can.Why)
	}
	nurse.do("POST", path+tomorrow.ID+"/check-in", nil).fails(409, "booking.not_today")
	if can := one(h.as("doc", identity.RoleDoctor), today.ID); can.CheckIn || can.Why != nil {
		t.Errorf("a reader: %+v", can)
	}
	h.identify("code", today.Code, "").status(200)
	for _, v := range read[List[KioskAppointment]](h.machine.get("/api/kiosk/appointments").status(200)).Items {
		if v.CanCheckIn != (v.ID == today.ID) || (v.CheckInWhy == nil) != v.CanCheckIn {
			t.Errorf("kiosk: %+v", v)
		}
	}
}

// TestTheRestOnPaper: a wish, a course, a change and a cancellation name the
// letter or fax they came by, and say so when it is missing.
func TestTheRestOnPaper(t *testing.T) {
	h := newHall(t)
	nurse := h.as("nurse", identity.RoleAgent)
	p := newPatient(nurse, "曾小贤", "13812345678")
	a := h.visit(p.ID, h.clinic(func(se *booking.Session) { // early enough to cancel
		se.StartAt, se.EndAt = se.StartAt.AddDate(0, 0, 5), se.EndAt.AddDate(0, 0, 5)
		se.Date = se.StartAt.In(h.deps.Zone).Format(time.DateOnly)
	}))
	fax := OriginFields{Reference: "市三医院 F-118", ReceivedOn: time.Now().In(h.deps.Zone).Format(time.DateOnly)}
	with := func(body map[string]any) map[string]any {
		body["channel"], body["reference"], body["received_on"] = "fax", fax.Reference, fax.ReceivedOn
		return body
	}
	wish := map[string]any{"patient_id": p.ID, "department_id": h.dept.ID, "from": a.Date, "to": a.Date, "channel": "fax"}
	nurse.do("POST", "/api/booking/waitlist", wish).fails(422, "invalid", "body.reference")
	nurse.do("POST", "/api/booking/waitlist", with(wish)).status(200)
	if list := read[List[WaitView]](nurse.get("/api/booking/waitlist").status(200)).Items; len(list) != 1 || list[0].OriginFields != fax || list[0].Channel != "fax" {
		t.Errorf("waitlist %+v", list)
	}
	course := map[string]any{"key": "paper-course", "patient_id": p.ID, "department_id": h.dept.ID, "from": a.Date, "channel": "fax"}
	nurse.do("POST", "/api/booking/series", course).fails(422, "invalid", "body.reference")
	x := read[SeriesView](nurse.do("POST", "/api/booking/series", with(course)).status(200))
	if list := read[List[SeriesSumView]](nurse.get("/api/booking/series").status(200)).Items; x.OriginFields != fax || len(list) != 1 || list[0].OriginFields != fax {
		t.Errorf("series %+v, %+v", x, list)
	}
	end := map[string]any{"reason": "patient", "channel": "fax"}
	for _, path := range []string{"/api/booking/series/" + x.ID + "/cancel", "/api/booking/appointments/" + a.ID + "/cancel"} {
		delete(end, "reference")
		delete(end, "received_on")
		nurse.do("POST", path, end).fails(422, "invalid", "body.reference")
		nurse.do("POST", path, with(end)).status(200)
	}
	events := read[List[AppointmentEventView]](nurse.get("/api/booking/appointments/" + a.ID + "/history").status(200)).Items
	if last := events[len(events)-1]; last.Kind != booking.EventCancelled || last.Channel != "fax" || last.Detail["reference"] != fax.Reference {
		t.Errorf("history %+v", last)
	}
}
