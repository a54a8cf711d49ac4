package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/care/kiosk"
	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
)

// hall is an edge with clinics of today, cards and a printer that can fail.
type hall struct {
	*env
	admin   *client
	machine *client
	kiosk   KioskView
	dept    hospital.Department
	mu      sync.Mutex
	paper   []byte
	broken  bool
}

// folk finds people as app does.
type folk struct{ patients *patient.Service }

func (f folk) find(ctx context.Context, q string, kinds ...string) ([]string, error) {
	hits, err := f.patients.Search(ctx, q, 10)
	var out []string
	for _, h := range hits {
		if slices.Contains(kinds, h.Match) && h.Score >= 90 {
			out = append(out, h.ID)
		}
	}
	return out, err
}

func (f folk) ByDocument(ctx context.Context, n string) ([]string, error) {
	return f.find(ctx, n, patient.MatchID)
}

func (f folk) ByAccount(ctx context.Context, n string) ([]string, error) {
	return f.find(ctx, n, patient.MatchPhone, patient.MatchCode)
}

type codes struct{ visits *booking.Service }

func (c codes) PatientOf(ctx context.Context, code string) (string, error) {
	a, err := c.visits.FindByCode(ctx, code)
	return a.PatientID, err
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{}
	h.env = newEnv(t, func(d *Deps) {
		d.Zone = noon()
		d.Ledger = ledger.New(ledger.Deps{DB: d.DB, Audit: d.Audit, Bus: d.Bus, Now: d.Now, Zone: d.Zone})
		d.Booking = booking.New(booking.Deps{DB: d.DB, Audit: d.Audit, Bus: d.Bus, Jobs: d.Jobs, Now: d.Now, Zone: d.Zone, Purse: d.Ledger})
		d.Kiosks = kiosk.New(kiosk.Deps{DB: d.DB, Audit: d.Audit, Now: d.Now, Index: d.Keys.Index, Secrets: d.Identity, People: folk{d.Patients},
			Appointments: codes{d.Booking}})
		d.Print = func(_ context.Context, _ string, data []byte) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.broken {
				return errors.New("no route")
			}
			h.paper = data
			return nil
		}
	})
	h.admin = h.as("boss", identity.RoleAdmin)
	h.dept = must[hospital.Department](t)(h.house.CreateDepartment(h.sys(), hospital.Department{Code: "20", Name: "急诊医学科", NameEN: "Emergency",
		Floor: "急诊楼1层", Clinical: true}))
	h.kiosk = read[KioskView](h.admin.do("POST", "/api/kiosks", map[string]any{"name": "A", "place": "门诊楼1层", "printer": "10.0.0.9"}).status(200))
	h.machine = h.anonymous()
	h.machine.do("POST", "/api/kiosk/session", map[string]any{"kiosk_token": h.kiosk.Token}).status(200)
	return h
}

// noon is a zone in which it is about noon now: no clinic of these tests runs
// into the next day, whenever they run.
func noon() *time.Location {
	return time.FixedZone("noon", (12-time.Now().UTC().Hour())*3600)
}

// clinic is a session that runs now.
func (h *hall) clinic(change ...func(*booking.Session)) booking.Session {
	h.t.Helper()
	now := h.deps.Now().In(h.deps.Zone)
	start := now.Add(time.Minute).Truncate(time.Minute)
	const n = 8
	se := booking.Session{Date: now.Format(time.DateOnly), Period: booking.Evening, StartAt: start, EndAt: start.Add(2 * n * time.Minute),
		DepartmentID: h.dept.ID, Type: booking.Ordinary, Fee: 8_00, Room: "1诊室", ReleaseAt: now.Add(-time.Hour)}
	for _, c := range change {
		c(&se)
	}
	return must[booking.Session](h.t)(h.deps.Booking.SaveSession(h.sys(), booking.Plan{SlotMinutes: 2, Capacity: n, Session: se}))
}

func (h *hall) visit(patientID string, se booking.Session) booking.Appointment {
	h.t.Helper()
	return must[booking.Appointment](h.t)(h.deps.Booking.Book(h.sys(), booking.Request{Key: id.New(), PatientID: patientID, SessionID: se.ID,
		Channel: booking.ChannelDesk}))
}

func (h *hall) someone(name, phone, idNumber string) Patient {
	h.t.Helper()
	return read[Patient](h.admin.do("POST", "/api/patients", map[string]any{"name": name, "phones": []any{map[string]any{"number": phone}},
		"identifiers": []any{map[string]any{"type": "id_card", "value": idNumber}}}).status(200))
}

func (h *hall) identify(by, value, pin string) *answer {
	h.t.Helper()
	return h.machine.do("POST", "/api/kiosk/identify", map[string]any{"by": by, "value": value, "pin": pin})
}

func TestKioskTurn(t *testing.T) {
	h := newHall(t)
	zhang := h.someone("张小明", "13812345678", "440308199901101512")
	li := h.someone("李晓红", "13912345678", "11010119900307109X")
	h.admin.do("PUT", "/api/ledger/accounts/"+zhang.ID+"/pin", map[string]any{"pin": "295174"}).status(204)
	must[ledger.Transaction](t)(h.deps.Ledger.TopUp(h.sys(), ledger.Payment{Key: "k-top-up-1", PatientID: zhang.ID, Amount: 100_00, Method: ledger.Cash}))
	se := h.clinic()
	mine, foreign := h.visit(zhang.ID, se), h.visit(li.ID, se)

	for _, path := range []string{"appointments", "card"} {
		h.machine.get("/api/kiosk/"+path).fails(409, "kiosk.turn_over")
	}
	p := read[KioskPatient](h.identify("code", mine.Code, "").status(200))
	if p.Proved || p.AvailableCents != 0 || !p.HasPIN || strings.Contains(p.Name, "小明") {
		t.Fatalf("a code shows too much: %+v", p)
	}
	h.identify("code", foreign.Code, "").fails(409, "kiosk.turn_open")
	list := read[List[KioskAppointment]](h.machine.get("/api/kiosk/appointments").status(200)).Items
	if len(list) != 1 || list[0].ID != mine.ID || !list[0].CanCheckIn || list[0].Floor != "急诊楼1层" {
		t.Fatalf("visits %+v", list)
	}

	// What is somebody else's stays so, and the attempt leaves a trace.
	h.machine.do("POST", "/api/kiosk/check-in/"+foreign.ID, nil).fails(403, "booking.not_yours")
	h.machine.get("/api/kiosk/slips/"+foreign.ID+"/slip.pdf").fails(403, "booking.not_yours")
	if a := must[booking.Appointment](t)(h.deps.Booking.Get(h.sys(), foreign.ID)); a.State != booking.Scheduled {
		t.Fatalf("somebody else was checked in: %s", a.State)
	}
	if !slices.Contains(h.audited(), "booking.refused") {
		t.Error("the refusal is not audited")
	}

	slip := h.slip(mine)
	h.card(mine)

	h.machine.do("POST", "/api/kiosk/leave", nil).status(204)
	h.machine.get("/api/kiosk/appointments").fails(409, "kiosk.turn_over")
	h.machine.get(slip.PDF).fails(409, "kiosk.turn_over")
	for _, action := range []string{"kiosk.sign_in", "kiosk.identify", "kiosk.pin_wrong", "kiosk.leave"} {
		if !slices.Contains(h.audited(), action) {
			t.Errorf("%s is not audited", action)
		}
	}
	if strings.Contains(h.logged.String(), "440308") || strings.Contains(h.logged.String(), "295174") {
		t.Error("the log knows who was there")
	}
}

// slip checks in, twice, and looks at the papers.
func (h *hall) slip(mine booking.Appointment) KioskSlip {
	t := h.t
	t.Helper()
	slip := read[KioskSlip](h.machine.do("POST", "/api/kiosk/check-in/"+mine.ID, nil).status(200))
	if slip.Appointment.QueueNumber != 1 {
		t.Fatalf("slip %+v", slip)
	}
	if again := read[KioskSlip](h.machine.do("POST", "/api/kiosk/check-in/"+mine.ID, nil).status(200)); again.Appointment.QueueNumber != 1 {
		t.Fatalf("checked in twice: %+v", again)
	}
	pdf := h.machine.get(slip.PDF + "?lang=en").status(200)
	if !bytes.HasPrefix(pdf.body, []byte("%PDF-")) || pdf.header.Get("Content-Type") != "application/pdf" {
		t.Fatalf("slip %v %.20q", pdf.header, pdf.body)
	}
	if svg := h.machine.get("/api/kiosk/slips/" + mine.ID + "/code.svg").status(200); !bytes.Contains(svg.body, []byte("<svg")) {
		t.Fatalf("code %.60q", svg.body)
	}
	strip := must[[]byte](t)(simplifiedchinese.GB18030.NewDecoder().Bytes(h.machine.get(slip.ESCPOS).status(200).body))
	for _, want := range []string{"爱心医院", "急诊医学科", "001", mine.Code, "张*", "1诊室"} {
		if !bytes.Contains(strip, []byte(want)) {
			t.Errorf("%q is not on the strip: %q", want, strip)
		}
	}
	if bytes.Contains(strip, []byte("小明")) {
		t.Error("the strip names the patient in full")
	}
	return slip
}

// card looks at what a card shows without, with a wrong and with the right
// PIN, and books with it.
func (h *hall) card(mine booking.Appointment) {
	t := h.t
	t.Helper()
	h.machine.get("/api/kiosk/card").fails(403, "kiosk.pin_needed")
	h.machine.do("POST", "/api/kiosk/pin", map[string]any{"pin": "295175"}).fails(422, "kiosk.pin_wrong")
	h.machine.get("/api/kiosk/card").fails(403, "kiosk.pin_needed")
	if p := read[KioskPatient](h.machine.do("POST", "/api/kiosk/pin", map[string]any{"pin": "295174"}).status(200)); !p.Proved || p.AvailableCents != 100_00 {
		t.Fatalf("proved %+v", p)
	}
	if c := read[KioskCard](h.machine.get("/api/kiosk/card").status(200)); c.AvailableCents != 100_00 || len(c.Entries) != 1 {
		t.Fatalf("card %+v", c)
	}
	other := must[hospital.Department](t)(h.house.CreateDepartment(h.sys(), hospital.Department{Code: "21", Name: "康复医学科", Clinical: true}))
	h.dept = other
	se := h.clinic()
	body := map[string]any{"key": "kiosk-book-1", "session_id": se.ID, "use_card": true, "pin": "000001"}
	h.machine.do("POST", "/api/kiosk/appointments", body).fails(422, "kiosk.pin_wrong")
	body["pin"] = "295174"
	v := read[KioskAppointment](h.machine.do("POST", "/api/kiosk/appointments", body).status(200))
	if !v.Paid || v.Department != "康复医学科" || v.Code == mine.Code {
		t.Fatalf("booked %+v", v)
	}
	if again := read[KioskAppointment](h.machine.do("POST", "/api/kiosk/appointments", body).status(200)); again.ID != v.ID {
		t.Fatalf("booked twice: %+v", again)
	}
	if c := read[KioskCard](h.machine.get("/api/kiosk/card").status(200)); c.AvailableCents != 92_00 || c.HeldCents != 8_00 {
		t.Fatalf("card after booking %+v", c)
	}
}

func TestKioskPrinter(t *testing.T) {
	h := newHall(t)
	zhang := h.someone("张小明", "13812345678", "440308199901101512")
	mine := h.visit(zhang.ID, h.clinic())
	h.identify("id_card", "440308199901101512", "").status(200)
	h.machine.do("POST", "/api/kiosk/check-in/"+mine.ID, nil).status(200)
	path := "/api/kiosk/slips/" + mine.ID + "/print"
	h.machine.do("POST", path, map[string]any{"lang": "zh-CN"}).status(204)
	if !bytes.HasPrefix(h.paper, []byte{0x1b, '@', 0x1c, '&'}) || !bytes.HasSuffix(h.paper, []byte{0x1d, 'V', 66, 24}) {
		t.Fatalf("strip %q", h.paper)
	}
	h.broken = true
	h.machine.do("POST", path, map[string]any{"lang": "en"}).fails(503, "kiosk.printer_failed")
	if a := h.alarms.Active(); len(a) != 1 || a[0].Key != "alarm.kiosk_printer" || a[0].Subject != h.kiosk.ID {
		t.Fatalf("alarms %+v", a)
	}
	h.broken = false
	h.machine.do("POST", path, map[string]any{"lang": "en"}).status(204)
	if a := h.alarms.Active(); len(a) != 0 {
		t.Fatalf("alarms %+v", a)
	}
	h.admin.do("PUT", "/api/kiosks/"+h.kiosk.ID, map[string]any{"name": "A", "printer": ""}).status(200)
	h.machine.do("POST", path, map[string]any{"lang": "en"}).fails(409, "kiosk.no_printer")
	for _, bad := range []string{"http://x", "a:0", "a:b", ":9100", "a b:9100"} {
		h.admin.do("PUT", "/api/kiosks/"+h.kiosk.ID, map[string]any{"name": "A", "printer": bad}).fails(422, "invalid", "body.printer")
	}
}

func TestKioskMachines(t *testing.T) {
	h := newHall(t)
	list := read[List[KioskView]](h.admin.get("/api/kiosks").status(200)).Items
	if len(list) != 1 || list[0].Token != "" || list[0].SeenAt == nil || list[0].Printer != "10.0.0.9:9100" {
		t.Fatalf("kiosks %+v", list)
	}
	token := read[KioskToken](h.admin.do("POST", "/api/kiosks/"+h.kiosk.ID+"/token", nil).status(200)).Token
	h.machine.get("/api/kiosk/session").fails(401, "auth.required") // the old token's session is gone
	h.machine.do("POST", "/api/kiosk/session", map[string]any{"kiosk_token": h.kiosk.Token}).fails(401, "kiosk.token_wrong")
	h.machine.do("POST", "/api/kiosk/session", map[string]any{"kiosk_token": token}).status(200)
	h.machine.get("/api/patients?q=13812345678").fails(401, "auth.required") // the cookie opens nothing else
	h.admin.get("/api/kiosk/session").fails(401, "auth.required")            // nor does a person's open a kiosk
	forged := h.anonymous()
	r := forged.request("GET", "/api/kiosk/session", nil)
	r.AddCookie(&http.Cookie{Name: kioskCookie, Value: strings.Repeat("x", 27)})
	forged.send(r).fails(401, "auth.required")
	h.admin.do("PUT", "/api/kiosks/"+h.kiosk.ID, map[string]any{"name": "A", "active": false}).status(200)
	h.machine.get("/api/kiosk/session").fails(401, "auth.required")
	h.as("nurse", identity.RoleAgent).get("/api/kiosks").fails(403, "auth.denied")
}

func TestKioskLocksOut(t *testing.T) {
	h := newHall(t)
	zhang := h.someone("张小明", "13812345678", "440308199901101512")
	h.admin.do("PUT", "/api/ledger/accounts/"+zhang.ID+"/pin", map[string]any{"pin": "295174"}).status(204)
	for range 5 {
		h.identify("account", "13812345678", "111222").fails(422, "kiosk.account_wrong")
	}
	h.identify("account", "13812345678", "295174").fails(429, "kiosk.paused")
	if !slices.Contains(h.audited(), "kiosk.unknown") {
		t.Error("wrong attempts are not audited")
	}
}
