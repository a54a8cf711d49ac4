package api

import (
	"heartline/internal/care/patient"
	"heartline/internal/platform/identity"
)

// sight says how much of the customers on a call a reader sees.
type sight int

const (
	sightFull   sight = iota // names in full
	sightMasked              // names masked
	sightNone                // no customers
)

func sightOf(p identity.Principal) sight {
	switch {
	case !p.Permissions[identity.PatientRead]:
		return sightNone
	case !p.Permissions[identity.PatientReveal]:
		return sightMasked
	}
	return sightFull
}

// patients is a list of customers as a reader sees it. It leaves the list it
// is given alone.
func (v sight) patients(in []DeskPatient) []DeskPatient {
	switch v {
	case sightNone:
		return []DeskPatient{}
	case sightMasked:
		return mapped(in, func(p DeskPatient) DeskPatient {
			p.Name = patient.MaskName(p.Name)
			return p
		})
	}
	return in
}

func (v sight) call(c LiveCall) LiveCall {
	c.Patients = v.patients(c.Patients)
	return c
}

// desk hides numbers in full along with names.
func (v sight) desk(d DeskView) DeskView {
	d.Calls = mapped(d.Calls, func(c DeskCall) DeskCall {
		c.Patients = v.patients(c.Patients)
		if v != sightFull {
			c.Number = ""
		}
		return c
	})
	return d
}
