package messaging

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"heartline/internal/contact/messaging/smpp"
	"heartline/internal/platform/errs"
)

// Langs are the languages of templates; the first is the default.
func Langs() []string { return []string{"zh-CN", "en"} }

// langOf picks the language of templates for a person's language.
func langOf(tag string) string {
	tag = strings.ToLower(tag)
	if tag == "" || strings.HasPrefix(tag, "zh") {
		return "zh-CN"
	}
	return "en"
}

// Param is a value that a template may use.
type Param struct {
	Name     string
	Optional bool // may be empty: it stands in brackets
	Sample   map[string]string
}

// Kind is a message that the program sends: what may stand in its template.
type Kind struct {
	Name   string
	Class  Class
	Params []Param
}

// Template is the text of a kind in one language.
type Template struct {
	Name      string
	Lang      string
	Version   int
	Text      string
	Enabled   bool
	Actor     string
	ActorName string
	CreatedAt time.Time // zero for the one that ships
}

// Limits of texts, in characters.
const (
	maxText  = 700
	maxValue = 120
)

// Preview is what a template makes of its samples.
type Preview struct {
	Text     string
	Encoding string
	Units    int
	Segments int
}

// NewPreview counts a text.
func NewPreview(text string) Preview {
	e, units, parts := smpp.Count(text)
	return Preview{Text: text, Encoding: e.String(), Units: units, Segments: parts}
}

func (k Kind) param(name string) (Param, bool) {
	for _, p := range k.Params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// samples are the sample values of a kind in one language.
func (k Kind) samples(lang string) map[string]string {
	out := make(map[string]string, len(k.Params))
	for _, p := range k.Params {
		out[p.Name] = p.Sample[lang]
	}
	return out
}

// piece is a part of a template: plain text, a parameter, or brackets around
// pieces that are left out when one of their parameters is empty.
type piece struct {
	text   string
	param  string
	inside []piece
}

// parse reads a template: {name} is a parameter, […] an optional part.
func parse(text string) ([]piece, error) {
	out, rest, err := parsePieces(text, false)
	if err == nil && rest != "" {
		err = errs.InvalidField("text", "message.template_brackets")
	}
	return out, err
}

func parsePieces(s string, inside bool) (out []piece, rest string, err error) {
	for s != "" {
		i := strings.IndexAny(s, "{}[]")
		if i < 0 {
			i = len(s)
		}
		if i > 0 {
			out = append(out, piece{text: s[:i]})
			s = s[i:]
			continue
		}
		switch s[0] {
		case '{':
			name, after, ok := strings.Cut(s[1:], "}")
			if !ok || name == "" || strings.ContainsAny(name, "{[] ") {
				return nil, "", errs.InvalidField("text", "message.template_brackets")
			}
			out, s = append(out, piece{param: name}), after
		case '[':
			if inside {
				return nil, "", errs.InvalidField("text", "message.template_brackets")
			}
			in, after, err := parsePieces(s[1:], true)
			if err != nil || !strings.HasPrefix(after, "]") {
				return nil, "", errs.InvalidField("text", "message.template_brackets")
			}
			out, s = append(out, piece{inside: in}), after[1:]
		default: // } or ]
			if s[0] == ']' && inside {
				return out, s, nil
			}
			return nil, "", errs.InvalidField("text", "message.template_brackets")
		}
	}
	return out, "", nil
}

// check refuses a text that is empty, too long, uses what its kind does not
// know, or relies on what may be empty.
func (k Kind) check(text string) ([]piece, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errs.InvalidField("text", "validation.required")
	}
	if utf8.RuneCountInString(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
		return nil, errs.InvalidField("text", "message.text_invalid")
	}
	pieces, err := parse(text)
	if err != nil {
		return nil, err
	}
	return pieces, k.checkPieces(pieces, false)
}

func (k Kind) checkPieces(pieces []piece, inside bool) error {
	for _, p := range pieces {
		if p.inside != nil {
			if err := k.checkPieces(p.inside, true); err != nil {
				return err
			}
		}
		if p.param == "" {
			continue
		}
		known, ok := k.param(p.param)
		if !ok {
			return errs.New(errs.Invalid, "message.param_unknown", "param", p.param)
		}
		if known.Optional && !inside {
			return errs.New(errs.Invalid, "message.param_optional", "param", p.param)
		}
	}
	return nil
}

func control(r rune) bool { return unicode.IsControl(r) && r != '\n' }

// render fills a template. Parameters without a value are an error unless
// they stand in brackets; parameters that the kind does not know are too.
func (k Kind) render(text, lang string, params map[string]string) (string, error) {
	pieces, err := k.check(text)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if _, ok := k.param(name); !ok {
			return "", errs.New(errs.Invalid, "message.param_unknown", "param", name)
		}
	}
	var missing string
	value := func(name string) string { return clean(localise(name, params[name], lang)) }
	var fill func(pieces []piece, inside bool) (string, bool)
	fill = func(pieces []piece, inside bool) (string, bool) {
		var b strings.Builder
		for _, p := range pieces {
			switch {
			case p.inside != nil:
				if s, whole := fill(p.inside, true); whole {
					b.WriteString(s)
				}
			case p.param != "":
				v := value(p.param)
				if v == "" && inside {
					return "", false
				}
				if v == "" && missing == "" {
					missing = p.param
				}
				b.WriteString(v)
			default:
				b.WriteString(p.text)
			}
		}
		return b.String(), true
	}
	out, _ := fill(pieces, false)
	if missing != "" {
		return "", errs.New(errs.Invalid, "message.param_missing", "param", missing)
	}
	return out, nil
}

// clean keeps a value on one line and within bounds.
func clean(v string) string {
	v = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(v, ""))), " ")
	if utf8.RuneCountInString(v) > maxValue {
		v = string([]rune(v)[:maxValue])
	}
	return v
}

// localise writes ISO dates as people say them.
func localise(name, v, lang string) string {
	if at, err := time.Parse("2006-01-02 15:04", v); err == nil && strings.HasSuffix(name, "until") {
		if lang == "en" {
			return at.Format("Mon 2 Jan 15:04")
		}
		return at.Format("1月2日15:04")
	}
	if name == "visits" {
		return visits(v, lang)
	}
	if !strings.HasSuffix(name, "date") {
		return v
	}
	d, err := time.Parse(time.DateOnly, v)
	if err != nil {
		return v
	}
	if lang == "en" {
		return d.Format("Mon 2 Jan")
	}
	return d.Format("1月2日") + "（周" + string([]rune("日一二三四五六")[d.Weekday()]) + "）"
}

// visits writes a list of dates with times as people say it.
func visits(v, lang string) string {
	list := strings.Split(v, ", ")
	for i, x := range list {
		at, err := time.Parse("2006-01-02 15:04", x)
		switch {
		case err != nil:
		case lang == "en":
			list[i] = at.Format("2 Jan 15:04")
		default:
			list[i] = at.Format("1月2日15:04")
		}
	}
	if lang == "en" {
		return strings.Join(list, ", ")
	}
	return strings.Join(list, "、")
}
