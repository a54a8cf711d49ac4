package sdp

import (
	"bytes"
	"fmt"
)

// writer composes a description line by line.
type writer struct{ b bytes.Buffer }

type audioLine struct {
	proto       string
	port, ptime int
	formats     []Format
	eventPT     int
	direction   Direction
	mux         bool
}

func newWriter(l Local) *writer {
	family := "IP4"
	if l.IP.Is6() && !l.IP.Is4In6() {
		family = "IP6"
	}
	w := &writer{}
	w.line("v=0")
	w.line("o=heartline %d %d IN %s %s", l.SessionID, l.Version, family, l.IP.Unmap())
	w.line("s=-")
	w.line("c=IN %s %s", family, l.IP.Unmap())
	w.line("t=0 0")
	return w
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteString("\r\n")
}

// rejected refuses a media line by port 0 (RFC 3264 §6).
func (w *writer) rejected(m mediaLine) {
	w.line("m=%s 0 %s %s", m.kind, m.proto, m.format)
}

func (w *writer) audio(a audioLine) {
	fmt.Fprintf(&w.b, "m=audio %d %s", a.port, a.proto)
	for _, f := range a.formats {
		fmt.Fprintf(&w.b, " %d", f.PT)
	}
	if a.eventPT >= 0 {
		fmt.Fprintf(&w.b, " %d", a.eventPT)
	}
	w.b.WriteString("\r\n")
	for _, f := range a.formats {
		w.line("a=rtpmap:%d %s/8000", f.PT, f.Kind)
	}
	if a.eventPT >= 0 {
		w.line("a=rtpmap:%d telephone-event/8000", a.eventPT)
		w.line("a=fmtp:%d 0-15", a.eventPT)
	}
	ptime := a.ptime
	if ptime == 0 {
		ptime = 20
	}
	w.line("a=ptime:%d", ptime)
	if a.mux {
		w.line("a=rtcp-mux")
	} else {
		w.line("a=rtcp:%d", a.port+1)
	}
	w.line("a=%s", a.direction)
}

func (w *writer) bytes() []byte { return w.b.Bytes() }
