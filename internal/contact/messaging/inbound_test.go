package messaging

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// listener keeps the replies it is asked about and takes those to one
// template.
type listener struct {
	mu    sync.Mutex
	asked []Incoming
	takes string
}

func (l *listener) hear(_ context.Context, in Incoming) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, in)
	return in.Answers.Template == l.takes && in.Text == "1", nil
}

func TestReplyFindsWhatItAnswers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := &listener{takes: "booking.reminder"}
		r.s.OnReply(l.hear)
		r.start()
		reminder := r.must(Outgoing{PatientID: "p1", Ref: "a1", Template: "booking.reminder", Params: visit()})
		r.until(reminder, StateSent)
		r.hand.move(time.Hour)
		r.until(r.must(Outgoing{PatientID: "p1", Ref: "a2", Template: "booking.booked", Params: visit()}), StateSent)
		r.until(r.must(Outgoing{To: "13812345678", Template: KindCode, Params: map[string]string{"code": "482913", "minutes": "5"}}), StateSent)
		r.hand.move(time.Minute)
		in, err := r.s.Receive(t.Context(), Arrival{Sender: "smpp", From: "+8613812345678", Text: "1"})
		if err != nil {
			t.Fatal(err)
		}
		m := r.wait(in, "handled", func(m Message) bool { return m.Handled })
		if m.Answers != reminder || m.PatientID != "p1" || m.Ref != "a1" || m.Number != "13812345678" || m.Text != "1" {
			t.Fatalf("%+v", m)
		}
		if len(l.asked) != 2 || l.asked[0].Answers.Template != "booking.booked" || l.asked[1].From != "13812345678" {
			t.Fatalf("%+v", l.asked)
		}
	})
}

func TestWhatNobodyUnderstandsStaysInTheInbox(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := &listener{takes: "booking.reminder"}
		r.s.OnReply(l.hear)
		r.start()
		old := r.must(Outgoing{PatientID: "p1", Template: "booking.reminder", Params: visit()})
		r.until(old, StateSent)
		r.hand.move(4 * 24 * time.Hour)
		for _, a := range []Arrival{{From: "13812345678", Text: "1"}, {From: "10086", Text: "您的余额"}, {From: "", Text: ""},
			{From: strings.Repeat("x", 300), Text: strings.Repeat("长\x00", 3000)}} {
			if _, err := r.s.Receive(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		p, err := r.s.List(r.sys(), Filter{Unhandled: true})
		if err != nil || len(p.Messages) != 4 {
			t.Fatalf("%d in the inbox, %v", len(p.Messages), err)
		}
		for _, m := range p.Messages {
			if m.Answers != "" || m.Text != "" {
				t.Fatalf("%+v", m)
			}
		}
	})
}

func TestListAndRights(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var ids []string
		for range 5 {
			ids = append(ids, r.must(Outgoing{PatientID: "p1", Text: "x"}))
			r.hand.move(time.Second)
		}
		r.must(Outgoing{PatientID: "p2", Text: "x"})
		var got []string
		cursor := ""
		for {
			p, err := r.s.List(r.sys(), Filter{PatientID: "p1", Limit: 2, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range p.Messages {
				got = append(got, m.ID)
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if len(got) != 5 || got[0] != ids[4] || got[4] != ids[0] {
			t.Fatalf("%v, want %v backwards", got, ids)
		}
		for q, want := range map[string]int{"5678": 6, "138 1234 5678": 5, "+86 13812345678": 5, "13800000000": 0} {
			if p, err := r.s.List(r.sys(), Filter{Number: q}); err != nil || len(p.Messages) != want {
				t.Errorf("%s finds %d, %v", q, len(p.Messages), err)
			}
		}
		for _, bad := range []Filter{{Number: "56"}, {Cursor: "x"}, {Cursor: "1.x"}} {
			if _, err := r.s.List(r.sys(), bad); !errs.Is(err, errs.Invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		nobody := identity.With(t.Context(), identity.Principal{UserID: "u", Permissions: map[identity.Permission]bool{}})
		if _, err := r.s.List(nobody, Filter{}); !errs.Is(err, errs.Denied) {
			t.Fatal(err)
		}
		reader := identity.With(t.Context(), identity.Principal{UserID: "u", Permissions: map[identity.Permission]bool{identity.MessageRead: true}})
		if m, _, err := r.s.Get(reader, ids[0]); err != nil || m.Number != "138****5678" || m.Text != "x" {
			t.Fatalf("%+v, %v", m, err)
		}
		if _, err := r.s.Retry(reader, ids[0]); !errs.Is(err, errs.Denied) {
			t.Fatal(err)
		}
	})
}

func TestDemoTelephone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.until(r.must(Outgoing{PatientID: "p1", Text: "一"}), StateSent)
		r.hand.move(time.Second)
		if _, err := r.s.Receive(t.Context(), Arrival{From: "13812345678", Text: "二"}); err != nil {
			t.Fatal(err)
		}
		list, err := r.s.Phone(t.Context(), "138 1234 5678", 10)
		if err != nil || len(list) != 2 || list[0].Text != "一" || list[1].Text != "二" {
			t.Fatalf("%+v, %v", list, err)
		}
	})
}
