package ivr

import "slices"

// The outcomes that every dip can have: the hospital did not answer in time,
// or could not.
const (
	OutcomeTimeout = "timeout"
	OutcomeError   = "error"
)

// DipSpec is what flows may expect of a dip.
type DipSpec struct {
	Name     string
	Needs    []string // variables it reads
	Outcomes []string // besides timeout and error
	Sets     []string // variables that it, or a choice among its options, sets
	Options  bool     // it brings options
}

// Dips lists the dips that flows may use. Call control passes them on by name;
// what they do is no business of this package.
func Dips() []DipSpec {
	visit := []string{"appointment", "date", "time", "department", "doctor"}
	return []DipSpec{
		{Name: "identify_by_phone", Outcomes: []string{"found", "many", "none"}, Sets: []string{"patient", "birth_year"}, Options: true},
		{Name: "identify_by_id", Needs: []string{"id_number"}, Outcomes: []string{"found", "none", "invalid"}, Sets: []string{"patient", "birth_year"}},
		{Name: "identify_by_phone_birth", Needs: []string{"phone", "birth"}, Outcomes: []string{"found", "many", "none", "invalid"},
			Sets: []string{"patient", "birth_year"}, Options: true},
		{Name: "booking.departments", Needs: []string{"patient"}, Outcomes: []string{"ok", "none"}, Sets: []string{"department", "department_name"}, Options: true},
		{Name: "booking.days", Needs: []string{"department"}, Outcomes: []string{"ok", "none"}, Sets: []string{"date"}, Options: true},
		{Name: "booking.slots", Needs: []string{"department", "date"}, Outcomes: []string{"ok", "none"},
			Sets: []string{"session", "number", "time", "doctor_name", "fee"}, Options: true},
		{Name: "booking.book", Needs: []string{"patient", "session", "number"}, Outcomes: []string{"ok", "taken", "refused"},
			Sets: []string{"appointment", "code", "seq"}},
		{Name: "booking.mine", Needs: []string{"patient"}, Outcomes: []string{"ok", "none"}, Sets: append(visit, "department_name", "doctor_name"), Options: true},
		{Name: "booking.cancel", Needs: []string{"patient", "appointment"}, Outcomes: []string{"ok", "refused"}},
	}
}

// FindDip finds a dip by its name.
func FindDip(name string) (DipSpec, bool) {
	list := Dips()
	i := slices.IndexFunc(list, func(d DipSpec) bool { return d.Name == name })
	if i < 0 {
		return DipSpec{}, false
	}
	return list[i], true
}
