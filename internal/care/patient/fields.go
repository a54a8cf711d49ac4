package patient

import (
	"encoding/json"
	"slices"
	"strings"
)

// fieldText is one field of a record as it is kept in the history: plain text,
// or JSON for phones and documents, whose numbers are masked when shown.
type fieldText struct{ field, text string }

// fieldTexts lists everything that is known of a person, in the order that
// screens and exports show it. Position and empty fields are kept, so that two
// records can be walked side by side.
func fieldTexts(p Patient) []fieldText {
	a := p.Address
	return []fieldText{
		{"code", p.Code}, {"name", p.Name}, {"name_latin", p.NameLatin}, {"sex", p.Sex}, {"birth_date", p.BirthDate},
		{"identifiers", documentsText(p.Identifiers)}, {"phones", phonesText(p.Phones)}, {"email", p.Email}, {"wechat", p.WeChat},
		{"address", strings.Join(trimmed(a.Province, a.City, a.District, a.Street, a.Detail, a.Code), " ")},
		{"nationality", p.Nationality}, {"ethnicity", p.Ethnicity}, {"industry", p.Industry}, {"occupation", p.Occupation},
		{"insurance", p.Insurance}, {"allergies", listText(p.Allergies)}, {"hereditary_diseases", listText(p.HereditaryDiseases)},
		{"heart_history", p.HeartHistory}, {"donation_behaviour", p.DonationBehaviour}, {"tags", listText(p.Tags)},
		{"language", p.Language}, {"channel", p.Channel}, {"lifecycle", p.Lifecycle}, {"vip", yes(p.VIP)},
		{"household_id", p.HouseholdID}, {"guardian_id", p.GuardianID}, {"notes", p.Notes},
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func listText(list []string) string { return strings.Join(list, "; ") }

func trimmed(list ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// number is a phone or document in the history.
type number struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	Owner string `json:"owner,omitempty"`
}

func phonesText(list []Phone) string {
	out := make([]number, 0, len(list))
	for _, p := range list {
		out = append(out, number{p.Type, p.Number, p.Owner})
	}
	return numbersJSON(out)
}

func documentsText(list []Identifier) string {
	out := make([]number, 0, len(list))
	for _, d := range list {
		out = append(out, number{Type: d.Type, Value: d.Value})
	}
	return numbersJSON(out)
}

func numbersJSON(list []number) string {
	if len(list) == 0 {
		return ""
	}
	return toJSON(list)
}

// changes pairs the fields that differ between two records.
func changes(old, new Patient) []FieldChange {
	var out []FieldChange
	was, is := fieldTexts(old), fieldTexts(new)
	for i := range is {
		if was[i].text != is[i].text {
			out = append(out, FieldChange{Field: is[i].field, Old: was[i].text, New: is[i].text})
		}
	}
	return out
}

// shown is a field's text for a reader: numbers as lines, document numbers
// masked for everybody, the rest masked without the right.
func shown(field, text string, full bool) string {
	switch field {
	case "phones", "identifiers":
		return shownNumbers(field, text, full)
	}
	if full || text == "" {
		return text
	}
	switch field {
	case "name", "name_latin":
		return MaskName(text)
	case "birth_date":
		return text[:min(len(text), 4)]
	case "email":
		return maskEmail(text)
	case "wechat":
		return maskTail(text)
	case "address":
		words := strings.Fields(text)
		return strings.Join(append(words[:min(len(words), 2)], "***"), " ")
	}
	return text
}

func shownNumbers(field, text string, full bool) string {
	var list []number
	if json.Unmarshal([]byte(text), &list) != nil {
		return ""
	}
	lines := make([]string, 0, len(list))
	for _, n := range list {
		v := n.Value
		switch {
		case field == "identifiers":
			v = n.Type + " " + MaskID(v)
		case !full:
			v = MaskPhone(v)
		}
		lines = append(lines, strings.Join(trimmed(v, n.Owner), " "))
	}
	return strings.Join(lines, "; ")
}
