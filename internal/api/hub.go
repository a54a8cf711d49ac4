package api

import (
	"encoding/json"
	"slices"
	"sync"

	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
)

// The topics of the live stream.
const (
	topicCall        = "call"        // LiveCall
	topicAgent       = "agent"       // WallAgent
	topicQueue       = "queue"       // WallQueue
	topicDesk        = "desk"        // DeskView, only to its agent
	topicPop         = "pop"         // PopEvent, only to its agent
	topicNotice      = "notice"      // NoticeEvent, only to its agent
	topicAlarm       = "alarm"       // AlarmEvent
	topicPatient     = "patient"     // ChangeEvent
	topicPeople      = "people"      // ChangeEvent: imports, duplicates, consents, privacy
	topicMessage     = "message"     // ChangeEvent
	topicBooking     = "booking"     // ChangeEvent
	topicSwitchboard = "switchboard" // ChangeEvent
)

// ringSize is how many events a browser may have missed and still resume.
const ringSize = 8192

// fact is one event of the live stream and who may see it. Either needs or
// users admits somebody.
type fact struct {
	seq   uint64
	topic string
	needs []identity.Permission // any of them; ignored when users match
	users []string
	// data is for readers with a full sight of customers; others get what
	// render makes of it, when there is something to hide.
	data   any
	render func(sight) any

	once    [3]sync.Once
	encoded [3]json.RawMessage
}

func (f *fact) admits(p identity.Principal) bool {
	return slices.Contains(f.users, p.UserID) || len(f.needs) > 0 && p.Has(f.needs...)
}

// payload encodes the fact once for each kind of reader.
func (f *fact) payload(p identity.Principal) json.RawMessage {
	i := sightOf(p)
	if f.render == nil {
		i = sightFull
	}
	f.once[i].Do(func() {
		v := f.data
		if i != sightFull {
			v = f.render(i)
		}
		b, err := json.Marshal(v)
		if err != nil {
			b = []byte("null")
		}
		f.encoded[i] = b
	})
	return f.encoded[i]
}

// hub numbers facts, keeps the newest of them in a ring, and gives them to
// the connections. Its lock is held for moments only.
type hub struct {
	stream string // changes with every start of the program

	mu     sync.Mutex
	seq    uint64
	ring   []*fact
	conns  map[*liveConn]struct{}
	closed bool
}

func newHub() *hub {
	return &hub{stream: id.New(), ring: make([]*fact, 0, ringSize), conns: map[*liveConn]struct{}{}}
}

// publish numbers a fact and hands it to everybody who may see it. A
// connection that cannot keep up is told to start again.
func (h *hub) publish(f *fact) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	f.seq = h.seq
	if len(h.ring) < ringSize {
		h.ring = append(h.ring, f)
	} else {
		h.ring[int((f.seq-1)%ringSize)] = f
	}
	for c := range h.conns {
		c.offer(f)
	}
}

// join adds a connection; its events begin after the returned number.
func (h *hub) join(c *liveConn) (seq uint64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, false
	}
	h.conns[c] = struct{}{}
	return h.seq, true
}

func (h *hub) leave(c *liveConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// since returns the facts after a number up to another, or false when some
// of them are gone.
func (h *hub) since(stream string, after, upTo uint64) ([]*fact, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if stream != h.stream || after > h.seq {
		return nil, false
	}
	oldest := h.seq - uint64(len(h.ring)) // number before the first one kept
	if after < oldest {
		return nil, false
	}
	var out []*fact
	for n := after + 1; n <= upTo; n++ {
		out = append(out, h.ring[int((n-1)%ringSize)])
	}
	return out, true
}

// now is the number of the newest fact.
func (h *hub) now() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seq
}

// resyncAll tells every connection to read everything again: facts were lost
// before they came here.
func (h *hub) resyncAll() {
	for _, c := range h.all(nil) {
		c.tellResync()
	}
}

// all returns the connections that match; nil matches all.
func (h *hub) all(match func(*liveConn) bool) []*liveConn {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*liveConn
	for c := range h.conns {
		if match == nil || match(c) {
			out = append(out, c)
		}
	}
	return out
}

// close refuses new connections and returns the open ones.
func (h *hub) close() []*liveConn {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	return h.all(nil)
}
