package patient

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/pinyin"
)

var (
	emailPattern    = regexp.MustCompile(`^[^@\s,;<>"]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,188}[A-Za-z0-9])?$`)
	countryPattern  = regexp.MustCompile(`^[A-Z]{2}$`)
	languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	codePattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,31}$`)
)

// checker normalises a record in place and collects field errors.
type checker struct {
	f   errs.Fields
	now time.Time
}

// normalise trims, folds and checks p, and fills in what its documents say.
func normalise(p *Patient, now time.Time) errs.Fields {
	c := &checker{now: now}
	c.line("name", &p.Name, 60, true)
	if p.Name != "" && !strings.ContainsFunc(p.Name, unicode.IsLetter) {
		c.f.Add("name", "patient.name_invalid")
	}
	c.line("name_latin", &p.NameLatin, 100, false)
	c.line("code", &p.Code, 32, false)
	if p.Code != "" && !codePattern.MatchString(p.Code) {
		c.f.Add("code", "patient.code_invalid")
	}
	p.Code = strings.ToUpper(p.Code)
	c.choices(p)
	c.line("email", &p.Email, 254, false)
	if p.Email != "" && !emailPattern.MatchString(p.Email) {
		c.f.Add("email", "patient.email_invalid")
	}
	c.line("wechat", &p.WeChat, 64, false)
	for path, s := range map[string]*string{
		"address.province": &p.Address.Province, "address.city": &p.Address.City, "address.district": &p.Address.District,
		"address.street": &p.Address.Street, "address.detail": &p.Address.Detail, "ethnicity": &p.Ethnicity,
		"industry": &p.Industry, "occupation": &p.Occupation, "heart_history": &p.HeartHistory,
		"donation_behaviour": &p.DonationBehaviour,
	} {
		c.line(path, s, 200, false)
	}
	if p.Address.Code != "" && (!allDigits(p.Address.Code) || len(p.Address.Code) > 12) {
		c.f.Add("address.code", "patient.address_code_invalid")
	}
	c.list("allergies", &p.Allergies)
	c.list("hereditary_diseases", &p.HereditaryDiseases)
	c.list("tags", &p.Tags)
	if utf8.RuneCountInString(p.Notes) > 5000 || !utf8.ValidString(p.Notes) || strings.ContainsRune(p.Notes, 0) {
		c.f.Add("notes", "too_long")
	}
	c.phones(p)
	c.identifiers(p)
	c.birth(p)
	c.readings(p)
	slices.SortFunc(c.f, func(a, b errs.Field) int { return strings.Compare(a.Path, b.Path) })
	return c.f
}

// line trims a single line of text and checks its length and characters.
func (c *checker) line(path string, s *string, limit int, required bool) {
	*s = strings.TrimSpace(*s)
	switch {
	case *s == "" && required:
		c.f.Add(path, "required")
	case utf8.RuneCountInString(*s) > limit:
		c.f.Add(path, "too_long")
	case !utf8.ValidString(*s) || strings.ContainsFunc(*s, unicode.IsControl):
		c.f.Add(path, "bad_characters")
	}
}

// list trims a list of words and drops empty and double ones.
func (c *checker) list(path string, list *[]string) {
	out := make([]string, 0, len(*list))
	for i, s := range *list {
		c.line(fmt.Sprintf("%s[%d]", path, i), &s, 100, false)
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) > 50 {
		c.f.Add(path, "too_long")
	}
	*list = out
}

// choice fills in a default and checks that the value is allowed.
func (c *checker) choice(path string, s *string, def string, allowed ...string) {
	if *s == "" {
		*s = def
	}
	if *s != "" && !slices.Contains(allowed, *s) {
		c.f.Add(path, "not_allowed")
	}
}

func (c *checker) choices(p *Patient) {
	c.choice("sex", &p.Sex, SexUnknown, Male, Female, SexUnknown)
	c.choice("lifecycle", &p.Lifecycle, Potential, Potential, Customer, Loyal, Lifelong)
	c.choice("insurance", &p.Insurance, "", InsEmployee, InsResident, InsCommercial, InsPublic, InsSelfPay, InsOutOfArea, InsOther)
	c.choice("channel", &p.Channel, "phone", "phone", "sms", "wechat", "email", "post")
	if p.Nationality == "" {
		p.Nationality = "CN"
	}
	if !countryPattern.MatchString(p.Nationality) {
		c.f.Add("nationality", "patient.nationality_invalid")
	}
	if p.Language == "" {
		p.Language = "zh-CN"
	}
	if !languagePattern.MatchString(p.Language) {
		c.f.Add("language", "patient.language_invalid")
	}
}

func (c *checker) phones(p *Patient) {
	if len(p.Phones) > 10 {
		c.f.Add("phones", "too_long")
		return
	}
	seen := make(map[string]bool)
	primary := -1
	for i := range p.Phones {
		ph, path := &p.Phones[i], fmt.Sprintf("phones[%d]", i)
		number, ok := NormalisePhone(ph.Number)
		switch {
		case ph.stored: // what was there before stays; the quality report lists it
			number = ph.Number
		case !ok || !validPhone(ph.Number):
			c.f.Add(path+".number", "patient.phone_invalid")
		}
		if seen[number] && number != "" {
			c.f.Add(path+".number", "patient.phone_twice")
		}
		seen[number], ph.Number, ph.stored = true, number, false
		def := PhoneHome
		if isMobile(number) {
			def = PhoneMobile
		}
		c.choice(path+".type", &ph.Type, def, PhoneMobile, PhoneHome, PhoneWork, PhoneFamily)
		c.line(path+".owner", &ph.Owner, 40, false)
		if ph.Primary && primary < 0 {
			primary = i
		}
		ph.Primary = false
	}
	if len(p.Phones) > 0 {
		p.Phones[max(primary, 0)].Primary = true
	}
}

func (c *checker) identifiers(p *Patient) {
	if len(p.Identifiers) > 10 {
		c.f.Add("identifiers", "too_long")
		return
	}
	seen := make(map[string]bool)
	for i := range p.Identifiers {
		d, path := &p.Identifiers[i], fmt.Sprintf("identifiers[%d]", i)
		if d.Type == Newborn && d.Value == "" {
			if p.GuardianID == "" {
				c.f.Add("guardian_id", "patient.newborn_needs_guardian")
			}
			continue
		}
		info, key := ParseID(d.Type, d.Value, c.now)
		if key != "" {
			c.f.Add(path+".value", key)
			continue
		}
		d.Value = info.Number
		if seen[d.Type+d.Value] {
			c.f.Add(path+".value", "patient.id_twice")
		}
		seen[d.Type+d.Value] = true
		if info.BirthDate != "" {
			c.fromDocument(p, info)
		}
	}
}

// fromDocument fills in birth date and sex, and refuses a birth date that
// contradicts the document.
func (c *checker) fromDocument(p *Patient, info IDInfo) {
	if p.BirthDate == "" {
		p.BirthDate = info.BirthDate
	} else if p.BirthDate != info.BirthDate {
		c.f.Add("birth_date", "patient.birth_date_contradicts_id")
	}
	if p.Sex == SexUnknown {
		p.Sex = info.Sex
	}
}

func (c *checker) birth(p *Patient) {
	if p.BirthDate == "" {
		return
	}
	t, err := time.Parse(time.DateOnly, p.BirthDate)
	if err != nil || t.Year() < 1850 || t.After(c.now.Add(24*time.Hour)) {
		c.f.Add("birth_date", "patient.birth_date_invalid")
	}
}

// readings fills in pinyin and initials from the name.
func (c *checker) readings(p *Patient) {
	p.Pinyin, p.Initials, p.PinyinAlternates = "", "", []string{}
	rs := pinyin.Readings(p.Name)
	for i, r := range rs {
		if i == 0 {
			p.Pinyin, p.Initials = r.Full(), r.Initials()
			continue
		}
		p.PinyinAlternates = append(p.PinyinAlternates, r.Full())
	}
	if len(rs) == 0 {
		words := latinWords(p.Name)
		p.Pinyin = strings.Join(words, " ")
		for _, w := range words {
			p.Initials += w[:1]
		}
	}
}
