package booking_test

import (
	"strings"
	"testing"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func by(ch booking.Channel, reference, received string) func(*booking.Request) {
	return func(q *booking.Request) {
		q.Channel, q.Origin = ch, booking.Origin{Reference: reference, ReceivedOn: received}
	}
}

// TestOrigin: what comes on paper is booked with the paper it came on.
func TestOrigin(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(6))
		for name, c := range map[string]struct {
			channel             booking.Channel
			reference, received string
			want                string
		}{
			"a fax without":         {booking.ChannelFax, "", "", "reference required"},
			"a letter of blanks":    {booking.ChannelMail, " \n ", "2026-11-20", "reference required"},
			"without its day":       {booking.ChannelMail, "M-118", "", "received_on required"},
			"of no day":             {booking.ChannelFax, "F-118", "20.11.2026", "received_on booking.date_invalid"},
			"of tomorrow":           {booking.ChannelFax, "F-118", "2026-11-24", "received_on booking.received_future"},
			"of long ago":           {booking.ChannelFax, "F-118", "2025-11-20", "received_on out_of_range"},
			"a slip without a name": {booking.ChannelReferral, "", "2026-11-20", "reference required"},
			"a long one":            {booking.ChannelFax, strings.Repeat("函", 121), "2026-11-20", "reference too_long"},
			"a call on paper":       {booking.ChannelDesk, "F-118", "2026-11-20", "reference booking.reference_channel"},
			"a referral by phone":   {booking.ChannelReferral, "", "", ""},
			"a fax of today":        {booking.ChannelFax, "市三医院 F-118", "2026-11-23", ""},
		} {
			_, err := r.svc.Book(r.ctx(), want(se, "p-"+name, by(c.channel, c.reference, c.received)))
			if keyOf(err) != c.want {
				t.Errorf("%s: got %v, want %q", name, err, c.want)
			}
		}
	})
}

func TestOriginIsKept(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se, later := r.clinic(1, shared(3)), r.clinic(2, shared(3))
		q := want(se, "p1", by(booking.ChannelMail, "  市三医院 \n M-118 ", "2026-11-20"))
		a, err := r.svc.Book(r.ctx(), q)
		if err != nil {
			t.Fatal(err)
		}
		paper := booking.Origin{Reference: "市三医院 M-118", ReceivedOn: "2026-11-20"}
		if got, err := r.svc.Get(r.ctx(), a.ID); err != nil || got.Origin != paper {
			t.Fatalf("%+v, %v", got, err)
		}
		if again, err := r.svc.Book(r.ctx(), q); err != nil || again.ID != a.ID {
			t.Fatalf("same key: %+v, %v", again, err)
		}
		q.Reference = "M-119"
		_, err = r.svc.Book(r.ctx(), q)
		refused(t, err, "booking.key_reused")
		inLog(t, r, a, paper)

		// It moves by telephone: the old appointment keeps the letter, the new
		// one has none; then a fax asks for another day.
		moved, err := r.svc.ChangeTo(r.ctx(), a.ID, booking.Change{Key: "key-moved-1", SessionID: later.ID, Channel: booking.ChannelDesk})
		if err != nil || moved.Origin != (booking.Origin{}) {
			t.Fatalf("%+v, %v", moved, err)
		}
		_, err = r.svc.ChangeTo(r.ctx(), moved.ID, booking.Change{Key: "key-moved-2", SessionID: se.ID, Channel: booking.ChannelFax})
		refused(t, err, "reference required")
		fax := booking.Origin{Reference: "F-7", ReceivedOn: "2026-11-23"}
		back, err := r.svc.ChangeTo(r.ctx(), moved.ID, booking.Change{Key: "key-moved-3", SessionID: se.ID, Channel: booking.ChannelFax, Origin: fax})
		if err != nil || back.Origin != fax {
			t.Fatalf("%+v, %v", back, err)
		}
		inLog(t, r, back, fax)
	})
}

// inLog looks for a paper in the history of an appointment and in the audit.
func inLog(t *testing.T, r *rig, a booking.Appointment, paper booking.Origin) {
	t.Helper()
	h, err := r.svc.History(r.ctx(), a.ID)
	if err != nil || len(h) == 0 || h[0].Detail["reference"] != paper.Reference || h[0].Detail["received_on"] != paper.ReceivedOn {
		t.Errorf("history %+v, %v", h, err)
	}
	list, err := audit.List(t.Context(), r.db, audit.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Action == "booking.book" && e.ObjectID == a.ID {
			if e.Detail["reference"] != paper.Reference || e.Detail["received_on"] != paper.ReceivedOn {
				t.Errorf("audit %+v", e)
			}
			return
		}
	}
	t.Error("the booking is not audited")
}

// TestReplacementKeepsThePaper: a clinic that is closed changes nothing about
// how its patients came.
func TestReplacementKeepsThePaper(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, shared(2))
		r.clinic(2, shared(2))
		a := r.book(se, "p1", by(booking.ChannelFax, "F-118", "2026-11-23"))
		report, err := r.svc.CloseSession(r.ctx(), se.ID, booking.Closing{Reason: "会诊", OfferReplacements: true})
		if err != nil || len(report.Affected) != 1 || report.Affected[0].Replacement == nil {
			t.Fatalf("%+v, %v", report, err)
		}
		if got := report.Affected[0].Replacement; got.Channel != booking.ChannelFax || got.Origin != a.Origin {
			t.Errorf("replacement %+v", got)
		}
	})
}

func TestListByChannel(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		se := r.clinic(1, append(shared(5), booking.LaneVIP))
		r.book(se, "p-desk")
		r.book(se, "p-fax", by(booking.ChannelFax, "F-118", "2026-11-23"))
		r.book(se, "p-mail", by(booking.ChannelMail, "M-118", "2026-11-23"))
		r.book(se, "vip", func(q *booking.Request) { q.Lane = booking.LaneVIP })
		of := func(f booking.Filter) (people []string) {
			f.From = monday().Format(time.DateOnly)
			page, err := r.svc.List(r.ctx(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Appointments {
				people = append(people, a.PatientID)
			}
			return people
		}
		for _, c := range []struct {
			f    booking.Filter
			want []string
		}{
			{booking.Filter{Channels: []booking.Channel{booking.ChannelFax}}, []string{"p-fax"}},
			{booking.Filter{Channels: []booking.Channel{booking.ChannelFax, booking.ChannelMail}}, []string{"p-fax", "p-mail"}},
			{booking.Filter{Channels: []booking.Channel{booking.ChannelDesk}}, []string{"p-desk", "vip"}},
			{booking.Filter{Lanes: []booking.Lane{booking.LaneVIP}}, []string{"vip"}},
			{booking.Filter{Channels: []booking.Channel{booking.ChannelMail}, Lanes: []booking.Lane{booking.LaneVIP}}, []string{"p-mail", "vip"}},
			{booking.Filter{Channels: []booking.Channel{booking.ChannelWeb}}, nil},
			{booking.Filter{Channels: []booking.Channel{booking.ChannelFax}, PatientID: "p-mail"}, nil},
		} {
			if d := cmp.Diff(c.want, of(c.f)); d != "" {
				t.Errorf("%+v: %s", c.f, d)
			}
		}
		_, err := r.svc.List(r.ctx(), booking.Filter{Channels: []booking.Channel{"pigeon"}})
		refused(t, err, "channel not_allowed")
		_, err = r.svc.List(r.ctx(), booking.Filter{Lanes: []booking.Lane{"web"}})
		refused(t, err, "lane not_allowed")
	})
}

// TestForgottenPapers: with the words about a person the names of the papers
// go, from the appointment and its history.
func TestForgottenPapers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		a := r.book(r.clinic(1, shared(1)), "p1", by(booking.ChannelFax, "F-118", "2026-11-23"))
		paper := booking.Origin{Reference: "F-119", ReceivedOn: "2026-11-23"}
		if _, err := r.svc.JoinWaitlist(r.ctx(), booking.Wish{PatientID: "p1", DepartmentID: cardiology, From: a.Date, To: a.Date, Channel: booking.ChannelFax,
			Origin: paper}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.svc.BookSeries(r.ctx(), course(func(q *booking.SeriesRequest) {
			q.PatientID, q.Channel, q.Origin = "p1", booking.ChannelFax, paper
		})); err != nil {
			t.Fatal(err)
		}
		sys := identity.System(r.t.Context(), "privacy")
		if err := r.db.Write(sys, func(tx *store.Tx) error { return r.svc.Keeper().Erase(sys, tx, []string{"p1"}) }); err != nil {
			t.Fatal(err)
		}
		got, err := r.svc.Get(r.ctx(), a.ID)
		if err != nil || got.Reference != "" {
			t.Errorf("%+v, %v", got, err)
		}
		if h, err := r.svc.History(r.ctx(), a.ID); err != nil || len(h) != 1 || len(h[0].Detail) > 0 {
			t.Errorf("%+v, %v", h, err)
		}
		for _, table := range []string{"booking_waitlist", "booking_series"} {
			if got := r.column("SELECT reference FROM " + table); len(got) != 1 || got[0] != "" {
				t.Errorf("%s keeps %q", table, got)
			}
		}
	})
}

// TestPapersOfTheRest: who cancels, moves, waits or books a course by letter or
// fax does it with the paper, and it is found where the deed is.
func TestPapersOfTheRest(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		paper := booking.Origin{Reference: "市三医院 F-9", ReceivedOn: "2026-11-20"}
		se, later := r.clinic(1, shared(1)), r.clinic(2, shared(3))
		a := r.book(se, "p1")
		w := booking.Wish{PatientID: "p2", DepartmentID: cardiology, From: se.Date, To: se.Date, Channel: booking.ChannelFax}
		_, err := r.svc.JoinWaitlist(r.ctx(), w)
		refused(t, err, "reference required")
		w.Origin = paper
		e, err := r.svc.JoinWaitlist(r.ctx(), w)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.svc.ChangeTo(r.ctx(), a.ID, booking.Change{Key: "key-moved-1", SessionID: later.ID, Channel: booking.ChannelMail})
		refused(t, err, "reference required")
		b, err := r.svc.ChangeTo(r.ctx(), a.ID, booking.Change{Key: "key-moved-2", SessionID: later.ID, Channel: booking.ChannelMail, Origin: paper})
		if err != nil {
			t.Fatal(err)
		}
		r.last(a.ID, booking.EventMoved, paper)
		// The number went to the one who waits, who came by that fax.
		list, err := r.svc.Waitlist(r.ctx(), booking.WaitFilter{PatientID: "p2"})
		if err != nil || len(list) != 1 || list[0].ID != e.ID || list[0].State != booking.OfferMade || list[0].Origin != paper {
			t.Fatalf("%+v, %v", list, err)
		}
		if got, err := r.svc.Get(r.ctx(), list[0].AppointmentID); err != nil || got.Channel != booking.ChannelFax || got.Origin != paper {
			t.Errorf("offer %+v, %v", got, err)
		}
		for name, c := range map[string]booking.Cancel{
			"reference required":                  {Reason: booking.CancelPatient, Channel: booking.ChannelFax},
			"reference booking.reference_channel": {Reason: booking.CancelPatient, Channel: booking.ChannelDesk, Origin: paper},
			"received_on booking.received_future": {Reason: booking.CancelPatient, Channel: booking.ChannelMail, Origin: booking.Origin{Reference: "M-1", ReceivedOn: "2026-11-24"}},
		} {
			_, err := r.svc.Cancel(r.ctx(), b.ID, c)
			refused(t, err, name)
		}
		if _, err := r.svc.Cancel(r.ctx(), b.ID, byFax(paper)); err != nil {
			t.Fatal(err)
		}
		r.last(b.ID, booking.EventCancelled, paper)
		sound(t, r.db)
	})
}

func byFax(o booking.Origin) booking.Cancel {
	return booking.Cancel{Reason: booking.CancelPatient, Channel: booking.ChannelFax, Origin: o}
}

// last looks for a paper in the last entry of an appointment's history.
func (r *rig) last(appointmentID, kind string, paper booking.Origin) {
	r.t.Helper()
	h, err := r.svc.History(r.ctx(), appointmentID)
	if err != nil || len(h) == 0 {
		r.t.Fatal(err)
	}
	e := h[len(h)-1]
	if e.Kind != kind || e.Detail["reference"] != paper.Reference || e.Detail["received_on"] != paper.ReceivedOn {
		r.t.Errorf("%s: %+v", kind, e)
	}
}

// TestSeriesOnPaper: a course that a letter asks for rests on the letter, with
// every visit, and ends by another one.
func TestSeriesOnPaper(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := ruled(t, db, preset(t, "hgsyiyuan"))
		r.template(time.Monday)
		letter, fax := booking.Origin{Reference: "造船厂医务室 M-4", ReceivedOn: "2026-11-20"}, booking.Origin{Reference: "F-5", ReceivedOn: "2026-11-23"}
		q := course(func(q *booking.SeriesRequest) { q.Channel = booking.ChannelMail })
		_, err := r.svc.PlanSeries(r.ctx(), q)
		refused(t, err, "reference required")
		_, err = r.svc.BookSeries(r.ctx(), q)
		refused(t, err, "reference required")
		q.Origin = letter
		x, err := r.svc.BookSeries(r.ctx(), q)
		if err != nil || x.Origin != letter || x.Channel != booking.ChannelMail {
			t.Fatalf("%+v, %v", x, err)
		}
		for _, v := range x.Visits {
			if v.Appointment == nil || v.Appointment.Origin != letter || v.Appointment.Channel != booking.ChannelMail {
				t.Fatalf("%+v", v)
			}
		}
		if again, err := r.svc.BookSeries(r.ctx(), q); err != nil || again.ID != x.ID {
			t.Errorf("same key: %+v, %v", again, err)
		}
		q.Reference = "M-5"
		_, err = r.svc.BookSeries(r.ctx(), q)
		refused(t, err, "booking.key_reused")
		if list, err := r.svc.SeriesList(r.ctx(), booking.SeriesFilter{}); err != nil || len(list) != 1 || list[0].Origin != letter {
			t.Errorf("%+v, %v", list, err)
		}
		_, err = r.svc.CancelSeries(r.ctx(), x.ID, byFax(booking.Origin{}))
		refused(t, err, "reference required")
		if _, err := r.svc.CancelSeries(r.ctx(), x.ID, byFax(fax)); err != nil {
			t.Fatal(err)
		}
		r.last(x.Visits[3].Appointment.ID, booking.EventCancelled, fax)
		sound(t, db)
	})
}
