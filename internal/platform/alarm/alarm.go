// Package alarm keeps the list of what is wrong right now: a full disk, a
// missing prompt, a trunk that does not answer. An alarm is raised and cleared
// by the part that notices; screens, the health page and metrics read it here.
// Alarms carry ids and message keys, never personal data.
package alarm

import (
	"sort"
	"sync"
	"time"

	"heartline/internal/platform/event"
)

// Severity orders alarms by what they ask of people.
type Severity string

// Warning can wait for the working day; Critical cannot.
const (
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Alarm is one trouble. Key is a message key such as "alarm.recording_disk";
// Subject tells alarms of one key apart (a trunk id, a prompt key).
type Alarm struct {
	Key      string
	Subject  string
	Severity Severity
	Since    time.Time
	Last     time.Time
	Count    int
	Params   map[string]any
}

// Changed is the fact that an alarm was raised (Active) or cleared.
type Changed struct {
	Alarm  Alarm
	Active bool
}

// Board holds the active alarms. Its methods are safe for concurrent use.
type Board struct {
	bus *event.Bus
	now func() time.Time

	mu     sync.Mutex
	active map[string]*Alarm
}

// NewBoard makes an empty board that publishes Changed on bus.
func NewBoard(bus *event.Bus, now func() time.Time) *Board {
	return &Board{bus: bus, now: now, active: map[string]*Alarm{}}
}

// Raise notes a trouble. Raising an active alarm again only counts it, so a
// part may raise at every failure without flooding the screens.
func (b *Board) Raise(s Severity, key, subject string, params map[string]any) {
	b.mu.Lock()
	at := b.now()
	a, known := b.active[key+"\x00"+subject]
	if !known {
		a = &Alarm{Key: key, Subject: subject, Since: at}
		b.active[key+"\x00"+subject] = a
	}
	worse := known && s == Critical && a.Severity != Critical
	a.Last, a.Params, a.Count, a.Severity = at, params, a.Count+1, s
	fact := Changed{Alarm: *a, Active: true}
	b.mu.Unlock()
	if !known || worse {
		event.Publish(b.bus, fact)
	}
}

// Clear ends an alarm; clearing one that is not active does nothing.
func (b *Board) Clear(key, subject string) {
	b.mu.Lock()
	a, known := b.active[key+"\x00"+subject]
	delete(b.active, key+"\x00"+subject)
	b.mu.Unlock()
	if known {
		event.Publish(b.bus, Changed{Alarm: *a})
	}
}

// Active lists the alarms, critical ones first, then the oldest.
func (b *Board) Active() []Alarm {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Alarm, 0, len(b.active))
	for _, a := range b.active {
		list = append(list, *a)
	}
	sort.Slice(list, func(i, j int) bool {
		if (list[i].Severity == Critical) != (list[j].Severity == Critical) {
			return list[i].Severity == Critical
		}
		return list[i].Since.Before(list[j].Since)
	})
	return list
}
