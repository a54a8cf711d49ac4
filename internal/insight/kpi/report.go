package kpi

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// Query is a period, From inclusive and To exclusive, and perhaps one queue.
type Query struct {
	From, To time.Time
	Queue    string
}

// Interval is the length of the pieces of a series.
type Interval string

// The intervals; days begin at midnight in hospital time.
const (
	Quarter Interval = "15m"
	Hour    Interval = "1h"
	Day     Interval = "1d"
)

const maxBuckets = 5000

// Figures are the counts of a set of calls. Without a queue, Tally counts each
// call, inbound or internal, that waited in a queue once, with all its
// waiting; with a queue, each visit to that queue once.
type Figures struct {
	Tally
	Inbound        int `json:"inbound"` // calls by direction
	Outbound       int `json:"outbound"`
	Internal       int `json:"internal"`
	SelfService    int `json:"ivr_only"` // inbound calls by outcome
	Missed         int `json:"missed"`
	Failed         int `json:"failed"`
	TransferredOut int `json:"transferred_out"`
	Transfers      int `json:"transfers"`
}

// QueueFigures are the figures of one queue.
type QueueFigures struct {
	Queue string
	Figures
}

// Summary is a whole period.
type Summary struct {
	Query
	Formulas string
	Goals    Goals
	Total    Figures
	Queues   []QueueFigures // by queue id
}

// Bucket is a piece of a series.
type Bucket struct {
	Start time.Time
	Figures
}

// AgentFigures are what an agent did. Calls count in the piece of time in
// which they began to ring, states with the part inside the period.
type AgentFigures struct {
	Agent    string
	Handled  int // answered, both directions
	Outbound int // of them
	NoAnswer int
	Refused  int
	Talk     time.Duration
	Hold     time.Duration
	Wrap     time.Duration
	Ring     time.Duration
	SignedIn time.Duration
	Ready    time.Duration
	NotReady time.Duration
	Contact  time.Duration // ringing, talking, wrap-up by the agent's states
	Reasons  map[string]time.Duration
}

// AHT is the agent's average handling time.
func (a *AgentFigures) AHT() (time.Duration, bool) { return mean(a.Talk+a.Hold+a.Wrap, a.Handled) }

// Occupancy is the agent's, see Occupancy.
func (a *AgentFigures) Occupancy() (float64, bool) { return Occupancy(a.Contact, a.Ready) }

// Service answers reports from the call records.
type Service struct {
	db    *store.DB
	zone  *time.Location
	goals func(queue string) Goals
}

// New makes the service. goals gives the limits of a queue, and of "" for
// everything; nil means DefaultGoals.
func New(db *store.DB, zone *time.Location, goals func(queue string) Goals) *Service {
	if zone == nil {
		zone = time.UTC
	}
	if goals == nil {
		goals = func(string) Goals { return DefaultGoals() }
	}
	return &Service{db: db, zone: zone, goals: goals}
}

func (q Query) check() error {
	var f errs.Fields
	if q.From.IsZero() {
		f.Add("from", "required")
	}
	if !q.To.After(q.From) {
		f.Add("to", "period_invalid")
	}
	return f.Err()
}

// Summary returns the figures of a period, in total and by queue.
func (s *Service) Summary(ctx context.Context, q Query) (Summary, error) {
	if err := q.check(); err != nil {
		return Summary{}, err
	}
	sum := Summary{Query: q, Formulas: Formulas, Goals: s.goals(q.Queue)}
	whole := func(time.Time) *Figures { return &sum.Total }
	queues := make(map[string]*Figures)
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		sum.Total = Figures{}
		clear(queues)
		byQueue := func(queue string, _ time.Time) *Figures {
			f, ok := queues[queue]
			if !ok {
				f = &Figures{}
				queues[queue] = f
			}
			return f
		}
		return s.fill(ctx, tx, q, whole, byQueue)
	})
	if err != nil {
		return Summary{}, err
	}
	for _, id := range slices.Sorted(maps.Keys(queues)) {
		sum.Queues = append(sum.Queues, QueueFigures{Queue: id, Figures: *queues[id]})
	}
	return sum, nil
}

// Intervals returns the figures piece by piece, empty ones too.
func (s *Service) Intervals(ctx context.Context, q Query, interval Interval) ([]Bucket, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	starts, err := Starts(q.From, q.To, interval, s.zone)
	if err != nil {
		return nil, err
	}
	var buckets []Bucket
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		buckets = make([]Bucket, len(starts))
		for i, at := range starts {
			buckets[i].Start = at
		}
		return s.fill(ctx, tx, q, func(at time.Time) *Figures {
			i, found := slices.BinarySearchFunc(starts, at, time.Time.Compare)
			if !found {
				i--
			}
			return &buckets[max(i, 0)].Figures
		}, nil)
	})
	return buckets, err
}

// Starts lists the beginnings of the pieces that cover a period; they lie on
// the quarter, the hour or midnight of the zone's clock.
func Starts(from, to time.Time, interval Interval, zone *time.Location) ([]time.Time, error) {
	at := from.In(zone)
	var next func(time.Time) time.Time
	switch interval {
	case Quarter, Hour:
		step := time.Hour
		if interval == Quarter {
			step = 15 * time.Minute
		}
		_, offset := at.Zone()
		shift := time.Duration(offset) * time.Second
		at = at.Add(shift).Truncate(step).Add(-shift)
		next = func(t time.Time) time.Time { return t.Add(step) }
	case Day:
		at = time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone)
		next = func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	default:
		return nil, errs.InvalidField("interval", "interval_unknown")
	}
	var starts []time.Time
	for ; at.Before(to); at = next(at) {
		if len(starts) == maxBuckets {
			return nil, errs.InvalidField("interval", "too_many_intervals")
		}
		starts = append(starts, at)
	}
	return starts, nil
}

// Agents returns what each agent did, in order of their ids. With a queue only
// the calls of that queue count; states count always.
func (s *Service) Agents(ctx context.Context, q Query) ([]AgentFigures, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	agents := make(map[string]*AgentFigures)
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		clear(agents)
		of := func(id string) *AgentFigures {
			a, ok := agents[id]
			if !ok {
				a = &AgentFigures{Agent: id, Reasons: make(map[string]time.Duration)}
				agents[id] = a
			}
			return a
		}
		if err := agentCalls(ctx, tx, q, of); err != nil {
			return err
		}
		return agentSpans(ctx, tx, q, of)
	})
	if err != nil {
		return nil, err
	}
	list := make([]AgentFigures, 0, len(agents))
	for _, a := range agents {
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b AgentFigures) int { return strings.Compare(a.Agent, b.Agent) })
	return list, nil
}
