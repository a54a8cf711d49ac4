package codec

// G.722 at 64 kbit/s, used for 8 kHz sound: the mixer and the recordings are
// narrow-band, so the decoder gives the lower sub-band, which is sampled at
// 8 kHz, and the encoder sends an empty upper sub-band. Two wide-band phones
// are relayed without passing here. Blocks and tables are named as in ITU-T
// G.722 clauses 3 to 6.

// Quantiser tables of G.722.
var (
	g722Q6 = [30]int{0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650,
		714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919}
	g722ILB = [32]int{2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008}
	g722WL  = [8]int{-60, -30, 58, 172, 334, 538, 1198, 3042}
	g722RL  = [16]int{0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0}
	g722QM4 = [16]int{0, -20456, -12896, -8968, -6288, -4240, -2584, -1200,
		20456, 12896, 8968, 6288, 4240, 2584, 1200, 0}
	g722QM6 = [64]int{-136, -136, -136, -136, -24808, -21904, -19008, -16704,
		-14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576,
		-3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192,
		10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032,
		1688, 1360, 1040, 728, 432, 136, -432, -136}
	g722QM2 = [4]int{-7408, -1616, 7408, 1616}
	g722WH  = [4]int{798, -214, 798, -214} // by code, through RH2
)

// adaptive is the predictor and step size of one sub-band.
type adaptive struct {
	det, nb    int    // step size and its logarithm
	s, sz      int    // predicted signal, zero section
	a1, a2     int    // pole coefficients
	r1, r2     int    // reconstructed signal, delayed
	p1, p2     int    // partial reconstruction, delayed
	b, d       [6]int // zero coefficients, quantised differences delayed
	maxNB, cut int    // limit of nb, exponent offset of the scale factor
}

func lowBand() adaptive  { return adaptive{det: 32, maxNB: 18432, cut: 8} }
func highBand() adaptive { return adaptive{det: 8, maxNB: 22528, cut: 10} }

func sat16(v int) int { return max(-32768, min(32767, v)) }

// scale adapts the step size by weight w (LOGSCL, SCALEL and their upper twins).
func (q *adaptive) scale(w int) {
	q.nb = max(0, min(q.maxNB, q.nb*127>>7+w))
	v, shift := g722ILB[q.nb>>6&31], q.cut-q.nb>>11
	if shift < 0 {
		v <<= -shift
	} else {
		v >>= shift
	}
	q.det = v << 2
}

// adapt takes the quantised difference d and predicts the next sample (RECONS,
// PARREC, UPPOL2, UPPOL1, UPZERO, DELAYA, FILTEP, FILTEZ, PREDIC).
func (q *adaptive) adapt(d int) {
	r0, p0 := sat16(q.s+d), sat16(q.sz+d)
	same1, same2 := (p0 < 0) == (q.p1 < 0), (p0 < 0) == (q.p2 < 0)

	w := sat16(q.a1 << 2)
	if same1 {
		w = min(32767, -w)
	}
	a2 := w>>7 - 128 + q.a2*32512>>15
	if same2 {
		a2 += 256
	}
	a2 = max(-12288, min(12288, a2))
	a1 := q.a1*32640>>15 - 192
	if same1 {
		a1 += 384
	}
	limit := sat16(15360 - a2)
	q.a1, q.a2 = max(-limit, min(limit, sat16(a1))), a2

	q.zeros(d)
	q.r2, q.r1, q.p2, q.p1 = q.r1, r0, q.p1, p0
	pole := sat16(q.a1*sat16(2*q.r1)>>15 + q.a2*sat16(2*q.r2)>>15)
	q.s = sat16(pole + q.sz)
}

// zeros adapts the zero section and runs it over the new difference.
func (q *adaptive) zeros(d int) {
	step := 128
	if d == 0 {
		step = 0
	}
	for i := range q.b {
		w := -step
		if (q.d[i] < 0) == (d < 0) {
			w = step
		}
		q.b[i] = sat16(w + q.b[i]*32640>>15)
	}
	copy(q.d[1:], q.d[:5])
	q.d[0] = d
	sum := 0
	for i, b := range q.b {
		sum += b * sat16(2*q.d[i]) >> 15
	}
	q.sz = sat16(sum)
}

// G722Encoder turns 8 kHz samples into G.722 bytes, one per sample.
type G722Encoder struct{ low, high adaptive }

// NewG722Encoder starts in the reset state of the recommendation.
func NewG722Encoder() *G722Encoder { return &G722Encoder{low: lowBand(), high: highBand()} }

// Encode writes one byte per sample.
func (e *G722Encoder) Encode(dst []byte, src []int16) {
	for i, s := range src {
		dst[i] = byte(e.encodeHigh(0)<<6 | e.encodeLow(int(s)>>1))
	}
}

func (e *G722Encoder) encodeLow(x int) int {
	q := &e.low
	el := sat16(x - q.s)
	mag := el
	if el < 0 {
		mag = -el - 1
	}
	i := 1
	for i < len(g722Q6) && mag >= g722Q6[i]*q.det>>12 {
		i++
	}
	code := 62 - i // positive differences: 61 down to 32
	switch {
	case el < 0 && i <= 2:
		code = 64 - i // the two smallest negative ones: 63, 62
	case el < 0:
		code = 34 - i // and on from 31 down to 4
	}
	ril := code >> 2
	d := q.det * g722QM4[ril] >> 15
	q.scale(g722WL[g722RL[ril]])
	q.adapt(d)
	return code
}

func (e *G722Encoder) encodeHigh(x int) int {
	q := &e.high
	eh := sat16(x - q.s)
	mag, code := eh, 3
	if eh < 0 {
		mag, code = -eh-1, 1
	}
	if mag >= 564*q.det>>12 {
		code--
	}
	d := q.det * g722QM2[code] >> 15
	q.scale(g722WH[code])
	q.adapt(d)
	return code
}

// G722Decoder turns G.722 bytes into 8 kHz samples, one per byte.
type G722Decoder struct{ low adaptive }

// NewG722Decoder starts in the reset state of the recommendation.
func NewG722Decoder() *G722Decoder { return &G722Decoder{low: lowBand()} }

// Decode writes one sample per byte.
func (g *G722Decoder) Decode(dst []int16, src []byte) {
	q := &g.low
	for i, b := range src {
		code := int(b & 0x3F)
		r := q.s + q.det*g722QM6[code]>>15
		dst[i] = int16(max(-16384, min(16383, r)) << 1)
		ril := code >> 2
		d := q.det * g722QM4[ril] >> 15
		q.scale(g722WL[g722RL[ril]])
		q.adapt(d)
	}
}
