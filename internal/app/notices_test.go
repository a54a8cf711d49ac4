package app

import (
	"context"
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
	ctx, a := opened(t)
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

// opened is a program on a new folder.
func opened(t *testing.T) (context.Context, *App) {
	t.Helper()
	ctx := identity.System(t.Context(), "test")
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	a, err := Open(ctx, &cfg, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return ctx, a
}

// TestMessagesNameTheExamination: in Chinese and in English, the department
// too, from the booking to its end.
func TestMessagesNameTheExamination(t *testing.T) {
	ctx, a := opened(t)
	dept, err := a.hospital.CreateDepartment(ctx, hospital.Department{Code: "32", Name: "医学影像科", NameEN: "Medical imaging", Clinical: true})
	if err != nil {
		t.Fatal(err)
	}
	exam, err := a.booking.SaveExamItem(ctx, booking.ExamItem{Code: "CT-CHEST", Name: "胸部CT平扫", NameEN: "Chest CT", DepartmentID: dept.ID, Minutes: 10,
		Preparation: "取下金属饰物", PreparationEN: "Take off metal jewellery", Active: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.startNames(ctx); err != nil {
		t.Fatal(err)
	}
	first, second := examined(ctx, t, a, exam, 3), examined(ctx, t, a, exam, 4)
	for lang, names := range map[string][]string{"zh-CN": {"医学影像科", "胸部CT平扫"}, "en": {"Medical imaging", "Chest CT"}} {
		p, err := a.patients.Create(ctx, patient.Patient{Name: "Zhou", Sex: patient.Female, BirthDate: "1990-03-07", Language: lang,
			Phones:      []patient.Phone{{Number: map[string]string{"zh-CN": "13800138000", "en": "13800138001"}[lang], Type: "mobile", Primary: true}},
			Identifiers: []patient.Identifier{{Type: "passport", Value: map[string]string{"zh-CN": "E12345678", "en": "E12345679"}[lang]}}})
		if err != nil {
			t.Fatal(err)
		}
		x, err := a.booking.Book(ctx, booking.Request{Key: id.New(), PatientID: p.ID, SessionID: first.ID, Channel: booking.ChannelDesk})
		if err == nil {
			x, err = a.booking.ChangeTo(ctx, x.ID, booking.Change{Key: id.New(), SessionID: second.ID, Channel: booking.ChannelDesk})
		}
		if err == nil {
			_, err = a.booking.Remind(ctx, x.Date)
		}
		if err == nil {
			_, err = a.booking.Cancel(ctx, x.ID, booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelDesk})
		}
		if err != nil {
			t.Fatal(err)
		}
		page, err := a.messages.List(ctx, messaging.Filter{PatientID: p.ID})
		if err != nil || len(page.Messages) != 4 {
			t.Fatalf("%s: messages %+v, %v", lang, page, err)
		}
		for _, m := range page.Messages {
			m, _, err := a.messages.Get(ctx, m.ID)
			if err != nil || m.Segments > 2 || m.Lang != lang {
				t.Errorf("%s in %s: %d segments, %v", m.Template, m.Lang, m.Segments, err)
			}
			for _, name := range names {
				if !strings.Contains(m.Text, name) {
					t.Errorf("%s in %s does not say %s: %s", m.Template, lang, name, m.Text)
				}
			}
			if strings.Contains(m.Text, "金属") || strings.Contains(m.Text, "jewellery") {
				t.Errorf("%s in %s holds the preparation: %s", m.Template, lang, m.Text)
			}
		}
	}
}

// examined makes a session of an examination some days from now.
func examined(ctx context.Context, t *testing.T, a *App, exam booking.ExamItem, days int) booking.Session {
	t.Helper()
	day := time.Now().In(a.cfg.Location()).AddDate(0, 0, days)
	at := time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, a.cfg.Location())
	se, err := a.booking.CreateSession(ctx, booking.Session{Date: at.Format(time.DateOnly), Period: booking.Morning, StartAt: at, EndAt: at.Add(time.Hour),
		DepartmentID: exam.DepartmentID, ExamID: exam.ID, Type: booking.Exam, ReleaseAt: time.Now().Add(-time.Hour)}, make([]booking.Number, 4))
	if err != nil {
		t.Fatal(err)
	}
	return se
}
