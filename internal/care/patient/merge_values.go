package patient

import (
	"slices"

	"heartline/internal/platform/errs"
)

// snapshot is a record as it was, to put back exactly that.
type snapshot struct {
	Patient  Patient
	Relation string
	LastAt   int64
}

// join makes one record of two, by field: choose says "keep" or "merge". It is
// pure; numbers and lists are united, the kept record's first.
func join(keep, merge Patient, choose map[string]string) (Patient, error) {
	out := keep
	pick := func(field string) bool { // the merged record's value is taken
		switch choose[field] {
		case "merge":
			return true
		case "keep":
			return false
		}
		return empty(field, textOf(keep, field)) && !empty(field, textOf(merge, field))
	}
	for _, f := range scalars() {
		if pick(f.field) {
			f.copy(&out, &merge)
		}
	}
	out.Phones = joinPhones(keep.Phones, merge.Phones, choose["phones"])
	for i := range out.Phones {
		out.Phones[i].stored = true
	}
	docs, err := joinDocuments(keep.Identifiers, merge.Identifiers, choose["identifiers"])
	if err != nil {
		return out, err
	}
	out.Identifiers = docs
	out.Allergies = unite(keep.Allergies, merge.Allergies)
	out.HereditaryDiseases = unite(keep.HereditaryDiseases, merge.HereditaryDiseases)
	out.Tags = unite(keep.Tags, merge.Tags)
	if rankOfStage(merge.Lifecycle) > rankOfStage(keep.Lifecycle) && choose["lifecycle"] == "" {
		out.Lifecycle = merge.Lifecycle
	}
	if choose["vip"] == "" {
		out.VIP = keep.VIP || merge.VIP
	}
	return out, nil
}

type scalar struct {
	field string
	copy  func(to, from *Patient)
}

// scalars are the fields of which a merge keeps one value. The code stays with
// its record: both codes keep finding the person.
func scalars() []scalar {
	return []scalar{
		{"name", func(to, from *Patient) { to.Name = from.Name }},
		{"name_latin", func(to, from *Patient) { to.NameLatin = from.NameLatin }},
		{"sex", func(to, from *Patient) { to.Sex = from.Sex }},
		{"birth_date", func(to, from *Patient) { to.BirthDate = from.BirthDate }},
		{"email", func(to, from *Patient) { to.Email = from.Email }},
		{"wechat", func(to, from *Patient) { to.WeChat = from.WeChat }},
		{"address", func(to, from *Patient) { to.Address = from.Address }},
		{"nationality", func(to, from *Patient) { to.Nationality = from.Nationality }},
		{"ethnicity", func(to, from *Patient) { to.Ethnicity = from.Ethnicity }},
		{"industry", func(to, from *Patient) { to.Industry = from.Industry }},
		{"occupation", func(to, from *Patient) { to.Occupation = from.Occupation }},
		{"insurance", func(to, from *Patient) { to.Insurance = from.Insurance }},
		{"heart_history", func(to, from *Patient) { to.HeartHistory = from.HeartHistory }},
		{"donation_behaviour", func(to, from *Patient) { to.DonationBehaviour = from.DonationBehaviour }},
		{"language", func(to, from *Patient) { to.Language = from.Language }},
		{"channel", func(to, from *Patient) { to.Channel = from.Channel }},
		{"lifecycle", func(to, from *Patient) { to.Lifecycle = from.Lifecycle }},
		{"vip", func(to, from *Patient) { to.VIP = from.VIP }},
		{"household_id", func(to, from *Patient) { to.HouseholdID = from.HouseholdID }},
		{"guardian_id", func(to, from *Patient) { to.GuardianID = from.GuardianID }},
		{"notes", func(to, from *Patient) { to.Notes = from.Notes }},
	}
}

func textOf(p Patient, field string) string {
	for _, f := range fieldTexts(p) {
		if f.field == field {
			return f.text
		}
	}
	return ""
}

// checkChoices refuses fields that are none and answers that are none.
func checkChoices(choose map[string]string) errs.Fields {
	var f errs.Fields
	for field, value := range choose {
		known := field == "phones" || field == "identifiers" || slices.ContainsFunc(scalars(), func(s scalar) bool { return s.field == field })
		if !known || (value != "keep" && value != "merge" && value != "both") || (value == "both" && !united(field)) {
			f.Add("fields."+field, "not_allowed")
		}
	}
	return f
}

func unite(a, b []string) []string {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// joinPhones unites phones; those that came from the merged record get rows of
// their own.
func joinPhones(keep, merge []Phone, choice string) []Phone {
	out := slices.Clone(keep)
	if choice == "keep" {
		return out
	}
	if choice == "merge" {
		out = nil
	}
	for _, p := range merge {
		if slices.ContainsFunc(out, func(x Phone) bool { return x.Number == p.Number }) {
			continue
		}
		p.ID, p.Primary = "", p.Primary && !slices.ContainsFunc(out, func(x Phone) bool { return x.Primary })
		out = append(out, p)
	}
	return out
}

// joinDocuments unites documents. Two different ID cards cannot both be right:
// whoever merges must say which.
func joinDocuments(keep, merge []Identifier, choice string) ([]Identifier, error) {
	out := slices.Clone(keep)
	if choice == "keep" {
		return out, nil
	}
	if choice == "merge" {
		out = nil
	}
	for _, d := range merge {
		if slices.ContainsFunc(out, func(x Identifier) bool { return x.Type == d.Type && x.Value == d.Value }) {
			continue
		}
		if d.Type == IDCard && slices.ContainsFunc(out, func(x Identifier) bool { return x.Type == IDCard }) {
			return nil, errs.New(errs.Conflict, "patient.merge_documents")
		}
		d.ID = ""
		out = append(out, d)
	}
	return out, nil
}

// part undoes join: what still is as the merge left it goes back to what it
// was before; what was changed since stays. It is pure.
func part(before, after, now Patient) Patient {
	out := now
	was, is := before, after
	for _, f := range scalars() {
		if textOf(now, f.field) == textOf(after, f.field) {
			f.copy(&out, &was)
		}
	}
	out.Allergies = partList(was.Allergies, is.Allergies, now.Allergies)
	out.HereditaryDiseases = partList(was.HereditaryDiseases, is.HereditaryDiseases, now.HereditaryDiseases)
	out.Tags = partList(was.Tags, is.Tags, now.Tags)
	out.Phones = partRows(was.Phones, is.Phones, now.Phones, func(a, b Phone) bool {
		return a.Number == b.Number && a.Owner == b.Owner && a.Type == b.Type && a.Primary == b.Primary
	})
	out.Identifiers = partRows(was.Identifiers, is.Identifiers, now.Identifiers, func(a, b Identifier) bool {
		return a.Type == b.Type && a.Value == b.Value
	})
	return out
}

func partList(before, after, now []string) []string {
	return partRows(before, after, now, func(a, b string) bool { return a == b })
}

// partRows puts a list back. Untouched since the merge, it is what it was;
// otherwise what the merge brought goes, what it dropped returns, and what was
// added or removed since stays so.
func partRows[T any](before, after, now []T, same func(a, b T) bool) []T {
	if slices.EqualFunc(after, now, same) {
		return slices.Clone(before)
	}
	has := func(list []T, x T) bool { return slices.ContainsFunc(list, func(y T) bool { return same(x, y) }) }
	out := make([]T, 0, len(now))
	for _, x := range now {
		if has(before, x) || !has(after, x) {
			out = append(out, x)
		}
	}
	for _, x := range before {
		if !has(after, x) && !has(out, x) {
			out = append(out, x)
		}
	}
	return out
}
