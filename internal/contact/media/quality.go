package media

import "math"

// Quality is what a leg's reception is worth. LossPct and MOS cover the leg's
// whole life, RecentLossPct and RecentMOS the last reporting interval.
type Quality struct {
	MOS, LossPct, JitterMs, RTTMs float64
	RecentMOS, RecentLossPct      float64
	Packets, Lost                 uint64
}

// EModel estimates the mean opinion score by the E-model of ITU-T G.107 with
// its default values, reduced to what a receiver can know: one-way delay
// (Idd by the piecewise line of the G.107 literature, knee at 177.3 ms) and
// random packet loss (Ie-eff with Ie and Bpl of ITU-T G.113 appendix I).
// lossPct is 0..100, delayMs one way including the jitter buffer.
func EModel(lossPct, delayMs, ie, bpl float64) float64 {
	const defaultR = 93.2
	id := 0.024 * delayMs
	if delayMs > 177.3 {
		id += 0.11 * (delayMs - 177.3)
	}
	lossPct = math.Min(math.Max(lossPct, 0), 100)
	ieEff := ie + (95-ie)*lossPct/(lossPct+bpl)
	return mosOfR(defaultR - id - ieEff)
}

// mosOfR is the conversion of ITU-T G.107 annex B.
func mosOfR(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return math.Max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// MOSFor estimates the score of a G.711 or G.722 leg from loss, interarrival
// jitter and round-trip time: the far jitter buffer is taken as 20 ms plus
// twice the jitter.
func MOSFor(lossPct, jitterMs, rttMs float64) float64 {
	const ieG711, bplG711PLC = 0, 25.1 // G.113: G.711 with packet loss concealment
	return EModel(lossPct, rttMs/2+20+2*jitterMs, ieG711, bplG711PLC)
}
