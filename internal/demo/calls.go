package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/care/patient"
	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/callrecord"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/store"
)

// pastDays is how far back calls go.
const pastDays = 28

// hourly is the share of a day's calls in each hour: two peaks, a dip at
// lunch, a few calls at night.
func hourly() [24]float64 {
	return [24]float64{0.4, 0.3, 0.2, 0.2, 0.3, 0.5, 1.2, 4.0, 12.5, 13.5, 11.5, 7.0, 3.2, 5.0, 10.0, 9.5, 7.5, 4.6, 2.8, 2.3, 1.7, 1.2, 0.9, 0.6}
}

// callsOn is how many calls a day brings on average.
func callsOn(day time.Weekday) float64 {
	return [7]float64{time.Sunday: 96, time.Monday: 262, time.Tuesday: 236, time.Wednesday: 228, time.Thursday: 222, time.Friday: 214, time.Saturday: 132}[day]
}

// caller is who calls, and about whom.
type caller struct {
	number   string
	patients []string // who may be behind the number, likeliest first
	about    string   // whose matter it is; "" for strangers
	english  bool
}

// callerBook knows everybody's phone.
type callerBook struct {
	keys    *crypto.Keyring
	people  []*person
	byPhone map[string][]string
	codes   map[string][]string // queue → dispositions
}

func newCallerBook(s *seeder) callerBook {
	b := callerBook{keys: s.Keys, people: s.world.people, byPhone: make(map[string][]string), codes: map[string][]string{
		"appointments": {"appointment_booked", "appointment_booked", "appointment_booked", "appointment_changed", "appointment_cancelled", "no_slot"},
		"enquiries":    {"enquiry_answered", "enquiry_report", "enquiry_insurance", "enquiry_route", "triage_advised", "enquiry_answered", "callback_promised", "emergency_120"},
		"complaints":   {"complaint_taken", "complaint_taken", "suggestion", "praise"},
		"operator":     {"enquiry_answered", "enquiry_route", "appointment_booked", "wrong_number", "silent", "enquiry_report"},
	}}
	for _, own := range []bool{true, false} {
		for _, p := range s.world.people {
			for _, ph := range p.Phones {
				if (ph.Owner == "") == own {
					b.byPhone[ph.Number] = append(b.byPhone[ph.Number], p.ID)
				}
			}
		}
	}
	return b
}

// draw chooses a caller: mostly customers, some strangers.
func (b callerBook) draw(d *dice) caller {
	if d.chance(0.17) {
		n := fmt.Sprintf("1%d%09d", pick(d, []int{3, 5, 7, 8}), d.IntN(1000000000))
		if _, known := b.byPhone[n]; !known {
			return caller{number: n}
		}
	}
	return b.known(d)
}

// known chooses a customer, the sick more often.
func (b callerBook) known(d *dice) caller {
	for {
		p := pick(d, b.people)
		if len(p.Phones) == 0 || (len(p.ill) == 0 && d.chance(0.7)) {
			continue
		}
		number := p.Phones[0].Number
		return caller{number: number, patients: b.byPhone[number], about: p.ID, english: p.Language == "en"}
	}
}

// number gives the forms in which the journal keeps a caller's number.
func (b callerBook) number(n, callID string) (masked, sealed, index string) {
	sealed, err := b.keys.Seal(n, "calls:"+callID+":from")
	if err != nil {
		return call.Mask(n), "", ""
	}
	return call.Mask(n), sealed, b.keys.Index("phone", call.Canonical(n))
}

func (b callerBook) disposition(d *dice, c *story) string {
	list := b.codes[c.queue]
	if len(list) == 0 {
		return "enquiry_answered"
	}
	return pick(d, list)
}

// remark is what an agent writes, when anything.
func (b callerBook) remark(d *dice, disposition string) string {
	if d.chance(0.45) {
		return ""
	}
	switch {
	case strings.HasPrefix(disposition, "appointment"):
		return pick(d, []string{"已核对姓名与证件后四位。", "家属代约，已告知带身份证。", "首选上午，已约第一时段。", "提醒空腹。", "改到下周同一时间。"})
	case disposition == "no_slot":
		return "本周专家号已满，建议普通号或下周一放号。"
	case strings.HasPrefix(disposition, "complaint"):
		return pick(d, []string{"候诊超过一小时，情绪已安抚，转医患办。", "反映收费窗口少。", "检查预约时间太晚。"})
	case disposition == "emergency_120":
		return "胸闷伴大汗，已指导拨打120并陪同通话至接通。"
	}
	return pick(d, []string{"已按知识库答复。", "告知门诊三楼A区。", "报告明日上午可取。", "异地医保先备案。", "客户表示清楚。"})
}

// office tells whether the complaint office is open.
func (m *sim) office(at time.Time) (bool, string, time.Time) {
	snap := m.s.Board.Current(context.Background())
	n, _ := snap.Number(ServiceNumber)
	return snap.Open(n.CalendarID, at)
}

// simulate plays the past weeks.
func (s *seeder) simulate(ctx context.Context) *sim {
	snap := s.Board.Current(ctx)
	cfg := acd.Config{}
	for _, q := range snap.Queues() {
		cfg.Queues = append(cfg.Queues, acd.QueueConfig{ID: q.ID, Priority: 10 - q.Priority, RingTimeout: seconds(q.RingTimeoutS), WrapUp: seconds(q.WrapUpS),
			ServiceLevel: seconds(q.ServiceLevelS), AnnounceEvery: seconds(q.AnnounceEveryS), OverflowAfter: seconds(q.OverflowAfterS),
			OverflowTo: q.OverflowQueue, MaxWaiting: q.MaxWaiting})
	}
	m := &sim{s: s, router: acd.NewRouter(cfg, "longest-idle/1 demo"), end: s.now.Add(-time.Minute), calls: make(map[string]*story),
		offers: make(map[string]string), state: make(map[string]acd.AgentStateName), people: newCallerBook(s)}
	var agents []string
	for _, l := range append(Logins(), colleagues()...) {
		if strings.HasPrefix(l.Login, "agent") {
			agents = append(agents, s.staff.users[l.Login])
		}
	}
	today := time.Date(s.now.Year(), s.now.Month(), s.now.Day(), 0, 0, 0, 0, s.now.Location())
	for n := range pastDays + 1 {
		day := today.AddDate(0, 0, n-pastDays)
		m.work(day, n, agents)
		m.traffic(day, agents)
	}
	m.run()
	return m
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// traffic plans the arrivals of a day.
func (m *sim) traffic(day time.Time, agents []string) {
	d := m.s.dice
	shape := hourly()
	total := 0.0
	for _, w := range shape {
		total += w
	}
	busy := callsOn(day.Weekday()) * (0.92 + 0.16*d.Float64())
	last := m.end.Add(-25 * time.Minute)
	for hour, w := range shape {
		mean := busy * w / total
		for t := d.ExpFloat64() / mean; t < 1; t += d.ExpFloat64() / mean {
			at := day.Add(time.Duration((float64(hour) + t) * float64(time.Hour)))
			if at.Before(last) {
				m.at(at, m.arrive)
			}
		}
		if hour >= 9 && hour <= 17 && d.chance(0.8) {
			at := day.Add(time.Duration((float64(hour) + d.Float64()) * float64(time.Hour)))
			agent := pick(d, agents)
			if at.Before(last) {
				m.at(at, func() { m.callBack(agent) })
			}
		}
	}
}

// seedCalls writes the past into the journal, which makes records and figures
// of it, and completes the timelines where nobody else did.
func (s *seeder) seedCalls(ctx context.Context) error {
	m := s.simulate(ctx)
	if err := s.Journal.Import(ctx, m.ordered()); err != nil {
		return err
	}
	told, err := callsTold(ctx, s.DB)
	if err != nil || told {
		return err
	}
	return s.tellCalls(ctx)
}

// tellCalls puts finished calls on the timelines of their customers.
func (s *seeder) tellCalls(ctx context.Context) error {
	names := make(map[string]string)
	for _, d := range s.Board.Current(ctx).Dispositions() {
		names[d.Code] = d.Name
	}
	var list []patient.TimelineEntry
	for rec, err := range s.Records.Export(ctx, callrecord.Filter{}) {
		if err != nil {
			return fmt.Errorf("read calls: %w", err)
		}
		if rec.PatientID == "" || rec.EndedAt.IsZero() {
			continue
		}
		list = append(list, patient.TimelineEntry{ID: s.dice.id(rec.StartedAt), PatientID: rec.PatientID, At: rec.StartedAt, Kind: patient.KindCall,
			Title: names[rec.Disposition], Summary: rec.Notes, SourceID: rec.ID})
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for chunk := range slices.Chunk(list, 1000) {
			if err := s.Patients.AddTimeline(ctx, tx, chunk...); err != nil {
				return err
			}
		}
		return nil
	})
}
