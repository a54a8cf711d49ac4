package call

// role is what a leg is to the call. Rules about who hears whom know nothing
// else about a leg than its role and its flags.
type role uint8

const (
	roleCaller     role = iota // the party the call is about: the patient
	roleAgent                  // an agent at a seat
	roleGuest                  // anybody else who was called: extension, external number
	roleSupervisor             // listens, whispers or barges
)

func (r role) String() string {
	return [...]string{"caller", "agent", "external", "supervisor"}[r]
}

// ambience is what somebody hears who has nobody to listen to.
type ambience uint8

const (
	silence ambience = iota
	ringback
	queueMusic
	holdMusic
	comfort // "we are restoring your call"
)

// party is what the plan needs to know of a leg.
type party struct {
	leg   string
	role  role
	up    bool   // answered, and its sound works
	early bool   // rings with sound of its own (183)
	away  bool   // has put the others on hold
	muted bool   // hears, is not heard
	mode  string // of a supervisor
}

// scene is a call as far as sound is concerned.
type scene struct {
	backdrop ambience // for those who hear nobody
	parties  []party
}

// route says that to hears from.
type route struct{ from, to string }

// plan is who hears whom, and who hears what instead.
type plan struct {
	routes   []route
	ambience map[string]ambience
}

// makePlan decides bridge, hold, conference, early sound and supervision from
// the scene alone. Talkers hear all other talkers; a leg that is away neither
// hears nor is heard; a supervisor hears all talkers, is heard by agents when
// whispering and by everybody when barging.
func makePlan(s scene) plan {
	p := plan{ambience: map[string]ambience{}}
	for _, to := range s.parties {
		if !to.up || to.away {
			continue
		}
		company := false // a muted partner is company too: no music
		for _, from := range s.parties {
			if from.leg == to.leg {
				continue
			}
			if heard(from, to) {
				p.routes = append(p.routes, route{from.leg, to.leg})
			}
			from.muted = false
			company = company || (heard(from, to) && (from.role != roleSupervisor || from.mode == ModeBarge))
		}
		if !company {
			if a := lonely(s.backdrop, to); a != silence {
				p.ambience[to.leg] = a
			}
		}
	}
	return p
}

// heard reports whether to hears from.
func heard(from, to party) bool {
	if from.away || (!from.up && !from.early) {
		return false
	}
	if from.role == roleSupervisor {
		switch from.mode {
		case ModeBarge:
			return !from.muted
		case ModeWhisper:
			return to.role == roleAgent && !from.muted
		}
		return false
	}
	return !from.muted
}

// lonely is what a talker hears who has nobody to listen to. Agents and
// supervisors get no music: they can see what is going on.
func lonely(backdrop ambience, to party) ambience {
	switch to.role {
	case roleSupervisor:
		return silence
	case roleAgent:
		if backdrop == ringback {
			return ringback
		}
		return silence
	}
	return backdrop
}
