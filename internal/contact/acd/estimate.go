package acd

import (
	"math"
	"time"
)

const (
	sampleSize   = 32
	sampleWindow = 30 * time.Minute
	minSamples   = 4           // fewer say too little for an honest estimate
	minSpan      = time.Minute // so does a first rush at idle agents
)

// samples are the moments of the last events of a kind, oldest first.
type samples struct {
	at []time.Time
}

func (s *samples) add(now time.Time) {
	if len(s.at) >= sampleSize {
		copy(s.at, s.at[1:])
		s.at = s.at[:sampleSize-1]
	}
	s.at = append(s.at, now)
}

// since counts the samples not older than from.
func (s *samples) since(from time.Time) int {
	n := 0
	for i := len(s.at) - 1; i >= 0 && !s.at[i].Before(from); i-- {
		n++
	}
	return n
}

// estimate gives the range in which a call at a position will probably be
// offered, from the queue's service rate in the recent past: departures are
// taken as a Poisson process, its rate is uncertain by 1/√n, and the bounds
// lie one deviation below and 1.3 above the mean. The optimistic bound counts
// those who will give up as well. Without enough recent calls, or if nobody
// works, both are zero: no honest estimate exists.
func (q *queue) estimate(position int, now time.Time) (low, high time.Duration) {
	from := now.Add(-sampleWindow)
	n := q.served.since(from)
	working := q.counts[Ready] + q.counts[Ringing] + q.counts[Talking] + q.counts[WrapUp]
	if n < minSamples || working == 0 || position < 1 {
		return 0, 0
	}
	first := q.served.at[len(q.served.at)-n]
	if now.Sub(first) < minSpan {
		return 0, 0
	}
	span := now.Sub(first).Seconds()
	gone := float64(q.gaveUp.since(first))
	p := float64(position)
	rel := math.Sqrt(1/p + 1/float64(n))
	slow, fast := p*span/float64(n), p*span/(float64(n)+gone)
	low = time.Duration(math.Max(0, fast*(1-rel))) * time.Second
	high = time.Duration(math.Ceil(slow*(1+1.3*rel))) * time.Second
	return low, high
}
