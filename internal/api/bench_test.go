package api

import (
	"net/http/httptest"
	"testing"

	"heartline/internal/platform/identity"
)

// BenchmarkRequest is a request with everything around it: session, rights,
// validation, answer, log and metrics.
func BenchmarkRequest(b *testing.B) {
	e := newEnv(b)
	c := e.as("nurse", identity.RoleAgent)
	for _, path := range []string{"/api/queues", "/api/session", "/api/calls"} {
		b.Run(path[len("/api/"):], func(b *testing.B) {
			r := withCookie(c.request("GET", path, nil), c)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				e.api.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// BenchmarkPublish is one event of the live stream for fifty browsers that
// read it.
func BenchmarkPublish(b *testing.B) {
	h := newHub()
	s := &Server{metrics: newMetrics()}
	p := identity.Principal{UserID: "u", Permissions: map[identity.Permission]bool{identity.WallboardRead: true}}
	for range 50 {
		c := &liveConn{s: s, who: p, resumed: true, out: make(chan any, outQueue), done: make(chan struct{})}
		h.join(c)
		go func() {
			for {
				select {
				case <-c.out:
				case <-b.Context().Done():
					return
				}
			}
		}()
	}
	b.ReportAllocs()
	for b.Loop() {
		h.publish(&fact{topic: topicQueue, needs: watchers(), data: WallQueue{ID: "q1", Name: "预约", Waiting: 3}})
	}
}
