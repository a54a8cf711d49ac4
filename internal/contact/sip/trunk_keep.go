package sip

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"
)

// begin starts the trunk's goroutine once.
func (t *trunk) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done != nil {
		return
	}
	ctx, cancel := context.WithCancel(t.s.ctx)
	t.cancel, t.done = cancel, make(chan struct{})
	go t.keep(ctx, t.done)
}

func (t *trunk) halt() {
	t.mu.Lock()
	cancel, done := t.cancel, t.done
	t.mu.Unlock()
	if done != nil {
		cancel()
		<-done
	}
}

// keep registers and pings until it is halted.
func (t *trunk) keep(ctx context.Context, done chan struct{}) {
	defer close(done)
	every := t.cfg.OptionsEvery
	if every == 0 {
		every = 30 * time.Second
	}
	backoff := 5 * time.Second
	var renew time.Time
	resolved := time.Now()
	for {
		wait := every
		if every < 0 {
			wait = time.Minute
		}
		if _, ok := t.ready(); !ok || time.Since(resolved) > 5*time.Minute { // names move
			resolved = time.Now()
			if _, err := t.connect(ctx); err != nil {
				t.record(0, 0)
				wait = min(wait, 10*time.Second)
			}
		}
		if t.cfg.Kind == TrunkRegister && !time.Now().Before(renew) {
			granted, ok := t.registerOnce(ctx)
			if ok {
				renew, backoff = time.Now().Add(granted*4/5), 5*time.Second
			} else {
				renew = time.Now().Add(backoff + time.Duration(rand.Int64N(int64(backoff/4))))
				backoff = min(2*backoff, 5*time.Minute)
			}
		} else if every > 0 {
			t.ping(ctx)
			if t.status().LastCode == 0 {
				wait = min(wait, max(every/4, 100*time.Millisecond)) // look again soon
			}
		}
		if t.cfg.Kind == TrunkRegister {
			wait = min(wait, max(time.Until(renew), 10*time.Millisecond))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// record notes what the peer said; two silent keepalives in a row mean down.
func (t *trunk) record(code int, rtt time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastCode, t.rtt = code, rtt
	if code == 0 || code == 408 || code == 503 {
		t.fails++
	} else {
		t.fails = 0
	}
	up := t.fails < 2
	if t.cfg.Kind == TrunkRegister {
		up = up && t.registered
	}
	if up != t.up {
		t.up = up
		t.changed = t.s.cfg.Now()
		t.s.log.Info("trunk state", "trunk", t.cfg.ID, "up", up, "code", code)
	}
}

// ping sends OPTIONS; any answer but 408 and 503 means alive.
func (t *trunk) ping(ctx context.Context) {
	uri := "sip:" + t.hostPort()
	start := time.Now()
	m, err := t.exchange(ctx, reqParts{method: "OPTIONS", uri: uri, to: "<" + uri + ">", extra: acceptLine})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		t.record(0, 0)
		return
	}
	t.record(m.code, time.Since(start))
}

// registerOnce registers, answering a challenge, and returns the time granted.
func (t *trunk) registerOnce(ctx context.Context) (time.Duration, bool) {
	expires := t.cfg.Expires
	if expires == 0 {
		expires = 10 * time.Minute
	}
	code, granted := t.sendRegister(ctx, expires)
	if ctx.Err() != nil {
		return 0, false
	}
	t.mu.Lock()
	t.registered = code == 200
	t.mu.Unlock()
	t.record(code, 0)
	return granted, code == 200
}

func (t *trunk) sendRegister(ctx context.Context, expires time.Duration) (code int, granted time.Duration) {
	uri := "sip:" + t.domain()
	aor := "<sip:" + escapeUser(t.cfg.Username) + "@" + t.domain() + ">"
	auth := ""
	for try := 0; try < 3; try++ {
		extra := line("Expires", seconds(expires)) + auth
		m, err := t.exchange(ctx, reqParts{method: "REGISTER", uri: uri, to: aor, from: aor, extra: extra})
		if err != nil {
			return 0, 0
		}
		switch {
		case m.code == 401 || m.code == 407:
			if auth = authorize(m, "REGISTER", uri, t.cfg.Username, t.cfg.Password, 1); auth == "" {
				return m.code, 0
			}
		case m.code == 423:
			n, err := strconv.Atoi(m.get(hMinExpires))
			if err != nil || n <= 0 || n > 86400 {
				return m.code, 0
			}
			expires = time.Duration(n) * time.Second
		default:
			return m.code, grantedTime(m, expires)
		}
		code = m.code
	}
	return code, 0
}

func grantedTime(m *message, asked time.Duration) time.Duration {
	val := m.get(hExpires)
	if c, ok := m.contact(); ok && c.params.has("expires") {
		val = c.params.get("expires")
	}
	if n, err := strconv.Atoi(val); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return max(asked, time.Second)
}

// exchange sends a request outside dialogs and waits for its final response.
func (t *trunk) exchange(ctx context.Context, p reqParts) (*message, error) {
	f, ok := t.ready()
	if !ok {
		return nil, errFlowClosed
	}
	t.mu.Lock()
	t.seq++
	p.cseq, p.callID = t.seq, t.callID
	t.mu.Unlock()
	host, port := t.s.local(f)
	p.contact = contactText(t.cfg.Username, host, port, f.transport)
	if p.from == "" {
		p.from = "<sip:" + escapeUser(t.cfg.Username) + "@" + t.domain() + ">"
		if t.cfg.Username == "" {
			p.from = "<sip:" + host + ">"
		}
	}
	p.from += ";tag=" + newTag()
	return t.s.exchange(ctx, f, p, 10*t.s.cfg.T1)
}

// exchange sends one non-INVITE request and waits for its final response.
func (s *Server) exchange(ctx context.Context, f flow, p reqParts, patience time.Duration) (*message, error) {
	type result struct {
		m   *message
		err error
	}
	res := make(chan result, 1)
	p.branch = s.newBranch()
	tx := &clientTx{s: s, key: p.branch, f: f}
	tx.onResponse = func(m *message) {
		if m.code >= 200 {
			res <- result{m, nil}
		}
	}
	tx.onFail = func(err error) { res <- result{nil, err} }
	tx.start(s.request(f, &p), patience)
	select {
	case r := <-res:
		return r.m, r.err
	case <-ctx.Done():
		tx.fail(ctx.Err())
		return nil, ctx.Err()
	}
}
