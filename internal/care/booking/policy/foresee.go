package policy

import "slices"

// Foresight is how near an event brings a person to a penalty.
type Foresight struct {
	Event Event
	Count int  // events in the span, the newest included
	Limit int  // at which the rule strikes
	Per   Span // in which they are counted
}

// Foresee says of the rule that is nearest to striking how the newest event of
// a history counts. ok is false when no rule counts it.
func (p Policy) Foresee(past []Occurrence, newest Occurrence) (f Foresight, ok bool) {
	for _, r := range p.Penalties {
		if !slices.Contains(r.Events, newest.Event) {
			continue
		}
		n := 1
		for _, o := range past {
			if slices.Contains(r.Events, o.Event) && r.within(o.At, newest.At) {
				n++
			}
		}
		if !ok || r.Count-n < f.Limit-f.Count {
			f, ok = Foresight{Event: newest.Event, Count: n, Limit: r.Count, Per: r.Per}, true
		}
	}
	return f, ok
}
