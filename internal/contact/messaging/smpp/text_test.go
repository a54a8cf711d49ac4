package smpp

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestCount counts as 3GPP TS 23.038 and TS 23.040 do: 160 and 153 septets,
// 70 and 67 UCS-2 units.
func TestCount(t *testing.T) {
	for name, c := range map[string]struct {
		text         string
		e            Encoding
		units, parts int
	}{
		"empty":                        {"", GSM7, 0, 1},
		"latin":                        {"Hello @£$", GSM7, 9, 1},
		"160":                          {strings.Repeat("a", 160), GSM7, 160, 1},
		"161":                          {strings.Repeat("a", 161), GSM7, 161, 2},
		"306 in two":                   {strings.Repeat("a", 306), GSM7, 306, 2},
		"307 in three":                 {strings.Repeat("a", 307), GSM7, 307, 3},
		"euro counts twice":            {"€", GSM7, 2, 1},
		"80 euros":                     {strings.Repeat("€", 80), GSM7, 160, 1},
		"81 euros":                     {strings.Repeat("€", 81), GSM7, 162, 2},
		"no escape is torn":            {strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), GSM7, 306, 3},
		"70 Chinese":                   {strings.Repeat("预", 70), UCS2, 70, 1},
		"71 Chinese":                   {strings.Repeat("预", 71), UCS2, 71, 2},
		"134 Chinese":                  {strings.Repeat("预", 134), UCS2, 134, 2},
		"135 Chinese":                  {strings.Repeat("预", 135), UCS2, 135, 3},
		"emoji counts twice":           {"😀", UCS2, 2, 1},
		"no pair is torn":              {strings.Repeat("预", 66) + "😀" + strings.Repeat("预", 66), UCS2, 134, 3},
		"one Chinese makes all UCS-2":  {strings.Repeat("a", 70) + "预", UCS2, 71, 2},
		"Greek capitals are in GSM":    {"ΔΦΓΛΩΠΨΣΘΞ", GSM7, 10, 1},
		"c with cedilla is not":        {"ç", UCS2, 1, 1},
		"square brackets count double": {"[]{}^~|\\", GSM7, 16, 1},
	} {
		t.Run(name, func(t *testing.T) {
			e, units, parts := Count(c.text)
			if e != c.e || units != c.units || parts != c.parts {
				t.Fatalf("%s, %d units in %d parts; want %s, %d in %d", e, units, parts, c.e, c.units, c.parts)
			}
		})
	}
	if n := utf8.RuneCountInString(gsmBasic); n != 128 {
		t.Fatalf("the default alphabet has %d characters", n)
	}
}

// TestTextTravels cuts texts in both ways and puts them together again, in
// any order.
func TestTextTravels(t *testing.T) {
	for name, text := range map[string]string{
		"one": "您好", "latin": "Grüße €5 [x]", "long": strings.Repeat("【爱心医院】您已预约3月16日（周一）09:30 心血管内科。", 6),
		"long latin": strings.Repeat("Your visit is booked €5. ", 20), "pairs": strings.Repeat("预😀约", 60),
	} {
		for _, long := range []Long{UDH, SAR} {
			t.Run(name+" "+string(long), func(t *testing.T) {
				e, segs := segments(text, long, 0xABCD)
				_, _, want := Count(text)
				if len(segs) != want {
					t.Fatalf("%d segments, want %d", len(segs), want)
				}
				var j joiner
				var got []whole
				for i := len(segs) - 1; i >= 0; i-- { // the last first
					if n := len(segs[i].text); n > 140 && e == UCS2 || n > 160 {
						t.Fatalf("segment of %d octets", n)
					}
					got = append(got, j.add(&PDU{Message: Short{Source: Address{Addr: "1"}, Coding: e, ESMClass: segs[i].esmClass, Text: segs[i].text}, TLVs: segs[i].tlvs}, now())...)
				}
				if d := cmp.Diff([]whole{{"1", text}}, got, cmp.AllowUnexported(whole{})); d != "" {
					t.Fatal(d)
				}
			})
		}
	}
}

func TestMissingPartsAreGivenOutLate(t *testing.T) {
	_, segs := segments(strings.Repeat("预约", 100), UDH, 7)
	var j joiner
	p := func(i int, from string) *PDU {
		return &PDU{Message: Short{Source: Address{Addr: from}, Coding: UCS2, ESMClass: esmUDHI, Text: segs[i].text}}
	}
	if got := j.add(p(0, "1"), now()); len(got) != 0 {
		t.Fatalf("%v before all parts came", got)
	}
	if got := j.add(p(0, "1"), now()); len(got) != 0 { // the same part again
		t.Fatalf("%v after a repeated part", got)
	}
	got := j.add(p(1, "2"), now().Add(keepParts+1))
	if len(got) != 1 || got[0].from != "1" || !strings.HasPrefix(got[0].text, "预约") || !strings.HasSuffix(got[0].text, "…") {
		t.Fatalf("%+v", got)
	}
}

// TestHostileHeaders are user data headers that lie.
func TestHostileHeaders(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": {}, "longer than the text": {200, 0, 3}, "element beyond": {2, 0, 9}, "part 0 of 0": {5, 0, 3, 1, 0, 0, 'a'},
		"part 3 of 2": {5, 0, 3, 1, 2, 3, 'a'}, "only a header": {5, 0, 3, 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var j joiner
			got := j.add(&PDU{Message: Short{ESMClass: esmUDHI, Text: b}}, now())
			if len(got) != 1 {
				t.Fatalf("%+v", got)
			}
		})
	}
}

func TestReceipts(t *testing.T) {
	text := "id:0123456789 sub:001 dlvrd:001 submit date:2603161200 done date:2603161201 stat:DELIVRD err:000 text:Hello"
	for name, c := range map[string]struct {
		p    PDU
		want Receipt
		ok   bool
	}{
		"appendix B":            {PDU{Command: DeliverSM, Message: Short{ESMClass: 4, Text: []byte(text)}}, Receipt{"0123456789", "DELIVRD", "000"}, true},
		"without its fields":    {PDU{Command: DeliverSM, Message: Short{ESMClass: 4, Text: []byte("id:9 stat:undeliv")}}, Receipt{"9", "UNDELIV", ""}, true},
		"parameters win":        {PDU{Command: DeliverSM, Message: Short{ESMClass: 4, Text: []byte(text)}, TLVs: []TLV{{tagReceiptedID, []byte("77\x00")}, {tagState, []byte{3}}}}, Receipt{"77", "EXPIRED", "000"}, true},
		"no receipt":            {PDU{Command: DeliverSM, Message: Short{Text: []byte(text)}}, Receipt{}, false},
		"a receipt of nothing":  {PDU{Command: DeliverSM, Message: Short{ESMClass: 4}}, Receipt{}, false},
		"state out of its list": {PDU{Command: DeliverSM, Message: Short{ESMClass: 4, Text: []byte("id:1")}, TLVs: []TLV{{tagState, []byte{200}}}}, Receipt{"1", "", ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := receiptOf(&c.p)
			if ok != c.ok || ok && got != c.want {
				t.Fatalf("%+v %v", got, ok)
			}
		})
	}
}

func TestIncomingCodings(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		e    Encoding
		want string
	}{
		"gsm":                {[]byte{0x00, 'a', 0x1b, 0x65}, GSM7, "@a€"},
		"escape at the end":  {[]byte{'a', 0x1b}, GSM7, "a"},
		"unknown extension":  {[]byte{0x1b, 'z'}, GSM7, "z"},
		"beyond seven bits":  {[]byte{0xFF}, GSM7, "\uFFFD"},
		"latin 1":            {[]byte{0xE9}, codingLatin1, "é"},
		"ascii":              {[]byte("1"), codingASCII, "1"},
		"ucs2 odd":           {[]byte{0x98, 0x84, 0x7e}, UCS2, "预"},
		"lone surrogate":     {[]byte{0xD8, 0x00}, UCS2, "\uFFFD"},
		"surrogate pair":     {[]byte{0xD8, 0x3D, 0xDE, 0x00}, UCS2, "😀"},
		"an unknown coding":  {[]byte("ok"), Encoding(0xF5), "ok"},
		"full-width one":     {[]byte{0xFF, 0x11}, UCS2, "１"},
		"nothing to be read": {nil, UCS2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decode(c.b, c.e); got != c.want {
				t.Fatalf("%q, want %q", got, c.want)
			}
		})
	}
}
