package recording

import (
	"encoding/binary"
	"errors"
	"io"

	"heartline/internal/contact/media/codec"
)

const wavHeader = 44

// Sound is a recording as a WAV file (PCM 16 bit, 8 kHz, stereo) that a
// player may seek in. Nothing but the parts that are read is decrypted. It is
// not safe for concurrent use; the reader closes it.
type Sound struct {
	Recording Recording

	head [wavHeader]byte
	alaw io.ReadSeeker
	size int64 // of the A-law bytes
	at   int64
	buf  []byte
	file io.Closer
}

func newSound(rec Recording, alaw io.ReadSeeker, size int64, file io.Closer) *Sound {
	size &^= 1
	s := &Sound{Recording: rec, alaw: alaw, size: size, file: file}
	h := s.head[:0]
	h = append(h, "RIFF"...)
	h = binary.LittleEndian.AppendUint32(h, uint32(36+2*size))
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 16)
	h = binary.LittleEndian.AppendUint16(h, 1) // PCM
	h = binary.LittleEndian.AppendUint16(h, 2) // channels
	h = binary.LittleEndian.AppendUint32(h, 8000)
	h = binary.LittleEndian.AppendUint32(h, 8000*4)
	h = binary.LittleEndian.AppendUint16(h, 4)
	h = binary.LittleEndian.AppendUint16(h, 16)
	h = append(h, "data"...)
	binary.LittleEndian.AppendUint32(h, uint32(2*size))
	return s
}

// Size is the length of the WAV file in bytes.
func (s *Sound) Size() int64 { return wavHeader + 2*s.size }

// Close releases the file.
func (s *Sound) Close() error { return s.file.Close() }

// Read implements io.Reader over the WAV file.
func (s *Sound) Read(p []byte) (int, error) {
	switch {
	case s.at >= s.Size():
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case s.at < wavHeader:
		n := copy(p, s.head[s.at:])
		s.at += int64(n)
		return n, nil
	}
	pos := s.at - wavHeader
	if _, err := s.alaw.Seek(pos/2, io.SeekStart); err != nil {
		return 0, err
	}
	odd := int(pos % 2)
	want := min(int64(len(p)+odd+1)/2, s.size-pos/2, 32<<10)
	if int64(len(s.buf)) < want {
		s.buf = make([]byte, want)
	}
	got, err := io.ReadFull(s.alaw, s.buf[:want])
	if got == 0 {
		return 0, err
	}
	n := 0
	for i, b := range s.buf[:got] {
		v := uint16(codec.ALawDecode(b))
		if i > 0 || odd == 0 {
			p[n] = byte(v)
			n++
		}
		if n < len(p) {
			p[n] = byte(v >> 8)
			n++
		}
	}
	s.at += int64(n)
	return n, nil
}

// Seek implements io.Seeker over the WAV file.
func (s *Sound) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.Size()
	}
	if offset < 0 {
		return s.at, errors.New("seek before the start of the recording")
	}
	s.at = offset
	return s.at, nil
}

// peaks returns the largest magnitude in each of n equal parts per channel,
// 0..1, of size bytes of interleaved A-law.
func peaks(alaw io.Reader, size int64, n int) ([2][]float32, error) {
	out := [2][]float32{make([]float32, n), make([]float32, n)}
	frames := size / 2
	buf := make([]byte, 32<<10)
	for at := int64(0); at < frames; {
		got, err := io.ReadFull(alaw, buf[:min(int64(len(buf)), 2*(frames-at))])
		for i := range got / 2 {
			part := (at + int64(i)) * int64(n) / frames
			for ch := range 2 {
				v := float32(codec.ALawDecode(buf[2*i+ch])) / 32768
				out[ch][part] = max(out[ch][part], v, -v)
			}
		}
		if err != nil {
			return out, err
		}
		at += int64(got / 2)
	}
	return out, nil
}
