package ivr

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultInputS  = 10 // silence that ends an input
	defaultDipS    = 8
	defaultMaxLen  = 20
	pageSize       = 8 // keys 1 to 8
	maxOptions     = 200
	maxSay         = 60 // tokens that a dip may have spoken at once
	moreKey        = "9"
	backKey        = "*"
	againKey       = "#"
	defaultWaiting = "please_wait_query"
)

// set gives a variable a value. States share nothing that changes.
func (r *run) set(vars map[string]string) {
	if len(vars) == 0 {
		return
	}
	all := make(map[string]string, len(r.state.Vars)+len(vars))
	maps.Copy(all, r.state.Vars)
	maps.Copy(all, vars)
	r.state.Vars = all
}

// words makes prompts of a node's tokens.
func (r *run) words(tokens []string) []string { return Words(r.state.Lang, r.state.Vars, tokens) }

// operator takes a caller who presses 0 to a person; false: there is none.
func (r *run) operator() bool {
	if r.flow.Nodes[r.flow.Operator].Type == "" {
		return false
	}
	r.do(Note{Node: r.state.Node, Input: "digit", Digit: operatorKey})
	r.enter(r.flow.Operator, true)
	return true
}

// input collects keys. The key 0 in front of all others is not a number but a
// cry for help: no identity number, mobile number or date begins with it.
func (r *run) input(n Node, in Input) {
	switch v := in.(type) {
	case Digit:
		r.keyed(n, v.D)
	case Timeout:
		if r.state.Keys != "" {
			r.complete(n)
			return
		}
		r.do(Note{Node: r.state.Node, Input: "timeout"})
		r.failedTry(n, n.PromptsTimeout, n.OnTimeout)
	}
}

func (r *run) keyed(n Node, d string) {
	if !validDigit(d) || d[0] >= 'A' {
		return
	}
	switch {
	case d == terminator(n):
		r.complete(n)
		return
	case d == backKey && n.Star == StarIsX:
		r.state.Keys += "X"
	case d == backKey:
		r.state.Keys = ""
	case d == againKey:
		return // not the terminator of this input
	case d == operatorKey && r.state.Keys == "" && r.operator():
		return
	default:
		r.state.Keys += d
	}
	if len(r.state.Keys) >= longest(n) {
		r.state.Swallow = terminator(n)
		r.complete(n)
		return
	}
	r.do(Collect{TimeoutS: inputTimeout(n), Max: longest(n)})
}

func terminator(n Node) string {
	if n.Terminator != "" {
		return n.Terminator
	}
	return againKey
}

func longest(n Node) int {
	if n.MaxLen > 0 {
		return min(n.MaxLen, maxInput)
	}
	return defaultMaxLen
}

func inputTimeout(n Node) int {
	if n.TimeoutS > 0 {
		return n.TimeoutS
	}
	return defaultInputS
}

// complete takes what was entered, if it is long enough.
func (r *run) complete(n Node) {
	keys := r.state.Keys
	r.state.Keys = ""
	if len(keys) < max(n.MinLen, 1) {
		r.do(Note{Node: r.state.Node, Input: "invalid"})
		r.failedTry(n, n.PromptsInvalid, n.OnInvalid)
		return
	}
	text := keys
	if n.Secret {
		text = strings.Repeat("•", len(keys))
	}
	r.do(Entered{Node: r.state.Node, Variable: n.Variable, Text: text})
	r.set(map[string]string{n.Variable: keys})
	r.enter(n.Next, false)
}

// dip asks the hospital. Keys typed ahead were meant for what came before.
func (r *run) dip(name string, n Node) {
	r.state.Ahead, r.state.Said, r.state.Slow, r.state.Then = "", false, false, ""
	vars := make(map[string]string, len(r.state.Vars)+len(n.Params))
	maps.Copy(vars, r.state.Vars)
	for param, value := range n.Params {
		if v, isVar := strings.CutPrefix(value, "$"); isVar {
			value = r.state.Vars[v]
		}
		vars[param] = value
	}
	timeout := n.TimeoutS
	if timeout <= 0 {
		timeout = defaultDipS
	}
	key := name + "/" + strconv.Itoa(r.state.Picks)
	r.do(RunDip{Node: name, Dip: n.Dip, Seq: r.state.Steps, Key: key, Vars: vars, TimeoutS: timeout})
}

// dipped goes on with a dip's answer. One that comes late, when the caller is
// elsewhere, means nothing any more.
func (r *run) dipped(n Node, in Input) {
	switch v := in.(type) {
	case DipSlow:
		if v.Seq == r.state.Steps && !r.state.Slow && !r.state.Said {
			r.state.Slow = true
			wait := n.PromptsWait
			if len(wait) == 0 {
				wait = []string{defaultWaiting}
			}
			r.do(Play{Prompts: r.words(wait)})
		}
	case DipDone:
		if v.Seq == r.state.Steps && !r.state.Said {
			r.answered(n, v)
		}
	case PlayDone:
		if r.state.Said {
			r.onward()
		}
	case Digit:
		if v.D == operatorKey && r.operator() {
			return
		}
		if r.state.Said && validDigit(v.D) {
			r.state.Ahead = v.D
			r.onward()
		}
	}
}

func (r *run) answered(n Node, v DipDone) {
	r.set(v.Vars)
	if len(v.Options) > 0 {
		r.state.Options = slices.Clone(v.Options[:min(len(v.Options), maxOptions)])
	}
	r.state.Then = n.Outcomes[v.Outcome]
	if r.state.Then == "" && v.Outcome == OutcomeTimeout {
		r.state.Then = n.Outcomes[OutcomeError]
	}
	r.state.Said = true
	if say := r.words(v.Say[:min(len(v.Say), maxSay)]); len(say) > 0 {
		r.do(Play{Prompts: say, BargeIn: true})
		return
	}
	r.onward()
}

func (r *run) onward() {
	then := r.state.Then
	r.state.Then, r.state.Said = "", false
	if then == "" {
		r.lost("dip_unanswered")
		return
	}
	r.enter(then, false)
}

// choose opens a list.
func (r *run) choose(n Node) {
	r.state.Page, r.state.Ahead = 0, ""
	switch {
	case len(r.state.Options) > 0:
		r.ask(n, nil)
	case n.OnNone != "":
		r.enter(n.OnNone, false)
	default:
		r.lost("no_options")
	}
}

func perPage(n Node) int {
	if n.PerPage > 0 {
		return min(n.PerPage, pageSize)
	}
	return pageSize
}

// page is the part of the options that the caller hears now.
func (r *run) page(n Node) (options []Option, more bool) {
	size := perPage(n)
	from := min(r.state.Page*size, len(r.state.Options))
	to := min(from+size, len(r.state.Options))
	return r.state.Options[from:to], to < len(r.state.Options)
}

// offer lists the options of the page and the keys that always work.
func (r *run) offer(n Node) []string {
	options, more := r.page(n)
	var out []string
	if r.state.Page == 0 {
		out = append(out, r.words(n.Prompts)...)
	}
	for i, o := range options {
		key := strconv.Itoa(i + 1)
		if !chinese(r.state.Lang) {
			out = append(out, "choose_for")
		}
		out = append(out, Words(r.state.Lang, o.Vars, named(o.Say, key))...)
		out = append(out, "press_"+key)
	}
	if more {
		out = append(out, "more_9")
	}
	if r.state.Page > 0 || n.Back != "" {
		out = append(out, "back_star")
	}
	return append(out, "operator_0")
}

// named makes sure that an option whose name nobody recorded is at least
// counted.
func named(tokens []string, key string) []string {
	if len(tokens) == 0 {
		return []string{"option", "n" + key}
	}
	out := make([]string, len(tokens))
	for i, t := range tokens {
		if out[i] = t; !strings.ContainsAny(t, "=$|") {
			out[i] = t + "|option+n" + key
		}
	}
	return out
}

func (r *run) chosen(n Node, in Input) {
	switch v := in.(type) {
	case Timeout:
		r.do(Note{Node: r.state.Node, Input: "timeout"})
		r.failedTry(n, n.PromptsTimeout, n.OnTimeout)
	case Digit:
		if validDigit(v.D) {
			r.pressed(n, v.D)
		}
	}
}

func (r *run) pressed(n Node, d string) {
	options, more := r.page(n)
	i := int(d[0] - '1')
	switch {
	case d == operatorKey && r.operator():
	case d == againKey:
		r.ask(n, nil)
	case d == backKey && r.state.Page > 0:
		r.turn(n, -1)
	case d == backKey && n.Back != "":
		r.do(Note{Node: r.state.Node, Input: "digit", Digit: d})
		r.enter(n.Back, false)
	case d == moreKey && more:
		r.turn(n, 1)
	case d[0] >= '1' && i < len(options):
		r.do(Note{Node: r.state.Node, Input: "digit", Digit: d})
		r.state.Picks++
		r.set(map[string]string{n.Variable: options[i].Value})
		r.set(options[i].Vars)
		r.enter(n.Next, false)
	default:
		r.do(Note{Node: r.state.Node, Input: "invalid", Digit: d})
		r.failedTry(n, n.PromptsInvalid, n.OnInvalid)
	}
}

func (r *run) turn(n Node, by int) {
	r.state.Page += by
	r.state.Tries = 0
	r.ask(n, nil)
}
