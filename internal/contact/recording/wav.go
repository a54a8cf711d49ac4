package recording

import (
	"encoding/binary"
	"errors"
	"io"
)

const wavHeader = 44

// wav presents A-law stereo as a PCM WAV file without holding the PCM: every
// stored byte becomes one 16-bit sample as it is read.
type wav struct {
	head [wavHeader]byte
	alaw []byte
	at   int64
}

func newWAV(alaw []byte) *wav {
	w := &wav{alaw: alaw}
	size := uint32(2 * len(alaw))
	h := w.head[:0]
	h = append(h, "RIFF"...)
	h = binary.LittleEndian.AppendUint32(h, 36+size)
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 16)
	h = binary.LittleEndian.AppendUint16(h, 1) // PCM
	h = binary.LittleEndian.AppendUint16(h, 2) // channels
	h = binary.LittleEndian.AppendUint32(h, 8000)
	h = binary.LittleEndian.AppendUint32(h, 8000*4)
	h = binary.LittleEndian.AppendUint16(h, 4)
	h = binary.LittleEndian.AppendUint16(h, 16)
	h = append(h, "data"...)
	binary.LittleEndian.AppendUint32(h, size)
	return w
}

func (w *wav) size() int64 { return wavHeader + 2*int64(len(w.alaw)) }

func (w *wav) Read(p []byte) (int, error) {
	if w.at >= w.size() {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && w.at < w.size() {
		if w.at < wavHeader {
			k := copy(p[n:], w.head[w.at:])
			n, w.at = n+k, w.at+int64(k)
			continue
		}
		pos := w.at - wavHeader
		sample := uint16(alawToPCM(w.alaw[pos/2]))
		if pos%2 == 0 {
			p[n] = byte(sample)
		} else {
			p[n] = byte(sample >> 8)
		}
		n, w.at = n+1, w.at+1
	}
	return n, nil
}

func (w *wav) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += w.at
	case io.SeekEnd:
		offset += w.size()
	}
	if offset < 0 {
		return w.at, errors.New("seek before the start of the recording")
	}
	w.at = offset
	return w.at, nil
}

// alawToPCM expands one A-law byte to 16-bit PCM (ITU-T G.711, table 1a).
func alawToPCM(b byte) int16 {
	b ^= 0x55
	mantissa := int16(b&0x0F)<<4 + 8
	if segment := b >> 4 & 7; segment > 0 {
		mantissa = (mantissa + 0x100) << (segment - 1)
	}
	if b&0x80 == 0 {
		return -mantissa
	}
	return mantissa
}

// peaks returns the largest magnitude in each of n equal parts per channel.
func peaks(alaw []byte, n int) [2][]float32 {
	out := [2][]float32{make([]float32, n), make([]float32, n)}
	frames := len(alaw) / 2
	for i := range frames {
		part := i * n / frames
		for ch := range 2 {
			v := float32(alawToPCM(alaw[2*i+ch])) / 32768
			out[ch][part] = max(out[ch][part], max(v, -v))
		}
	}
	return out
}
