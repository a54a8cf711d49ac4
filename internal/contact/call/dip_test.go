package call

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/ivr"
	"heartline/internal/contact/journal"
)

// hospital answers dips; a step may wait until the test lets it go on.
type hospital struct {
	mu     sync.Mutex
	asked  []string // dip, key and the variables that matter
	answer map[string]DipResult
	err    map[string]error
	hold   map[string]chan struct{} // closed by the test
	panics bool
}

func newHospital() *hospital {
	return &hospital{err: map[string]error{}, hold: map[string]chan struct{}{}, answer: map[string]DipResult{
		"identify_by_id": {Outcome: "found", Vars: map[string]string{"patient": "p9"}, People: []Candidate{{ID: "p9", Name: "Li", Match: "id_number"}}},
		"booking.departments": {Outcome: "ok", Options: []DipOption{{Value: "d7", Say: []string{"dept_07"}},
			{Value: "d8", Say: []string{"dept_unspoken"}}}},
		"booking.book": {Outcome: "ok", Vars: map[string]string{"code": "12"}},
	}}
}

func (h *hospital) Run(ctx context.Context, callID, name string, vars map[string]string) (DipResult, error) {
	h.mu.Lock()
	h.asked = append(h.asked, strings.Join([]string{name, strings.TrimPrefix(vars[VarKey], callID), vars[VarCaller], vars["id_number"], vars["patient"], vars["department"]}, " "))
	hold, r, err, panics := h.hold[name], h.answer[name], h.err[name], h.panics
	h.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return DipResult{}, ctx.Err()
		}
	}
	if panics {
		panic("the hospital is on fire")
	}
	return r, err
}

func (h *hospital) Asked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.asked)
}

// bookingFlow asks for an identity number, a department, and books.
func bookingFlow() ivr.Flow {
	f := testFlow()
	f.Start = "id"
	maps.Copy(f.Nodes, map[string]ivr.Node{
		"id": {Type: ivr.TypeInput, Prompts: []string{"enter_id"}, Variable: "id_number", Secret: true, MinLen: 4, MaxLen: 8, Star: ivr.StarIsX,
			Tries: 2, TimeoutS: 1, PromptsInvalid: []string{"menu_invalid"}, PromptsTimeout: []string{"menu_timeout"}, Next: "find"},
		"find": {Type: ivr.TypeDip, Dip: "identify_by_id", TimeoutS: 8, Outcomes: map[string]string{"found": "list", "none": "person", "invalid": "id"}},
		"list": {Type: ivr.TypeDip, Dip: "booking.departments", Outcomes: map[string]string{"ok": "which", "none": "person"}},
		"which": {Type: ivr.TypeChoose, Prompts: []string{"choose_department"}, Variable: "department", Next: "book",
			TimeoutS: 2, PromptsInvalid: []string{"menu_invalid"}},
		"book":    {Type: ivr.TypeDip, Dip: "booking.book", TimeoutS: 3, Outcomes: map[string]string{"ok": "done", "taken": "list", "refused": "list"}},
		"done":    {Type: ivr.TypeHangup, Prompts: []string{"booked", "$code:digits"}},
		"timeout": {Type: ivr.TypeQueue, Queue: "q1"},
	})
	return f
}

func booking(h *hospital) rigOption {
	return func(p *rigPlan) { p.flow, p.dips, p.call.DipSlow = bookingFlow(), h, 300*time.Millisecond }
}

func TestBooksByKeypad(t *testing.T) {
	h := newHospital()
	r := newRig(t, booking(h))
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "1234*#"))
	r.hears(caller, promptTone("choose_department"))
	r.hears(caller, promptTone("dept_07"))
	id := r.only().ID
	r.must(caller.SendDTMF(r.ctx(), "1"))
	r.hears(caller, promptTone("booked"))
	r.ended(caller)
	want := []string{"identify_by_id /find/0 13800138000 1234X  ", "booking.departments /list/0 13800138000 1234X p9 ", "booking.book /book/1 13800138000 1234X p9 d7"}
	if got := h.Asked(); !slices.Equal(got, want) {
		t.Errorf("asked %q", got)
	}
	rec := r.record(id)
	path := []string{"id", "id=input •••••", "find", "find=found", "list", "list=ok", "which", "which=1", "book", "book=ok", "done"}
	if !slices.Equal(rec.IVRPath, path) {
		t.Errorf("path %v", rec.IVRPath)
	}
	if rec.PatientID != "p9" {
		t.Errorf("patient %q", rec.PatientID)
	}
	r.secretless(id, "1234X")
}

// secretless fails when the journal of a call holds a text.
func (r *rig) secretless(callID, secret string) {
	r.Helper()
	events, err := r.journal.OfContact(r.ctx(), callID)
	r.must(err)
	for _, e := range events {
		if strings.Contains(string(e.Data), secret) {
			r.Errorf("%s holds %s", e.Kind, secret)
		}
	}
}

// TestOptionWithoutName is counted, and the operators are told.
func TestOptionWithoutName(t *testing.T) {
	r := newRig(t, booking(newHospital()))
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "12345678"))
	r.hears(caller, promptTone("option"))
	alarms := r.alarms.Active()
	if len(alarms) != 1 || alarms[0].Subject != "dept_unspoken" {
		t.Errorf("%+v", alarms)
	}
	r.must(caller.SendDTMF(r.ctx(), "2"))
	r.hears(caller, promptTone("booked"))
}

// TestSlowHospital asks the caller to wait, plays music, and goes on.
func TestSlowHospital(t *testing.T) {
	h := newHospital()
	h.hold["identify_by_id"] = make(chan struct{})
	r := newRig(t, booking(h))
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "1234#"))
	r.hears(caller, promptTone("please_wait_query"))
	caller.Forget()
	r.must(caller.WaitAudio(r.ctx(), func(heard []int16) bool { // half a second of music
		loud := 0
		for _, v := range heard {
			if v > 500 || v < -500 {
				loud++
			}
		}
		return len(heard) > 8000 && loud > 2000
	}))
	close(h.hold["identify_by_id"])
	r.hears(caller, promptTone("choose_department"))
	r.hears(caller, promptTone("dept_07"))
}

// TestHospitalDoesNotAnswer hands the caller to a person in time, and what is
// answered afterwards changes nothing.
func TestHospitalDoesNotAnswer(t *testing.T) {
	h := newHospital()
	h.hold["identify_by_id"] = make(chan struct{})
	r := newRig(t, booking(h), func(p *rigPlan) {
		n := p.flow.Nodes["find"]
		n.TimeoutS = 1
		p.flow.Nodes["find"] = n
	})
	ann := r.seated("ann", "8001")
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "1234#"))
	r.answer(r.ringing(ann), toneAnn)
	r.hears(caller, toneAnn)
	close(h.hold["identify_by_id"])
	r.noted(r.only().ID, journal.KindIVRDip)
}

func TestHospitalFails(t *testing.T) {
	for name, breakIt := range map[string]func(h *hospital){
		"error":   func(h *hospital) { h.err["identify_by_id"] = errors.New("no database") },
		"panic":   func(h *hospital) { h.panics = true },
		"nothing": func(h *hospital) { h.answer["identify_by_id"] = DipResult{} },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHospital()
			breakIt(h)
			r := newRig(t, booking(h))
			caller := r.caller("96166")
			r.hears(caller, promptTone("enter_id"))
			r.must(caller.SendDTMF(r.ctx(), "1234#"))
			r.stage(StageQueued)
			r.hears(caller, toneMusic)
			if alarms := r.alarms.Active(); name != "nothing" && (len(alarms) != 1 || alarms[0].Key != "alarm.dip_failed") {
				t.Errorf("%+v", alarms)
			}
		})
	}
}

// TestNoHospital is a flow with dips in a program without them.
func TestNoHospital(t *testing.T) {
	r := newRig(t, func(p *rigPlan) { p.flow = bookingFlow() })
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "1234#"))
	r.stage(StageQueued)
}

// TestWrongNumberAndSilence asks again and then brings a person.
func TestWrongNumberAndSilence(t *testing.T) {
	r := newRig(t, booking(newHospital()))
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "12#"))
	r.hears(caller, promptTone("menu_invalid"))
	r.hears(caller, promptTone("enter_id"))
	id := r.only().ID
	r.hears(caller, toneMusic)
	r.must(caller.Hangup(r.ctx()))
	if path := r.record(id).IVRPath; !slices.Equal(path, []string{"id", "id=invalid", "id=timeout", "person"}) {
		t.Errorf("path %v", path)
	}
}

// TestHangUpDuringDip: the caller is gone while the hospital works; the order
// is carried out once and written down, and nothing hangs.
func TestHangUpDuringDip(t *testing.T) {
	h := newHospital()
	h.hold["booking.book"] = make(chan struct{})
	r := newRig(t, booking(h))
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "1234#"))
	r.hears(caller, promptTone("choose_department"))
	id := r.only().ID
	r.must(caller.SendDTMF(r.ctx(), "1"))
	r.eventually("the order", func() bool { return len(h.Asked()) == 3 })
	r.must(caller.Hangup(r.ctx()))
	r.nobody()
	close(h.hold["booking.book"])
	r.eventually("what came of it", func() bool {
		kinds := r.kinds(id)
		return kinds[len(kinds)-1] == journal.KindIVRDip
	})
	if n := len(h.Asked()); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

// TestHangUpAtEachStep leaves nothing behind, wherever the caller stops.
func TestHangUpAtEachStep(t *testing.T) {
	r := newRig(t, booking(newHospital()))
	for _, step := range []struct{ keys, until string }{
		{"", "enter_id"}, {"12", ""}, {"1234#", "choose_department"}, {"12345678", "dept_07"},
	} {
		caller := r.caller("96166")
		r.hears(caller, promptTone("enter_id"))
		if step.keys != "" {
			r.must(caller.SendDTMF(r.ctx(), step.keys))
		}
		if step.until != "" {
			r.hears(caller, promptTone(step.until))
		}
		r.must(caller.Hangup(r.ctx()))
		r.nobody()
	}
}

// TestZeroDuringDip brings a person although the hospital has not answered.
func TestZeroDuringDip(t *testing.T) {
	h := newHospital()
	h.hold["identify_by_id"] = make(chan struct{})
	r := newRig(t, booking(h))
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "1234#"))
	r.eventually("the question", func() bool { return len(h.Asked()) == 1 })
	r.must(caller.SendDTMF(r.ctx(), "0"))
	r.stage(StageQueued)
	close(h.hold["identify_by_id"])
	r.hears(caller, toneMusic)
}

// TestNothingEnteredIsLogged: neither numbers nor names reach the log.
func TestNothingEnteredIsLogged(t *testing.T) {
	var log strings.Builder
	var mu sync.Mutex
	h := newHospital()
	h.err["booking.departments"] = errors.New("no database")
	r := newRig(t, booking(h), func(p *rigPlan) { p.log = lockedWriter{&mu, &log} })
	caller := r.caller("96166")
	r.hears(caller, promptTone("enter_id"))
	r.must(caller.SendDTMF(r.ctx(), "4321987#"))
	r.stage(StageQueued)
	mu.Lock()
	defer mu.Unlock()
	if text := log.String(); !strings.Contains(text, "run dip") || strings.Contains(text, "4321987") {
		t.Error(text)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	b  *strings.Builder
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}
