package kpi_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"heartline/internal/contact/callrecord"
	"heartline/internal/contact/journal"
	"heartline/internal/insight/kpi"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

var (
	shanghai = time.FixedZone("CST", 8*3600)
	day      = time.Date(2026, 11, 2, 0, 0, 0, 0, shanghai)
)

// book writes events of calls through the log, as the real ones come.
type book struct{ evs []journal.Event }

func (b *book) add(at time.Time, call, agent, queue string, p journal.Payload) {
	b.evs = append(b.evs, journal.Past(at, call, agent, queue, p))
}

// call waits in queue from at; answered after wait by agent, or given up.
func (b *book) call(id string, at time.Time, wait, talk time.Duration, agent string) {
	b.callFrom("inbound", id, at, wait, talk, agent)
}

func (b *book) callFrom(direction, id string, at time.Time, wait, talk time.Duration, agent string) {
	b.add(at, id, "", "", journal.CallStarted{Direction: direction})
	b.add(at, id, "", "", journal.LegStarted{Leg: "in", Party: "caller"})
	b.add(at, id, "", "q", journal.QueueEntered{Queue: "q", Position: 1})
	end := at.Add(wait)
	if agent == "" {
		b.add(end, id, "", "q", journal.QueueLeft{Reason: "abandoned"})
		b.add(end, id, "", "", journal.CallEnded{By: "caller"})
		return
	}
	b.add(end.Add(-time.Second), id, agent, "q", journal.QueueOffered{Agent: agent, Offer: id + ".1"})
	b.add(end, id, agent, "q", journal.QueueAnswered{Agent: agent, Offer: id + ".1"})
	b.add(end, id, "", "q", journal.QueueLeft{Reason: "answered"})
	b.add(end.Add(talk), id, "", "", journal.CallEnded{By: "caller"})
	b.add(end.Add(talk+20*time.Second), id, agent, "", journal.AgentState{State: "ready", Prev: "wrap_up", SincePrevMs: 20_000})
}

func (b *book) write(t *testing.T, db *store.DB) {
	t.Helper()
	j := journal.New(db, time.Now)
	callrecord.New(db, j, callrecord.DefaultRules(), time.Now)
	if err := j.Import(t.Context(), b.evs); err != nil {
		t.Fatal(err)
	}
}

// workedDay is the published example of 100 calls with a goal of 20 s, all in
// the hour from 9:00, and an overflow from p into q besides.
func workedDay() *book {
	var b book
	at := day.Add(9 * time.Hour)
	for i := range 100 {
		id := fmt.Sprintf("call-%03d", i)
		start := at.Add(time.Duration(i) * 30 * time.Second)
		switch {
		case i < 70:
			b.call(id, start, 12*time.Second, 100*time.Second, "a")
		case i < 85:
			b.call(id, start, 40*time.Second, 100*time.Second, "b")
		case i < 95:
			b.call(id, start, 5*time.Second, 0, "")
		default:
			b.call(id, start, time.Minute, 0, "")
		}
	}
	return &b
}

func goals(string) kpi.Goals {
	return kpi.Goals{ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}
}

func period() kpi.Query { return kpi.Query{From: day, To: day.AddDate(0, 0, 1)} }

func TestSummaryOfTheWorkedDay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		workedDay().write(t, db)
		s := kpi.New(db, shanghai, goals)
		for _, queue := range []string{"", "q"} {
			q := period()
			q.Queue = queue
			sum, err := s.Summary(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			y := sum.Total
			if !y.Balanced() || y.Offered != 100 || y.Answered != 85 || y.AnsweredInTime != 70 || y.Abandoned != 15 || y.ShortAbandoned != 10 || y.Inbound != 100 {
				t.Fatalf("queue %q: %+v", queue, y)
			}
			if sl, _ := y.ServiceLevel(kpi.OfAll); sl != 0.7 {
				t.Fatalf("service level %v", sl)
			}
			if aht, _ := y.AHT(); aht != 120*time.Second {
				t.Fatalf("AHT %v", aht)
			}
			if len(sum.Queues) != 1 || sum.Queues[0].Queue != "q" || sum.Queues[0].Offered != 100 || sum.Queues[0].Handled != 85 {
				t.Fatalf("queues %+v", sum.Queues)
			}
		}
	})
}

func TestOverflowIsOneCallInTotalAndAVisitInEachQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var b book
		at := day.Add(time.Hour)
		b.add(at, "c", "", "", journal.CallStarted{Direction: "inbound"})
		b.add(at, "c", "", "p", journal.QueueEntered{Queue: "p"})
		b.add(at.Add(30*time.Second), "c", "", "p", journal.QueueLeft{Reason: "overflow", To: "q"})
		b.add(at.Add(30*time.Second), "c", "", "q", journal.QueueEntered{Queue: "q"})
		b.add(at.Add(50*time.Second), "c", "a", "q", journal.QueueAnswered{Agent: "a"})
		b.add(at.Add(50*time.Second), "c", "", "q", journal.QueueLeft{Reason: "answered"})
		b.add(at.Add(90*time.Second), "c", "", "", journal.CallEnded{By: "agent"})
		b.add(at, "out", "a", "", journal.CallStarted{Direction: "outbound"})
		b.add(at.Add(9*time.Second), "out", "", "", journal.CallEnded{By: "agent"})
		b.add(at, "menu", "", "", journal.CallStarted{Direction: "inbound"})
		b.add(at.Add(9*time.Second), "menu", "", "", journal.CallEnded{By: "caller"})
		b.add(at, "waits", "", "", journal.CallStarted{Direction: "inbound"})
		b.add(at, "waits", "", "p", journal.QueueEntered{Queue: "p"})
		b.write(t, db)
		sum, err := kpi.New(db, shanghai, goals).Summary(t.Context(), period())
		if err != nil {
			t.Fatal(err)
		}
		y := sum.Total
		if y.Offered != 1 || y.Answered != 1 || y.WaitAnswered != 50*time.Second || y.Inbound != 3 || y.Outbound != 1 || y.SelfService != 1 {
			t.Fatalf("total %+v", y)
		}
		if p, q := sum.Queues[0], sum.Queues[1]; p.Queue != "p" || p.Overflowed != 1 || p.Offered != 1 || q.Answered != 1 || q.WaitAnswered != 20*time.Second {
			t.Fatalf("queues %+v", sum.Queues)
		}
	})
}

// TestColleaguesInTheQueueCount: the total is the queues' sum, as on the wallboard.
func TestColleaguesInTheQueueCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := workedDay()
		at := day.Add(9 * time.Hour)
		b.callFrom("internal", "colleague", at, 10*time.Second, 100*time.Second, "a")
		b.callFrom("internal", "colleague-gone", at, 30*time.Second, 0, "")
		b.write(t, db)
		s := kpi.New(db, shanghai, goals)
		sum, err := s.Summary(t.Context(), period())
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]kpi.Figures{"total": sum.Total, "queue": sum.Queues[0].Figures} {
			if f.Offered != 102 || f.Answered != 86 || f.Abandoned != 16 || f.Handled != 86 || !f.Balanced() {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if sum.Total.Inbound != 100 || sum.Total.Internal != 2 {
			t.Errorf("by direction: %+v", sum.Total)
		}
	})
}

func TestIntervalsFollowHospitalTimeAndSumUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		workedDay().write(t, db)
		s := kpi.New(db, shanghai, goals)
		for interval, n := range map[kpi.Interval]int{kpi.Quarter: 96, kpi.Hour: 24, kpi.Day: 1} {
			buckets, err := s.Intervals(t.Context(), period(), interval)
			if err != nil || len(buckets) != n {
				t.Fatalf("%s: %d, %v", interval, len(buckets), err)
			}
			offered, handled := 0, 0
			for _, b := range buckets {
				offered += b.Offered
				handled += b.Handled
				if hour := b.Start.In(shanghai).Hour(); interval == kpi.Hour && b.Offered > 0 && hour != 9 {
					t.Fatalf("calls at %d o'clock", hour)
				}
			}
			if offered != 100 || handled != 85 {
				t.Fatalf("%s: %d offered, %d handled", interval, offered, handled)
			}
		}
		if _, err := s.Intervals(t.Context(), kpi.Query{From: day, To: day}, kpi.Hour); !errs.Is(err, errs.Invalid) {
			t.Fatalf("empty period: %v", err)
		}
	})
}

func TestAgents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := workedDay()
		at := day.Add(8 * time.Hour)
		state := func(to, prev, reason string, from, until time.Duration) {
			b.add(at.Add(until), "", "z", "", journal.AgentState{State: to, Prev: prev, PrevReason: reason, SincePrevMs: (until - from).Milliseconds()})
		}
		b.add(at, "", "z", "", journal.AgentSignedIn{Seat: "browser"})
		state("ready", "not_ready", "signed_in", 0, 10*time.Minute)
		state("talking", "ready", "", 10*time.Minute, 30*time.Minute)
		state("wrap_up", "talking", "", 30*time.Minute, 80*time.Minute)
		state("not_ready", "wrap_up", "", 80*time.Minute, 90*time.Minute)
		b.add(at.Add(17*time.Hour), "", "z", "", journal.AgentSignedOut{Prev: "not_ready", PrevReason: "night", SincePrevMs: (17*time.Hour - 90*time.Minute).Milliseconds()})
		b.add(at, "m", "", "", journal.CallStarted{Direction: "inbound"})
		b.add(at, "m", "z", "q", journal.QueueOffered{Agent: "z", Offer: "o"})
		b.add(at.Add(20*time.Second), "m", "z", "q", journal.QueueRefused{Agent: "z", Offer: "o", Reason: "no_answer"})
		b.add(at.Add(30*time.Second), "m", "", "", journal.CallEnded{By: "caller"})
		b.write(t, db)
		list, err := kpi.New(db, shanghai, goals).Agents(t.Context(), period())
		if err != nil || len(list) != 3 || list[0].Agent != "a" || list[0].Handled != 70 || list[1].Handled != 15 {
			t.Fatalf("%+v %v", list, err)
		}
		if aht, _ := list[0].AHT(); aht != 120*time.Second {
			t.Fatalf("AHT %v", aht)
		}
		z := list[2]
		if z.NoAnswer != 1 || z.Handled != 0 || z.Contact != time.Hour || z.Ready != 20*time.Minute || z.Reasons["signed_in"] != 10*time.Minute {
			t.Fatalf("%+v", z)
		}
		if o, _ := z.Occupancy(); o != 0.75 {
			t.Fatalf("occupancy %v", o)
		}
		if z.SignedIn != 16*time.Hour { // cut at midnight
			t.Fatalf("signed in %v", z.SignedIn)
		}
	})
}

// BenchmarkSummary measures a report over 10,000 calls.
func BenchmarkSummary(b *testing.B) {
	db := storetest.SQLite(b)
	j := journal.New(db, time.Now)
	callrecord.New(db, j, callrecord.DefaultRules(), time.Now)
	var bk book
	for i := range 10_000 {
		bk.call(fmt.Sprintf("call-%05d", i), day.Add(time.Duration(i)*8*time.Second), 10*time.Second, time.Minute, "a")
	}
	if err := j.Import(context.Background(), bk.evs); err != nil {
		b.Fatal(err)
	}
	s := kpi.New(db, shanghai, goals)
	for b.Loop() {
		if _, err := s.Summary(b.Context(), kpi.Query{From: day, To: day.AddDate(0, 0, 2)}); err != nil {
			b.Fatal(err)
		}
	}
}
