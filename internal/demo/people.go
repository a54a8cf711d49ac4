package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"heartline/internal/care/patient"
)

// customers is how many people the hospital knows at least.
const customers = 5400

// person is a customer while the hospital is being made.
type person struct {
	patient.Patient
	birth    time.Time
	own      string // own mobile, "" for those without
	relation string // in the household
	ill      []condition
}

// world is everybody.
type world struct {
	people  []*person
	homes   []patient.Household
	entries []patient.TimelineEntry
	phones  int
	cards   int
	taken   map[string]bool // identity numbers
	tables  tables
	weights []int // of divisions
}

func (s *seeder) seedPeople(ctx context.Context) error {
	w := &s.world
	s.principals()
	for len(w.people) < customers {
		s.family()
	}
	for _, p := range w.people {
		s.history(p)
	}
	relations := make(map[string]string, len(w.people))
	all := make([]patient.Patient, len(w.people))
	for i, p := range w.people {
		relations[p.ID] = p.relation
		all[i] = p.Patient
	}
	// One transaction: many small ones would copy the same pages again and again.
	err := s.Patients.Import(ctx, patient.Batch{Households: w.homes, Patients: all, Relations: relations, Timeline: w.entries})
	if err != nil {
		return fmt.Errorf("import customers: %w", err)
	}
	return nil
}

// family makes one household.
func (s *seeder) family() {
	d := s.dice
	place := s.place()
	switch d.weighted([]int{34, 20, 12, 14, 12, 4, 2, 2}) {
	case 0: // parents with children
		age := d.between(26, 48)
		father, mother := s.person("m", age+d.between(-2, 5), place), s.person("f", age, place)
		s.children(father, mother, d.weighted([]int{20, 55, 22, 3}), place)
		s.home(father, "spouse", mother)
	case 1: // an elderly couple
		age := d.between(62, 88)
		him, her := s.person("m", age+d.between(-3, 5), place), s.person("f", age, place)
		s.sharePhone(her, him, "老伴", 0.35)
		s.home(him, "spouse", her)
	case 2: // three generations under one roof
		age := d.between(30, 46)
		him, her := s.person("m", age+1, place), s.person("f", age, place)
		granny := s.person("f", age+d.between(23, 32), place)
		granny.relation = "parent"
		s.sharePhone(granny, him, "儿子", 0.6)
		s.children(him, her, d.between(1, 2), place)
		s.home(him, "spouse", her, granny)
	case 3:
		s.person(sexOf(d), d.between(19, 38), place)
	case 4:
		s.person(sexOf(d), d.between(60, 92), place)
	case 5: // one parent
		mother := s.person("f", d.between(27, 45), place)
		s.children(nil, mother, 1, place)
		s.home(mother, "")
	case 6:
		s.minority(place)
	case 7:
		s.foreigner(place)
	}
}

func sexOf(d *dice) string {
	if d.chance(0.52) {
		return "f"
	}
	return "m"
}

func (s *seeder) place() division {
	return s.world.tables.divisions[s.dice.weighted(s.world.weights)]
}

// home puts people into a household named after its head.
func (s *seeder) home(head *person, relation string, others ...*person) {
	h := patient.Household{ID: s.dice.id(head.CreatedAt), Name: head.Name + "家"}
	s.world.homes = append(s.world.homes, h)
	head.HouseholdID, head.relation = h.ID, "self"
	for _, o := range others {
		o.HouseholdID = h.ID
		if o.relation == "" {
			o.relation = relation
		}
	}
	for _, p := range s.world.people[max(0, len(s.world.people)-8):] { // children were made last
		if p.GuardianID != "" && (p.GuardianID == head.ID || (len(others) > 0 && p.GuardianID == others[0].ID)) && p.HouseholdID == "" {
			p.HouseholdID, p.relation = h.ID, "child"
		}
	}
}

// children of a couple carry the father's surname and are reached through
// their parents' phones.
func (s *seeder) children(father, mother *person, n int, place division) {
	d := s.dice
	for range n {
		oldest := min(17, mother.Age(s.now)-20)
		if oldest < 0 {
			return
		}
		c := s.person(sexOf(d), d.between(0, oldest), place)
		if father != nil {
			c.Name = father.Name[:len(string([]rune(father.Name)[0]))] + givenName(d, s.world.tables, c.Sex)
		}
		c.GuardianID = mother.ID
		c.Phones, c.own = nil, ""
		if mother.own != "" {
			c.Phones = append(c.Phones, patient.Phone{Number: mother.own, Owner: "母亲", Type: patient.PhoneFamily, Primary: true})
		}
		if father != nil && father.own != "" && (mother.own == "" || d.chance(0.5)) {
			c.Phones = append(c.Phones, patient.Phone{Number: father.own, Owner: "父亲", Type: patient.PhoneFamily})
		}
		if c.Age(s.now) < 1 && d.chance(0.5) {
			c.Identifiers = []patient.Identifier{{Type: patient.Newborn}}
		}
		c.Industry, c.Occupation, c.HeartHistory, c.DonationBehaviour = "", "", "", ""
	}
}

// sharePhone takes p's own mobile away, with some chance, in favour of a
// relative's.
func (s *seeder) sharePhone(p, with *person, owner string, chance float64) {
	if with.own == "" || !s.dice.chance(chance) {
		return
	}
	p.own = ""
	p.Phones = []patient.Phone{{Number: with.own, Owner: owner, Type: patient.PhoneFamily, Primary: true}}
}

// person makes somebody of a sex and age who lives at a place.
func (s *seeder) person(sex string, age int, place division) *person {
	d, w := s.dice, &s.world
	birth := s.now.AddDate(-age, 0, -d.between(1, 364)).Truncate(24 * time.Hour)
	if age == 0 {
		birth = s.now.AddDate(0, 0, -d.between(2, 300)).Truncate(24 * time.Hour)
	}
	p := &person{birth: birth}
	created := s.now.AddDate(0, 0, -d.between(20, 2200))
	if created.Before(birth) {
		created = birth.AddDate(0, 0, 1)
	}
	p.Patient = patient.Patient{ID: d.id(created), Name: fullName(d, w.tables, sex), Sex: map[string]string{"m": patient.Male, "f": patient.Female}[sex],
		BirthDate: birth.Format(time.DateOnly), CreatedAt: created, Nationality: "CN", Ethnicity: "汉族", Language: "zh-CN", Channel: "phone"}
	p.Address = patient.Address{Province: place.province, City: place.city, District: place.district, Street: pick(d, place.streets),
		Detail: fmt.Sprintf("%s%d号%d栋%d单元%d室", pick(d, w.tables.words["street"]), d.between(1, 399), d.between(1, 22), d.between(1, 4), d.between(1, 30)*100+d.between(1, 4)),
		Code:   place.code}
	s.documents(p, sex, age)
	s.phones(p, age)
	s.background(p, sex, age)
	w.people = append(w.people, p)
	return p
}

// documents gives a person an identity number with the right check digit, the
// hospital's card and, sometimes, an insurance number.
func (s *seeder) documents(p *person, sex string, age int) {
	d, w := s.dice, &s.world
	born := s.place().code
	if d.chance(0.6) {
		born = p.Address.Code
	}
	first := ""
	for first == "" || w.taken[first] {
		order := d.between(0, 499) * 2
		if sex == "m" {
			order++
		}
		first = born + p.birth.Format("20060102") + fmt.Sprintf("%03d", order)
	}
	w.taken[first] = true
	w.cards++
	p.Identifiers = []patient.Identifier{{Type: patient.IDCard, Value: first + string(patient.CheckDigit(first))}}
	if d.chance(0.8) {
		p.Identifiers = append(p.Identifiers, patient.Identifier{Type: patient.MedicalCard, Value: fmt.Sprintf("1%08d", 26000000+w.cards)})
	}
	if age > 18 && d.chance(0.4) {
		p.Identifiers = append(p.Identifiers, patient.Identifier{Type: patient.Insurance, Value: fmt.Sprintf("4201%09d", w.cards*7919%1000000000)})
	}
}

// phones of adults: a mobile that nobody else has, and old people's land lines.
func (s *seeder) phones(p *person, age int) {
	d, w := s.dice, &s.world
	if age < 14 {
		return
	}
	prefix := pick(d, strings.Fields("130 131 132 133 135 136 137 138 139 150 151 152 153 157 158 159 170 176 177 178 180 182 183 185 186 187 188 189 199"))
	for p.own == "" || reserved(p.own) {
		p.own = fmt.Sprintf("%s%08d", prefix, (w.phones*48271+10007)%100000000)
		w.phones++
	}
	p.Phones = []patient.Phone{{Number: p.own, Type: patient.PhoneMobile, Primary: true}}
	if age > 65 && d.chance(0.4) {
		p.Phones = append(p.Phones, patient.Phone{Number: fmt.Sprintf("0278%07d", (w.phones*7841+33)%10000000), Type: patient.PhoneHome})
	}
}

// background fills in what a registration form asks besides.
func (s *seeder) background(p *person, sex string, age int) {
	d, words := s.dice, s.world.tables.words
	if age > 18 {
		p.Occupation, p.Industry = pick(d, words["occupation"]), pick(d, words["industry"])
		if age >= 60 {
			p.Occupation = "退休"
		} else if p.Occupation == "退休" {
			p.Occupation = "职员"
		}
	}
	p.Insurance = []string{patient.InsEmployee, patient.InsResident, patient.InsSelfPay, patient.InsCommercial, patient.InsOutOfArea, patient.InsPublic}[d.weighted([]int{45, 35, 8, 5, 5, 2})]
	if age < 18 {
		p.Insurance = patient.InsResident
	}
	if d.chance(0.14) {
		p.Allergies = append(p.Allergies, pick(d, words["allergy"]))
	}
	if d.chance(0.10) {
		p.HereditaryDiseases = append(p.HereditaryDiseases, pick(d, words["hereditary"]))
	}
	if age > 45 && d.chance(0.25) {
		if h := pick(d, words["heart"]); h != "无" {
			p.HeartHistory = h
		}
	}
	if age > 20 && d.chance(0.06) {
		p.DonationBehaviour = pick(d, words["donation"])
	}
	if age > 16 && d.chance(0.5) {
		p.WeChat = fmt.Sprintf("wx_%s%04d", string(sex[0]), d.IntN(10000))
	}
	if age > 20 && d.chance(0.25) {
		p.Email = fmt.Sprintf("user%05d@mail.example", s.world.cards)
	}
	p.Channel = []string{"phone", "sms", "wechat"}[d.weighted([]int{5, 2, 4})]
	p.VIP = d.chance(0.02)
	if d.chance(0.06) {
		p.Notes = pick(d, words["note"])
	}
	p.Lifecycle = []string{patient.Potential, patient.Customer, patient.Loyal, patient.Lifelong}[d.weighted([]int{1, 6, 3, 1})]
	p.Tags = tags(d, words, sex, age)
}

func tags(d *dice, words map[string][]string, sex string, age int) []string {
	var out []string
	switch {
	case age < 14:
		out = append(out, "儿童")
	case age >= 65:
		out = append(out, "老年")
		if d.chance(0.12) {
			out = append(out, pick(d, []string{"独居", "听力不便", "需轮椅"}))
		}
	case sex == "f" && age >= 22 && age <= 40 && d.chance(0.08):
		out = append(out, "孕产妇")
	}
	if d.chance(0.08) {
		out = append(out, pick(d, []string{"志愿者", "体检客户", "戒烟", "家庭医生签约", "异地就医"}))
	}
	return out
}

// fullName makes a Chinese name: usual surnames mostly, some that are hard to
// read, some of two characters.
func fullName(d *dice, t tables, sex string) string {
	var sur string
	switch d.weighted([]int{93, 5, 2}) {
	case 0:
		sur = string(pick(d, []rune(t.names["surnames"])))
	case 1:
		sur = string(pick(d, []rune(t.names["rare"])))
	default:
		sur = pick(d, t.words["compound"])
	}
	return sur + givenName(d, t, map[string]string{"m": patient.Male, "f": patient.Female}[sex])
}

func givenName(d *dice, t tables, sex string) string {
	list := t.words["female"]
	if sex == patient.Male {
		list = t.words["male"]
	}
	return pick(d, list)
}

// minority gives one of the names of China's other peoples.
func (s *seeder) minority(place division) {
	f := strings.Split(pick(s.dice, s.world.tables.words["minority"]), "|")
	p := s.person(f[1], s.dice.between(18, 72), place)
	p.Name, p.Ethnicity = f[0], f[2]
	p.Language = "zh-CN"
}

// foreigner lives here with a passport or, seldom, a permanent residence card.
func (s *seeder) foreigner(place division) {
	d := s.dice
	f := strings.Split(pick(d, strings.Split(s.world.tables.names["foreign"], ";")), "|")
	p := s.person(f[2], d.between(23, 66), place)
	p.Name, p.NameLatin, p.Nationality, p.Ethnicity = f[0], f[1], f[3], ""
	p.Language, p.Insurance = "en", patient.InsCommercial
	p.Identifiers = []patient.Identifier{{Type: patient.Passport, Value: fmt.Sprintf("%c%08d", 'A'+rune(d.IntN(26)), d.IntN(100000000))}}
}
