package booking_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"heartline/internal/care/booking"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

const (
	victimURL     = "HEARTLINE_KILL_DATABASE"
	victimSession = "HEARTLINE_KILL_SESSION"
)

// TestVictim is the child of TestKilled: it books and cancels in a loop and
// says so line by line until it is killed.
func TestVictim(t *testing.T) {
	url := os.Getenv(victimURL)
	if url == "" {
		t.Skip("run by TestKilled")
	}
	db, err := store.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, db)
	se := booking.Session{ID: os.Getenv(victimSession)}
	var mu sync.Mutex
	say := func(what string, a booking.Appointment) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println("said", what, a.ID)
	}
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				a, err := r.svc.Book(r.ctx(), want(se, fmt.Sprintf("%s-%d-%d", se.ID, c, i), card))
				if err != nil {
					return // the session is full: the parent was too slow to kill us
				}
				say("booked", a)
				if i%3 > 0 {
					continue
				}
				say("cancelling", a)
				if _, err := r.svc.Cancel(r.ctx(), a.ID, booking.Cancel{Reason: booking.CancelStaff, Channel: booking.ChannelDesk}); err == nil {
					say("cancelled", a)
				}
			}
		})
	}
	wg.Wait()
}

// TestKilled ends a process that books with kill -9, again and again: whatever
// it acknowledged is there, nothing is half done, no number is lost.
// HEARTLINE_KILL_ROUNDS=200 is the full size.
func TestKilled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r, n := newRig(t, db), rounds(t, "HEARTLINE_KILL_ROUNDS", 5)
		for round := range n {
			se := r.clinic(1, shared(400), func(se *booking.Session) {
				se.DepartmentID, se.EndAt = "dep"+strconv.Itoa(round), se.EndAt.Add(80*3600e9)
			})
			said := r.kill(se, 20+round*17%100)
			states := map[string]string{}
			for _, line := range r.column("SELECT id || ' ' || state FROM appointments WHERE session_id = '" + se.ID + "'") {
				id, state, _ := strings.Cut(line, " ")
				states[id] = state
			}
			for id, what := range said {
				got := booking.State(states[id])
				ok := what == "booked" && got == booking.Scheduled || what == "cancelled" && got == booking.Cancelled ||
					what == "cancelling" && (got == booking.Scheduled || got == booking.Cancelled)
				if !ok {
					t.Fatalf("round %d: %s was acknowledged as %s and is %q", round, id, what, got)
				}
			}
			if n := len(r.column("SELECT id FROM booking_numbers WHERE session_id = '" + se.ID + "' AND state IN ('free', 'taken')")); n != 400 {
				t.Fatalf("round %d: %d of 400 numbers are left", round, n)
			}
			milestone(t, round+1)
		}
		sound(t, db)
		t.Logf("killed %d times: everything acknowledged is there, nothing is half done", n)
	})
}

// kill runs the child until it has said n things, kills it and returns the
// last thing said of each appointment.
func (r *rig) kill(se booking.Session, n int) map[string]string {
	r.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(r.t.Context()), os.Args[0], "-test.run=^TestVictim$", "-test.v")
	cmd.Env = append(os.Environ(), victimURL+"="+r.db.URL(), victimSession+"="+se.ID)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	said := map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() { // after the kill, what was said before is still in the pipe
		var what, id string
		if k, _ := fmt.Sscanf(lines.Text(), "said %s %s", &what, &id); k != 2 || len(id) != 36 {
			continue
		}
		said[id] = what
		if n--; n == 0 {
			if err := cmd.Process.Kill(); err != nil {
				r.t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if n > 0 {
		r.t.Fatalf("the child ended early, %d to go: %v", n, said)
	}
	return said
}
