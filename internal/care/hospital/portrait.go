package hospital

import (
	"bytes"
	"fmt"
	"hash/fnv"
)

// face is one combination of features, drawn from a seed so that a doctor
// always looks the same.
type face struct {
	h                                      uint64
	skin, shade, hair, coat, shirt, ground string
	female, senior                         bool
}

// pick chooses one of n by some bits of the seed.
func (f *face) pick(n int) int {
	v := int(f.h % uint64(n))
	f.h = f.h/uint64(n) ^ f.h<<7 ^ f.h>>23
	return v
}

func newFace(seed, sex, title string) *face {
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed)) // never fails
	f := &face{h: h.Sum64() | 1, female: sex == "female", senior: title == Chief || title == AssociateChief}
	skins := [][2]string{{"#f6d7bd", "#e9bf9f"}, {"#f2cba9", "#e0b089"}, {"#eec19c", "#d9a67c"}, {"#fadfc9", "#eec6a8"}}
	s := skins[f.pick(len(skins))]
	f.skin, f.shade = s[0], s[1]
	hairs := []string{"#23201f", "#2e2723", "#1d2026", "#3a2c24"}
	f.hair = hairs[f.pick(len(hairs))]
	if f.senior && f.pick(3) == 0 {
		f.hair = []string{"#7d7a78", "#a5a3a1", "#57534f"}[f.pick(3)]
	}
	f.ground = []string{"#dcebf2", "#e3eee0", "#efe6f0", "#f3eadb", "#e0e8f5", "#e7f1ee"}[f.pick(6)]
	f.shirt = []string{"#5b8fb0", "#6fa08a", "#a77c9c", "#c48a5a", "#6d7fb3", "#4f9aa0"}[f.pick(6)]
	f.coat = []string{"#ffffff", "#fbfdff", "#f5f9fc"}[f.pick(3)]
	return f
}

// Portrait draws a friendly flat portrait, 240 by 240, always the same for the
// same seed. It shows nobody real and carries no text.
func Portrait(seed, sex, title string) []byte {
	f := newFace(seed, sex, title)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" width="240" height="240">`+
		`<clipPath id="c"><rect width="240" height="240" rx="24"/></clipPath><g clip-path="url(#c)">`+
		`<rect width="240" height="240" fill="%s"/><circle cx="120" cy="118" r="92" fill="#fff" opacity=".35"/>`, f.ground)
	f.hairBehind(&b)
	f.body(&b)
	f.head(&b)
	f.features(&b)
	f.hairInFront(&b)
	f.glasses(&b)
	b.WriteString(`</g></svg>`)
	return b.Bytes()
}

func (f *face) hairBehind(b *bytes.Buffer) {
	if !f.female {
		return
	}
	switch f.pick(4) {
	case 0: // long
		fmt.Fprintf(b, `<path d="M70 100C66 46 174 46 170 100L176 176Q120 196 64 176Z" fill="%s"/>`, f.hair)
	case 1: // bob
		fmt.Fprintf(b, `<path d="M70 98C66 48 174 48 170 98L172 144Q120 160 68 144Z" fill="%s"/>`, f.hair)
	case 2: // bun
		fmt.Fprintf(b, `<circle cx="120" cy="44" r="20" fill="%s"/>`, f.hair)
	default: // tail over the shoulder
		fmt.Fprintf(b, `<path d="M160 84C192 104 186 150 172 184Q160 188 158 176Q166 130 152 104Z" fill="%s"/>`, f.hair)
	}
}

func (f *face) body(b *bytes.Buffer) {
	fmt.Fprintf(b, `<path d="M36 240C38 196 74 178 102 172H138C166 178 202 196 204 240Z" fill="%s" stroke="#d5dee5" stroke-width="2"/>`, f.coat)
	fmt.Fprintf(b, `<path d="M100 172L120 216L140 172Z" fill="%s"/>`, f.shirt)
	if !f.female && f.pick(2) == 0 {
		b.WriteString(`<path d="M115 182H125L129 214L120 226L111 214Z" fill="#34506b"/>`)
	}
	fmt.Fprintf(b, `<path d="M104 146H136V174Q120 190 104 174Z" fill="%s"/>`, f.shade)
	b.WriteString(`<path d="M100 171L82 186L112 232M140 171L158 186L128 232" fill="none" stroke="#cfd9e1" stroke-width="3" stroke-linejoin="round"/>`)
	switch f.pick(3) {
	case 0: // stethoscope
		b.WriteString(`<path d="M90 182C86 214 104 226 112 214M150 182C156 206 150 216 146 222" fill="none" stroke="#46596b" stroke-width="4" stroke-linecap="round"/><circle cx="145" cy="226" r="7" fill="#8fa3b3" stroke="#46596b" stroke-width="2"/>`)
	case 1: // badge
		b.WriteString(`<rect x="150" y="204" width="30" height="20" rx="3" fill="#fff" stroke="#b9c7d2"/><rect x="154" y="208" width="8" height="12" fill="#9fc0d6"/><path d="M166 211H176M166 217H174" stroke="#b9c7d2" stroke-width="2"/>`)
	default: // pocket with pens
		b.WriteString(`<path d="M152 210H178V236H152Z" fill="none" stroke="#cfd9e1" stroke-width="2"/><path d="M158 202V214M165 200V214" stroke="#3f6fa0" stroke-width="3" stroke-linecap="round"/>`)
	}
}

func (f *face) head(b *bytes.Buffer) {
	fmt.Fprintf(b, `<circle cx="74" cy="114" r="10" fill="%[1]s"/><circle cx="166" cy="114" r="10" fill="%[1]s"/>`, f.shade)
	jaw := []string{
		"M76 92C76 58 164 58 164 92V118C164 148 142 164 120 164C98 164 76 148 76 118Z",
		"M76 92C76 58 164 58 164 92V114C164 150 138 168 120 168C102 168 76 150 76 114Z",
		"M75 92C75 56 165 56 165 92V122C165 146 144 162 120 162C96 162 75 146 75 122Z",
	}[f.pick(3)]
	fmt.Fprintf(b, `<path d="%s" fill="%s"/>`, jaw, f.skin)
	b.WriteString(`<ellipse cx="91" cy="130" rx="9" ry="5" fill="#f0a08c" opacity=".35"/><ellipse cx="149" cy="130" rx="9" ry="5" fill="#f0a08c" opacity=".35"/>`)
}

func (f *face) features(b *bytes.Buffer) {
	brow := []string{"M88 100Q98 94 108 99M132 99Q142 94 152 100", "M88 101Q98 97 108 100M132 100Q142 97 152 101", "M89 98Q98 93 107 98M133 98Q142 93 151 98"}[f.pick(3)]
	width := 3
	if !f.female {
		width = 4
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="%d" stroke-linecap="round"/>`, brow, f.hair, width)
	switch f.pick(3) {
	case 0:
		b.WriteString(`<circle cx="98" cy="114" r="4.6" fill="#2a2422"/><circle cx="142" cy="114" r="4.6" fill="#2a2422"/><circle cx="99.6" cy="112.4" r="1.4" fill="#fff"/><circle cx="143.6" cy="112.4" r="1.4" fill="#fff"/>`)
	case 1:
		b.WriteString(`<path d="M91 115Q98 107 105 115M135 115Q142 107 149 115" fill="none" stroke="#2a2422" stroke-width="3.6" stroke-linecap="round"/>`)
	default:
		b.WriteString(`<ellipse cx="98" cy="114" rx="4.2" ry="5.4" fill="#2a2422"/><ellipse cx="142" cy="114" rx="4.2" ry="5.4" fill="#2a2422"/><circle cx="99.4" cy="112" r="1.4" fill="#fff"/><circle cx="143.4" cy="112" r="1.4" fill="#fff"/>`)
	}
	fmt.Fprintf(b, `<path d="M120 116Q124 128 117 131" fill="none" stroke="%s" stroke-width="3" stroke-linecap="round"/>`, f.shade)
	mouth := []string{
		`<path d="M106 143Q120 155 134 143" fill="none" stroke="#b4574a" stroke-width="3.4" stroke-linecap="round"/>`,
		`<path d="M105 142Q120 160 135 142Z" fill="#fff" stroke="#b4574a" stroke-width="2.6" stroke-linejoin="round"/>`,
		`<path d="M108 145Q121 152 133 143" fill="none" stroke="#b4574a" stroke-width="3.4" stroke-linecap="round"/>`,
	}[f.pick(3)]
	b.WriteString(mouth)
}

func (f *face) hairInFront(b *bytes.Buffer) {
	var d string
	if f.female {
		d = []string{
			"M72 108C66 50 116 40 124 58C150 46 176 62 168 108C166 88 150 78 128 74C108 92 82 86 72 108Z",
			"M72 110C62 46 178 46 168 110C164 90 150 78 120 78C90 78 76 90 72 110Z",
			"M72 106C68 52 172 48 168 106C160 96 158 80 150 74C128 92 96 90 84 80C78 88 76 96 72 106Z",
		}[f.pick(3)]
	} else {
		d = []string{
			"M74 100C68 48 172 46 166 100C162 84 154 76 140 74C122 78 100 76 86 78C80 84 76 90 74 100Z",
			"M74 98C70 56 104 44 132 48C158 50 170 66 166 98C162 88 158 78 148 70C128 78 98 72 84 84C78 88 76 92 74 98Z",
			"M74 96C76 60 98 50 120 50C142 50 164 60 166 96C162 82 150 66 120 66C90 66 78 82 74 96Z",
			"M75 102C66 44 174 44 165 102C163 88 160 82 152 78L140 84L126 74L110 84L96 76L84 84C79 90 77 94 75 102Z",
		}[f.pick(4)]
	}
	fmt.Fprintf(b, `<path d="%s" fill="%s"/>`, d, f.hair)
}

func (f *face) glasses(b *bytes.Buffer) {
	if f.pick(5) > 1 {
		return
	}
	color := []string{"#3b4754", "#7a5a3c", "#8a98a5"}[f.pick(3)]
	if f.pick(2) == 0 {
		fmt.Fprintf(b, `<g fill="#fff" fill-opacity=".18" stroke="%s" stroke-width="3"><circle cx="98" cy="114" r="14"/><circle cx="142" cy="114" r="14"/><path d="M112 112Q120 107 128 112M84 112L75 108M156 112L165 108" fill="none"/></g>`, color)
		return
	}
	fmt.Fprintf(b, `<g fill="#fff" fill-opacity=".18" stroke="%s" stroke-width="3"><rect x="83" y="103" width="29" height="21" rx="6"/><rect x="128" y="103" width="29" height="21" rx="6"/><path d="M112 111Q120 107 128 111M83 110L75 107M157 110L165 107" fill="none"/></g>`, color)
}
