package sip

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The timers of a dialog.
const (
	tRepeat  = iota // 2xx until ACK, reliable 18x until PRACK
	tSession        // RFC 4028 refresh
	tExpiry         // RFC 4028 expiry
	tGlare          // retry after 491
	tDial           // unanswered outgoing call
	tReply          // a Reinvited nobody answers
	tLinger         // cleaning up
	timerKinds
)

// dtimer wakes the actor. gen belongs to the actor; the wheel may hold on to
// the dtimer for long, so it lets go of the dialog when that is over.
type dtimer struct {
	d   atomic.Pointer[Dialog]
	gen uint32
	fn  func()
}

func (t *dtimer) set(after time.Duration, fn func()) {
	t.gen++
	t.fn = fn
	if d := t.d.Load(); d != nil {
		d.s.wheel.after(after, t, t.gen)
	}
}

func (t *dtimer) stop() {
	t.gen++
	t.fn = nil
}

func (t *dtimer) wake(gen uint32) {
	if d := t.d.Load(); d != nil {
		d.post(func() {
			if t.gen == gen && t.fn != nil {
				t.fn()
			}
		})
	}
}

// sessionTimer is the agreement of RFC 4028.
type sessionTimer struct {
	interval time.Duration // 0: none
	mine     bool          // we refresh
}

// sessionExpires parses "1800;refresher=uac".
func sessionExpires(val string) (d time.Duration, refresher string) {
	num, par, _ := strings.Cut(val, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(num), 10, 31)
	if err != nil {
		return 0, ""
	}
	return time.Duration(n) * time.Second, strings.ToLower(parseParams(par).get("refresher"))
}

func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }

// acceptTimer agrees on a timer as UAS of m and returns the header lines of
// the 2xx (RFC 4028 §9).
func (d *Dialog) acceptTimer(m *message) string {
	asked, who := sessionExpires(m.get(hSessionExpires))
	able := m.lists(hSupported, "timer") || m.lists(hRequire, "timer")
	want := d.s.cfg.SessionExpiry
	if asked == 0 {
		if want < 0 || !able {
			if !able && want > 0 && m.method == "INVITE" {
				d.startTimer(want, true) // we refresh; the peer need not know why
				return ""
			}
			d.startTimer(0, false)
			return ""
		}
		asked, _ = sessionExpires(seconds(want))
		if lo, _ := sessionExpires(m.get(hMinSE)); lo > asked {
			asked = lo
		}
	}
	if who == "" {
		who = "uas"
		if able {
			who = "uac"
		}
	}
	if !able {
		who = "uas"
	}
	d.startTimer(asked, who == "uas")
	extra := line("Session-Expires", seconds(asked)+";refresher="+who)
	if able && who == "uac" {
		extra += "Require: timer\r\n"
	}
	return extra
}

// agreeTimer reads the timer from a 2xx to a request of ours (§7.2).
func (d *Dialog) agreeTimer(m *message) {
	interval, who := sessionExpires(m.get(hSessionExpires))
	if interval == 0 {
		if d.s.cfg.SessionExpiry > 0 {
			d.startTimer(d.s.cfg.SessionExpiry, true)
		}
		return
	}
	d.startTimer(interval, who != "uas")
}

// offerTimer is what we put into INVITE and UPDATE.
func (d *Dialog) offerTimer(refresh bool) string {
	if d.s.cfg.SessionExpiry < 0 {
		return ""
	}
	interval := d.s.cfg.SessionExpiry
	if d.timer.interval > 0 {
		interval = d.timer.interval
	}
	val := seconds(interval)
	if refresh {
		who := "uas"
		if d.timer.mine {
			who = "uac"
		}
		val += ";refresher=" + who
	}
	return line("Session-Expires", val) + line("Min-SE", seconds(min(d.s.cfg.MinSE, interval)))
}

func (d *Dialog) startTimer(interval time.Duration, mine bool) {
	d.timer = sessionTimer{interval, mine}
	d.timers[tSession].stop()
	d.timers[tExpiry].stop()
	switch {
	case interval <= 0:
	case mine:
		d.timers[tSession].set(interval/2, d.refresh)
	default:
		d.timers[tExpiry].set(interval-min(32*time.Second, interval/3), func() {
			d.hangup(Cause{SIPCode: 408, Q850: 102, Reason: "session timer expired"})
		})
	}
}

// refresh renews the session: by UPDATE if the peer allows it, else by a
// re-INVITE that repeats our description.
func (d *Dialog) refresh() {
	if d.state != stConfirmed {
		return
	}
	d.whenIdle(func() {
		method := "INVITE"
		if d.leg.canUpdate {
			method = "UPDATE"
		}
		d.startMid(&midRequest{method: method, sdp: d.localSDP, refresh: true, result: make(chan midResult, 1)})
	})
}

// refreshFailed decides what a failed refresh means (§10).
func (d *Dialog) refreshFailed(code int) {
	switch code {
	case 481, 408:
		d.hangup(Cause{SIPCode: code, Q850: 102, Reason: fmt.Sprintf("refresh answered %d", code)})
	default: // try again before it expires
		d.timers[tSession].set(d.timer.interval/4, d.refresh)
	}
}
