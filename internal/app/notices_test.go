package app

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/care/patient"
	"heartline/internal/contact/messaging"
	"heartline/internal/platform/config"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// TestBookingStandsWithoutItsMessage books in a hospital that was just
// installed, without a name, and for a department whose name is not known; a
// message that cannot be written raises an alarm.
func TestBookingStandsWithoutItsMessage(t *testing.T) {
	ctx := identity.System(t.Context(), "test")
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	a, err := Open(ctx, &cfg, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(ctx) })
	dept, err := a.hospital.CreateDepartment(ctx, hospital.Department{Code: "03", Name: "内科", Clinical: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.startNames(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := a.patients.Create(ctx, patient.Patient{Name: "周小雨", Sex: patient.Female, BirthDate: "1990-03-07",
		Phones:      []patient.Phone{{Number: "13800138000", Type: "mobile", Primary: true}},
		Identifiers: []patient.Identifier{{Type: patient.IDCard, Value: "110101199003070185"}}})
	if err != nil {
		t.Fatal(err)
	}
	book := func(department string, days int) {
		t.Helper()
		day := time.Now().In(a.cfg.Location()).AddDate(0, 0, days)
		at := time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, a.cfg.Location())
		se, err := a.booking.CreateSession(ctx, booking.Session{Date: at.Format(time.DateOnly), Period: booking.Morning, StartAt: at,
			EndAt: at.Add(time.Hour), DepartmentID: department, Type: booking.Ordinary, ReleaseAt: time.Now().Add(-time.Hour)}, make([]booking.Number, 4))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.booking.Book(ctx, booking.Request{Key: id.New(), PatientID: p.ID, SessionID: se.ID, Channel: booking.ChannelDesk}); err != nil {
			t.Fatalf("booking at %s: %v", department, err)
		}
	}
	book(dept.ID, 3)
	page, err := a.messages.List(ctx, messaging.Filter{})
	if err != nil || len(page.Messages) != 1 {
		t.Fatalf("messages %+v, %v", page, err)
	}
	m, _, err := a.messages.Get(ctx, page.Messages[0].ID)
	if err != nil || !strings.Contains(m.Text, "医院") || !strings.Contains(m.Text, "内科") {
		t.Fatalf("message %q, %v", m.Text, err)
	}
	book("unknown", 4)
	err = a.db.Write(ctx, func(tx *store.Tx) error { // a template may want more than there is
		return a.notices.Notify(ctx, tx, booking.Notice{Kind: booking.NoticeBooked, PatientID: p.ID, SendAt: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := a.alarms.Active(); len(list) != 1 || list[0].Key != "alarm.message_unwritten" || list[0].Subject != booking.NoticeBooked {
		t.Fatalf("alarms %+v", list)
	}
}
