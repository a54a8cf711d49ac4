package ivr

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// variables are all that some node of a flow sets.
func variables(f Flow) map[string]bool {
	sets := make(map[string]bool)
	for _, n := range f.Nodes {
		if n.Variable != "" {
			sets[n.Variable] = true
		}
		if spec, ok := FindDip(n.Dip); ok && n.Type == TypeDip {
			for _, v := range spec.Sets {
				sets[v] = true
			}
		}
	}
	return sets
}

// token checks one item of a list of prompts; see Words.
func (c *checker) token(node, field, t string) {
	switch {
	case strings.HasPrefix(t, "$"):
		name, format, plain := strings.Cut(t[1:], ":")
		if plain && !speakable(format) {
			c.fail(node, field, "flow.format_unknown", "value", format)
		}
		c.variable(node, field, name)
	case strings.HasPrefix(t, "="):
		format, _, _ := strings.Cut(t[1:], ":")
		if !speakable(format) {
			c.fail(node, field, "flow.format_unknown", "value", format)
		}
	default:
		key, instead, more := strings.Cut(t, "|")
		if !more {
			c.exists(c.env.Prompt, node, field, "flow.prompt_unknown", key)
			return
		}
		for _, k := range strings.Split(instead, "+") { // the first may be missing
			c.exists(c.env.Prompt, node, field, "flow.prompt_unknown", k)
		}
	}
}

func (c *checker) variable(node, field, name string) {
	if !c.sets[name] {
		c.fail(node, field, "flow.variable_unset", "value", name)
	}
}

func validName(s string) bool {
	for i := range len(s) {
		if !(s[i] >= 'a' && s[i] <= 'z' || i > 0 && (s[i] == '_' || isDigit(s[i]))) {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 40
}

func (c *checker) name(node, field, name string) {
	if !validName(name) {
		c.fail(node, field, "flow.variable_invalid", "value", name)
	}
}

// tries checks what menus, inputs and choices share.
func (c *checker) tries(name string, n Node) {
	c.prompts(name, "prompts_timeout", n.PromptsTimeout, false)
	c.prompts(name, "prompts_invalid", n.PromptsInvalid, false)
	c.between(name, "timeout_s", n.TimeoutS, maxTimeoutS)
	c.between(name, "tries", n.Tries, maxTries)
	c.target(name, "on_timeout", n.OnTimeout, false)
	c.target(name, "on_invalid", n.OnInvalid, false)
	if c.flow.Operator == "" && n.Type != TypeMenu {
		c.fail(name, "operator", "flow.zero_missing")
	}
}

func (c *checker) input(name string, n Node) {
	c.prompts(name, "prompts", n.Prompts, true)
	c.tries(name, n)
	c.name(name, "variable", n.Variable)
	c.target(name, "next", n.Next, true)
	c.between(name, "max_len", n.MaxLen, maxInput)
	c.between(name, "min_len", n.MinLen, longest(n))
	if n.Star != "" && n.Star != StarClears && n.Star != StarIsX {
		c.fail(name, "star", "flow.star_unknown", "value", n.Star)
	}
	if t := n.Terminator; t != "" && t != againKey && t != backKey || t == backKey && n.Star != "" {
		c.fail(name, "terminator", "flow.key_invalid", "value", t)
	}
}

// dip checks that the dip exists, gets what it needs and that every outcome
// leads somewhere; time-outs and errors without a way of their own lead to the
// operator.
func (c *checker) dip(name string, n Node) {
	c.prompts(name, "prompts_wait", n.PromptsWait, false)
	c.between(name, "timeout_s", n.TimeoutS, maxTimeoutS)
	spec, ok := FindDip(n.Dip)
	if !ok {
		c.fail(name, "dip", "flow.dip_unknown", "value", n.Dip)
	}
	for _, param := range slices.Sorted(maps.Keys(n.Params)) {
		field := "params." + param
		c.name(name, field, param)
		if v, isVar := strings.CutPrefix(n.Params[param], "$"); isVar {
			c.variable(name, field, v)
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(n.Outcomes)) {
		field := "outcomes." + outcome
		c.target(name, field, n.Outcomes[outcome], true)
		if ok && outcome != OutcomeError && outcome != OutcomeTimeout && !slices.Contains(spec.Outcomes, outcome) {
			c.fail(name, field, "flow.outcome_unknown", "value", outcome)
		}
	}
	for _, outcome := range spec.Outcomes {
		if n.Outcomes[outcome] == "" {
			c.fail(name, "outcomes."+outcome, "flow.outcome_missing", "value", outcome)
		}
	}
	for _, need := range spec.Needs {
		if _, given := n.Params[need]; !given {
			c.variable(name, "params", need)
		}
	}
}

func (c *checker) choose(name string, n Node) {
	c.prompts(name, "prompts", n.Prompts, false)
	c.tries(name, n)
	c.name(name, "variable", n.Variable)
	c.target(name, "next", n.Next, true)
	c.target(name, "back", n.Back, false)
	c.target(name, "on_none", n.OnNone, false)
	c.between(name, "per_page", n.PerPage, pageSize)
	if !c.offered() {
		c.fail(name, "", "flow.nothing_to_choose")
	}
	words := []string{"option", "more_9", "back_star", "operator_0"}
	for i := 1; i <= perPage(n); i++ {
		words = append(words, "press_"+strconv.Itoa(i))
	}
	for _, w := range words {
		c.exists(c.env.Prompt, name, "per_page", "flow.prompt_unknown", w)
	}
}

// offered reports whether some dip of the flow brings options.
func (c *checker) offered() bool {
	for _, n := range c.flow.Nodes {
		if spec, ok := FindDip(n.Dip); ok && n.Type == TypeDip && spec.Options {
			return true
		}
	}
	return false
}
