package call

import (
	"context"
	"sync"

	"heartline/internal/contact/media"
	"heartline/internal/contact/switchboard"
	"heartline/internal/platform/errs"
)

// The states that a /try session is told.
const (
	TryStateConnected    = "connected" // the sound works
	TryStateDialling     = "dialling"
	TryStateRinging      = "ringing"
	TryStateAnswered     = "answered"
	TryStateEnded        = "ended"
	TryStateDisconnected = "disconnected"
)

// tries knows the browser callers of /try.
type tries struct {
	mu   sync.Mutex
	byID map[string]*try
}

// try is one visitor's session.
type try struct {
	browser   media.Browser
	connected bool
	up        chan struct{} // closed at the first connection of browser
	call      *call
	events    chan TryEvent
}

func newTries() *tries { return &tries{byID: map[string]*try{}} }

func (t *tries) with(session string, fn func(*try)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.byID[session]
	if v == nil {
		v = &try{events: make(chan TryEvent, 16)}
		t.byID[session] = v
	}
	fn(v)
}

// tell sends a state to the visitor; one who does not listen loses the oldest.
func (v *try) tell(e TryEvent) {
	for {
		select {
		case v.events <- e:
			return
		default:
		}
		select {
		case <-v.events:
		default:
		}
	}
}

func (t *tries) takeBrowsers() []media.Browser {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []media.Browser
	for _, v := range t.byID {
		if v.browser != nil {
			out = append(out, v.browser)
		}
	}
	return out
}

func (s *seats) takeBrowsers() []media.Browser {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []media.Browser
	for _, st := range s.byID {
		if st.browser != nil {
			out = append(out, st.browser)
		}
		if st.absence != nil {
			st.absence.Stop()
		}
	}
	return out
}

// TryConnect connects the sound of a browser caller.
func (s *Service) TryConnect(ctx context.Context, session, offer string) (string, error) {
	b, answer, err := s.newBrowser(ctx, offer)
	if err != nil {
		return "", err
	}
	var old media.Browser
	s.tries.with(session, func(v *try) { old, v.browser, v.connected, v.up = v.browser, b, false, make(chan struct{}) })
	if old != nil {
		s.closeBrowser(old)
	}
	s.tasks.Go(func() {
		for ev := range b.Events() {
			s.tryEvent(session, b, ev)
		}
	})
	return answer, nil
}

func (s *Service) tryEvent(session string, b media.Browser, ev media.BrowserEvent) {
	var c *call
	s.tries.mu.Lock()
	v := s.tries.byID[session]
	if v == nil || v.browser != b {
		s.tries.mu.Unlock()
		return
	}
	v.connected = ev == media.BrowserConnected
	if v.connected {
		select {
		case <-v.up:
		default:
			close(v.up)
		}
		v.tell(TryEvent{State: TryStateConnected})
	} else {
		v.tell(TryEvent{State: TryStateDisconnected, Cause: string(ev)})
	}
	if ev == media.BrowserClosed {
		c, v.call, v.browser = v.call, nil, nil
	}
	s.tries.mu.Unlock()
	if c != nil {
		c.post(func() { c.callerLeft("media_lost") })
	}
}

// callerLeft handles a browser caller who hung up or vanished.
func (c *call) callerLeft(cause string) {
	if c.over || c.opener == nil || c.opener.state == legEnded {
		return
	}
	if c.opener.state != legUp {
		c.end("cancelled", byCaller)
		return
	}
	c.leave(c.opener, cause, byCaller)
}

// TryCandidate adds an ICE candidate of a browser caller.
func (s *Service) TryCandidate(ctx context.Context, session, candidate string) error {
	var b media.Browser
	s.tries.with(session, func(v *try) { b = v.browser })
	if b == nil {
		return errNoSound
	}
	if err := b.Candidate(ctx, candidate); err != nil {
		return errs.Wrap(errs.Invalid, "call.candidate_invalid", err)
	}
	return nil
}

// TryDial calls number with the caller id that the visitor chose. Visitors
// reach what outside callers reach: the house's own numbers.
func (s *Service) TryDial(ctx context.Context, session, number, callerID string) (string, error) {
	dialled := switchboard.CleanNumber(number)
	dest := resolve(s.deps.Directory(), fromOutside, dialled, false)
	if dest.refuse != "" {
		return "", errs.InvalidField("number", "call.number_unknown")
	}
	if callerID != "" && !dialable(switchboard.CleanNumber(callerID)) {
		return "", errs.InvalidField("caller", "call.number_invalid")
	}
	var b media.Browser
	var up chan struct{}
	busy := false
	s.tries.with(session, func(v *try) { b, up, busy = v.browser, v.up, v.call != nil })
	switch {
	case b == nil || !s.soon(ctx, up) || !b.Connected():
		return "", errNoSound
	case busy:
		return "", errElse
	}
	c, err := s.open(ctx, origin{direction: Inbound, channel: channelBrowser, number: callerNumber(callerID),
		to: dialled, did: dest.number.Number})
	if err != nil {
		return "", err
	}
	tell := func(e TryEvent) { s.tries.tell(session, c, e) } // as long as it is the session's call
	if !s.tries.claim(session, c) {
		c.post(func() { c.end("cancelled", byCaller) })
		return "", errElse
	}
	c.post(func() {
		c.visitor = tell
		l := &leg{}
		tell(TryEvent{State: TryStateDialling})
		c.arrive(l, dest, func() error { return c.takeBrowser(l, b) })
	})
	return c.id, nil
}

// soon waits for the sound: the browser sees the connection a moment earlier
// than we do, and dials at once.
func (s *Service) soon(ctx context.Context, up <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.OpTimeout)
	defer cancel()
	select {
	case <-up:
		return true
	case <-ctx.Done():
		return false
	}
}

// tellVisitor tells the opener's window, when it is one of /try.
func (c *call) tellVisitor(e TryEvent) {
	if c.visitor != nil {
		c.visitor(e)
	}
}

// claim makes c the session's call, unless it has one.
func (t *tries) claim(session string, c *call) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.byID[session]
	if v == nil || v.call != nil {
		return false
	}
	v.call = c
	return true
}

// tell passes a state of c on to the session, as long as c is its call.
func (t *tries) tell(session string, c *call, e TryEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.byID[session]
	if v == nil || v.call != c {
		return
	}
	e.Call = c.id
	v.tell(e)
	if e.State == TryStateEnded {
		v.call = nil
	}
}

// TryDTMF presses keys.
func (s *Service) TryDTMF(ctx context.Context, session, digits string) error {
	c, err := s.tryCall(session)
	if err != nil {
		return err
	}
	for _, d := range []byte(digits) {
		if (d < '0' || d > '9') && d != '*' && d != '#' {
			return errs.InvalidField("digits", "call.digits_invalid")
		}
	}
	return c.do(ctx, func() error {
		for _, d := range []byte(digits) {
			c.pressed(c.opener, d)
		}
		return nil
	})
}

func (s *Service) tryCall(session string) (*call, error) {
	s.tries.mu.Lock()
	defer s.tries.mu.Unlock()
	if v := s.tries.byID[session]; v != nil && v.call != nil {
		return v.call, nil
	}
	return nil, errNotFound
}

// TryHangup ends the browser caller's call.
func (s *Service) TryHangup(ctx context.Context, session string) error {
	c, err := s.tryCall(session)
	if err != nil {
		return err
	}
	return c.do(ctx, func() error {
		c.callerLeft("hangup")
		return nil
	})
}

// TryEvents returns the states of a session; the channel is closed by
// TryClose. A slow reader loses the oldest states.
func (s *Service) TryEvents(session string) <-chan TryEvent {
	var events chan TryEvent
	s.tries.with(session, func(v *try) { events = v.events })
	return events
}

// TryClose ends a session: its call and its sound.
func (s *Service) TryClose(_ context.Context, session string) error {
	s.tries.mu.Lock()
	v := s.tries.byID[session]
	delete(s.tries.byID, session)
	if v != nil {
		close(v.events)
	}
	s.tries.mu.Unlock()
	if v == nil {
		return nil
	}
	if c := v.call; c != nil {
		c.post(func() { c.callerLeft("hangup") })
	}
	if v.browser != nil {
		s.closeBrowser(v.browser)
	}
	return nil
}
