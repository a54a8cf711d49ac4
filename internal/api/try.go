package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"heartline/internal/contact/call"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
)

// The limits of browser callers.
const (
	maxTriesPerIP = 4
	maxTries      = 50
	tryLongest    = 30 * time.Minute
)

// LiveState tells a browser caller what became of the call.
type LiveState struct {
	Type  string `json:"type"`
	State string `json:"state"`
	Call  string `json:"call,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// tryCount counts the browser callers by address.
type tryCount struct {
	mu    sync.Mutex
	total int
	byIP  map[string]int
}

func (t *tryCount) enter(ip string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total >= maxTries || t.byIP[ip] >= maxTriesPerIP {
		return false
	}
	t.total++
	t.byIP[ip]++
	return true
}

func (t *tryCount) leave(ip string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total--
	if t.byIP[ip]--; t.byIP[ip] <= 0 {
		delete(t.byIP, ip)
	}
}

// serveTry is GET /api/try/ws, the telephone of a demo caller. Nobody is
// signed in: it exists in the demo alone.
func (s *Server) serveTry(w http.ResponseWriter, r *http.Request) {
	if !s.deps.About.Demo || s.deps.Telephone == nil {
		sendProblem(w, newProblem(http.StatusNotFound, "not_found"))
		return
	}
	if !s.sameOrigin(r) {
		sendProblem(w, newProblem(http.StatusForbidden, "request.cross_site"))
		return
	}
	ip := requestOf(r.Context()).ip
	if !s.tries.enter(ip) {
		sendProblem(w, newProblem(http.StatusTooManyRequests, "live.too_many"))
		return
	}
	defer s.tries.leave(ip)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // the origin was checked above
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(maxFrame)
	s.metrics.connections.WithLabelValues("try").Inc()
	defer s.metrics.connections.WithLabelValues("try").Dec()
	if !s.enter() {
		_ = ws.Close(closeRestart, "")
		return
	}
	defer s.live.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), tryLongest)
	defer cancel()
	stop := context.AfterFunc(s.closing, cancel)
	defer stop()
	t := &tryConn{s: s, ws: ws, session: id.New(), limit: rate.NewLimiter(messagesRate, messagesBurst), out: make(chan any, 64)}
	t.run(ctx, cancel)
}

// tryConn is the connection of one browser caller.
type tryConn struct {
	s       *Server
	ws      *websocket.Conn
	session string
	limit   *rate.Limiter
	out     chan any
}

func (t *tryConn) run(ctx context.Context, cancel context.CancelFunc) {
	tel := t.s.deps.Telephone
	events := tel.TryEvents(t.session)
	var wg sync.WaitGroup
	wg.Go(func() { t.writeLoop(ctx, events); cancel() })
	t.readLoop(ctx)
	cancel()
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), commandWait)
	defer done()
	if err := tel.TryClose(closing, t.session); err != nil {
		t.s.log.Debug("close browser caller", "error", err)
	}
	wg.Wait()
	_ = t.ws.Close(websocket.StatusNormalClosure, "")
}

func (t *tryConn) writeLoop(ctx context.Context, events <-chan call.TryEvent) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var v any
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			v = LiveState{Type: "state", State: e.State, Call: e.Call, Cause: e.Cause}
		case v = <-t.out:
		case <-ping.C:
			pctx, cancel := context.WithTimeout(ctx, writeWait)
			err := t.ws.Ping(pctx)
			cancel()
			if err != nil {
				return
			}
			continue
		}
		if t.write(ctx, v) != nil {
			return
		}
	}
}

func (t *tryConn) write(ctx context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return t.ws.Write(ctx, websocket.MessageText, b)
}

func (t *tryConn) readLoop(ctx context.Context) {
	for {
		kind, b, err := t.ws.Read(ctx)
		if err != nil || !t.limit.Allow() {
			return
		}
		var m liveMessage
		if kind != websocket.MessageText || json.Unmarshal(b, &m) != nil {
			return
		}
		data, err := t.handle(ctx, m)
		if m.ID == 0 && err == nil {
			continue
		}
		select {
		case t.out <- t.s.replyTo(m.ID, data, err):
		default:
			return // does not read its replies
		}
	}
}

// handle carries out what the caller asks for.
func (t *tryConn) handle(ctx context.Context, m liveMessage) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	tel := t.s.deps.Telephone
	switch m.Type {
	case "ping":
		return map[string]string{}, nil
	case "rtc.offer":
		answer, err := tel.TryConnect(ctx, t.session, m.SDP)
		return map[string]string{"sdp": answer}, err
	case "rtc.candidate":
		return nil, tel.TryCandidate(ctx, t.session, string(m.Candidate))
	case "dial":
		callID, err := tel.TryDial(ctx, t.session, m.Number, m.Caller)
		return map[string]string{"call": callID}, err
	case "dtmf":
		return nil, tel.TryDTMF(ctx, t.session, m.Digits)
	case "hangup":
		return nil, tel.TryHangup(ctx, t.session)
	}
	return nil, errs.New(errs.Invalid, "live.unknown_type")
}
