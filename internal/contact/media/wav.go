package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"heartline/internal/contact/media/codec"
	"heartline/internal/platform/errs"
)

// maxWAV bounds an upload: half an hour of 16 kHz stereo PCM and some headers.
const maxWAV = 116 << 20

// Format tags of the WAVE format chunk.
const (
	wavePCM        = 1
	waveALaw       = 6
	waveMuLaw      = 7
	waveExtensible = 0xFFFE
)

type wavFormat struct {
	tag, channels, bits int
	rate                int
}

func loadWAV(r io.Reader) (Clip, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxWAV+1))
	if err != nil {
		return Clip{}, fmt.Errorf("read wav: %w", err)
	}
	if len(raw) > maxWAV {
		return Clip{}, errs.New(errs.TooLarge, "media.wav_too_large")
	}
	f, data, err := splitWAV(raw)
	if err != nil {
		return Clip{}, err
	}
	pcm, err := f.decode(data)
	if err != nil {
		return Clip{}, err
	}
	if f.rate == 2*Rate {
		pcm = halve(pcm)
	}
	if len(pcm) == 0 {
		return Clip{}, errs.New(errs.Invalid, "media.wav_empty")
	}
	return Clip{PCM: pcm}, nil
}

// splitWAV finds the format and data chunks. A data chunk longer than the file
// (a writer that was cut off) counts as far as it goes.
func splitWAV(raw []byte) (f wavFormat, data []byte, err error) {
	bad := errs.New(errs.Invalid, "media.wav_invalid")
	if len(raw) < 12 || !bytes.Equal(raw[0:4], []byte("RIFF")) || !bytes.Equal(raw[8:12], []byte("WAVE")) {
		return f, nil, bad
	}
	rest := raw[12:]
	for len(rest) >= 8 {
		id, size := string(rest[:4]), int(binary.LittleEndian.Uint32(rest[4:8]))
		body := rest[8:]
		if size > len(body) {
			size = len(body)
		}
		body = body[:size]
		switch id {
		case "fmt ":
			if len(body) < 16 {
				return f, nil, bad
			}
			f = parseFormat(body)
		case "data":
			if f.tag == 0 {
				return f, nil, bad
			}
			return f, body, nil
		}
		rest = rest[min(8+size+size&1, len(rest)):]
	}
	return f, nil, bad
}

func parseFormat(b []byte) wavFormat {
	le := binary.LittleEndian
	f := wavFormat{
		tag: int(le.Uint16(b)), channels: int(le.Uint16(b[2:])),
		rate: int(le.Uint32(b[4:])), bits: int(le.Uint16(b[14:])),
	}
	if f.tag == waveExtensible && len(b) >= 26 {
		f.tag = int(le.Uint16(b[24:])) // first two bytes of the sub-format GUID
	}
	return f
}

// decode gives mono samples at the file's own rate.
func (f wavFormat) decode(data []byte) ([]int16, error) {
	unsupported := errs.New(errs.Invalid, "media.wav_unsupported",
		"format", f.tag, "rate", f.rate, "bits", f.bits, "channels", f.channels)
	if f.rate != Rate && f.rate != 2*Rate || f.channels < 1 || f.channels > 2 {
		return nil, unsupported
	}
	var sample func(b []byte) int
	width := 1
	switch {
	case f.tag == wavePCM && f.bits == 16:
		width = 2
		sample = func(b []byte) int { return int(int16(binary.LittleEndian.Uint16(b))) }
	case f.tag == waveALaw && f.bits == 8:
		sample = func(b []byte) int { return int(codec.ALawDecode(b[0])) }
	case f.tag == waveMuLaw && f.bits == 8:
		sample = func(b []byte) int { return int(codec.MuLawDecode(b[0])) }
	default:
		return nil, unsupported
	}
	step := width * f.channels
	out := make([]int16, len(data)/step)
	for i := range out {
		sum := 0
		for c := range f.channels {
			sum += sample(data[i*step+c*width:])
		}
		out[i] = int16(sum / f.channels)
	}
	return out, nil
}

// halve brings 16 kHz to 8 kHz behind a linear-phase low-pass (windowed sinc,
// 95 taps, Kaiser β 7: flat to 3.4 kHz, below -60 dB from 4.3 kHz).
func halve(in []int16) []int16 {
	const taps, cutoff, beta = 95, 3850.0 / 16000, 7.0
	h := make([]float64, taps)
	sum := 0.0
	for i := range h {
		x := float64(i - taps/2)
		v := 2 * cutoff
		if x != 0 {
			v = math.Sin(2*math.Pi*cutoff*x) / (math.Pi * x)
		}
		r := 2*float64(i)/(taps-1) - 1
		h[i] = v * bessel0(beta*math.Sqrt(1-r*r)) / bessel0(beta)
		sum += h[i]
	}
	out := make([]int16, len(in)/2)
	for o := range out {
		acc := 0.0
		for k, c := range h {
			if j := 2*o + k - taps/2; j >= 0 && j < len(in) {
				acc += c * float64(in[j])
			}
		}
		out[o] = int16(math.Max(math.MinInt16, math.Min(math.MaxInt16, math.Round(acc/sum))))
	}
	return out
}

// bessel0 is the modified Bessel function of order zero, by its series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; k < 40; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}
