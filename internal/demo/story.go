package demo

import (
	"fmt"
	"strings"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/call"
	"heartline/internal/contact/journal"
)

// story is one past call.
type story struct {
	id       string
	queue    string // code
	caller   caller
	agent    string
	answered time.Time
	agentLeg int
	over     bool
}

// arrive begins an inbound call.
func (m *sim) arrive() {
	d, now := m.s.dice, m.now
	c := &story{id: d.id(now), caller: m.people.draw(d)}
	m.calls[c.id] = c
	did := ServiceNumber
	if c.caller.english {
		did = EnglishNumber
	}
	masked, sealed, index := m.people.number(c.caller.number, c.id)
	m.note(c.id, "", "", journal.CallStarted{Direction: call.Inbound, FromSealed: sealed, FromIndex: index, FromMasked: masked, To: did, DID: did,
		Trunk: m.s.board.trunk, Channel: "sip"})
	m.note(c.id, "", "", journal.LegStarted{Leg: "l1", Party: "caller", AddressKind: "trunk"})
	m.noteAt(now.Add(60*time.Millisecond), c.id, "", "", journal.LegAnswered{Leg: "l1"})
	if len(c.caller.patients) > 0 {
		m.noteAt(now.Add(65*time.Millisecond), c.id, "", "", journal.CallIdentified{Patients: c.caller.patients})
	}
	m.noteAt(now.Add(70*time.Millisecond), c.id, "", "", journal.IVREntered{Flow: m.s.board.flow, Version: m.s.board.version})
	m.noteAt(now.Add(110*time.Millisecond), c.id, "", "", journal.MediaUp{Leg: "l1"})
	m.menu(c)
}

// menu takes the caller through the demo flow.
func (m *sim) menu(c *story) {
	d := m.s.dice
	at := m.now.Add(72 * time.Millisecond)
	node := func(name, kind string) { m.noteAt(at, c.id, "", "", journal.IVRNode{Node: name, Type: kind}) }
	if d.chance(0.05) { // had enough of the announcements
		node("notice", "play")
		m.at(at.Add(d.around(4*time.Second, 2*time.Second)), func() { m.hangUp(c, "caller") })
		return
	}
	for _, p := range []struct {
		node  string
		takes time.Duration
	}{{"notice", 3300 * time.Millisecond}, {"greeting", 2400 * time.Millisecond}, {"emergency", 6100 * time.Millisecond}} {
		node(p.node, "play")
		at = at.Add(p.takes)
	}
	node("menu", "menu")
	at = at.Add(d.around(5*time.Second, 2*time.Second))
	input := func(kind, digit string) {
		m.noteAt(at, c.id, "", "", journal.IVRInput{Node: "menu", Input: kind, Digit: digit})
	}
	switch d.weighted([]int{90, 5, 3}) {
	case 1:
		input("timeout", "")
		at = at.Add(d.around(8*time.Second, 2*time.Second))
	case 2:
		input("invalid", pick(d, []string{"4", "7", "9", "#"}))
		at = at.Add(d.around(7*time.Second, 2*time.Second))
	}
	if d.chance(0.02) {
		m.at(at, func() { m.hangUp(c, "caller") })
		return
	}
	key := []string{"1", "2", "3", "0"}[d.weighted([]int{52, 27, 5, 16})]
	input("digit", key)
	m.choose(c, key, at)
}

// choose follows a key of the menu.
func (m *sim) choose(c *story, key string, at time.Time) {
	d := m.s.dice
	node := func(name, kind string) { m.noteAt(at, c.id, "", "", journal.IVRNode{Node: name, Type: kind}) }
	switch key {
	case "1":
		c.queue = "appointments"
		node("appointments", "queue")
	case "2":
		c.queue = "enquiries"
		node("enquiries", "queue")
	case "3":
		node("office", "hours")
		if open, _, _ := m.office(at); !open {
			node("closed", "play")
			m.at(at.Add(d.around(7*time.Second, 3*time.Second)), func() { m.hangUp(c, "caller") })
			return
		}
		c.queue = "complaints"
		node("complaints", "queue")
	default:
		c.queue = "operator"
		node("operator", "play")
		at = at.Add(3 * time.Second)
		node("operators", "queue")
	}
	m.at(at, func() {
		id := m.s.board.queues[c.queue]
		m.note(c.id, "", "", journal.IVRLeft{Result: "queue", Target: c.queue})
		m.do(acd.CallQueued{Call: c.id, Queue: id, Since: m.now})
		m.after(8*time.Second+d.exp(170*time.Second), func() {
			if c.answered.IsZero() && !c.over {
				m.do(acd.CallGone{Call: c.id, Reason: acd.ReasonAbandoned})
				m.hangUp(c, "caller")
			}
		})
	})
}

// hangUp ends a call that nobody answered.
func (m *sim) hangUp(c *story, by string) {
	if c.over {
		return
	}
	c.over = true
	cause := "hangup"
	if by == "caller" {
		cause = "cancelled"
	}
	m.note(c.id, "", "", journal.LegEnded{Leg: "l1", Cause: cause, Q850: 16})
	m.note(c.id, "", "", journal.CallEnded{Cause: cause, By: by})
}

// turnAway says goodbye to a caller whom nobody can serve.
func (m *sim) turnAway(callID, reason string) {
	c := m.calls[callID]
	if c == nil || c.over || !c.answered.IsZero() {
		return
	}
	m.do(acd.CallGone{Call: callID, Reason: reason})
	m.note(c.id, "", "", journal.IVRNode{Node: "busy", Type: "hangup"})
	m.after(7*time.Second, func() {
		m.note(c.id, "", "", journal.IVRLeft{Result: "hangup", Target: "flow"})
		m.hangUp(c, "system")
	})
}

// offered lets the agent's phone ring and, mostly, be answered.
func (m *sim) offered(o acd.Offer) {
	c := m.calls[o.Call]
	if c == nil {
		return
	}
	d := m.s.dice
	m.offers[o.ID] = o.Agent
	c.agentLeg++
	leg := fmt.Sprintf("l%d", c.agentLeg+1)
	m.note(o.Call, o.Agent, o.Queue, journal.LegStarted{Leg: leg, Party: "agent", AddressKind: "browser", User: o.Agent})
	m.noteAt(m.now.Add(8*time.Millisecond), o.Call, o.Agent, o.Queue, journal.LegRinging{Leg: leg})
	switch d.weighted([]int{960, 25, 15}) {
	case 0:
		m.after(d.around(4*time.Second, 2*time.Second), func() {
			if m.offers[o.ID] != "" {
				m.do(acd.OfferAccepted{Offer: o.ID})
			}
		})
	case 1: // away from the desk: the router's own timer ends it
	case 2:
		m.after(3*time.Second, func() {
			if m.offers[o.ID] != "" {
				m.do(acd.OfferRefused{Offer: o.ID})
			}
		})
	}
}

func (m *sim) withdrawn(v acd.CancelOffer) {
	delete(m.offers, v.ID)
	c := m.calls[v.Call]
	if c == nil {
		return
	}
	cause, code := "cancelled", 487
	if v.Reason == acd.ReasonNoAnswer {
		cause, code = "no_answer", 480
	}
	m.note(v.Call, v.Agent, v.Queue, journal.LegEnded{Leg: fmt.Sprintf("l%d", c.agentLeg+1), Cause: cause, SIPCode: code})
}

// connected starts the conversation.
func (m *sim) connected(v acd.Accepted) {
	c := m.calls[v.Call]
	if c == nil {
		return
	}
	delete(m.offers, v.ID)
	d := m.s.dice
	c.agent, c.answered = v.Agent, m.now
	leg := fmt.Sprintf("l%d", c.agentLeg+1)
	m.noteAt(m.now.Add(15*time.Millisecond), c.id, v.Agent, v.Queue, journal.LegAnswered{Leg: leg})
	m.noteAt(m.now.Add(30*time.Millisecond), c.id, v.Agent, "", journal.MediaUp{Leg: leg})
	mean := map[string]time.Duration{"appointments": 125 * time.Second, "enquiries": 155 * time.Second, "complaints": 280 * time.Second, "operator": 75 * time.Second}[c.queue]
	talk := min(20*time.Second+d.exp(mean/2)+d.around(mean/2, mean/6), 14*time.Minute)
	if d.chance(0.11) {
		hold := m.now.Add(talk / 3)
		m.noteAt(hold, c.id, v.Agent, "", journal.CallHeld{By: v.Agent})
		m.noteAt(hold.Add(min(d.around(28*time.Second, 15*time.Second), talk/3)), c.id, v.Agent, "", journal.CallResumed{By: v.Agent})
	}
	if d.chance(0.05) {
		m.after(talk, func() { m.transfer(c, leg) })
		return
	}
	m.after(talk, func() {
		by := "caller"
		if d.chance(0.3) {
			by = "agent"
		}
		m.finish(c, leg, by)
	})
}

// finish ends an answered call.
func (m *sim) finish(c *story, leg, by string) {
	m.quality(c, leg)
	c.over = true
	m.note(c.id, "", "", journal.LegEnded{Leg: "l1", Cause: "hangup", Q850: 16})
	m.note(c.id, c.agent, "", journal.LegEnded{Leg: leg, Cause: "hangup", Q850: 16})
	m.note(c.id, "", "", journal.CallEnded{Cause: "hangup", By: by})
	m.wrapUp(c, m.people.disposition(m.s.dice, c))
}

// transfer connects the caller to a department; the agent leaves.
func (m *sim) transfer(c *story, leg string) {
	d := m.s.dice
	ext := m.s.staff.departments[pick(d, m.s.staff.order)].Extension
	to := fmt.Sprintf("l%d", c.agentLeg+2)
	m.note(c.id, "", "", journal.LegStarted{Leg: to, Party: "extension", AddressKind: "extension"})
	m.noteAt(m.now.Add(20*time.Millisecond), c.id, "", "", journal.LegRinging{Leg: to})
	up := m.now.Add(d.around(5*time.Second, 2*time.Second))
	m.at(up, func() {
		m.note(c.id, "", "", journal.LegAnswered{Leg: to})
		m.note(c.id, c.agent, "", journal.CallTransferred{Type: "blind", From: c.agent, TargetKind: "extension", Target: ext, Result: "ok"})
		m.quality(c, leg)
		m.note(c.id, c.agent, "", journal.LegEnded{Leg: leg, Cause: "transferred"})
		m.wrapUp(c, "transferred")
		m.after(20*time.Second+d.exp(70*time.Second), func() {
			c.over = true
			m.note(c.id, "", "", journal.LegEnded{Leg: to, Cause: "hangup", Q850: 16})
			m.note(c.id, "", "", journal.LegEnded{Leg: "l1", Cause: "hangup", Q850: 16})
			m.note(c.id, "", "", journal.CallEnded{Cause: "hangup", By: "caller"})
		})
	})
}

// quality is what the agent's leg measured.
func (m *sim) quality(c *story, leg string) {
	d := m.s.dice
	q := journal.MediaQuality{Leg: leg, MOS: 4.3 + d.NormFloat64()*0.06, Loss: d.ExpFloat64() * 0.2, JitterMs: 2 + d.ExpFloat64()*3, RTTMs: 12 + d.ExpFloat64()*15}
	if d.chance(0.03) {
		q.MOS, q.Loss, q.JitterMs, q.RTTMs = 3.1+d.Float64()*0.6, 2+d.ExpFloat64()*3, 20+d.ExpFloat64()*20, 80+d.ExpFloat64()*80
	}
	q.MOS = float64(int(min(q.MOS, 4.41)*100)) / 100
	q.Loss, q.JitterMs, q.RTTMs = float64(int(q.Loss*100))/100, float64(int(q.JitterMs*10))/10, float64(int(q.RTTMs))
	m.note(c.id, c.agent, "", q)
}

// wrapUp lets the agent write down what the call was about.
func (m *sim) wrapUp(c *story, disposition string) {
	d := m.s.dice
	agent := c.agent
	m.do(acd.AgentFree{Agent: agent, WrapUp: acd.UseQueueWrapUp})
	took := d.around(14*time.Second, 7*time.Second)
	m.after(took, func() {
		m.note(c.id, agent, "", journal.CallDisposed{Disposition: disposition, Patient: c.caller.about})
		if text := m.people.remark(d, disposition); text != "" {
			m.note(c.id, agent, "", journal.CallNoted{Notes: text})
		}
		if m.state[agent] == acd.WrapUp {
			m.do(acd.WrapUpDone{Agent: agent})
		}
	})
}

// callBack is an outbound call of an agent who has a moment.
func (m *sim) callBack(agent string) {
	d := m.s.dice
	if m.state[agent] != acd.Ready || m.now.Add(10*time.Minute).After(m.end) {
		return
	}
	c := &story{id: d.id(m.now), agent: agent, queue: "callback", caller: m.people.known(d)}
	m.calls[c.id] = c
	masked, _, _ := m.people.number(c.caller.number, c.id)
	m.note(c.id, "", "", journal.CallStarted{Direction: call.Outbound, To: masked, Trunk: m.s.board.trunk, Channel: "browser", FromMasked: ServiceNumber})
	m.note(c.id, agent, "", journal.LegStarted{Leg: "l1", Party: "agent", AddressKind: "browser", User: agent})
	m.note(c.id, agent, "", journal.LegAnswered{Leg: "l1"})
	m.note(c.id, "", "", journal.CallIdentified{Patients: []string{c.caller.about}})
	m.do(acd.AgentBusy{Agent: agent, Call: c.id})
	m.note(c.id, "", "", journal.LegStarted{Leg: "l2", Party: "external", AddressKind: "external"})
	m.noteAt(m.now.Add(900*time.Millisecond), c.id, "", "", journal.LegRinging{Leg: "l2"})
	rings := d.around(11*time.Second, 5*time.Second)
	if d.chance(0.25) { // nobody at home
		m.after(40*time.Second, func() {
			m.note(c.id, "", "", journal.LegEnded{Leg: "l2", Cause: "no_answer", SIPCode: 480, Q850: 19})
			m.note(c.id, agent, "", journal.LegEnded{Leg: "l1", Cause: "hangup"})
			m.note(c.id, "", "", journal.CallEnded{Cause: "no_answer", By: "agent"})
			m.do(acd.AgentFree{Agent: agent})
		})
		return
	}
	m.after(rings, func() {
		c.answered = m.now
		m.note(c.id, "", "", journal.LegAnswered{Leg: "l2"})
		m.after(25*time.Second+d.exp(60*time.Second), func() {
			m.note(c.id, "", "", journal.LegEnded{Leg: "l2", Cause: "hangup", Q850: 16})
			m.note(c.id, agent, "", journal.LegEnded{Leg: "l1", Cause: "hangup", Q850: 16})
			m.note(c.id, "", "", journal.CallEnded{Cause: "hangup", By: "agent"})
			m.note(c.id, agent, "", journal.CallDisposed{Disposition: "enquiry_answered", Patient: c.caller.about})
			m.note(c.id, agent, "", journal.CallNoted{Notes: strings.Join([]string{"按承诺回电。", pick(d, []string{"已告知报告结果已出。", "已确认复诊时间。", "客户满意。"})}, "")})
			m.do(acd.AgentFree{Agent: agent})
		})
	})
}
