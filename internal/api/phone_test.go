package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"heartline/internal/contact/call"
	"heartline/internal/platform/errs"
)

// fakeTelephone stands in for call control: it notes what it is asked for and
// shows what tests put into it.
type fakeTelephone struct {
	mu      sync.Mutex
	asked   []string
	fail    error
	desks   map[string]call.DeskView
	live    map[string]call.LiveCall
	windows map[string]int
	tries   map[string]chan call.TryEvent
	block   chan struct{} // RTCOffer waits for it when set
}

func newFakeTelephone() *fakeTelephone {
	return &fakeTelephone{desks: map[string]call.DeskView{}, live: map[string]call.LiveCall{}, windows: map[string]int{}, tries: map[string]chan call.TryEvent{}}
}

// note records a command and returns the failure that is set.
func (f *fakeTelephone) note(parts ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, strings.TrimSpace(fmt.Sprintln(parts...)))
	return f.fail
}

// take returns what was asked for since the last time.
func (f *fakeTelephone) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.asked
	f.asked = nil
	return out
}

func (f *fakeTelephone) failWith(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *fakeTelephone) put(c call.LiveCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live[c.ID] = c
}

func (f *fakeTelephone) setDesk(user string, v call.DeskView) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.desks[user] = v
}

func (f *fakeTelephone) window(user string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.windows[user]
}

func (f *fakeTelephone) SignIn(_ context.Context, agent string, seat call.Seat) error {
	return f.note("sign-in", agent, seat.Kind, seat.Extension)
}
func (f *fakeTelephone) SignOut(_ context.Context, agent string) error {
	return f.note("sign-out", agent)
}
func (f *fakeTelephone) SetState(_ context.Context, agent string, ready bool, reason string) error {
	return f.note("state", agent, ready, reason)
}
func (f *fakeTelephone) Desk(_ context.Context, agent string) (call.DeskView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.desks[agent]; ok {
		return v, nil
	}
	return call.DeskView{Agent: call.DeskAgent{ID: agent, State: "signed_out"}}, nil
}
func (f *fakeTelephone) WrapUpDone(_ context.Context, agent string) error {
	return f.note("wrap-up-done", agent)
}
func (f *fakeTelephone) Dial(_ context.Context, agent, to string) (string, error) {
	return "new-call", f.note("dial", agent, to)
}
func (f *fakeTelephone) Answer(_ context.Context, a, c string) error { return f.note("answer", a, c) }
func (f *fakeTelephone) Reject(_ context.Context, a, c string) error { return f.note("reject", a, c) }
func (f *fakeTelephone) Hold(_ context.Context, a, c string) error   { return f.note("hold", a, c) }
func (f *fakeTelephone) Resume(_ context.Context, a, c string) error { return f.note("resume", a, c) }
func (f *fakeTelephone) Hangup(_ context.Context, a, c string) error { return f.note("hangup", a, c) }
func (f *fakeTelephone) Mute(_ context.Context, a, c string, on bool) error {
	return f.note("mute", a, c, on)
}
func (f *fakeTelephone) SendDTMF(_ context.Context, a, c, digits string) error {
	return f.note("dtmf", a, c, digits)
}
func (f *fakeTelephone) Transfer(_ context.Context, a, c string, to call.Target) error {
	return f.note("transfer", a, c, to.Kind, to.ID)
}
func (f *fakeTelephone) Conference(_ context.Context, a, c string, to call.Target) error {
	return f.note("conference", a, c, to.Kind, to.ID)
}
func (f *fakeTelephone) RecordingPause(_ context.Context, a, c string) error {
	return f.note("pause", a, c)
}
func (f *fakeTelephone) RecordingResume(_ context.Context, a, c string) error {
	return f.note("unpause", a, c)
}
func (f *fakeTelephone) Help(_ context.Context, a string) error { return f.note("help", a) }
func (f *fakeTelephone) Monitor(_ context.Context, sup, c, mode string) error {
	return f.note("monitor", sup, c, mode)
}
func (f *fakeTelephone) StopMonitor(_ context.Context, sup, c string) error {
	return f.note("stop-monitor", sup, c)
}
func (f *fakeTelephone) ForceHangup(_ context.Context, sup, c string) error {
	return f.note("force-hangup", sup, c)
}
func (f *fakeTelephone) ForceState(_ context.Context, sup, a string, ready bool, reason string) error {
	return f.note("force-state", sup, a, ready, reason)
}
func (f *fakeTelephone) ForceSignOut(_ context.Context, sup, a string) error {
	return f.note("force-sign-out", sup, a)
}
func (f *fakeTelephone) Live(context.Context) []call.LiveCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []call.LiveCall
	for _, c := range f.live {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b call.LiveCall) int { return strings.Compare(a.ID, b.ID) })
	return out
}
func (f *fakeTelephone) LiveCall(_ context.Context, id string) (call.LiveCall, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.live[id]; ok {
		return c, nil
	}
	return call.LiveCall{}, errs.New(errs.NotFound, "call.not_found")
}
func (f *fakeTelephone) AgentConnected(user string) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.windows[user]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.windows[user]--
	}
}
func (f *fakeTelephone) RTCOffer(ctx context.Context, user, sdp string) (string, error) {
	if f.block != nil {
		select {
		case <-f.block:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "answer to " + sdp, f.note("offer", user, sdp)
}
func (f *fakeTelephone) RTCCandidate(_ context.Context, user, candidate string) error {
	return f.note("candidate", user, candidate)
}
func (f *fakeTelephone) RTCLevel(context.Context, string) (float64, error) { return -31.5, nil }
func (f *fakeTelephone) TryConnect(_ context.Context, _, offer string) (string, error) {
	return "answer to " + offer, f.note("try-connect", offer)
}
func (f *fakeTelephone) TryCandidate(_ context.Context, _, candidate string) error {
	return f.note("try-candidate", candidate)
}
func (f *fakeTelephone) TryDial(_ context.Context, session, number, caller string) (string, error) {
	err := f.note("try-dial", number, caller)
	f.TryEvents(session)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries[session] <- call.TryEvent{State: "ringing", Call: "try-call"}
	return "try-call", err
}
func (f *fakeTelephone) TryDTMF(_ context.Context, _, digits string) error {
	return f.note("try-dtmf", digits)
}
func (f *fakeTelephone) TryHangup(context.Context, string) error { return f.note("try-hangup") }
func (f *fakeTelephone) TryEvents(session string) <-chan call.TryEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tries[session] == nil {
		f.tries[session] = make(chan call.TryEvent, 16)
	}
	return f.tries[session]
}
func (f *fakeTelephone) TryClose(_ context.Context, session string) error {
	f.mu.Lock()
	ch := f.tries[session]
	delete(f.tries, session)
	f.mu.Unlock()
	if ch != nil {
		close(ch)
	}
	return f.note("try-close")
}
