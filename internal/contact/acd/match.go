package acd

import (
	"slices"
	"strconv"
	"time"

	"heartline/internal/contact/journal"
)

// Receipts list so many candidates and exclusions; their totals are complete.
const (
	receiptCandidates = 8
	receiptExcluded   = 12
)

// What made the router look.
const (
	triggerCall  = "call_waiting"
	triggerAgent = "agent_free"
)

// able returns how good an agent is for the needs: the lowest of the needed
// skills, or without needs the level in the queue. ok is false if a skill is
// missing or too low, which names it.
func (m member) able(needs []SkillNeed) (level int, missing string, ok bool) {
	if len(needs) == 0 {
		return m.level, "", true
	}
	level = int(^uint(0) >> 1)
	for _, n := range needs {
		has := -1
		for _, s := range m.agent.skills {
			if s.Skill == n.Skill {
				has = max(has, s.Level)
			}
		}
		if has < 0 || has < n.Level {
			return 0, n.Skill, false
		}
		level = min(level, has)
	}
	return level, "", true
}

// anyoneAble reports whether a signed-in agent has the skills, busy or not.
func (q *queue) anyoneAble(needs []SkillNeed) bool {
	for _, m := range q.members {
		if _, _, ok := m.able(needs); ok {
			return true
		}
	}
	return false
}

// match offers a waiting call to the best ready agent, if there is one.
func (r *Router) match(c *call) bool {
	q := c.queue
	if q.counts[Ready] == 0 {
		return false
	}
	best, bestScore := -1, int64(0)
	for i, m := range q.members {
		if m.agent.state != Ready {
			continue
		}
		level, _, ok := m.able(c.class.needs)
		if !ok {
			continue
		}
		if s := q.score(r.now.Sub(m.agent.idleSince), level); best < 0 || s > bestScore {
			best, bestScore = i, s
		}
	}
	if best < 0 {
		return false
	}
	r.offer(c, q.members[best].agent, triggerCall)
	return true
}

// score is the idle time plus the queue's bonus for each level.
func (q *queue) score(idle time.Duration, level int) int64 {
	return idle.Milliseconds() + int64(level)*q.cfg.LevelBonus.Milliseconds()
}

// feed offers a ready agent the first call, over all queues of the agent, that
// the agent is able to take.
func (r *Router) feed(a *agent) {
	var first *call
	for _, ql := range a.queues {
		q := r.queues[ql.Queue]
		m := member{agent: a, level: ql.Level}
		for _, cl := range q.classes {
			if len(cl.calls) == 0 {
				continue
			}
			if _, _, ok := m.able(cl.needs); !ok {
				continue
			}
			if head := cl.calls[0]; first == nil || compareCalls(head, first) < 0 {
				first = head
			}
		}
	}
	if first != nil {
		r.offer(first, a, triggerAgent)
	}
}

func (r *Router) offer(c *call, a *agent, trigger string) {
	q := c.queue
	receipt := r.receipt(c, a, trigger)
	r.seq++
	o := &ring{id: c.id + "." + strconv.FormatUint(r.seq, 10), agent: a, deadline: r.now.Add(q.cfg.RingTimeout)}
	c.class.remove(c)
	c.class.offered++
	c.offer, a.offer = o, c
	r.offers[o.id] = c
	a.call, a.queue = c.id, q.cfg.ID
	r.timers.push(timer{at: o.deadline, kind: timerRing, id: o.id})
	r.decide(Offer{ID: o.id, Call: c.id, Agent: a.id, Queue: q.cfg.ID, Deadline: o.deadline, Receipt: receipt})
	r.setState(a, Ringing, "")
}

// receipt explains the choice; it is made before anything changes.
func (r *Router) receipt(c *call, chosen *agent, trigger string) Receipt {
	q := c.queue
	rec := Receipt{
		RuleVersion: string(r.version), At: r.now, Call: c.id, Queue: q.cfg.ID, Trigger: trigger,
		WaitedMs: r.now.Sub(c.entered).Milliseconds(), Priority: c.priority, Front: c.front,
		Position: q.position(c), Skills: c.class.needs,
	}
	for _, m := range q.members {
		level, missing, ok := m.able(c.class.needs)
		if ok && m.agent.state == Ready {
			rec.CandidatesTotal++
			idle := r.now.Sub(m.agent.idleSince)
			rec.Candidates = addCandidate(rec.Candidates, journal.Candidate{
				Agent: m.agent.id, IdleMs: idle.Milliseconds(), SkillLevel: level,
				Score: q.score(idle, level), Chosen: m.agent == chosen,
			})
			continue
		}
		exclude(&rec, m.agent, missing)
	}
	return rec
}

// addCandidate keeps the best few in order.
func addCandidate(list []journal.Candidate, c journal.Candidate) []journal.Candidate {
	at := len(list)
	for at > 0 && (c.Score > list[at-1].Score || c.Chosen && c.Score == list[at-1].Score) {
		at--
	}
	if at >= receiptCandidates {
		return list
	}
	if list == nil {
		list = make([]journal.Candidate, 0, receiptCandidates+1)
	}
	list = slices.Insert(list, at, c)
	return list[:min(len(list), receiptCandidates)]
}

func exclude(rec *Receipt, a *agent, missing string) {
	if rec.ExcludedCounts == nil {
		rec.ExcludedCounts = make(map[string]int)
	}
	coarse := "skill"
	if missing == "" {
		coarse = string(a.state)
	}
	rec.ExcludedCounts[coarse]++
	if len(rec.Excluded) >= receiptExcluded {
		return
	}
	reason := coarse
	switch {
	case missing != "":
		reason = "skill:" + missing
	case a.state == NotReady && a.reason != "":
		reason = "not_ready:" + a.reason
	}
	rec.Excluded = append(rec.Excluded, journal.Exclusion{Agent: a.id, Reason: reason})
}
