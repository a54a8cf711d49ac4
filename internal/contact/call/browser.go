package call

import (
	"context"
	"strings"
	"sync"
	"time"

	"heartline/internal/contact/acd"
	"heartline/internal/contact/media"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
)

// AgentConnected notes that a browser window of the user is connected; detach
// is called when it goes. When the last one goes and its sound stops too, the
// user's calls are parked.
func (s *Service) AgentConnected(user string) (detach func()) {
	s.seats.with(user, func(st *seat) {
		st.windows++
		if st.absence != nil {
			st.absence.Stop()
			st.absence = nil
		}
	})
	return sync.OnceFunc(func() {
		s.seats.with(user, func(st *seat) {
			st.windows--
			if st.windows == 0 && st.browser != nil {
				s.watchAbsence(st)
			}
		})
	})
}

// watchAbsence looks in a moment whether a browser without a window still
// sends sound. A conversation whose signalling alone is cut goes on.
func (s *Service) watchAbsence(st *seat) {
	user, b := st.user, st.browser
	before := b.Quality().Packets
	st.absence = time.AfterFunc(s.cfg.WindowGrace, func() {
		silent := b.Quality().Packets == before
		lose := false
		s.seats.with(user, func(st *seat) {
			if st.absence == nil || st.windows > 0 || st.browser != b {
				return
			}
			st.absence = nil
			if lose = silent; !lose {
				s.watchAbsence(st)
			}
		})
		if lose {
			s.browserGone(user, b, "closed")
		}
	})
}

// RTCOffer connects the user's browser sound, or renegotiates it when the
// offer comes from the same connection. A second window takes over from the
// first.
func (s *Service) RTCOffer(ctx context.Context, user, sdp string) (string, error) {
	session := sdpSession(sdp)
	if p := s.seats.of(user); p.browser != nil && p.session == session && session != "" {
		if answer, err := p.browser.Renegotiate(ctx, sdp); err == nil {
			return answer, nil
		}
	}
	b, answer, err := s.newBrowser(ctx, sdp)
	if err != nil {
		return "", err
	}
	var old media.Browser
	var oldSession string
	s.seats.with(user, func(st *seat) {
		old, oldSession = st.browser, st.session
		st.browser, st.session, st.connected = b, session, false
	})
	if old != nil {
		event.Publish(s.deps.Bus, RTCState{User: user, Session: oldSession, Event: "replaced"})
		s.loseCalls(user)
		s.closeBrowser(old)
	}
	s.tasks.Go(func() {
		for ev := range b.Events() {
			s.browserEvent(user, session, b, ev)
		}
	})
	return answer, nil
}

func (s *Service) newBrowser(ctx context.Context, sdp string) (media.Browser, string, error) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil, "", errDraining
	}
	b, answer, err := s.deps.Media.NewBrowser(ctx, id.New(), sdp)
	if err != nil {
		return nil, "", errs.Wrap(errs.Invalid, "call.offer_invalid", err)
	}
	return b, answer, nil
}

func (s *Service) closeBrowser(b media.Browser) {
	s.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.cfg.OpTimeout)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			s.log.Debug("close browser", "error", err)
		}
	})
}

// sdpSession reads the session id of the o= line: it stays the same for the
// life of a browser's connection object.
func sdpSession(sdp string) string {
	for line := range strings.Lines(sdp) {
		if rest, ok := strings.CutPrefix(line, "o="); ok {
			if f := strings.Fields(rest); len(f) > 1 {
				return f[1]
			}
		}
	}
	return ""
}

func (s *Service) browserEvent(user, session string, b media.Browser, ev media.BrowserEvent) {
	current := false
	s.seats.with(user, func(st *seat) { current = st.browser == b })
	if !current {
		return // an older window's
	}
	if ev == media.BrowserConnected {
		s.browserConnected(user, b)
	} else {
		s.browserGone(user, b, string(ev))
		return
	}
	event.Publish(s.deps.Bus, RTCState{User: user, Session: session, Event: string(ev)})
	event.Publish(s.deps.Bus, DeskChanged{Agent: user})
}

// browserConnected brings a returned agent back to calls and readiness.
func (s *Service) browserConnected(user string, b media.Browser) {
	var calls []*call
	ready := false
	s.seats.with(user, func(st *seat) {
		if st.browser != b {
			return
		}
		st.connected = true
		calls = append(calls, st.calls...)
		ready = st.wantReady && s.now().Sub(st.lostAt) <= s.cfg.AgentGrace
		st.wantReady = false
	})
	for _, c := range calls {
		c.post(func() { c.browserBack(user) })
	}
	if ready {
		s.acd.Post(acd.AgentState{Agent: user, Ready: true})
	}
}

// browserGone handles the loss of the browser's sound.
func (s *Service) browserGone(user string, b media.Browser, why string) {
	session, was := "", false
	s.seats.with(user, func(st *seat) {
		if st.browser != b {
			return
		}
		session, was = st.session, st.connected
		st.connected = false
		if why == "closed" {
			st.browser, st.session = nil, ""
		}
	})
	if why == "closed" {
		s.closeBrowser(b)
	}
	if was {
		s.loseCalls(user)
	}
	event.Publish(s.deps.Bus, RTCState{User: user, Session: session, Event: why})
	event.Publish(s.deps.Bus, DeskChanged{Agent: user})
}

// loseCalls parks the user's calls and takes the agent out of distribution
// until the browser is back.
func (s *Service) loseCalls(user string) {
	p := s.seats.of(user)
	for _, c := range p.calls {
		c.post(func() { c.browserLost(user) })
	}
	if !p.signedIn || p.kind != SeatBrowser {
		return
	}
	live, ok := s.agentLive(user)
	if !ok {
		return
	}
	if live.State == acd.Ready || live.State == acd.Ringing {
		s.sideline(user)
	} // a talker is sidelined when the call gives up waiting; wrap-up is not cut short
}

// sideline takes an agent whose seat is lost out of distribution, to be ready
// again after a quick return.
func (s *Service) sideline(user string) {
	if live, ok := s.agentLive(user); !ok || live.Pending != "" {
		return
	}
	s.seats.with(user, func(st *seat) { st.wantReady, st.lostAt = true, s.now() })
	s.acd.Post(acd.AgentState{Agent: user, Reason: ReasonConnection})
}

// RTCCandidate adds an ICE candidate (RTCIceCandidateInit as JSON).
func (s *Service) RTCCandidate(ctx context.Context, user, candidate string) error {
	p := s.seats.of(user)
	if p.browser == nil {
		return errNoSound
	}
	if err := p.browser.Candidate(ctx, candidate); err != nil {
		return errs.Wrap(errs.Invalid, "call.candidate_invalid", err)
	}
	return nil
}

// RTCLevel returns the loudness of the user's microphone in dBov (0 is the
// loudest, −100 silence) for the microphone test.
func (s *Service) RTCLevel(_ context.Context, user string) (float64, error) {
	p := s.seats.of(user)
	if p.browser == nil || !p.connected {
		return -100, errNoSound
	}
	return p.browser.Level(), nil
}

// closeBrowsers ends every browser's sound when the house closes.
func (s *Service) closeBrowsers(ctx context.Context) {
	for _, b := range append(s.seats.takeBrowsers(), s.tries.takeBrowsers()...) {
		if err := b.Close(ctx); err != nil {
			s.log.Debug("close browser", "error", err)
		}
	}
}
