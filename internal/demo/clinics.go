package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/hospital"
	"heartline/internal/care/ledger"
	"heartline/internal/platform/errs"
)

// How far ahead clinics are planned, how many people hold an appointment and
// how many a card with money on it.
const (
	clinicDays   = 28
	appointments = 600
	cards        = 240
)

// seedClinics plans the clinics of four weeks, from what the doctors' pages
// say of their hours, and books the first visits into them.
func (s *seeder) seedClinics(ctx context.Context) error {
	for _, code := range s.staff.order {
		dept := s.staff.departments[code]
		if !dept.Clinical {
			continue
		}
		for _, t := range s.clinicsOf(dept) {
			if _, err := s.Booking.SaveTemplate(ctx, t); err != nil {
				return fmt.Errorf("clinic of %s: %w", dept.Name, err)
			}
		}
	}
	if err := s.seedExams(ctx); err != nil {
		return err
	}
	s.now = s.Now().In(s.Zone).Truncate(time.Second) // the day may have turned since the seeding began
	from, to := s.now.Format(time.DateOnly), s.now.AddDate(0, 0, clinicDays).Format(time.DateOnly)
	if _, err := s.Booking.Generate(ctx, from, to); err != nil {
		return fmt.Errorf("plan clinics: %w", err)
	}
	if err := s.seedCards(ctx); err != nil {
		return err
	}
	return s.seedAppointments(ctx)
}

// half is one half day of clinics.
type half struct {
	period     booking.Period
	start, end int // minutes of the day
}

func halves(text string) []half {
	am, pm := half{booking.Morning, 8 * 60, 12 * 60}, half{booking.Afternoon, 14 * 60, 17 * 60}
	switch {
	case strings.HasSuffix(text, "上午"):
		return []half{am}
	case strings.HasSuffix(text, "下午"):
		return []half{pm}
	}
	return []half{am, pm}
}

// weekday reads 周三.
func weekday(words string) time.Weekday {
	r := []rune(words)
	return time.Weekday(slices.Index([]rune("日一二三四五六"), r[1]))
}

// clinicsOf are the ordinary clinic of a department and its doctors' own.
func (s *seeder) clinicsOf(dept hospital.Department) []booking.Template {
	base := booking.Template{Weeks: booking.EveryWeek, DepartmentID: dept.ID, CampusID: dept.CampusID, Active: true}
	if dept.Code == aroundTheClock {
		return alwaysOpen(base)
	}
	var out []booking.Template
	for day := time.Monday; day <= time.Saturday; day++ {
		for _, h := range halves("全天") {
			if day == time.Saturday && h.period == booking.Afternoon {
				continue
			}
			t := base
			t.Weekday, t.Period, t.StartMinute, t.EndMinute = day, h.period, h.start, h.end
			t.SlotMinutes, t.Capacity, t.Type, t.Fee, t.Room = 15, 32, booking.Ordinary, 8_00, "1诊室"
			t.Lanes, t.LaneHours = map[booking.Lane]int{booking.LaneReferral: 1}, 24
			out = append(out, t)
		}
	}
	for i, doc := range s.staff.doctors[dept.Code] {
		for _, words := range strings.Split(doc.Sessions, "、") {
			for _, h := range halves(words) {
				t := base
				t.Weekday = weekday(words)
				t.DoctorID, t.Period, t.StartMinute, t.EndMinute = doc.ID, h.period, h.start, h.end
				t.SlotMinutes, t.Capacity, t.Type, t.Fee = 10, 18, booking.Expert, doc.Fee
				t.Lanes, t.LaneHours = map[booking.Lane]int{booking.LaneOnSite: 2, booking.LaneVIP: 1}, 24
				if doc.Title == hospital.Attending {
					t.Capacity, t.Type, t.Lanes = 24, booking.Ordinary, nil
				}
				t.Room = fmt.Sprintf("%d诊室", i+2)
				out = append(out, t)
			}
		}
	}
	return out
}

// seedCards puts money on cards, of the people of the demo first.
func (s *seeder) seedCards(ctx context.Context) error {
	n := 0
	for _, p := range s.world.people {
		if n == cards {
			break
		}
		if !reserved(p.own) && !s.dice.chance(0.08) {
			continue
		}
		n++
		_, err := s.Ledger.TopUp(ctx, ledger.Payment{Key: "demo-card-" + p.ID, PatientID: p.ID, Amount: int64(s.dice.between(1, 10)) * 100_00,
			Method: pick(s.dice, []string{ledger.Cash, ledger.WeChat, ledger.BankCard})})
		if err != nil {
			return fmt.Errorf("card of a customer: %w", err)
		}
	}
	return nil
}

// seedAppointments books visits of the days to come, more for tomorrow than
// for later; some of today's people are already in the waiting room.
func (s *seeder) seedAppointments(ctx context.Context) error {
	d := s.dice
	table, err := s.Booking.Timetable(ctx, booking.TimetableFilter{From: s.now.Format(time.DateOnly),
		To: s.now.AddDate(0, 0, 10).Format(time.DateOnly), Channel: booking.ChannelDesk, OnlyFree: true})
	if err != nil {
		return fmt.Errorf("timetable: %w", err)
	}
	soon := make(map[string][]booking.Session)
	for _, se := range table {
		if se.StartAt.After(s.now) && (se.Type != booking.Exam || s.dice.chance(0.3)) {
			soon[se.DepartmentID] = append(soon[se.DepartmentID], se)
		}
	}
	booked := 0
	for tries := range 4 * appointments {
		if booked == appointments {
			break
		}
		p := pick(d, s.world.people)
		c := s.condition(p.Sex, p.Age(s.now))
		if c == nil {
			continue
		}
		list := soon[s.staff.departments[c.department].ID]
		if len(list) == 0 {
			continue
		}
		se := list[min(d.IntN(len(list)), d.IntN(len(list)))]
		done, err := s.appoint(ctx, p, se, fmt.Sprintf("demo-visit-%d", tries))
		if err != nil {
			return err
		}
		if done {
			booked++
		}
	}
	return nil
}

// senders write to the hospital for their people.
var senders = []string{"江城造船厂医务室", "青山社区卫生服务中心", "江城市第三医院", "泰和人寿健康管理部"}

// appoint books one visit. A refusal by the rules is the demo's bad luck, not
// an error; a request that no rule could ever allow is.
func (s *seeder) appoint(ctx context.Context, p *person, se booking.Session, key string) (bool, error) {
	d := s.dice
	channel := pick(d, []booking.Channel{booking.ChannelDesk, booking.ChannelDesk, booking.ChannelWeb, booking.ChannelIVR, booking.ChannelWeChat, booking.ChannelKiosk})
	if d.chance(0.06) {
		channel = pick(d, []booking.Channel{booking.ChannelFax, booking.ChannelMail, booking.ChannelReferral})
	}
	r := booking.Request{Key: key, PatientID: p.ID, SessionID: se.ID, Channel: channel}
	if paper, _ := channel.Recorded(); paper {
		r.Origin = booking.Origin{Reference: fmt.Sprintf("%s %d-%03d", pick(d, senders), s.now.Year(), d.between(1, 400)), ReceivedOn: s.now.Format(time.DateOnly)}
	}
	a, err := s.Booking.Book(ctx, r)
	if refusedByRule(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("book a visit: %w", err)
	}
	if se.Date == s.now.Format(time.DateOnly) && se.StartAt.Sub(s.now) < 4*time.Hour && d.chance(0.6) {
		if _, err := s.Booking.CheckIn(ctx, a.ID); err != nil {
			return false, fmt.Errorf("check in: %w", err)
		}
	}
	return true, nil
}

// refusedByRule reports whether a well-made request met a rule or another
// booking. Field errors are mistakes of the one who asks.
func refusedByRule(err error) bool {
	var e *errs.Error
	return errors.As(err, &e) && len(e.Fields) == 0 && (e.Kind == errs.Conflict || e.Kind == errs.Denied || e.Kind == errs.Invalid)
}

func isFull(err error) bool {
	var e *errs.Error
	return errors.As(err, &e) && e.Key == "booking.session_full"
}
