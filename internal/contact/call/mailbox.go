package call

import "sync"

// mailbox is an unbounded queue of messages for one actor. Posting never
// blocks, so anybody may post while holding a lock; order is kept.
type mailbox struct {
	mu     sync.Mutex
	queue  []func()
	closed bool
	wake   chan struct{}
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post appends a message; false means that the actor has ended and the
// message will not be handled.
func (m *mailbox) post(fn func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.queue = append(m.queue, fn)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

// take returns the messages that wait, oldest first.
func (m *mailbox) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	batch := m.queue
	m.queue = nil
	return batch
}

// close refuses further messages and returns those that were not handled.
func (m *mailbox) close() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	batch := m.queue
	m.queue = nil
	return batch
}
