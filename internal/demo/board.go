package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/calendar"
	"heartline/internal/platform/errs"
)

// board is what of the switchboard later steps need: ids by code.
type board struct {
	queues  map[string]string
	flow    string
	version int
	trunk   string
}

func (s *seeder) seedBoard(ctx context.Context) error {
	s.board = board{queues: make(map[string]string)}
	var office string
	err := s.Board.Bulk(ctx, func(ctx context.Context) error {
		var err error
		if office, err = s.calendars(ctx); err != nil {
			return err
		}
		for _, fn := range []func(context.Context) error{s.skills, s.queues, s.extensions, s.agents, s.codes, s.trunk, s.spokenNames} {
			if err := fn(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.board.flow, s.board.version, err = s.flow(ctx, "96166 主菜单", "zh-CN", office); err != nil {
		return err
	}
	english, _, err := s.flow(ctx, "96188 English menu", "en", office)
	if err != nil {
		return err
	}
	for _, n := range []switchboard.Number{
		{Number: ServiceNumber, Name: "爱心专线", FlowID: s.board.flow, Language: "zh-CN", CalendarID: office, Enabled: true},
		{Number: EnglishNumber, Name: "English hotline", FlowID: english, Language: "en", CalendarID: office, Enabled: true},
		{Number: DirectNumber, Name: "总机直线", QueueID: s.board.queues["operator"], Language: "zh-CN", Enabled: true},
	} {
		if _, err := s.Board.Numbers.Create(ctx, n); err != nil {
			return detail("number "+n.Number, err)
		}
	}
	return nil
}

// detail says which item was refused.
func detail(what string, err error) error {
	return fmt.Errorf("%s: %w", what, err)
}

func (s *seeder) calendars(ctx context.Context) (office string, err error) {
	hours := calendar.Hours{Weekly: calendar.Weekdays(calendar.At(8, 0, 12, 0), calendar.At(14, 0, 17, 30)), Holidays: calendar.China2026()}
	c, err := s.Board.Calendars.Create(ctx, switchboard.Calendar{Name: "行政工作时间", Hours: hours})
	if err != nil {
		return "", detail("office hours", err)
	}
	clinic := calendar.Hours{Weekly: calendar.Weekdays(calendar.At(8, 0, 12, 0), calendar.At(14, 0, 17, 30)), Holidays: maps.Clone(calendar.China2026())}
	clinic.Weekly[6] = []calendar.Span{calendar.At(8, 0, 12, 0), calendar.At(14, 0, 17, 30)}
	if _, err := s.Board.Calendars.Create(ctx, switchboard.Calendar{Name: "门诊时间", Hours: clinic}); err != nil {
		return "", detail("clinic hours", err)
	}
	_, err = s.Board.Calendars.Create(ctx, switchboard.Calendar{Name: "全天"})
	if err != nil {
		return "", detail("always", err)
	}
	return c.ID, nil
}

func (s *seeder) skills(ctx context.Context) error {
	for _, k := range []switchboard.Skill{
		{Code: "appointment", Name: "预约挂号", NameEN: "Appointments"}, {Code: "nursing", Name: "护理咨询", NameEN: "Nursing advice"},
		{Code: "insurance", Name: "医保政策", NameEN: "Insurance"}, {Code: "complaint", Name: "投诉处理", NameEN: "Complaints"},
		{Code: "english", Name: "英语", NameEN: "English"}, {Code: "paediatrics", Name: "儿科分诊", NameEN: "Paediatric triage"},
	} {
		if _, err := s.Board.Skills.Create(ctx, k); err != nil {
			return detail("skill "+k.Code, err)
		}
	}
	return nil
}

func (s *seeder) queues(ctx context.Context) error {
	for _, q := range []switchboard.Queue{
		{Code: "operator", Name: "人工总机", NameEN: "Operator", AnnounceEveryS: 45, WrapUpS: 15, Priority: 4},
		{Code: "appointments", Name: "预约挂号", NameEN: "Appointments", AnnounceEveryS: 40, OverflowAfterS: 240, WrapUpS: 30, Priority: 5},
		{Code: "enquiries", Name: "就医咨询", NameEN: "Enquiries", AnnounceEveryS: 40, OverflowAfterS: 240, WrapUpS: 30, Priority: 5},
		{Code: "complaints", Name: "投诉与建议", NameEN: "Complaints", AnnounceEveryS: 45, WrapUpS: 60, Priority: 3},
	} {
		q.RingTimeoutS, q.ServiceLevelS, q.MaxWaiting, q.Enabled = 20, 15, 40, true
		if q.OverflowAfterS > 0 {
			q.OverflowQueue = s.board.queues["operator"]
		}
		saved, err := s.Board.Queues.Create(ctx, q)
		if err != nil {
			return detail("queue "+q.Code, err)
		}
		s.board.queues[q.Code] = saved.ID
	}
	return nil
}

func (s *seeder) extensions(ctx context.Context) error {
	list := []switchboard.Extension{{Number: SoftphoneUser, Name: "试用软电话", Kind: switchboard.KindSoftphone}}
	for _, l := range append(Logins(), colleagues()...) {
		if l.Number != "" {
			list = append(list, switchboard.Extension{Number: l.Number, Name: l.Name, UserID: s.staff.users[l.Login], Kind: switchboard.KindDeskPhone})
		}
	}
	for _, code := range s.staff.order {
		d := s.staff.departments[code]
		if slices.ContainsFunc(list, func(e switchboard.Extension) bool { return e.Number == d.Extension }) {
			continue
		}
		list = append(list, switchboard.Extension{Number: d.Extension, Name: d.Name, Kind: switchboard.KindDeskPhone, Department: d.Code})
	}
	for _, e := range list {
		e.Secret, e.Enabled, e.MaxContacts = extensionSecret(e.Number), true, 3
		if _, err := s.Board.Extensions.Create(ctx, e); err != nil {
			return detail("extension "+e.Number, err)
		}
	}
	return nil
}

// agents' queues and skills: everybody takes appointments and enquiries; some
// are better at it, some also take complaints or speak English.
func (s *seeder) agents(ctx context.Context) error {
	special := map[string][]string{"agent1": {"english"}, "agent2": {"complaint"}, "agent3": {"insurance"}, "agent4": {"paediatrics"},
		"agent5": {"complaint"}, "agent6": {"english"}, "agent7": {"insurance"}, "agent8": {"complaint"}, "supervisor": {"complaint", "english"}}
	for _, l := range append(Logins(), colleagues()...) {
		if l.Number == "" {
			continue
		}
		a := switchboard.AgentProfile{Meta: switchboard.Meta{ID: s.staff.users[l.Login]}, Number: l.Number, Name: l.Name,
			DefaultSeat: switchboard.SeatBrowser, Extension: l.Number, Enabled: true}
		if l.Login != "doctor" {
			for _, q := range []string{"appointments", "enquiries", "operator", "complaints"} {
				a.Queues = append(a.Queues, switchboard.QueueMember{QueueID: s.board.queues[q], Level: 1 + s.dice.IntN(3)})
			}
			a.Skills = append(a.Skills, switchboard.AgentSkill{Skill: "appointment", Level: s.dice.between(3, 5)},
				switchboard.AgentSkill{Skill: "nursing", Level: s.dice.between(2, 5)})
		}
		for _, k := range special[l.Login] {
			a.Skills = append(a.Skills, switchboard.AgentSkill{Skill: k, Level: s.dice.between(3, 5)})
		}
		if _, err := s.Board.Agents.Create(ctx, a); err != nil {
			return detail("agent "+l.Login, err)
		}
	}
	return nil
}

// codes are dispositions and reasons for not being ready.
func (s *seeder) codes(ctx context.Context) error {
	for i, f := range []string{
		"appointment_booked|预约成功|Booked|appointment", "appointment_changed|改期|Rescheduled|appointment",
		"appointment_cancelled|取消预约|Cancelled|appointment", "no_slot|号源已满|No slot left|appointment",
		"enquiry_answered|咨询已答复|Answered|enquiry", "enquiry_report|报告查询|Report status|enquiry", "enquiry_insurance|医保咨询|Insurance|enquiry",
		"enquiry_route|就诊路线|Directions|enquiry", "triage_advised|分诊建议|Triage advice|enquiry", "emergency_120|转急诊或120|Emergency|enquiry",
		"complaint_taken|投诉已登记|Complaint taken|complaint", "praise|表扬|Praise|complaint", "suggestion|建议|Suggestion|complaint",
		"transferred|已转科室|Transferred|other", "callback_promised|承诺回电|Call-back promised|other", "wrong_number|拨错号码|Wrong number|other",
		"silent|无声电话|Silent|other", "harassment|骚扰电话|Abusive|other",
	} {
		p := strings.Split(f, "|")
		d := switchboard.Disposition{Code: p[0], Name: p[1], NameEN: p[2], Category: p[3], Position: i, Enabled: true}
		if _, err := s.Board.Dispositions.Create(ctx, d); err != nil {
			return detail("disposition "+p[0], err)
		}
	}
	for i, f := range []string{"break|小休|Short break|y|n", "lunch|午餐|Lunch|n|n", "training|培训|Training|y|n", "meeting|会议|Meeting|y|n",
		"back_office|后台处理|Back office|y|n", "signed_in|刚签入|Just signed in|y|y", "no_answer|未接来电|Missed a call|y|y", "refused|拒接|Refused a call|y|y",
		"device_lost|设备断开|Device lost|y|y", "supervisor|班长设置|Set by supervisor|y|y"} {
		p := strings.Split(f, "|")
		r := switchboard.Reason{Code: p[0], Name: p[1], NameEN: p[2], Paid: p[3] == "y", System: p[4] == "y", Position: i, Enabled: true}
		if _, err := s.Board.Reasons.Create(ctx, r); err != nil {
			return detail("reason "+p[0], err)
		}
	}
	return nil
}

// trunk is the demo's carrier: a program on this machine.
func (s *seeder) trunk(ctx context.Context) error {
	t, err := s.Board.Trunks.Create(ctx, switchboard.Trunk{Name: "演示运营商", Kind: switchboard.TrunkStatic, Host: "127.0.0.1", Port: 5070,
		Transport: switchboard.TransportUDP, PeerIPs: []string{TrunkPeer}, Priority: 1, MaxCalls: 60, CallerID: ServiceNumber, Enabled: true,
		Rules: []switchboard.NumberRule{{Direction: switchboard.RuleIn, Prefix: "+86", Strip: 3}, {Direction: switchboard.RuleIn, Prefix: "0086", Strip: 4}}})
	if err != nil {
		return detail("trunk", err)
	}
	s.board.trunk = t.ID
	return nil
}

// flow publishes the demo menu in a language.
func (s *seeder) flow(ctx context.Context, name, lang, office string) (flowID string, version int, err error) {
	b, err := files.ReadFile("data/menu.json")
	if err != nil {
		return "", 0, err
	}
	graph := strings.ReplaceAll(string(b), "{office}", office)
	graph = strings.Replace(graph, `"start"`, `"language": "`+lang+`", "start"`, 1)
	f, err := s.Board.CreateFlow(ctx, switchboard.Flow{Name: name, Language: lang})
	if err != nil {
		return "", 0, detail("flow "+name, err)
	}
	_, problems, err := s.Board.SaveDraft(ctx, f.ID, json.RawMessage(graph), name)
	if err != nil {
		return "", 0, detail("flow "+name, err)
	}
	v, err := s.Board.Publish(ctx, f.ID)
	if errs.Is(err, errs.Invalid) {
		return "", 0, fmt.Errorf("flow %s: %v: %w", name, problems, err)
	}
	return f.ID, v.Number, err
}
