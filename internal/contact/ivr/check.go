package ivr

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"

	"heartline/internal/platform/errs"
)

// Limits of a flow.
const (
	maxFlowBytes = 1 << 20
	maxNodes     = 500
	maxPrompts   = 50
	maxTimeoutS  = 60
	maxTries     = 10
	maxPriority  = 100
	maxInput     = 32 // keys
)

// Parse reads a flow strictly: unknown fields, trailing data and sizes beyond
// the limits are refused. What the flow means is for Check.
func Parse(data []byte) (Flow, error) {
	var f Flow
	if len(data) > maxFlowBytes {
		return f, errs.New(errs.TooLarge, "flow.too_large", "max", maxFlowBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		e := errs.Wrap(errs.Invalid, "flow.not_json", err)
		e.Params = map[string]any{"detail": err.Error()}
		return Flow{}, e
	}
	if _, err := dec.Token(); err != io.EOF {
		return Flow{}, errs.New(errs.Invalid, "flow.trailing_data")
	}
	if len(f.Nodes) > maxNodes {
		return Flow{}, errs.New(errs.TooLarge, "flow.too_many_nodes", "max", maxNodes)
	}
	return f, nil
}

// Check lists everything that is wrong with a flow, in a fixed order.
func Check(f Flow, env Env) []Problem {
	c := checker{flow: f, env: env}
	c.whole()
	c.sets = variables(f)
	names := slices.Sorted(maps.Keys(f.Nodes))
	for _, name := range names {
		c.node(name, f.Nodes[name])
	}
	c.graph(names)
	return c.problems
}

// Publishable reports whether no problem is an error.
func Publishable(problems []Problem) bool {
	return !slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == SeverityError })
}

type checker struct {
	flow     Flow
	env      Env
	problems []Problem
	sets     map[string]bool // variables that some node sets
}

func (c *checker) add(severity, node, field, key string, kv ...string) {
	p := Problem{Node: node, Field: field, Key: key, Severity: severity}
	for i := 0; i+1 < len(kv); i += 2 {
		if p.Params == nil {
			p.Params = make(map[string]string, len(kv)/2)
		}
		p.Params[kv[i]] = kv[i+1]
	}
	c.problems = append(c.problems, p)
}

func (c *checker) fail(node, field, key string, kv ...string) {
	c.add(SeverityError, node, field, key, kv...)
}

func (c *checker) whole() {
	f := c.flow
	if len(f.Nodes) == 0 {
		c.fail("", "nodes", "flow.empty")
	}
	if f.Start == "" {
		c.fail("", "start", "flow.start_missing")
	} else if _, ok := f.Nodes[f.Start]; !ok {
		c.fail("", "start", "flow.node_unknown", "target", f.Start)
	}
	if f.Operator == "" {
		c.fail("", "operator", "flow.operator_missing")
	} else if _, ok := f.Nodes[f.Operator]; !ok {
		c.fail("", "operator", "flow.node_unknown", "target", f.Operator)
	} else if !c.reachesPerson(f.Operator) {
		c.fail("", "operator", "flow.operator_not_person", "target", f.Operator)
	}
	if f.Language != "" {
		c.exists(c.env.Language, "", "language", "flow.language_unknown", f.Language)
	}
}

func (c *checker) exists(known func(string) bool, node, field, key, value string) {
	if known != nil && !known(value) {
		c.fail(node, field, key, "value", value)
	}
}

func (c *checker) node(name string, n Node) {
	switch n.Type {
	case TypePlay, TypeSay:
		c.prompts(name, "prompts", n.Prompts, true)
		c.target(name, "next", n.Next, true)
	case TypeMenu:
		c.menu(name, n)
	case TypeInput:
		c.input(name, n)
	case TypeDip:
		c.dip(name, n)
	case TypeChoose:
		c.choose(name, n)
	case TypeHours:
		c.need(c.env.Calendar, name, "calendar", "flow.calendar_unknown", n.Calendar)
		c.target(name, "open", n.Open, true)
		c.target(name, "closed", n.Closed, true)
	case TypeQueue:
		c.queue(name, n)
	case TypeTransfer:
		c.transfer(name, n)
	case TypeHangup:
		c.prompts(name, "prompts", n.Prompts, false)
	case TypeSetLanguage:
		c.need(c.env.Language, name, "lang", "flow.language_unknown", n.Lang)
		c.target(name, "next", n.Next, true)
	default:
		c.fail(name, "type", "flow.type_unknown", "value", n.Type)
	}
}

func (c *checker) need(known func(string) bool, node, field, key, value string) {
	if value == "" {
		c.fail(node, field, "flow.value_missing")
		return
	}
	c.exists(known, node, field, key, value)
}

func (c *checker) prompts(node, field string, keys []string, required bool) {
	if required && len(keys) == 0 {
		c.fail(node, field, "flow.prompts_missing")
	}
	if len(keys) > maxPrompts {
		c.fail(node, field, "flow.too_many_prompts", "max", strconv.Itoa(maxPrompts))
		return
	}
	for _, k := range keys {
		c.token(node, field, k)
	}
}

func (c *checker) target(node, field, target string, required bool) {
	if target == "" {
		if required {
			c.fail(node, field, "flow.dead_end")
		}
		return
	}
	if _, ok := c.flow.Nodes[target]; !ok {
		c.fail(node, field, "flow.node_unknown", "target", target)
	}
}

func (c *checker) menu(name string, n Node) {
	c.prompts(name, "prompts", n.Prompts, true)
	c.tries(name, n)
	if len(n.Choices) == 0 {
		c.fail(name, "choices", "flow.choices_missing")
	}
	for _, key := range slices.Sorted(maps.Keys(n.Choices)) {
		field := "choices." + key
		if !validDigit(key) {
			c.fail(name, field, "flow.key_invalid", "value", key)
			continue
		}
		c.target(name, field, n.Choices[key], true)
	}
	switch zero := n.Choices[operatorKey]; {
	case zero == "" && c.flow.Operator == "":
		c.fail(name, "choices.0", "flow.zero_missing")
	case zero != "" && !c.reachesPerson(zero):
		c.fail(name, "choices.0", "flow.zero_not_person", "target", zero)
	}
}

func (c *checker) between(node, field string, v, most int) {
	if v < 0 || v > most {
		c.fail(node, field, "flow.out_of_range", "min", "0", "max", strconv.Itoa(most))
	}
}

func (c *checker) queue(name string, n Node) {
	c.need(c.env.Queue, name, "queue", "flow.queue_unknown", n.Queue)
	if n.Priority < -maxPriority || n.Priority > maxPriority {
		c.fail(name, "priority", "flow.out_of_range", "min", strconv.Itoa(-maxPriority), "max", strconv.Itoa(maxPriority))
	}
	for i, s := range n.Skills {
		field := "skills." + strconv.Itoa(i)
		c.need(c.env.Skill, name, field, "flow.skill_unknown", s.Skill)
		if s.Level < 0 || s.Level > 5 {
			c.fail(name, field, "flow.out_of_range", "min", "0", "max", "5")
		}
	}
	c.target(name, "next", n.Next, false)
	c.target(name, "on_overflow", n.OnOverflow, false)
}

func (c *checker) transfer(name string, n Node) {
	switch n.Kind {
	case TargetExtension:
		c.need(c.env.Extension, name, "target", "flow.extension_unknown", n.Target)
	case TargetQueue:
		c.need(c.env.Queue, name, "target", "flow.queue_unknown", n.Target)
	case TargetExternal:
		if !dialable(n.Target) {
			c.fail(name, "target", "flow.number_invalid", "value", n.Target)
		}
	case TargetVoicemail:
	default:
		c.fail(name, "kind", "flow.kind_unknown", "value", n.Kind)
	}
	c.target(name, "on_fail", n.OnFail, false)
	if n.OnFail == "" {
		c.add(SeverityWarning, name, "on_fail", "flow.no_way_out")
	}
}

func dialable(s string) bool {
	if len(s) > 0 && s[0] == '+' {
		s = s[1:]
	}
	if len(s) < 2 || len(s) > 20 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
