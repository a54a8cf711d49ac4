package call

import (
	"context"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/ivr"
	"heartline/internal/contact/journal"
)

// visit is a caller's time in a queue. It stays with the call after the
// answer, as what the conversation belongs to.
type visit struct {
	queue, name string
	music       string // prompt key; "": built in
	priority    int
	skills      []journal.Skill
	since       time.Time
	position    int
	waiting     bool
	waited      time.Duration
}

func (v *visit) show(to *LiveCall, now time.Time) {
	to.Queue, to.QueueName, to.QueuedAt = v.queue, v.name, moment(v.since)
	to.WaitedMS = v.waited.Milliseconds()
	if v.waiting {
		to.WaitedMS, to.Position = now.Sub(v.since).Milliseconds(), v.position
	}
}

// queueOrder is a wish to wait in a queue.
type queueOrder struct {
	queue    string
	priority int
	skills   []journal.Skill
	since    time.Time // keeps an earlier place; zero: now
	front    bool
}

func (c *call) waiting() bool { return c.visit != nil && c.visit.waiting }

// enterQueue lets the answered caller wait.
func (c *call) enterQueue(o queueOrder) {
	q, ok := c.dir().Queue(o.queue)
	if !ok {
		c.unserved("no_queue", "system_fault")
		return
	}
	if open, _, _ := c.dir().Open(q.CalendarID, c.svc.now()); !open && !o.front {
		c.unserved("closed", "after_hours")
		return
	}
	if o.since.IsZero() {
		o.since = c.svc.now()
	}
	if !c.answered.IsZero() {
		c.note("", journal.CallParked{Reason: "requeued"}) // somebody spoke to the caller before; this wait is no talk
	}
	c.visit = &visit{queue: q.ID, name: q.Name, music: q.MusicPrompt, priority: o.priority, skills: o.skills, since: o.since, waiting: true}
	c.stage, c.backdrop = StageQueued, queueMusic
	c.touch()
	c.svc.acd.Post(acd.CallQueued{Call: c.id, Queue: q.ID, Priority: o.priority, Skills: o.skills, Since: o.since, Front: o.front})
}

// unserved takes a caller whom no queue serves back to the flow, or says
// goodbye.
func (c *call) unserved(reason, prompt string) {
	if !c.backToMenu(ivr.QueueLeft{Reason: reason}) {
		c.farewell(prompt, reason)
	}
}

// leaveQueue takes the caller out of the queue, with whatever rings there.
func (c *call) leaveQueue(reason string) {
	if !c.waiting() {
		return
	}
	c.stopWaiting()
	c.svc.acd.Post(acd.CallGone{Call: c.id, Reason: reason})
	for _, l := range c.offers() {
		c.drop(l, "cancelled")
	}
}

func (c *call) stopWaiting() {
	c.visit.waiting, c.visit.position = false, 0
	c.visit.waited = c.svc.now().Sub(c.visit.since)
	c.touch()
}

// offers are the legs that ring by the distributor's order.
func (c *call) offers() []*leg {
	var out []*leg
	for _, l := range c.legs {
		if l.offer != "" && l.state == legRinging {
			out = append(out, l)
		}
	}
	return out
}

// Offer implements acd.Switch: ring the agent.
func (s *Service) Offer(o acd.Offer) {
	s.mu.Lock()
	c := s.calls[o.Call]
	if c != nil {
		s.offers[o.ID] = c
	}
	s.mu.Unlock()
	if c == nil || !c.post(func() { c.offered(o) }) {
		s.offerOver(o.ID)
		s.acd.Post(acd.CallGone{Call: o.Call, Reason: acd.ReasonAbandoned})
	}
}

// offerOver forgets where an offer rang.
func (s *Service) offerOver(id string) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.offers[id]
	delete(s.offers, id)
	return c
}

// CancelOffer implements acd.Switch: stop ringing.
func (s *Service) CancelOffer(id, reason string) {
	if c := s.offerOver(id); c != nil {
		c.post(func() { c.offerCancelled(id, reason) })
	}
}

// Announce implements acd.Switch: say position and estimate.
func (s *Service) Announce(callID string, a acd.Announce) {
	if c, err := s.find(callID); err == nil {
		c.post(func() { c.announce(a) })
	}
}

// Overflow implements acd.Switch: the call moved, or we decide.
func (s *Service) Overflow(o acd.Overflow) {
	if c, err := s.find(o.Call); err == nil {
		c.post(func() { c.overflowed(o) })
	}
}

// NoAgents implements acd.Switch: nobody able is signed in.
func (s *Service) NoAgents(n acd.NoAgents) {
	if c, err := s.find(n.Call); err == nil {
		c.post(func() { c.undecided(acd.ReasonNoAgents) })
	}
}

func (c *call) offered(o acd.Offer) {
	if c.over || !c.waiting() {
		c.svc.offerOver(o.ID)
		c.svc.acd.Post(acd.CallGone{Call: c.id, Reason: acd.ReasonAnswered})
		return
	}
	l := &leg{role: roleAgent, user: o.Agent, offer: o.ID, deadline: o.Deadline}
	refused := func(f failure) { c.svc.acd.Post(acd.OfferRefused{Offer: o.ID, Reason: f.reason}) }
	c.ringSeat(l, o.Deadline.Sub(c.svc.now())+5*time.Second, c.offerAccepted, refused)
}

// claim asks the distributor for the call that the agent has just answered.
// One who is too late (the caller left, the offer went on to somebody else)
// does not get it.
func (c *call) claim(l *leg) bool {
	ctx, cancel := c.op()
	defer cancel()
	if !c.waiting() || c.svc.acd.Do(ctx, acd.OfferAccepted{Offer: l.offer}) != nil {
		return false
	}
	c.book(l)
	c.stopWaiting()
	return true
}

// offerAccepted connects the agent who got the call.
func (c *call) offerAccepted(l *leg) {
	c.greet(l)
	c.converse()
}

// offerCancelled stops the ringing.
func (c *call) offerCancelled(id, reason string) {
	for _, l := range c.offers() {
		if l.offer == id {
			c.drop(l, reason)
		}
	}
}

func (c *call) announce(a acd.Announce) {
	if c.over || !c.waiting() {
		return
	}
	c.visit.position = a.Position
	c.touch()
	if c.caller.saying == "" {
		c.say(c.caller, queueWords(c.lang, a.Position, a.Low, a.High), nil)
	}
}

func (c *call) overflowed(o acd.Overflow) {
	if c.over || !c.waiting() {
		return
	}
	if o.To == "" {
		c.undecided(o.Reason)
		return
	}
	c.visit.queue, c.visit.name, c.visit.music = o.To, o.To, ""
	if q, ok := c.dir().Queue(o.To); ok {
		c.visit.name, c.visit.music = q.Name, q.MusicPrompt
	}
	c.touch()
}

// undecided handles a caller whom the distributor cannot serve at present:
// the flow goes on where it says how; a full queue says so; otherwise the
// caller keeps the place and waits.
func (c *call) undecided(reason string) {
	if c.over || !c.waiting() {
		return
	}
	if c.menu != nil {
		if n := c.menu.flow.Nodes[c.menu.state.Node]; n.Type == ivr.TypeQueue && (n.OnOverflow != "" || n.Next != "") {
			c.leaveQueue(reason)
			c.backToMenu(ivr.QueueLeft{Reason: reason})
			return
		}
	}
	if reason == acd.ReasonLength || reason == acd.ReasonRemoved {
		c.leaveQueue(reason)
		c.farewell("all_lines_busy", "queue_full")
		return
	}
	if c.caller.saying == "" {
		c.say(c.caller, []string{"queue_still_waiting"}, nil)
	}
}

// greet tells the caller, before the first word, who answers.
func (c *call) greet(l *leg) {
	c.hush(c.caller)
	if !c.svc.cfg.AnnounceAgent || c.caller == nil {
		return
	}
	if p, ok := c.dir().Agent(l.user); ok && p.Number != "" {
		for _, who := range []*leg{c.caller, l} { // both, so that the agent knows when to speak
			c.say(who, agentWords(p.Number), nil)
		}
	}
}

// identify asks who may be calling, beside the call.
func (c *call) identify() {
	who := c.svc.deps.Identifier
	if who == nil || c.origin.number == "" {
		return
	}
	number := c.origin.number
	c.task(5*time.Second, func(ctx context.Context) {
		found, err := who.Identify(ctx, number)
		if err != nil {
			c.log().Warn("identify caller", "error", err)
			return
		}
		c.post(func() { c.identified(found) })
	})
}

func (c *call) identified(found []Candidate) {
	if c.over || len(found) == 0 {
		return
	}
	c.patients = found
	ids := make([]string, len(found))
	for i, p := range found {
		ids[i] = p.ID
	}
	c.note("", journal.CallIdentified{Patients: ids})
	c.touch()
	for _, l := range c.legs {
		if l.role == roleAgent {
			c.pop(l)
		}
	}
}

// pop shows the caller on the agent's screen.
func (c *call) pop(l *leg) {
	if c.caller == nil && c.origin.direction != Outbound {
		return
	}
	p := Popped{Agent: l.user, CallID: c.id, NumberMasked: Mask(c.origin.number), Patients: c.patients}
	if p.Patients == nil {
		p.Patients = []Candidate{}
	}
	if c.visit != nil {
		p.Queue, p.QueueName = c.visit.queue, c.visit.name
	}
	if profile, ok := c.dir().Agent(l.user); ok {
		p.AutoAnswer = profile.AutoAnswer
	}
	fact(c, p)
}
