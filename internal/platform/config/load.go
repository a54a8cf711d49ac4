package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Error says what is wrong with the configuration, and where.
type Error struct {
	File   string // empty if the value came from the environment
	Line   int
	Key    string
	Reason string
}

func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Key != "" {
		where = strings.TrimPrefix(where+": "+e.Key, ": ")
	}
	return where + ": " + e.Reason
}

// Load reads the file at path, then the environment. An empty path means
// HEARTLINE_CONFIG or, if that is not set, no file at all.
func Load(path string) (*Config, error) { return load(path, os.LookupEnv) }

func load(path string, env func(string) (string, bool)) (*Config, error) {
	c := Default()
	if path == "" {
		path, _ = env("HEARTLINE_CONFIG")
	}
	var lines map[string]int
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		if err := decode(path, data, &c); err != nil {
			return nil, err
		}
		lines = keyLines(data)
	}
	fromEnv, err := override(&c, env)
	if err != nil {
		return nil, err
	}
	if key, err := c.check(); err != nil {
		if name := fromEnv[key]; name != "" || path == "" {
			return nil, &Error{Key: name, Reason: err.Error()}
		}
		return nil, &Error{File: path, Line: lines[key], Key: key, Reason: err.Error()}
	}
	return &c, nil
}

func decode(path string, data []byte, c *Config) error {
	before := *c
	err := yaml.UnmarshalWithOptions(data, c, yaml.Strict())
	if err == nil || errors.Is(err, io.EOF) {
		if len(keyLines(data)) == 0 { // a document of comments only clears the struct
			*c = before
		}
		return nil
	}
	e := &Error{File: path, Reason: err.Error()}
	var detail interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &detail) {
		e.Reason = detail.GetMessage()
		if t := detail.GetToken(); t != nil && t.Position != nil {
			e.Line = t.Position.Line
		}
	}
	return e
}

// keyLines finds the line of every top-level key.
func keyLines(data []byte) map[string]int {
	lines := make(map[string]int)
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return lines
	}
	for _, doc := range file.Docs {
		var values []*ast.MappingValueNode
		switch n := doc.Body.(type) {
		case *ast.MappingNode:
			values = n.Values
		case *ast.MappingValueNode:
			values = []*ast.MappingValueNode{n}
		}
		for _, v := range values {
			lines[v.Key.String()] = v.Key.GetToken().Position.Line
		}
	}
	return lines
}

// field is one setting, found by reflection once, so that the struct alone says
// what can be set.
type field struct {
	key, env, doc string
	index         int
	secret        bool
}

func fields() []field {
	t := reflect.TypeFor[Config]()
	list := make([]field, t.NumField())
	for i := range list {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		env := f.Tag.Get("env")
		if env == "" {
			env = "HEARTLINE_" + strings.ToUpper(key)
		}
		list[i] = field{key: key, env: env, doc: f.Tag.Get("doc"), index: i, secret: f.Tag.Get("secret") != ""}
	}
	return list
}

// override applies the environment and says which keys came from there.
func override(c *Config, env func(string) (string, bool)) (map[string]string, error) {
	from := make(map[string]string)
	v := reflect.ValueOf(c).Elem()
	for _, f := range fields() {
		s, ok := env(f.env)
		if !ok {
			continue
		}
		from[f.key] = f.env
		if err := set(v.Field(f.index), s); err != nil {
			return nil, &Error{Key: f.env, Reason: err.Error()}
		}
	}
	return from, nil
}

func set(v reflect.Value, s string) error {
	switch v.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", s)
		}
		v.SetInt(int64(n))
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", s)
		}
		v.SetBool(b)
	default:
		v.SetString(s)
	}
	return nil
}

// UnknownVariables lists the HEARTLINE_ variables of environ that mean nothing,
// for a warning. They are no error: container platforms set variables of their
// own after the name of a service.
func UnknownVariables(environ []string) []string {
	known := map[string]bool{"HEARTLINE_CONFIG": true}
	for _, f := range fields() {
		known[f.env] = true
	}
	var unknown []string
	for _, kv := range environ {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "HEARTLINE_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// Print writes c as a commented heartline.yaml, without its secrets.
func Print(w io.Writer, c *Config) error {
	var b strings.Builder
	b.WriteString("# Heartline configuration. Every key may be left out; the environment wins over this file.\n")
	v := reflect.ValueOf(c).Elem()
	for _, f := range fields() {
		shown := v.Field(f.index).Interface()
		if f.secret {
			shown = ""
		}
		value, err := yaml.Marshal(shown)
		if err != nil {
			return fmt.Errorf("print configuration: %s: %w", f.key, err)
		}
		fmt.Fprintf(&b, "\n# %s\n# Environment: %s\n%s: %s", f.doc, f.env, f.key, value)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
