package embedded

// Gains are fixed point: unity is 1<<gainBits.
const (
	gainBits = 12
	unity    = 1 << gainBits
)

func fixedGain(g float64) int32 {
	if g == 0 {
		return unity
	}
	return int32(max(-8, min(8, g)) * unity)
}

// addFrame mixes one frame into the sum.
func addFrame(sum *[frame]int32, in *[frame]int16, gain int32) {
	if gain == unity {
		for i, s := range in {
			sum[i] += int32(s)
		}
		return
	}
	for i, s := range in {
		sum[i] += int32(s) * gain >> gainBits
	}
}

// minusFrame is the sum of everybody without one.
func minusFrame(sum, total *[frame]int32, own *[frame]int16) {
	for i, s := range own {
		sum[i] = total[i] - int32(s)
	}
}

// clip brings the sum back to 16 bits.
func clip(out *[frame]int16, sum *[frame]int32) {
	for i, s := range sum {
		out[i] = int16(max(-32768, min(32767, s)))
	}
}
