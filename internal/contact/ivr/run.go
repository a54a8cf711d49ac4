package ivr

import "strings"

const (
	defaultTimeoutS = 5
	defaultTries    = 3
	maxSteps        = 200 // nodes per call; then a person takes over
	defaultLanguage = "zh-CN"
	operatorKey     = "0"
)

// Vars are what the call brings along.
type Vars struct {
	Language string // overrides the flow's, such as the customer's preference
}

// Start enters a flow. A flow that does not pass Check still runs as far as it
// goes; where it leads nowhere the caller gets the operator, or is hung up.
func Start(f Flow, vars Vars) (State, []Action) {
	s := State{Lang: defaultLanguage}
	for _, lang := range []string{f.Language, vars.Language} {
		if lang != "" {
			s.Lang = lang
		}
	}
	r := run{flow: &f, state: s}
	r.do(SetLanguage{Lang: s.Lang})
	r.enter(f.Start, false)
	return r.state, r.actions
}

// Step reacts to an input. An input that does not fit the state changes
// nothing and asks for nothing.
func Step(f Flow, s State, in Input) (State, []Action) {
	if s.Done {
		return s, nil
	}
	r := run{flow: &f, state: s}
	switch v := in.(type) {
	case Gone:
		r.state.Done = true
		return r.state, nil
	case Digit:
		late := s.Swallow != "" && v.D == s.Swallow
		r.state.Swallow = ""
		if late {
			return r.state, nil
		}
	}
	node, ok := f.Nodes[s.Node]
	if !ok {
		r.lost("node_missing")
		return r.state, r.actions
	}
	switch node.Type {
	case TypePlay, TypeSay:
		r.play(node, in)
	case TypeMenu:
		r.menu(node, in)
	case TypeInput:
		r.input(node, in)
	case TypeDip:
		r.dipped(node, in)
	case TypeChoose:
		r.chosen(node, in)
	case TypeHours:
		if h, ok := in.(Hours); ok {
			r.enter(pick(h.Open, node.Open, node.Closed), false)
		}
	case TypeQueue:
		if _, ok := in.(QueueLeft); ok {
			r.enter(pick(node.OnOverflow != "", node.OnOverflow, node.Next), false)
		}
	case TypeTransfer:
		if _, ok := in.(TransferFailed); ok {
			r.enter(node.OnFail, false)
		}
	}
	return r.state, r.actions
}

func pick(cond bool, a, b string) string {
	if cond {
		return a
	}
	return b
}

// run is one call of Start or Step.
type run struct {
	flow    *Flow
	state   State
	actions []Action
}

func (r *run) do(a Action) { r.actions = append(r.actions, a) }

// enter goes to a node and through those that ask for nothing. toPerson is
// true on the way to the operator, which is then not tried again.
func (r *run) enter(name string, toPerson bool) {
	for {
		node, ok := r.flow.Nodes[name]
		switch {
		case !ok && toPerson:
			r.hangup("no_operator")
			return
		case !ok:
			r.lost("dead_end")
			return
		case r.state.Steps >= 2*maxSteps:
			r.hangup("too_many_steps")
			return
		case r.state.Steps >= maxSteps && !r.state.Helped:
			r.state.Helped = true
			r.lost("too_many_steps")
			return
		}
		r.state.Steps++
		r.state.Node, r.state.Tries, r.state.Keys = name, 0, ""
		r.do(Enter{Node: name, Type: node.Type})
		if node.Type != TypeSetLanguage {
			r.arrive(name, node)
			return
		}
		if node.Lang != "" {
			r.state.Lang = node.Lang
			r.do(SetLanguage{Lang: node.Lang})
		}
		name = node.Next
	}
}

// arrive does what a node asks for on arrival.
func (r *run) arrive(name string, n Node) {
	switch n.Type {
	case TypePlay:
		r.do(Play{Prompts: r.words(n.Prompts), BargeIn: n.BargeIn})
	case TypeSay:
		r.do(Play{Prompts: r.words(n.Prompts), BargeIn: true})
	case TypeMenu:
		r.meet(n)
	case TypeInput:
		r.await(n)
	case TypeDip:
		r.dip(name, n)
	case TypeChoose:
		r.choose(n)
	case TypeHours:
		r.do(CheckHours{Calendar: n.Calendar})
	case TypeQueue:
		r.state.Ahead = ""
		r.do(EnterQueue{Node: name, Queue: n.Queue, Priority: n.Priority, Skills: n.Skills})
	case TypeTransfer:
		r.do(Transfer{Node: name, Kind: n.Kind, Target: n.Target})
	case TypeHangup:
		if len(n.Prompts) > 0 {
			r.do(Play{Prompts: r.words(n.Prompts)})
		}
		r.hangup("flow")
	default:
		r.lost("unknown_type")
	}
}

func (r *run) hangup(reason string) {
	r.state.Done = true
	r.do(Hangup{Reason: reason})
}

// meet opens a menu. A caller who knows the way has pressed its keys already,
// while the prompts before it played; a key that means nothing here is
// forgotten.
func (r *run) meet(n Node) {
	for r.state.Ahead != "" {
		d := r.state.Ahead[:1]
		r.state.Ahead = r.state.Ahead[1:]
		if r.choice(n, d) != "" {
			r.menu(n, Digit{D: d})
			return
		}
	}
	r.ask(n, nil)
}

// await opens an input; a key that cut the prompt before it is its first.
func (r *run) await(n Node) {
	ahead := r.state.Ahead
	r.state.Ahead = ""
	if ahead == "" || !isDigit(ahead[0]) {
		r.ask(n, nil)
		return
	}
	for i, step := 0, r.state.Steps; i < len(ahead) && r.state.Steps == step; i++ {
		r.keyed(n, ahead[i:i+1])
	}
}

// ahead remembers a key for the menus to come. A key pressed again and again
// is impatience, not a way through them.
func (r *run) ahead(d string) {
	const most = 10
	if a := r.state.Ahead; !strings.HasSuffix(a, d) && len(a) < most {
		r.state.Ahead = a + d
	}
}

// lost takes a caller whom the flow leads nowhere to a person.
func (r *run) lost(why string) {
	op := r.flow.Operator
	if n, ok := r.flow.Nodes[op]; !ok || r.state.Node == op && n.Type != TypeQueue {
		r.hangup(why)
		return
	}
	if r.state.Node == op { // the operator's own queue let the caller go
		r.hangup("unserved")
		return
	}
	r.enter(op, true)
}

func (r *run) play(n Node, in Input) {
	switch v := in.(type) {
	case PlayDone:
		r.enter(n.Next, false)
	case Digit:
		switch {
		case v.D == operatorKey && r.operator():
		case validDigit(v.D):
			r.ahead(v.D)
			if n.BargeIn || n.Type == TypeSay {
				r.enter(n.Next, false)
			}
		}
	}
}

func (r *run) menu(n Node, in Input) {
	switch v := in.(type) {
	case Digit:
		if !validDigit(v.D) {
			return
		}
		if target := r.choice(n, v.D); target != "" {
			r.do(Note{Node: r.state.Node, Input: "digit", Digit: v.D})
			r.enter(target, false)
			return
		}
		r.do(Note{Node: r.state.Node, Input: "invalid", Digit: v.D})
		r.failedTry(n, n.PromptsInvalid, n.OnInvalid)
	case Timeout:
		r.do(Note{Node: r.state.Node, Input: "timeout"})
		r.failedTry(n, n.PromptsTimeout, n.OnTimeout)
	}
}

// choice is where a key leads; 0 leads to the operator unless mapped.
func (r *run) choice(n Node, d string) string {
	if target := n.Choices[d]; target != "" || d != operatorKey {
		return target
	}
	return r.flow.Operator
}

func (r *run) failedTry(n Node, prompts []string, giveUp string) {
	r.state.Tries++
	tries := n.Tries
	if tries <= 0 {
		tries = defaultTries
	}
	if r.state.Tries < tries {
		r.ask(n, prompts)
		return
	}
	if giveUp == "" {
		r.lost("no_choice")
		return
	}
	r.enter(giveUp, false)
}

// ask speaks and waits for a key.
func (r *run) ask(n Node, before []string) {
	prompts := r.words(before)
	timeout, most := n.TimeoutS, 1
	if timeout <= 0 {
		timeout = defaultTimeoutS
	}
	switch n.Type {
	case TypeChoose:
		prompts = append(prompts, r.offer(n)...)
	case TypeInput:
		timeout, most = inputTimeout(n), longest(n)
		fallthrough
	default:
		prompts = append(prompts, r.words(n.Prompts)...)
	}
	if len(prompts) > 0 {
		r.do(Play{Prompts: prompts, BargeIn: true})
	}
	r.do(Collect{TimeoutS: timeout, Max: most})
}

func validDigit(d string) bool {
	return len(d) == 1 && (isDigit(d[0]) || d == "*" || d == "#" || d[0] >= 'A' && d[0] <= 'D')
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
