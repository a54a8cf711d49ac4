package phone

import "testing"

func TestALawKeepsEveryCodeAndComesClose(t *testing.T) {
	for code := range 256 {
		if got := alaw(unalaw(byte(code))); got != byte(code) {
			t.Fatalf("code %#x came back as %#x", code, got)
		}
	}
	for v := -32768; v <= 32767; v += 7 {
		back := int(unalaw(alaw(int16(v))))
		if diff := max(back-v, v-back); diff > max(16, max(v, -v)/16) {
			t.Fatalf("%d → %d", v, back)
		}
	}
}
