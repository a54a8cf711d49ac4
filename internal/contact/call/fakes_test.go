package call

import (
	"context"
	"sync"
	"testing"
	"time"

	"heartline/internal/contact/ivr"
	"heartline/internal/contact/media"
	"heartline/internal/contact/sip"
	"heartline/internal/contact/switchboard"
)

// testDirectory is a small hospital: 96166 leads to a menu, 96167 straight to
// the queue, 96168 to extension 8009.
type testDirectory struct {
	numbers    map[string]switchboard.Number
	extensions map[string]switchboard.Extension
	queues     map[string]switchboard.Queue
	agents     map[string]switchboard.AgentProfile
	flows      map[string]switchboard.PublishedFlow

	mu     sync.Mutex
	closed map[string]bool // calendars
}

func newTestDirectory(flow ivr.Flow) *testDirectory {
	d := &testDirectory{
		numbers: map[string]switchboard.Number{
			"96166": {Number: "96166", FlowID: "main", Enabled: true},
			"96167": {Number: "96167", QueueID: "q1", Enabled: true},
			"96168": {Number: "96168", Extension: "8009", Enabled: true},
		},
		extensions: map[string]switchboard.Extension{}, agents: map[string]switchboard.AgentProfile{},
		queues: map[string]switchboard.Queue{
			"q1": {Name: "Appointments", Code: "101", MusicPrompt: "music", WrapUpS: 60, Enabled: true},
			"q2": {Name: "Enquiries", Code: "102", MusicPrompt: "music", Enabled: true},
		},
		flows:  map[string]switchboard.PublishedFlow{"main": {FlowID: "main", Number: 3, Graph: flow}},
		closed: map[string]bool{},
	}
	for id, q := range d.queues {
		q.ID = id
		d.queues[id] = q
	}
	for _, n := range []string{"8001", "8002", "8003", "8009"} {
		d.extensions[n] = switchboard.Extension{Number: n, Kind: switchboard.KindDeskPhone, Enabled: true}
	}
	for id, no := range map[string]string{"ann": "1001", "bob": "1002", "cid": "1003"} {
		d.agents[id] = switchboard.AgentProfile{Meta: switchboard.Meta{ID: id}, Number: no, Name: id, Enabled: true,
			Queues: []switchboard.QueueMember{{QueueID: "q1", Level: 1}, {QueueID: "q2", Level: 1}}}
	}
	delete(d.agents, "cid")
	d.agents["cid"] = switchboard.AgentProfile{Meta: switchboard.Meta{ID: "cid"}, Number: "1003", Name: "cid", Enabled: true,
		Queues: []switchboard.QueueMember{{QueueID: "q2", Level: 1}}}
	return d
}

func (d *testDirectory) Number(n string) (switchboard.Number, bool) {
	v, ok := d.numbers[n]
	return v, ok
}
func (d *testDirectory) Extension(n string) (switchboard.Extension, bool) {
	v, ok := d.extensions[n]
	return v, ok
}
func (d *testDirectory) Queue(n string) (switchboard.Queue, bool) {
	for id, q := range d.queues {
		if id == n || q.Code == n {
			return q, true
		}
	}
	return switchboard.Queue{}, false
}
func (d *testDirectory) Agent(id string) (switchboard.AgentProfile, bool) {
	v, ok := d.agents[id]
	return v, ok
}
func (d *testDirectory) Flow(id string) (switchboard.PublishedFlow, bool) {
	v, ok := d.flows[id]
	return v, ok
}
func (d *testDirectory) Open(calendar string, _ time.Time) (bool, string, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.closed[calendar], "", time.Time{}
}

// testFlow greets, offers 1 (queue) and 2 (extension), and closes at night.
func testFlow() ivr.Flow {
	return ivr.Flow{ID: "main", Start: "notice", Operator: "person", Nodes: map[string]ivr.Node{
		"notice": {Type: ivr.TypePlay, Prompts: []string{"recording_notice"}, Next: "hours"},
		"hours":  {Type: ivr.TypeHours, Calendar: "day", Open: "menu", Closed: "night"},
		"night":  {Type: ivr.TypeHangup, Prompts: []string{"after_hours"}},
		"menu": {Type: ivr.TypeMenu, Prompts: []string{"main_menu"}, TimeoutS: 1, Tries: 2, PromptsTimeout: []string{"menu_timeout"},
			PromptsInvalid: []string{"menu_invalid"}, Choices: map[string]string{"1": "person", "2": "desk", "3": "mute"}},
		"person": {Type: ivr.TypeQueue, Queue: "q1"},
		"desk":   {Type: ivr.TypeTransfer, Kind: ivr.TargetExtension, Target: "8009", OnFail: "person"},
		"mute":   {Type: ivr.TypePlay, Prompts: []string{"nobody_recorded_this"}, Next: "menu"},
	}}
}

// testPrompts gives each prompt a tone of its own.
type testPrompts struct{}

func promptTone(key string) float64 {
	switch key {
	case "recording_notice":
		return 600
	case "main_menu":
		return 650
	case "menu_timeout":
		return 700
	case "menu_invalid":
		return 750
	case "after_hours":
		return 900
	case "transfer_failed":
		return 950
	case "enter_id":
		return 1900
	case "please_wait_query":
		return 2000
	case "choose_department":
		return 1600
	case "dept_07":
		return 1250
	case "option":
		return 1800
	case "booked":
		return 2200
	case "refuse_double":
		return 2300
	case "comfort_resume":
		return 1000
	case "music":
		return toneMusic
	}
	return 2500
}

func (testPrompts) Clip(key, _ string) (media.Clip, bool) {
	if key == "nobody_recorded_this" || key == "dept_unspoken" {
		return media.Clip{}, false
	}
	pcm := media.Sine(promptTone(key), -10).Clip().PCM // one second
	if key != "music" {
		pcm = pcm[:media.Rate*4/10]
	}
	return media.Clip{PCM: pcm}, true
}

// accounts lets every extension register with the password "secret".
type accounts struct{}

func (accounts) Extension(_ context.Context, user string) (sip.Account, bool) {
	return sip.Account{User: user, Password: "secret", Enabled: true}, true
}

// tapes is a recorder that keeps the sound in memory.
type tapes struct {
	mu        sync.Mutex
	byID      map[string]*memoryTape
	finished  chan string
	discarded []string
	broken    int // so many recordings from now on fail
}

type memoryTape struct {
	mu     sync.Mutex
	stereo []byte
	broken bool
}

func (m *memoryTape) WriteStereo(alaw []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errFailed
	}
	m.stereo = append(m.stereo, alaw...)
	return nil
}

func (t *tapes) Start(_ context.Context, callID string) (media.FrameSink, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID, t.finished = map[string]*memoryTape{}, make(chan string, 100)
	}
	m, recID := &memoryTape{broken: t.broken > 0}, "rec-"+callID
	t.broken--
	for t.byID[recID] != nil { // the one before broke
		recID += "+"
	}
	t.byID[recID] = m
	return m, recID, nil
}

func (t *tapes) Discard(_ context.Context, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.discarded = append(t.discarded, id)
	return nil
}

func (t *tapes) Finish(_ context.Context, id string, _ time.Duration) error {
	t.finished <- id
	return nil
}

// breaks lets the next recordings fail.
func (t *tapes) breaks(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = n
}

// length is how much of a call is on tape by now.
func (t *tapes) length(callID string) time.Duration {
	t.mu.Lock()
	m := t.byID["rec-"+callID]
	t.mu.Unlock()
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(len(m.stereo)/2) * time.Second / media.Rate
}

// wait returns the finished recording of a call: left and right as A-law.
func (t *tapes) wait(tb testing.TB, callID string) (left, right []byte) {
	tb.Helper()
	select {
	case id := <-t.finished:
		if id != "rec-"+callID {
			tb.Fatalf("recording %s is finished, want that of %s", id, callID)
		}
	case <-time.After(patience):
		tb.Fatal("the recording was not finished")
	}
	t.mu.Lock()
	m := t.byID["rec-"+callID]
	t.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := 0; i+1 < len(m.stereo); i += 2 {
		left, right = append(left, m.stereo[i]), append(right, m.stereo[i+1])
	}
	return left, right
}

// people knows one caller.
type people struct{}

func (*people) Identify(_ context.Context, number string) ([]Candidate, error) {
	if number == "13800138000" {
		return []Candidate{{ID: "p1", Name: "Zhang", Sex: "f", Age: 60, Match: "phone"}}, nil
	}
	return nil, nil
}
