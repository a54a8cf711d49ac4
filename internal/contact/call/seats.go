package call

import (
	"slices"
	"sync"
	"time"

	"heartline/internal/contact/media"
)

// seats knows every user who is signed in or has a browser connected: where
// they sit, their sound, and the calls they are part of. Its lock is held for
// moments only, never while asking a call or the media engine.
type seats struct {
	mu   sync.Mutex
	byID map[string]*seat
}

// seat is one user's place.
type seat struct {
	user     string
	signedIn bool
	kind     string
	ext      string // desk phone's number

	windows   int           // browser windows connected
	browser   media.Browser // the sound of one of them
	session   string        // which window's
	connected bool
	wantReady bool // was ready when the connection was lost
	lostAt    time.Time
	absence   *time.Timer // last window gone

	hears  *call            // where the browser's sound is now
	calls  []*call          // in order of joining
	booked map[string]*call // calls the distributor counts
}

func newSeats() *seats { return &seats{byID: map[string]*seat{}} }

// with runs fn with the user's seat, made on first use.
func (s *seats) with(user string, fn func(*seat)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.byID[user]
	if st == nil {
		st = &seat{user: user, booked: map[string]*call{}}
		s.byID[user] = st
	}
	fn(st)
	if !st.signedIn && st.windows == 0 && st.browser == nil && len(st.calls) == 0 && st.absence == nil {
		delete(s.byID, user)
	}
}

// place is a copy of what is known of a seat.
type place struct {
	signedIn  bool
	kind, ext string
	browser   media.Browser
	session   string
	connected bool
	windows   int
	calls     []*call
	booked    int
	hears     *call
}

func (s *seats) of(user string) place {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.byID[user]
	if st == nil {
		return place{}
	}
	return place{st.signedIn, st.kind, st.ext, st.browser, st.session, st.connected, st.windows, slices.Clone(st.calls), len(st.booked), st.hears}
}

// reachable reports whether a call can ring at the seat. A desk phone's
// registration is checked when it is dialled.
func (p place) reachable() bool {
	return p.signedIn && (p.kind == SeatExtension || p.connected)
}

// atPhone finds the signed-in user whose seat is a desk phone.
func (s *seats) atPhone(ext string) (user string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.byID {
		if st.signedIn && st.kind == SeatExtension && st.ext == ext {
			return st.user, true
		}
	}
	return "", false
}

func (s *seats) join(user string, c *call) {
	s.with(user, func(st *seat) {
		if !slices.Contains(st.calls, c) {
			st.calls = append(st.calls, c)
		}
	})
}

func (s *seats) leave(user string, c *call) {
	s.with(user, func(st *seat) {
		st.calls = slices.DeleteFunc(st.calls, func(x *call) bool { return x == c })
		if st.hears == c {
			st.hears = nil
		}
	})
}

// book notes that the distributor counts the user as busy with a call.
func (s *seats) book(user string, c *call) {
	s.with(user, func(st *seat) { st.booked[c.id] = c })
}

// unbook takes the note back and returns another call that still keeps the
// user busy, if any.
func (s *seats) unbook(user string, c *call) (other *call) {
	s.with(user, func(st *seat) {
		delete(st.booked, c.id)
		for _, o := range st.booked {
			other = o
		}
	})
	return other
}

// signedIn lists the users who are signed in.
func (s *seats) signedIn() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, st := range s.byID {
		if st.signedIn {
			out = append(out, st.user)
		}
	}
	return out
}
