package booking_test

import (
	"fmt"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/booking/policy"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// exams stores the examinations to begin with and gives their ids by code.
func (r *rig) exams() map[string]string {
	r.t.Helper()
	ids := map[string]string{}
	var saved []booking.ExamItem
	for _, d := range booking.DefaultExams() {
		e, err := r.svc.SaveExamItem(r.ctx(), booking.ExamItem{Code: d.Code, Name: d.Name, NameEN: d.NameEN, DepartmentID: "exams", Equipment: d.Equipment,
			Minutes: d.Minutes, Preparation: d.Preparation, PreparationEN: d.PreparationEN, Fasting: d.Fasting, Fee: d.Fee, Active: true})
		if err != nil {
			r.t.Fatal(err)
		}
		ids[d.Code] = e.ID
		saved = append(saved, e)
	}
	for i, d := range booking.DefaultExams() {
		for code, hours := range d.After {
			if ids[code] == "" {
				r.t.Fatalf("%s excludes %s, which does not exist", d.Code, code)
			}
			saved[i].After = append(saved[i].After, booking.Exclusion{ExamID: ids[code], GapHours: hours})
		}
		if _, err := r.svc.SaveExamItem(r.ctx(), saved[i]); err != nil {
			r.t.Fatal(err)
		}
	}
	return ids
}

// device makes a session of an examination on a day from monday on.
func (r *rig) device(examID string, day int) booking.Session {
	return r.clinic(day, shared(3), func(se *booking.Session) { se.Type, se.ExamID, se.DepartmentID = booking.Exam, examID, "exams" })
}

func TestExamsKeptApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, policy.Default())
		ids := r.exams()
		if len(ids) != 12 {
			t.Fatalf("%d examinations", len(ids))
		}
		barium := r.book(r.device(ids["GI-BARIUM"], 4), "a")
		_, err := r.svc.Book(r.ctx(), want(r.device(ids["GI-GASTRO"], 6), "a")) // two days after the barium: three are needed
		refused(t, err, "booking.exam_gap")
		_, err = r.svc.Book(r.ctx(), want(r.device(ids["GI-COLON"], 10), "a")) // six days: seven are needed
		refused(t, err, "booking.exam_gap")
		_, err = r.svc.Book(r.ctx(), want(r.device(ids["GI-COLON"], 3), "a")) // the day before it
		refused(t, err, "booking.exam_gap")
		r.book(r.device(ids["US-HEART"], 4), "a")  // has nothing to do with it, the same day
		r.book(r.device(ids["GI-GASTRO"], 8), "a") // four days after
		r.book(r.device(ids["GI-COLON"], 12), "a") // eight days after
		r.book(r.device(ids["GI-GASTRO"], 6), "b") // somebody else
		v, err := r.svc.Eligibility(r.ctx(), "a", r.device(ids["CT-ABDOMEN"], 5).ID, booking.ChannelDesk)
		if err != nil || v.Allowed || v.Reasons[0].Key != "booking.exam_gap" || v.Reasons[0].Params["exam"] != "上消化道钡餐" {
			t.Errorf("%+v, %v", v, err)
		}
		// Moving the barium itself does not clash with itself.
		if _, err := r.svc.ChangeTo(r.ctx(), barium.ID, booking.Change{Key: "change-a-1", SessionID: r.device(ids["GI-BARIUM"], 3).ID, Channel: booking.ChannelDesk}); err != nil {
			t.Fatal(err)
		}
		sound(t, db)
	})
}

// TestNoticesNameTheExamination: whatever is said of a booked examination says
// which one, a course of them too; nothing of the kind is said of a clinic.
func TestNoticesNameTheExamination(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "hgsyiyuan"))
		ids := r.exams()
		a := r.book(r.device(ids["CT-CHEST"], 2), "a")
		a, err := r.svc.ChangeTo(r.ctx(), a.ID, booking.Change{Key: "change-a-1", SessionID: r.device(ids["CT-CHEST"], 3).ID, Channel: booking.ChannelDesk})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.svc.Remind(r.sys(), a.Date); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		if _, err := r.svc.Cancel(r.ctx(), a.ID, onWish()); err != nil {
			t.Fatal(err)
		}
		r.template(time.Monday, func(x *booking.Template) {
			x.Type, x.ExamID, x.DepartmentID, x.Lanes = booking.Exam, ids["US-HEART"], "exams", nil
		})
		s, err := r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) {
			q.PatientID, q.DepartmentID, q.ExamID, q.Type = "b", "exams", ids["US-HEART"], booking.Exam
		}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.svc.CancelSeries(r.ctx(), s.ID, onWish()); err != nil {
			t.Fatal(err)
		}
		r.book(r.clinic(1, shared(1)), "c")
		said := func(patientID string) string {
			return fmt.Sprint(r.column("SELECT kind || ' ' || exam FROM test_notices WHERE patient_id = '" + patientID + "' ORDER BY id"))
		}
		for patientID, want := range map[string]string{
			"a": "[booking.booked %s booking.changed %[1]s booking.reminder %[1]s booking.cancelled %[1]s]",
			"b": "[booking.series %s booking.series_cancelled %[1]s]", "c": "[booking.booked %s]",
		} {
			exam := map[string]string{"a": "胸部CT平扫Chest CT", "b": "心脏彩超Echocardiography"}[patientID]
			if got := said(patientID); got != fmt.Sprintf(want, exam) {
				t.Errorf("%s was told %s", patientID, got)
			}
		}
		sound(t, db)
	})
}

func TestExamTemplates(t *testing.T) {
	r := ruled(t, storetest.SQLite(t), policy.Default())
	ids := r.exams()
	scan := func(code string, start int) func(*booking.Template) {
		return func(x *booking.Template) {
			x.Type, x.ExamID, x.DepartmentID, x.StartMinute, x.EndMinute, x.Lanes = booking.Exam, ids[code], "exams", start, start+120, nil
		}
	}
	bad := booking.Template{Weekday: time.Monday, Weeks: booking.EveryWeek, Period: booking.Afternoon, SlotMinutes: 20, Capacity: 6, Active: true}
	scan("GI-GASTRO", 14*60)(&bad)
	_, err := r.svc.SaveTemplate(r.ctx(), bad)
	refused(t, err, "start booking.fasting_morning")
	r.template(time.Monday, scan("CT-CHEST", 8*60))
	r.template(time.Monday, scan("CT-ABDOMEN", 9*60)) // the same scanner, an hour later
	r.template(time.Monday, scan("MR-HEAD", 9*60))
	g, err := r.svc.Generate(r.ctx(), "2026-11-30", "2026-11-30")
	if err != nil || g.Sessions != 2 || len(g.Skipped) != 1 || g.Skipped[0].Why != booking.SkipEquipment {
		t.Fatalf("%+v, %v", g, err)
	}
	err = r.svc.DeleteExamItem(r.ctx(), ids["CT-CHEST"])
	refused(t, err, "booking.in_use")
	if err = r.svc.DeleteExamItem(r.ctx(), ids["GI-C13"]); err != nil {
		t.Fatal(err)
	}
	if _, err = r.svc.ExamItem(r.ctx(), ids["GI-C13"]); !errs.Is(err, errs.NotFound) {
		t.Fatal(err)
	}
}

func TestExamChecks(t *testing.T) {
	r := newRig(t, storetest.SQLite(t))
	ids := r.exams()
	good, err := r.svc.ExamItem(r.ctx(), ids["MR-HEAD"])
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*booking.ExamItem){
		"code booking.code_invalid":       func(e *booking.ExamItem) { e.Code = "a b" },
		"code booking.code_taken":         func(e *booking.ExamItem) { e.Code = "CT-CHEST" },
		"name required":                   func(e *booking.ExamItem) { e.Name = " " },
		"minutes out_of_range":            func(e *booking.ExamItem) { e.Minutes = 0 },
		"after[0].exam_id not_allowed":    func(e *booking.ExamItem) { e.After = []booking.Exclusion{{ExamID: e.ID, GapHours: 1}} },
		"after[0].gap_hours out_of_range": func(e *booking.ExamItem) { e.After = []booking.Exclusion{{ExamID: ids["GI-C13"]}} },
		"after booking.unknown_reference": func(e *booking.ExamItem) { e.After = []booking.Exclusion{{ExamID: "nothing", GapHours: 1}} },
		"preparation bad_characters":      func(e *booking.ExamItem) { e.Preparation = "a\x00b" },
		"booking.version_conflict":        func(e *booking.ExamItem) { e.Version = 99 },
	} {
		e := good
		change(&e)
		_, err := r.svc.SaveExamItem(r.ctx(), e)
		if keyOf(err) != want {
			t.Errorf("got %q, want %q", keyOf(err), want)
		}
	}
}
