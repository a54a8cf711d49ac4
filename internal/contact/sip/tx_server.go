package sip

import (
	"strconv"
	"sync"
	"time"
)

// txState is the state of a server or client transaction (RFC 3261 §17, RFC 6026).
type txState uint8

const (
	txTrying     txState = iota // nothing sent (server), nothing received (client)
	txProceeding                // a provisional response went or came
	txCompleted                 // a final response that needs an ACK or absorbs repeats
	txConfirmed                 // ACK seen
	txAccepted                  // 2xx of an INVITE: repeats belong to the dialog
	txDone
)

// serverTx remembers what was answered to a request, so that a repeated
// request gets the same bytes, and repeats a final INVITE response until ACK.
type serverTx struct {
	s      *Server
	key    string
	merged string // key in Server.merging, INVITE only
	invite bool
	f      flow   // where responses go
	tag    string // To tag of all our responses, also to a CANCEL (RFC 3261 §9.2)

	mu        sync.Mutex
	req       *message // until the final response
	state     txState
	last      []byte
	gen       uint32
	interval  time.Duration
	deadline  time.Time
	cancelled bool
	onCancel  func()
}

// serverKey matches a request to its transaction (RFC 3261 §17.2.3).
func serverKey(m *message, method string) string {
	if method == "ACK" || method == "CANCEL" {
		method = "INVITE"
	}
	if len(m.via.branch) > len(branchCookie) && m.via.branch[:len(branchCookie)] == branchCookie {
		return m.via.branch + "|" + m.via.host + ":" + strconv.Itoa(m.via.port) + "|" + method
	}
	return m.from.tag() + "|" + m.callID + "|" + strconv.FormatUint(uint64(m.cseq), 10) + "|" + m.via.raw + "|" + method
}

const maxTransactions = 200_000

const branchCookie = "z9hG4bK"

// begin finds or creates the transaction of a request. A repeat is answered
// here and returns nil.
func (s *Server) begin(m *message, f flow) *serverTx {
	key := serverKey(m, m.method)
	s.txMu.Lock()
	if tx := s.serverTxs[key]; tx != nil {
		s.txMu.Unlock()
		tx.repeat()
		return nil
	}
	if len(s.serverTxs) >= maxTransactions { // a distributed flood: what is running goes on
		s.txMu.Unlock()
		s.stats.limited.Add(1)
		return nil
	}
	tx := &serverTx{s: s, key: key, invite: m.method == "INVITE", f: replyFlow(m, f), tag: newTag(), req: m}
	s.serverTxs[key] = tx
	if tx.invite && m.to.tag() == "" {
		mk := m.from.tag() + "|" + m.callID + "|" + strconv.FormatUint(uint64(m.cseq), 10)
		if s.merging[mk] != nil {
			s.txMu.Unlock()
			tx.reply(482, "Loop Detected", "")
			return nil
		}
		tx.merged = mk
		s.merging[mk] = tx
	}
	s.txMu.Unlock()
	if tx.invite {
		tx.mu.Lock()
		tx.arm(s.cfg.T1 * 2 / 5) // 100 Trying after 200 ms (§17.2.1)
		tx.mu.Unlock()
	}
	return tx
}

// arm sets the one timer of the transaction; mu is held.
func (tx *serverTx) arm(d time.Duration) {
	tx.gen++
	tx.s.wheel.after(d, tx, tx.gen)
}

// repeat answers a repeated request with what was said last.
func (tx *serverTx) repeat() {
	tx.mu.Lock()
	last := tx.last
	if tx.state == txAccepted || tx.state == txConfirmed {
		last = nil // the dialog repeats 2xx by itself
	}
	tx.mu.Unlock()
	if last != nil {
		tx.s.stats.retransmitted.Add(1)
		_ = tx.s.send(tx.f, last)
	}
}

// reply answers without a dialog.
func (tx *serverTx) reply(code int, reason, extra string) {
	tx.mu.Lock()
	req := tx.req
	tx.mu.Unlock()
	if req == nil {
		return
	}
	tx.send(code, tx.s.response(req, tx.f, code, reason, tx.tag, extra, nil))
}

// send sends a response already written and moves the state.
func (tx *serverTx) send(code int, data []byte) {
	tx.mu.Lock()
	if tx.state >= txCompleted && !(tx.state == txAccepted && code/100 == 2) {
		tx.mu.Unlock()
		return
	}
	s, f := tx.s, tx.f
	tx.last = data
	drop := false
	switch {
	case code < 200:
		tx.state = txProceeding
		tx.gen++
	case tx.invite && code < 300:
		tx.state = txAccepted
		tx.req = nil
		tx.last = nil
		tx.arm(64 * s.cfg.T1)
	case tx.invite:
		tx.state = txCompleted
		tx.req = nil
		tx.interval = s.cfg.T1
		tx.deadline = time.Now().Add(64 * s.cfg.T1)
		if f.reliable() {
			tx.interval = 64 * s.cfg.T1
		}
		tx.arm(tx.interval)
	default:
		tx.state = txCompleted
		tx.req = nil
		if drop = f.reliable(); !drop {
			tx.arm(64 * s.cfg.T1)
		}
	}
	tx.mu.Unlock()
	_ = s.send(f, data)
	if drop {
		tx.remove()
	}
}

// ack stops the repeats of a final INVITE response; false if the ACK is not
// for this transaction but for a dialog.
func (tx *serverTx) ack() bool {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	switch tx.state {
	case txCompleted:
		tx.state = txConfirmed
		tx.last = nil
		tx.arm(10 * tx.s.cfg.T1) // T4
		return true
	case txConfirmed:
		return true
	}
	return false
}

// cancel runs the owner's reaction to a CANCEL, now or when it is set.
func (tx *serverTx) cancel() {
	tx.mu.Lock()
	fn := tx.onCancel
	already := tx.cancelled
	tx.cancelled = true
	tx.mu.Unlock()
	if fn != nil && !already {
		fn()
	}
}

// watchCancel sets the reaction to a CANCEL, which may have come already.
func (tx *serverTx) watchCancel(fn func()) {
	tx.mu.Lock()
	tx.onCancel = fn
	already := tx.cancelled
	tx.mu.Unlock()
	if already {
		fn()
	}
}

func (tx *serverTx) wake(gen uint32) {
	tx.mu.Lock()
	if gen != tx.gen {
		tx.mu.Unlock()
		return
	}
	switch {
	case tx.state == txTrying:
		req := tx.req
		tx.mu.Unlock()
		tx.send(100, tx.s.response(req, tx.f, 100, "", "", "", nil))
		return
	case tx.state == txCompleted && tx.invite && !tx.f.reliable() && time.Now().Before(tx.deadline):
		last := tx.last
		tx.interval = min(2*tx.interval, 8*tx.s.cfg.T1)
		tx.arm(tx.interval)
		tx.mu.Unlock()
		tx.s.stats.retransmitted.Add(1)
		_ = tx.s.send(tx.f, last)
		return
	}
	tx.mu.Unlock()
	tx.remove()
}

func (tx *serverTx) remove() {
	tx.mu.Lock()
	tx.state, tx.last, tx.req, tx.onCancel = txDone, nil, nil, nil
	tx.gen++
	tx.mu.Unlock()
	tx.s.txMu.Lock()
	delete(tx.s.serverTxs, tx.key)
	if tx.merged != "" && tx.s.merging[tx.merged] == tx {
		delete(tx.s.merging, tx.merged)
	}
	tx.s.txMu.Unlock()
}
