package demo

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// dice is the source of all chance, so that the same seed gives the same
// hospital.
type dice struct{ *rand.Rand }

func newDice(seed uint64) *dice { return &dice{rand.New(rand.NewPCG(seed, 0x68656172746c696e))} }

// chance is true p times out of one.
func (d *dice) chance(p float64) bool { return d.Float64() < p }

// between is a whole number from low to high, both included.
func (d *dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// pick chooses one of a list.
func pick[T any](d *dice, list []T) T { return list[d.IntN(len(list))] }

// weighted chooses an index by weight.
func (d *dice) weighted(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := d.IntN(max(sum, 1))
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// exp is a random duration with a mean, as long tails need it.
func (d *dice) exp(mean time.Duration) time.Duration {
	return time.Duration(d.ExpFloat64() * float64(mean))
}

// around is a duration near a mean, never less than a fifth of it.
func (d *dice) around(mean, spread time.Duration) time.Duration {
	return max(mean/5, mean+time.Duration(d.NormFloat64()*float64(spread)))
}

// id is a UUIDv7 of a moment.
func (d *dice) id(at time.Time) string {
	ms := uint64(at.UnixMilli())
	a, b := d.Uint64(), d.Uint64()
	return fmt.Sprintf("%08x-%04x-7%03x-%04x-%012x", ms>>16, ms&0xffff, a&0xfff, 0x8000|b>>50, b&0xffffffffffff)
}
