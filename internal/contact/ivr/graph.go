package ivr

import (
	"maps"
	"slices"
)

// exits lists where a node can lead, in a fixed order, without key 0, which
// leads to the operator.
func exits(n Node) []string {
	var out []string
	switch n.Type {
	case TypePlay, TypeSetLanguage, TypeSay:
		out = []string{n.Next}
	case TypeInput:
		out = []string{n.Next, n.OnTimeout, n.OnInvalid}
	case TypeChoose:
		out = []string{n.Next, n.Back, n.OnNone, n.OnTimeout, n.OnInvalid}
	case TypeDip:
		for _, outcome := range slices.Sorted(maps.Keys(n.Outcomes)) {
			out = append(out, n.Outcomes[outcome])
		}
	case TypeMenu:
		for _, key := range slices.Sorted(maps.Keys(n.Choices)) {
			out = append(out, n.Choices[key])
		}
		out = append(out, n.OnTimeout, n.OnInvalid)
	case TypeHours:
		out = []string{n.Open, n.Closed}
	case TypeQueue:
		out = []string{n.OnOverflow, n.Next}
	case TypeTransfer:
		out = []string{n.OnFail}
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// reachesPerson reports whether a node leads to a queue or a telephone without
// asking the caller anything more; both ways of an hours check must, but the
// closed one may also end after saying so.
func (c *checker) reachesPerson(name string) bool {
	return c.person(name, make(map[string]bool))
}

// person remembers each node's answer, so that a flow whose ways split and
// join again is looked at once; a node on the way to itself counts as no.
func (c *checker) person(name string, answers map[string]bool) bool {
	if yes, known := answers[name]; known {
		return yes
	}
	n, ok := c.flow.Nodes[name]
	if !ok {
		return false
	}
	answers[name] = false
	yes := false
	switch n.Type {
	case TypeQueue:
		yes = true
	case TypeTransfer:
		yes = n.Kind != TargetVoicemail
	case TypePlay, TypeSetLanguage, TypeSay:
		yes = c.person(n.Next, answers)
	case TypeHours:
		yes = c.person(n.Open, answers) && (c.person(n.Closed, answers) || c.endsKindly(n.Closed))
	}
	answers[name] = yes
	return yes
}

// endsKindly accepts a closed branch that tells the caller so: there is no
// person out of hours.
func (c *checker) endsKindly(name string) bool {
	for range len(c.flow.Nodes) {
		n := c.flow.Nodes[name]
		switch n.Type {
		case TypePlay, TypeSetLanguage, TypeSay:
			name = n.Next
		case TypeHangup:
			return true
		case TypeTransfer:
			return n.Kind == TargetVoicemail
		default:
			return false
		}
	}
	return false
}

// graph finds nodes nobody can reach and circles that never ask the caller.
func (c *checker) graph(names []string) {
	reached := make(map[string]bool)
	todo := []string{c.flow.Start, c.flow.Operator}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n, ok := c.flow.Nodes[name]; ok && !reached[name] {
			reached[name] = true
			todo = append(todo, exits(n)...)
		}
	}
	for _, name := range names {
		if !reached[name] {
			c.add(SeverityWarning, name, "", "flow.unreachable")
		}
	}
	for _, name := range c.circles(names) {
		c.fail(name, "next", "flow.loop_without_input")
	}
}

// circles returns a node of each circle that consists of nodes which go on by
// themselves: a caller in it would never be asked nor released.
func (c *checker) circles(names []string) []string {
	const (
		unseen = iota
		active
		finished
	)
	state := make(map[string]int)
	var found []string
	var visit func(name string)
	visit = func(name string) {
		n, ok := c.flow.Nodes[name]
		if !ok || !automatic(n.Type) || state[name] == finished {
			return
		}
		if state[name] == active {
			found = append(found, name)
			return
		}
		state[name] = active
		for _, next := range exits(n) {
			visit(next)
		}
		state[name] = finished
	}
	for _, name := range names {
		visit(name)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// automatic nodes go on without the caller. A transfer that fails at once and
// a queue that overflows at once are automatic too, and so is a dip, whatever
// its outcome.
func automatic(typ string) bool {
	switch typ {
	case TypePlay, TypeSetLanguage, TypeHours, TypeQueue, TypeTransfer, TypeSay, TypeDip:
		return true
	}
	return false
}
