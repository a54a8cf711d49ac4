package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
)

// The limits of a WebSocket.
const (
	maxFrame      = 64 << 10 // bytes of one message from a browser
	outQueue      = 256      // messages that may wait for a slow browser
	writeWait     = 10 * time.Second
	resumeWait    = time.Second // how long a browser may take to ask for a resume
	pingEvery     = 25 * time.Second
	recheckEvery  = time.Minute // how often a session is looked at again
	commandWait   = 15 * time.Second
	messagesRate  = 50 // per second from one browser
	messagesBurst = 200
	maxPerUser    = 12 // connections
)

// Close codes of our own (RFC 6455 §7.4.2 leaves 4000–4999 to applications).
const (
	closeResync  websocket.StatusCode = 4001 // too slow: connect again and read everything
	closeRestart websocket.StatusCode = 1012 // the program ends: connect again
	closeSession websocket.StatusCode = 4401 // the session is over
	closeLimit   websocket.StatusCode = 4429 // too many messages or connections
)

// The messages from server to browser.
type (
	// LiveHello opens the stream.
	LiveHello struct {
		Type   string    `json:"type"`
		Stream string    `json:"stream"`
		Seq    uint64    `json:"seq"`
		Now    time.Time `json:"now"`
	}
	// LiveEvent is a fact.
	LiveEvent struct {
		Type  string          `json:"type"`
		Seq   uint64          `json:"seq"`
		Topic string          `json:"topic"`
		Data  json.RawMessage `json:"data"`
	}
	// LiveReply answers a message that carried an id.
	LiveReply struct {
		Type  string     `json:"type"`
		ID    int64      `json:"id"`
		OK    bool       `json:"ok"`
		Data  any        `json:"data,omitempty"`
		Error *LiveError `json:"error,omitempty"`
	}
	// LiveError is the key of a problem.
	LiveError struct {
		Key    string         `json:"key"`
		Params map[string]any `json:"params,omitempty"`
	}
	// LiveRTC tells what became of the browser's sound.
	LiveRTC struct {
		Type    string `json:"type"`
		Event   string `json:"event"`
		Session string `json:"session"`
	}
	// LivePong answers a ping; Seq may be given to resume.
	LivePong struct {
		Type string `json:"type"`
		ID   int64  `json:"id,omitempty"`
		Seq  uint64 `json:"seq"`
	}
	// LiveSignal is a message without content, such as resync.
	LiveSignal struct {
		Type string `json:"type"`
	}
)

// liveMessage is anything a browser may send.
type liveMessage struct {
	ID        int64           `json:"id"`
	Type      string          `json:"type"`
	Stream    string          `json:"stream"`
	Seq       uint64          `json:"seq"`
	SDP       string          `json:"sdp"`
	Candidate json.RawMessage `json:"candidate"`
	Number    string          `json:"number"`
	Caller    string          `json:"caller"`
	Digits    string          `json:"digits"`
}

// liveConn is one browser's connection: a reader and a writer, and the queue
// between the hub and the writer.
type liveConn struct {
	s     *Server
	ws    *websocket.Conn
	token string
	limit *rate.Limiter
	out   chan any
	done  chan struct{} // closed by end
	once  sync.Once
	code  websocket.StatusCode // why it ends; set before done is closed

	mu      sync.Mutex
	who     identity.Principal
	resumed bool    // events flow; before that they are held
	held    []*fact // of the time between hello and resume
	joined  uint64
}

// serveLive is GET /api/live.
func (s *Server) serveLive(w http.ResponseWriter, r *http.Request) {
	p, err := identity.Require(r.Context())
	if err == nil && p.MustChange {
		err = errs.New(errs.Denied, "auth.password_change_required")
	}
	if err != nil {
		sendProblem(w, s.problem(r.Context(), err))
		return
	}
	if !s.sameOrigin(r) {
		sendProblem(w, newProblem(http.StatusForbidden, "request.cross_site"))
		return
	}
	if len(s.hub.all(func(c *liveConn) bool { return c.principal().UserID == p.UserID })) >= maxPerUser {
		sendProblem(w, newProblem(http.StatusTooManyRequests, "live.too_many"))
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // the origin was checked above
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(maxFrame)
	if !s.enter() {
		_ = ws.Close(closeRestart, "")
		return
	}
	defer s.live.Done()
	c := &liveConn{s: s, ws: ws, token: requestOf(r.Context()).token, who: p, limit: rate.NewLimiter(messagesRate, messagesBurst),
		out: make(chan any, outQueue), done: make(chan struct{})}
	c.run(context.WithoutCancel(r.Context()))
}

func (c *liveConn) principal() identity.Principal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.who
}

// run serves the connection until either side ends it.
func (c *liveConn) run(ctx context.Context) {
	seq, ok := c.s.hub.join(c)
	if !ok {
		_ = c.ws.Close(websocket.StatusGoingAway, "")
		return
	}
	defer c.s.hub.leave(c)
	c.s.metrics.connections.WithLabelValues("live").Inc()
	defer c.s.metrics.connections.WithLabelValues("live").Dec()
	if tel := c.s.deps.Telephone; tel != nil && c.who.Has(identity.CallHandle, identity.SuperviseMonitor) {
		defer tel.AgentConnected(c.who.UserID)()
	}
	c.mu.Lock()
	c.joined = seq
	c.mu.Unlock()
	c.send(LiveHello{Type: "hello", Stream: c.s.hub.stream, Seq: seq, Now: utc(c.s.now())})
	// A browser that has nothing to resume may stay silent.
	patience := time.AfterFunc(resumeWait, c.flow)
	defer patience.Stop()
	var wg sync.WaitGroup
	wg.Go(func() { c.writeLoop(ctx) })
	c.readLoop(ctx)
	c.end(websocket.StatusNormalClosure)
	wg.Wait()
}

// end makes the writer say goodbye with a code; the first one counts. It
// never waits.
func (c *liveConn) end(code websocket.StatusCode) {
	c.once.Do(func() {
		c.code = code
		close(c.done)
	})
}

// offer takes a fact from the hub, which holds its lock: it never waits.
func (c *liveConn) offer(f *fact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.admits(c.who) {
		return
	}
	if !c.resumed {
		if c.held = append(c.held, f); len(c.held) > ringSize {
			c.resync()
		}
		return
	}
	c.push(f)
}

// push queues a fact for the writer. The caller holds the lock.
func (c *liveConn) push(f *fact) {
	select {
	case c.out <- LiveEvent{Type: "event", Seq: f.seq, Topic: f.topic, Data: f.payload(c.who)}:
	default:
		c.resync()
	}
}

// resync gives a slow browser up: it connects again and reads everything.
func (c *liveConn) resync() {
	c.s.metrics.resyncs.Inc()
	c.end(closeResync)
}

// tellResync asks the browser to read everything again on this connection.
func (c *liveConn) tellResync() {
	c.s.metrics.resyncs.Inc()
	c.send(LiveSignal{Type: "resync"})
}

// send queues a message for the writer.
func (c *liveConn) send(v any) {
	select {
	case c.out <- v:
	default:
		c.resync()
	}
}

func (c *liveConn) writeLoop(ctx context.Context) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	recheck := time.NewTicker(recheckEvery)
	defer recheck.Stop()
	for {
		var err error
		select {
		case <-c.done:
			c.farewell()
			return
		case v := <-c.out:
			err = c.write(ctx, v)
		case <-ping.C:
			err = c.ping(ctx)
		case <-recheck.C:
			c.recheck(ctx)
		}
		if err != nil {
			_ = c.ws.CloseNow() // the reader ends too
			return
		}
	}
}

// farewell closes the connection; a browser that was too slow is told what to
// do next.
func (c *liveConn) farewell() {
	if c.code == closeResync {
		_ = c.write(context.Background(), LiveSignal{Type: "resync"})
	}
	_ = c.ws.Close(c.code, "")
}

func (c *liveConn) write(ctx context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, b)
}

func (c *liveConn) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return c.ws.Ping(ctx)
}

// recheck looks at the session again: rights may have changed, or it is over.
// It also keeps the session of an open desk from going idle.
func (c *liveConn) recheck(ctx context.Context) {
	old := c.principal()
	p, err := c.s.deps.Identity.Authenticate(ctx, c.token)
	if errs.Is(err, errs.Unknown) || err == nil && p.MustChange {
		c.end(closeSession)
		return
	}
	if err != nil {
		c.s.log.Warn("live session", "error", err)
		return
	}
	p.IP, p.RequestID = old.IP, old.RequestID
	c.mu.Lock()
	c.who = p
	c.mu.Unlock()
}

func (c *liveConn) readLoop(ctx context.Context) {
	for {
		kind, b, err := c.ws.Read(ctx)
		if err != nil {
			return
		}
		if !c.limit.AllowN(time.Now(), 1) {
			c.end(closeLimit)
			return
		}
		var m liveMessage
		if kind != websocket.MessageText || json.Unmarshal(b, &m) != nil {
			c.end(websocket.StatusUnsupportedData)
			return
		}
		c.handle(ctx, m)
	}
}

// handle carries one message out.
func (c *liveConn) handle(ctx context.Context, m liveMessage) {
	if m.Type != "resume" {
		c.flow()
	}
	switch m.Type {
	case "ping":
		c.send(LivePong{Type: "pong", ID: m.ID, Seq: c.s.hub.now()})
	case "resume":
		c.reply(m.ID, nil, c.resume(m.Stream, m.Seq))
	case "rtc.offer":
		answer, err := c.rtc(ctx, func(ctx context.Context, user string) (string, error) {
			return c.s.deps.Telephone.RTCOffer(ctx, user, m.SDP)
		})
		c.reply(m.ID, map[string]string{"sdp": answer}, err)
	case "rtc.candidate":
		_, err := c.rtc(ctx, func(ctx context.Context, user string) (string, error) {
			return "", c.s.deps.Telephone.RTCCandidate(ctx, user, string(m.Candidate))
		})
		c.reply(m.ID, nil, err)
	case "rtc.level":
		level, err := c.level(ctx)
		c.reply(m.ID, map[string]float64{"dbov": level}, err)
	default:
		c.reply(m.ID, nil, errs.New(errs.Invalid, "live.unknown_type"))
	}
}

// flow lets the events through that were held back for a resume.
func (c *liveConn) flow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release(c.held)
}

// release sends facts and opens the stream. The caller holds the lock.
func (c *liveConn) release(facts []*fact) {
	if c.resumed {
		return
	}
	c.resumed, c.held = true, nil
	for _, f := range facts {
		c.push(f)
	}
}

// resume sends what a browser missed since its last connection. Events that
// came since this connection began are in the ring as well.
func (c *liveConn) resume(stream string, after uint64) error {
	c.mu.Lock()
	if c.resumed {
		c.mu.Unlock()
		return errs.New(errs.Conflict, "live.resumed_already")
	}
	upTo := c.joined
	c.mu.Unlock()
	missed, ok := c.s.hub.since(stream, min(after, upTo), upTo)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !ok || after > upTo || len(missed) > outQueue/2 && !c.fits(missed) {
		c.s.metrics.resyncs.Inc()
		c.send(LiveSignal{Type: "resync"})
		c.release(c.held)
		return nil
	}
	var mine []*fact
	for _, f := range missed {
		if f.admits(c.who) {
			mine = append(mine, f)
		}
	}
	c.release(append(mine, c.held...))
	return nil
}

// fits reports whether the facts that this reader may see fit the queue.
func (c *liveConn) fits(facts []*fact) bool {
	n := 0
	for _, f := range facts {
		if f.admits(c.who) {
			n++
		}
	}
	return n < outQueue-16
}

// rtc runs a command on the reader's own browser sound.
func (c *liveConn) rtc(ctx context.Context, fn func(ctx context.Context, user string) (string, error)) (string, error) {
	p := c.principal()
	if !p.Has(identity.CallHandle, identity.SuperviseMonitor) {
		return "", errs.New(errs.Denied, "auth.denied")
	}
	if c.s.deps.Telephone == nil {
		return "", errs.New(errs.Unavailable, "unavailable")
	}
	ctx, cancel := context.WithTimeout(identity.With(ctx, p), commandWait)
	defer cancel()
	return fn(ctx, p.UserID)
}

func (c *liveConn) level(ctx context.Context) (level float64, err error) {
	_, err = c.rtc(ctx, func(ctx context.Context, user string) (string, error) {
		level, err = c.s.deps.Telephone.RTCLevel(ctx, user)
		return "", err
	})
	return level, err
}

// reply answers a message; one without id wants no answer.
func (c *liveConn) reply(id int64, data any, err error) {
	if id == 0 && err == nil {
		return
	}
	c.send(c.s.replyTo(id, data, err))
}

func (s *Server) replyTo(id int64, data any, err error) LiveReply {
	if err == nil {
		return LiveReply{Type: "reply", ID: id, OK: true, Data: data}
	}
	p := s.problem(context.Background(), err)
	return LiveReply{Type: "reply", ID: id, Error: &LiveError{Key: p.Key, Params: p.Params}}
}
