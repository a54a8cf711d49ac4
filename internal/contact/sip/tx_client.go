package sip

import (
	"errors"
	"sync"
	"time"
)

// clientTx sends a request until it is answered (RFC 3261 §17.1). onResponse
// is called in the reader's goroutine for every response that the user has to
// see: any number of provisional ones, the final one, and for an INVITE every
// further 2xx. onFail is called once if no final response comes.
type clientTx struct {
	s      *Server
	key    string
	invite bool
	f      flow
	ack    func(resp *message) []byte // INVITE: the ACK for a final error

	onResponse func(*message)
	onFail     func(error)

	mu       sync.Mutex
	state    txState
	data     []byte
	ackData  []byte
	gen      uint32
	interval time.Duration
	deadline time.Time
}

var (
	errTimeout  = errors.New("sip: no answer")
	errStopping = errors.New("sip: server stopped")
)

func clientKey(branch, method string) string {
	if method == "CANCEL" {
		return branch + "/C"
	}
	return branch
}

// start registers the transaction and sends the request. patience overrides
// 64×T1 if it is set.
func (tx *clientTx) start(data []byte, patience time.Duration) {
	s := tx.s
	if patience <= 0 {
		patience = 64 * s.cfg.T1
	}
	if !tx.invite {
		s.openRequests.Add(1)
	}
	s.txMu.Lock()
	s.clientTxs[tx.key] = tx
	s.txMu.Unlock()
	tx.mu.Lock()
	tx.data = data
	tx.deadline = time.Now().Add(patience)
	tx.interval = s.cfg.T1
	if tx.f.reliable() {
		tx.interval = patience
	}
	tx.arm(tx.interval)
	tx.mu.Unlock()
	if err := s.send(tx.f, data); err != nil {
		tx.fail(err)
	}
}

func (tx *clientTx) arm(d time.Duration) {
	tx.gen++
	tx.s.wheel.after(d, tx, tx.gen)
}

func (tx *clientTx) wake(gen uint32) {
	tx.mu.Lock()
	if gen != tx.gen || tx.state == txDone {
		tx.mu.Unlock()
		return
	}
	if tx.state == txCompleted || tx.state == txAccepted {
		tx.mu.Unlock()
		tx.remove()
		return
	}
	left := time.Until(tx.deadline)
	if left <= 0 {
		tx.mu.Unlock()
		tx.fail(errTimeout)
		return
	}
	data := tx.data
	if !tx.f.reliable() {
		tx.interval *= 2
		if !tx.invite {
			tx.interval = min(tx.interval, 8*tx.s.cfg.T1) // T2
		}
	}
	tx.arm(min(tx.interval, left))
	repeat := !tx.f.reliable()
	tx.mu.Unlock()
	if repeat {
		tx.s.stats.retransmitted.Add(1)
		_ = tx.s.send(tx.f, data)
	}
}

// respond takes a response in.
func (tx *clientTx) respond(m *message) {
	tx.mu.Lock()
	onResponse := tx.onResponse
	switch {
	case tx.state == txDone:
		tx.mu.Unlock()
		return
	case tx.state == txCompleted:
		ack := tx.ackData
		tx.mu.Unlock()
		if ack != nil && m.code >= 300 {
			_ = tx.s.send(tx.f, ack)
		}
		return
	case tx.state == txAccepted:
		tx.mu.Unlock()
		if m.code/100 == 2 {
			onResponse(m)
		}
		return
	case m.code < 200:
		tx.state = txProceeding
		if tx.invite {
			tx.gen++ // no more repeats; how long it rings is the dialog's business
		}
		tx.mu.Unlock()
		onResponse(m)
		return
	}
	done := tx.finish(m)
	tx.mu.Unlock()
	onResponse(m)
	if done {
		tx.remove()
	}
}

// finish handles the first final response; mu is held. True: forget at once.
func (tx *clientTx) finish(m *message) bool {
	tx.data = nil
	switch {
	case !tx.invite:
		tx.state = txDone
		tx.s.openRequests.Add(-1)
		return true
	case m.code < 300:
		tx.state = txAccepted
		tx.arm(64 * tx.s.cfg.T1)
		return false
	}
	tx.state = txCompleted
	tx.ackData = tx.ack(m)
	_ = tx.s.send(tx.f, tx.ackData)
	if tx.f.reliable() {
		return true
	}
	tx.arm(64 * tx.s.cfg.T1)
	return false
}

func (tx *clientTx) fail(err error) {
	tx.mu.Lock()
	if tx.state >= txCompleted {
		tx.mu.Unlock()
		return
	}
	tx.state = txDone
	onFail := tx.onFail
	tx.mu.Unlock()
	if !tx.invite {
		tx.s.openRequests.Add(-1)
	}
	tx.remove()
	onFail(err)
}

func (tx *clientTx) remove() {
	tx.s.txMu.Lock()
	if tx.s.clientTxs[tx.key] == tx {
		delete(tx.s.clientTxs, tx.key)
	}
	tx.s.txMu.Unlock()
	tx.mu.Lock()
	tx.state, tx.data, tx.ackData = txDone, nil, nil
	tx.ack, tx.onResponse, tx.onFail = nil, nil, nil // the wheel may hold tx for a while
	tx.gen++
	tx.mu.Unlock()
}

// clientResponse hands a response to its transaction.
func (s *Server) clientResponse(m *message) {
	s.txMu.Lock()
	tx := s.clientTxs[clientKey(m.via.branch, m.cseqMeth)]
	s.txMu.Unlock()
	if tx == nil {
		s.stats.dropped.Add(1)
		return
	}
	tx.respond(m)
}
