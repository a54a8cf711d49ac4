package messaging

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/store"
)

func TestMessageExistsWithItsDeed(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		boom := errors.New("boom")
		err := r.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := r.s.Queue(t.Context(), tx, Outgoing{PatientID: "p1", Template: "booking.booked", Params: visit()})
			return errors.Join(err, boom)
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		facts := make(chan Sent, 4)
		defer event.Subscribe(r.bus, "test", func(_ context.Context, f Sent) { facts <- f })()
		id := r.must(Outgoing{PatientID: "p1", Ref: "a1", Template: "booking.booked", Params: visit()})
		m := r.until(id, StateSent)
		if m.Class != ClassService || m.Lang != "zh-CN" || m.Segments != 2 || m.Encoding != "ucs2" || m.Attempts != 1 {
			t.Fatalf("%+v", m)
		}
		want := "【爱心医院】张三您好，您已预约3月16日（周一）09:30 心血管内科。取号码20418836，请提前30分钟凭码或证件签到。改期或取消请拨96166。"
		sent := r.post.list()
		if len(sent) != 1 || sent[0].Text != want || sent[0].To != "13812345678" || sent[0].Until.Sub(noon()) != 24*time.Hour {
			t.Fatalf("%+v", sent)
		}
		if f := <-facts; f.ID != id || f.Ref != "a1" || f.PatientID != "p1" {
			t.Fatalf("%+v", f)
		}
		if err := r.s.Receipt(t.Context(), Receipt{Sender: "post", RemoteID: "r-" + id, State: StateDelivered}); err != nil {
			t.Fatal(err)
		}
		r.until(id, StateDelivered)
	})
}

// TestNothingIsReadableAtRest looks for number, tail, name and text in the
// rows.
func TestNothingIsReadableAtRest(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		id := r.must(Outgoing{PatientID: "p1", Template: "booking.booked", Params: visit()})
		var sealed, text, idx, masked string
		err := r.db.Read(t.Context(), func(tx *store.Tx) error {
			return tx.QueryRow(t.Context(), "SELECT number_sealed, text_sealed, number_idx || number_idx4, number_masked FROM messages WHERE id = $1", id).Scan(&sealed, &text, &idx, &masked)
		})
		if err != nil || masked != "138****5678" {
			t.Fatalf("%q, %v", masked, err)
		}
		for _, s := range []string{sealed, text, idx} {
			if s == "" || strings.Contains(s, "5678") && strings.Contains(s, "138") || strings.Contains(s, "张三") {
				t.Fatalf("readable: %q", s)
			}
		}
	})
}

func TestForeignersGetEnglish(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		id := r.must(Outgoing{PatientID: "p2", Template: "booking.reminder", Params: visit("department", "Cardiology", "doctor", "Dr Li")})
		m := r.until(id, StateSent)
		if m.Lang != "en" || m.Encoding != "gsm7" || m.Text != "Love Hospital: Dear Smith, your visit is on Mon 16 Mar 09:30, Cardiology, Dr Li, code 20418836. Reply 1 to confirm, 2 to cancel." {
			t.Fatalf("%+v", m)
		}
	})
}

func TestRefusedInput(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for name, c := range map[string]struct {
			m    Outgoing
			kind errs.Kind
			key  string
		}{
			"nobody":            {Outgoing{PatientID: "nobody", Text: "x"}, errs.NotFound, "patient.not_found"},
			"no number":         {Outgoing{PatientID: "p3", Text: "x"}, errs.Invalid, "message.no_number"},
			"a land line":       {Outgoing{To: "02788880000", Text: "x"}, errs.Invalid, "invalid"},
			"an extension":      {Outgoing{To: "8001", Text: "x"}, errs.Invalid, "invalid"},
			"no text":           {Outgoing{To: "13812345678", Text: " "}, errs.Invalid, "invalid"},
			"a long text":       {Outgoing{To: "13812345678", Text: strings.Repeat("预", maxText+1)}, errs.Invalid, "invalid"},
			"no UTF-8":          {Outgoing{To: "13812345678", Text: "\xff"}, errs.Invalid, "invalid"},
			"control":           {Outgoing{To: "13812345678", Text: "a\x00b"}, errs.Invalid, "invalid"},
			"unknown template":  {Outgoing{To: "13812345678", Template: "x"}, errs.Invalid, "invalid"},
			"missing parameter": {Outgoing{PatientID: "p1", Template: "booking.booked", Params: map[string]string{"date": "2026-03-16"}}, errs.Invalid, "message.param_missing"},
			"unknown parameter": {Outgoing{PatientID: "p1", Template: "booking.booked", Params: visit("diagnosis", "x")}, errs.Invalid, "message.param_unknown"},
			"another channel":   {Outgoing{To: "13812345678", Channel: "fax", Text: "x"}, errs.Invalid, "invalid"},
		} {
			_, err := r.queue(c.m)
			var e *errs.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.Key != c.key {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestKeyWritesOneMessage(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		m := Outgoing{PatientID: "p1", Template: "booking.booked", Params: visit(), Key: "booked-a1"}
		if a, b := r.must(m), r.must(m); a != b {
			t.Fatalf("%s and %s", a, b)
		}
		m.Template = "booking.changed"
		if _, err := r.queue(m); !errs.Is(err, errs.Conflict) {
			t.Fatalf("%v", err)
		}
	})
}

func TestRetriesUntilItIsWorthless(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		fail := errors.New("gateway 503")
		var mu sync.Mutex
		r.post.answer = func(Parcel) (Accepted, error) { mu.Lock(); defer mu.Unlock(); return Accepted{}, fail }
		r.start()
		id := r.must(Outgoing{PatientID: "p1", Template: "booking.booked", Params: visit()})
		m := r.wait(id, "tried", func(m Message) bool { return m.Attempts == 1 })
		if m.State != StateQueued || m.Reason != ReasonSender {
			t.Fatalf("%+v", m)
		}
		if m = r.after(25*time.Hour, id, StateExpired); m.Reason != ReasonLate {
			t.Fatalf("%+v", m)
		}
		mu.Lock()
		fail = nil
		mu.Unlock()
		if _, err := r.s.Retry(r.sys(), id); err != nil {
			t.Fatal(err)
		}
		r.until(id, StateSent)
		if _, err := r.s.Retry(r.sys(), id); !errs.Is(err, errs.Conflict) {
			t.Fatalf("a message that was sent was sent again: %v", err)
		}
	})
}

func TestRejectionIsFinal(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.post.answer = func(Parcel) (Accepted, error) {
			return Accepted{}, Permanent(ReasonRejected, errors.New("no such number"))
		}
		facts := make(chan Failed, 1)
		defer event.Subscribe(r.bus, "test", func(_ context.Context, f Failed) { facts <- f })()
		r.start()
		id := r.must(Outgoing{PatientID: "p1", Template: "booking.booked", Params: visit()})
		if m := r.until(id, StateFailed); m.Reason != ReasonRejected || m.DoneAt.IsZero() {
			t.Fatalf("%+v", m)
		}
		if f := <-facts; f.ID != id || f.Reason != ReasonRejected {
			t.Fatalf("%+v", f)
		}
	})
}

func TestReceiptsOfParts(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.post.answer = func(p Parcel) (Accepted, error) { return Accepted{RemoteIDs: []string{"a" + p.ID, "b" + p.ID}}, nil }
		tell := func(remote string, st State) {
			t.Helper()
			if err := r.s.Receipt(t.Context(), Receipt{Sender: "post", RemoteID: remote, State: st, Reason: "undeliv"}); err != nil {
				t.Fatal(err)
			}
		}
		early := r.must(Outgoing{PatientID: "p1", Text: "一"})
		tell("a"+early, StateDelivered) // before the answer is stored
		r.start()
		r.until(early, StateSent)
		tell("b"+early, StateDelivered)
		r.until(early, StateDelivered)
		bad := r.must(Outgoing{PatientID: "p1", Text: "二"})
		r.until(bad, StateSent)
		tell("a"+bad, StateFailed)
		tell("b"+bad, StateDelivered)
		if m := r.get(bad); m.State != StateFailed || m.Reason != "undeliv" {
			t.Fatalf("%+v", m)
		}
		tell("nobody's", StateDelivered)
	})
}

func TestQuietHours(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.hand.move(10 * time.Hour) // 22:00
		reminder := r.must(Outgoing{PatientID: "p2", Template: "booking.reminder", Params: visit()})
		service := r.must(Outgoing{PatientID: "p2", Text: "x"})
		if m := r.get(reminder); m.SendAt.In(beijing()).Format("02 15:04") != "16 08:00" || m.Reason != ReasonQuiet {
			t.Fatalf("%+v", m)
		}
		r.start()
		r.until(service, StateSent)
		if n := len(r.post.list()); n != 1 {
			t.Fatalf("%d messages in the night", n)
		}
		r.hand.move(10 * time.Hour)
		r.until(reminder, StateSent)
	})
}

func TestQuietAfter(t *testing.T) {
	for name, c := range map[string]struct{ hours, at, want string }{
		"none": {"", "15 23:00", "15 23:00"}, "over midnight, evening": {"21:30-07:30", "15 21:30", "16 07:30"},
		"over midnight, morning": {"21:30-07:30", "15 07:29", "15 07:30"}, "over midnight, day": {"21:30-07:30", "15 07:30", "15 07:30"},
		"at noon": {"12:00-14:00", "15 13:59", "15 14:00"}, "before noon": {"12:00-14:00", "15 11:59", "15 11:59"},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := ParseQuiet(c.hours)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.ParseInLocation("2006-01-02 15:04", "2026-03-"+c.at, beijing())
			if err != nil {
				t.Fatal(err)
			}
			if got := q.after(at, beijing()).Format("02 15:04"); got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
		})
	}
	for _, bad := range []string{"x", "10:00", "25:00-10:00", "10:00-10:00"} {
		if _, err := ParseQuiet(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestTooManyToOneNumber(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		for range 3 {
			r.until(r.must(Outgoing{PatientID: "p1", Text: "x"}), StateSent)
		}
		last := r.must(Outgoing{PatientID: "p1", Text: "x"})
		r.wait(last, "held back", func(m Message) bool { return m.Reason == ReasonTooMany })
		other := r.must(Outgoing{PatientID: "p2", Text: "x"})
		r.until(other, StateSent)
		r.after(61*time.Minute, last, StateSent)
	})
}

func TestCodesAreLimitedAndNeverShown(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		code := Outgoing{To: "13812345678", Template: KindCode, Params: map[string]string{"code": "482913", "minutes": "5"}}
		id := r.must(code)
		if _, err := r.queue(code); !errs.Is(err, errs.Limited) {
			t.Fatalf("two codes in a minute: %v", err)
		}
		for range 5 {
			r.hand.move(time.Minute)
			r.must(code)
		}
		r.hand.move(time.Minute)
		if _, err := r.queue(code); !errs.Is(err, errs.Limited) {
			t.Fatalf("seven codes in an hour: %v", err)
		}
		if m := r.get(id); m.Text != "" {
			t.Fatalf("staff read the code: %q", m.Text)
		}
		if _, err := r.s.Send(r.sys(), code); err == nil {
			t.Fatal("staff sent a code")
		}
	})
}

func TestNoMarketingWithoutConsent(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		no := r.must(Outgoing{PatientID: "p1", Text: "健康讲座", Class: ClassMarketing})
		if m := r.until(no, StateFailed); m.Reason != ReasonRefused {
			t.Fatalf("%+v", m)
		}
		yes := r.must(Outgoing{PatientID: "p2", Text: "Open day", Class: ClassMarketing})
		r.until(yes, StateSent)
		in, err := r.s.Receive(t.Context(), Arrival{From: "+4915112345678", Text: " stop "})
		if err != nil {
			t.Fatal(err)
		}
		r.wait(in, "handled", func(m Message) bool { return m.Handled })
		again := r.must(Outgoing{PatientID: "p2", Text: "Open day", Class: ClassMarketing})
		if m := r.until(again, StateFailed); m.Reason != ReasonRefused {
			t.Fatalf("%+v", m)
		}
		r.until(r.must(Outgoing{PatientID: "p2", Text: "Your report is ready"}), StateSent)
	})
}
