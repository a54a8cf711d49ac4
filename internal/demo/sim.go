package demo

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/journal"
)

// sim plays past days around the real router: time is virtual, callers and
// agents act by chance, and every step becomes an event of the journal.
type sim struct {
	s      *seeder
	router *acd.Router
	now    time.Time
	end    time.Time
	todo   todoHeap
	seq    int
	events []journal.Event
	calls  map[string]*story
	offers map[string]string // offer → agent
	state  map[string]acd.AgentStateName
	people callerBook
}

type todo struct {
	at  time.Time
	seq int
	fn  func()
}

type todoHeap []todo

func (h todoHeap) Len() int { return len(h) }
func (h todoHeap) Less(i, j int) bool {
	if d := h[i].at.Compare(h[j].at); d != 0 {
		return d < 0
	}
	return h[i].seq < h[j].seq
}
func (h todoHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *todoHeap) Push(x any)   { *h = append(*h, x.(todo)) }
func (h *todoHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// at lets fn happen at a moment.
func (m *sim) at(when time.Time, fn func()) {
	m.seq++
	heap.Push(&m.todo, todo{when, m.seq, fn})
}

func (m *sim) after(d time.Duration, fn func()) { m.at(m.now.Add(d), fn) }

// run plays until nothing is left to happen.
func (m *sim) run() {
	for {
		wake := m.router.NextWake()
		if len(m.todo) == 0 && (wake.IsZero() || wake.After(m.end)) {
			return
		}
		if len(m.todo) == 0 || (!wake.IsZero() && wake.Before(m.todo[0].at)) {
			m.now = later(m.now, wake)
			m.do(acd.Tick{})
			continue
		}
		t := heap.Pop(&m.todo).(todo)
		m.now = later(m.now, t.at)
		t.fn()
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// note writes an event of now.
func (m *sim) note(contact, agent, queue string, p journal.Payload) {
	m.noteAt(m.now, contact, agent, queue, p)
}

func (m *sim) noteAt(at time.Time, contact, agent, queue string, p journal.Payload) {
	m.events = append(m.events, journal.Past(at, contact, agent, queue, p))
}

// do gives the router an event and lets what follows happen.
func (m *sim) do(ev acd.Event) {
	for _, d := range m.router.Handle(ev, m.now) {
		m.write(d)
		switch v := d.(type) {
		case acd.Offer:
			m.offered(v)
		case acd.CancelOffer:
			m.withdrawn(v)
		case acd.Accepted:
			m.connected(v)
		case acd.SetAgentState:
			m.state[v.Agent] = v.State
			if v.State == acd.NotReady && (v.Reason == acd.ReasonNoAnswer || v.Reason == acd.ReasonRefused) {
				m.after(m.s.dice.around(40*time.Second, 20*time.Second), func() { m.do(acd.AgentState{Agent: v.Agent, Ready: true}) })
			}
		case acd.NoAgents:
			m.after(2*time.Second, func() { m.turnAway(v.Call, acd.ReasonNoAgents) })
		case acd.Overflow:
			if v.To == "" {
				m.after(2*time.Second, func() { m.turnAway(v.Call, acd.ReasonOverflow) })
			}
		}
	}
}

// write notes a decision as the live router's shell does.
func (m *sim) write(d acd.Decision) {
	switch v := d.(type) {
	case acd.Entered:
		m.note(v.Call, "", v.Queue, journal.QueueEntered{Queue: v.Queue, Priority: v.Priority, Skills: v.Skills, Position: v.Position, Front: v.Front})
	case acd.Announce:
		m.note(v.Call, "", v.Queue, journal.QueueAnnounced{Position: v.Position, EstimateLowS: int(v.Low.Seconds()), EstimateHighS: int(v.High.Seconds())})
	case acd.Offer:
		m.note(v.Call, v.Agent, v.Queue, journal.QueueOffered{Agent: v.Agent, Offer: v.ID, Receipt: v.Receipt})
	case acd.CancelOffer:
		m.note(v.Call, v.Agent, v.Queue, journal.QueueRefused{Agent: v.Agent, Offer: v.ID, Reason: v.Reason})
	case acd.Accepted:
		m.note(v.Call, v.Agent, v.Queue, journal.QueueAnswered{Agent: v.Agent, Offer: v.ID, WaitedMs: v.Waited.Milliseconds()})
	case acd.Left:
		m.note(v.Call, "", v.Queue, journal.QueueLeft{Reason: v.Reason, To: v.To, WaitedMs: v.Waited.Milliseconds()})
	case acd.SetAgentState:
		m.writeState(v)
	}
}

func (m *sim) writeState(v acd.SetAgentState) {
	ms := v.PrevFor.Milliseconds()
	switch {
	case v.Prev == acd.SignedOut:
		m.note("", v.Agent, "", journal.AgentSignedIn{Seat: v.Seat})
		m.note("", v.Agent, "", journal.AgentState{State: string(v.State), Reason: v.Reason})
	case v.State == acd.SignedOut:
		m.note(v.Call, v.Agent, "", journal.AgentSignedOut{Reason: v.Reason, Prev: string(v.Prev), PrevReason: v.PrevReason, SincePrevMs: ms})
	default:
		m.note(v.Call, v.Agent, "", journal.AgentState{State: string(v.State), Reason: v.Reason, Prev: string(v.Prev), PrevReason: v.PrevReason, SincePrevMs: ms})
	}
}

// shift is when somebody works, in hours of the day; to may pass midnight.
type shift struct {
	from, to float64
	lunch    float64
}

// shiftsOf gives the shifts of a day: who comes is decided by a rota.
func shiftsOf(day time.Time) []shift {
	night := shift{22, 31.5, 27}
	if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
		return []shift{{7.5, 15.5, 11.5}, {9, 17.5, 12.25}, {14, 22, 18}, night}
	}
	return []shift{{7.5, 15.5, 11.5}, {8, 16, 12}, {8.5, 17, 12.75}, {9, 17.5, 13.25}, {14, 22, 18}, {14.5, 22, 18.75}, night}
}

// work plans a day's shifts for the agents, turning the rota by one each day.
func (m *sim) work(day time.Time, n int, agents []string) {
	d := m.s.dice
	for i, sh := range shiftsOf(day) {
		agent := agents[(i+n*3)%len(agents)]
		hour := func(h float64, spread time.Duration) time.Time {
			return day.Add(time.Duration(h * float64(time.Hour))).Add(d.around(0, spread))
		}
		from, to := hour(sh.from, 2*time.Minute), hour(sh.to, 3*time.Minute)
		if from.After(m.end) {
			continue
		}
		m.at(from, func() { m.signIn(agent) })
		m.pause(agent, hour(sh.lunch, 8*time.Minute), d.around(32*time.Minute, 5*time.Minute), "lunch")
		for range 2 {
			m.pause(agent, from.Add(time.Duration(float64(to.Sub(from))*(0.15+0.7*d.Float64()))), d.around(9*time.Minute, 3*time.Minute), "break")
		}
		m.at(earlier(to, m.end), func() { m.signOut(agent) })
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (m *sim) signIn(agent string) {
	if s := m.state[agent]; s != "" && s != acd.SignedOut {
		return
	}
	in := acd.AgentSignedIn{Agent: agent, Seat: "browser"}
	profile, ok := m.s.Board.Current(context.Background()).Agent(agent)
	if !ok {
		return
	}
	for _, q := range profile.Queues {
		in.Queues = append(in.Queues, acd.QueueLevel{Queue: q.QueueID, Level: q.Level})
	}
	for _, k := range profile.Skills {
		in.Skills = append(in.Skills, acd.SkillLevel{Skill: k.Skill, Level: k.Level})
	}
	m.do(in)
	m.after(m.s.dice.around(25*time.Second, 10*time.Second), func() { m.do(acd.AgentState{Agent: agent, Ready: true}) })
}

// pause takes an agent off for a while.
func (m *sim) pause(agent string, from time.Time, length time.Duration, reason string) {
	if from.Add(length).After(m.end) {
		return
	}
	m.at(from, func() {
		if s := m.state[agent]; s == "" || s == acd.SignedOut {
			return
		}
		m.do(acd.AgentState{Agent: agent, Reason: reason})
		m.after(length, func() {
			if s := m.state[agent]; s != "" && s != acd.SignedOut {
				m.do(acd.AgentState{Agent: agent, Ready: true})
			}
		})
	})
}

// signOut lets an agent go once the last call is done.
func (m *sim) signOut(agent string) {
	switch m.state[agent] {
	case "", acd.SignedOut:
	case acd.Ready, acd.NotReady:
		m.do(acd.AgentSignedOut{Agent: agent, Reason: "shift_end"})
	default:
		m.after(20*time.Second, func() { m.signOut(agent) })
	}
}

// ordered puts the events in order of time; those of one moment keep theirs.
func (m *sim) ordered() []journal.Event {
	slices.SortStableFunc(m.events, func(a, b journal.Event) int { return a.At.Compare(b.At) })
	return m.events
}
