package demo

import (
	"context"
	"fmt"
	"strings"

	"heartline/internal/care/patient"
	"heartline/internal/demo/traffic"
)

// part is a caller with a fixed number, so that a visitor knows what to expect.
type part struct {
	number, scenario string
}

// parts are the numbers that /try offers.
func parts() []part {
	return []part{
		{"13971000001", "known"}, {"13971000002", "shared"}, {"13971000003", "guardian"}, {"13971000004", "vip"},
		{"13971000005", "known"}, {"13971000006", "known"}, {"13971000099", "unknown"},
	}
}

// VisitorPhone is the number of somebody a visitor can be.
func VisitorPhone() string { return parts()[0].number }

// reserved tells whether a number belongs to the cast.
func reserved(number string) bool { return strings.HasPrefix(number, "1397100") }

// principals makes the people behind the fixed numbers.
func (s *seeder) principals() {
	d := s.dice
	one := func(n int, name, sex string, age int) *person {
		p := s.person(sex, age, s.place())
		p.Name, p.own = name, parts()[n].number
		p.Phones = []patient.Phone{{Number: p.own, Type: patient.PhoneMobile, Primary: true}}
		return p
	}
	one(0, "曾丽华", "f", 58)

	him := one(1, "解正平", "m", 74) // one phone for two
	her := s.person("f", 71, s.place())
	her.Name, her.own = "区玉珍", ""
	her.Phones = []patient.Phone{{Number: him.own, Owner: "老伴", Type: patient.PhoneFamily, Primary: true}}
	s.home(him, "spouse", her)

	mother := one(2, "覃若曦", "f", 33)
	s.children(nil, mother, 2, s.place())
	s.home(mother, "")

	vip := one(3, "欧阳国强", "m", 66)
	vip.VIP, vip.Lifecycle, vip.HeartHistory = true, patient.Lifelong, "冠心病支架术后"
	vip.Notes = "来电请讲慢一些。"

	guest := one(4, "艾米莉·哈特", "f", 41)
	guest.NameLatin, guest.Nationality, guest.Ethnicity, guest.Language = "Emily Hart", "GB", "", "en"
	guest.Identifiers = []patient.Identifier{{Type: patient.Passport, Value: fmt.Sprintf("G%08d", d.IntN(100000000))}}

	friend := one(5, "买买提江·吐尔逊", "m", 45)
	friend.Ethnicity = "维吾尔族"
}

// TryPerson is somebody a visitor of /try can be.
type TryPerson struct {
	Number, Name, Sex, Scenario string
	Age                         int
}

// People lists the callers that a visitor can play.
func People(ctx context.Context, patients *patient.Service) ([]TryPerson, error) {
	var out []TryPerson
	for _, p := range parts() {
		pop, err := patients.Pop(ctx, p.number)
		if err != nil {
			return nil, fmt.Errorf("look up a caller: %w", err)
		}
		t := TryPerson{Number: p.number, Scenario: p.scenario}
		if len(pop.Candidates) > 0 {
			c := pop.Candidates[0]
			t.Name, t.Sex, t.Age = c.Name, c.Sex, c.Age
		}
		out = append(out, t)
	}
	return out, nil
}

// Players are the people of the simulated morning.
type Players struct {
	Callers      []string
	Agents       []traffic.Agent
	Dispositions []string
}

// Cast chooses the people of the simulated morning: customers and strangers
// who call, and the colleagues whom nobody signs in as.
func Cast(ctx context.Context, sv Services) (Players, error) {
	var out Players
	var list []patient.Hit
	for _, family := range []string{"王", "李", "张", "刘", "陈", "杨"} {
		found, err := sv.Patients.Search(ctx, family, 20)
		if err != nil {
			return out, fmt.Errorf("choose callers: %w", err)
		}
		list = append(list, found...)
	}
	for _, h := range list {
		p, err := sv.Patients.Get(ctx, h.ID)
		if err != nil {
			return out, fmt.Errorf("choose callers: %w", err)
		}
		if len(p.Phones) > 0 {
			out.Callers = append(out.Callers, p.Phones[0].Number)
		}
	}
	d := newDice(uint64(len(out.Callers)))
	for range 10 {
		out.Callers = append(out.Callers, fmt.Sprintf("1%d%09d", pick(d, []int{3, 5, 7, 8}), d.IntN(1000000000)))
	}
	snap := sv.Board.Current(ctx)
	for _, l := range colleagues() {
		if ext, ok := snap.Extension(l.Number); ok {
			out.Agents = append(out.Agents, traffic.Agent{UserID: ext.UserID, Extension: ext.Number, Secret: extensionSecret(ext.Number)})
		}
	}
	for _, x := range snap.Dispositions() {
		if x.Category != "other" {
			out.Dispositions = append(out.Dispositions, x.Code)
		}
	}
	return out, nil
}
