package crypto

import (
	"errors"
	"fmt"
	"io"
)

// RecordingFile is a recording that can be read from any place, for a player
// that seeks. It is not safe for concurrent use.
type RecordingFile struct {
	io.ReadSeeker
	truncated bool
	size      int64
}

// Size is the number of plain bytes that can be read.
func (f *RecordingFile) Size() int64 { return f.size }

// Truncated reports whether the recording was cut off before its proper end.
func (f *RecordingFile) Truncated() bool { return f.truncated }

// OpenRecordingAt decrypts only those segments of a recording that are read.
// size is the length of the file.
func (k *Keyring) OpenRecordingAt(wrapped []byte, r io.ReaderAt, size int64, aad []byte) (*RecordingFile, error) {
	key, err := k.unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	header := make([]byte, headerSize)
	if size < headerSize {
		return &RecordingFile{ReadSeeker: io.NewSectionReader(r, 0, 0), truncated: true}, nil
	}
	if _, err := r.ReadAt(header, 0); err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	c, err := newSegmentCipher(key, header, aad)
	if err != nil {
		return nil, err
	}
	at := &segmentsAt{r: r, c: c, size: size}
	f := &RecordingFile{}
	if f.size, f.truncated, err = at.open(); err != nil {
		return nil, err
	}
	f.ReadSeeker = io.NewSectionReader(at, 0, f.size)
	return f, nil
}

// segmentsAt is an io.ReaderAt over the plain bytes; it keeps the segment it
// opened last.
type segmentsAt struct {
	r     io.ReaderAt
	c     *segmentCipher
	size  int64 // of the file
	last  int64 // number of the last readable segment, -1 if none
	end   []byte
	held  int64 // number+1 of the segment in plain
	plain []byte
}

// bounds gives where segment n lies in the file.
func (s *segmentsAt) bounds(n int64) (from, to int64) {
	from = n * segmentSize
	if n == 0 {
		from = headerSize
	}
	return from, min((n+1)*segmentSize, s.size)
}

// open finds the end of the readable part.
func (s *segmentsAt) open() (plainSize int64, truncated bool, err error) {
	s.last = (s.size - 1) / segmentSize
	from, to := s.bounds(s.last)
	sealed := make([]byte, to-from)
	if _, err := s.r.ReadAt(sealed, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, false, fmt.Errorf("open recording: %w", err)
	}
	full := to == (s.last+1)*segmentSize
	s.end, truncated = s.c.openEnd(sealed, uint32(s.last), full)
	if s.last == 0 {
		return int64(len(s.end)), truncated, nil
	}
	return firstPlain + (s.last-1)*segmentPlain + int64(len(s.end)), truncated, nil
}

// ReadAt implements io.ReaderAt over the plain bytes.
func (s *segmentsAt) ReadAt(p []byte, off int64) (int, error) {
	total := 0
	for len(p) > 0 {
		n, start := int64(0), int64(0)
		if off >= firstPlain {
			n = 1 + (off-firstPlain)/segmentPlain
			start = firstPlain + (n-1)*segmentPlain
		}
		plain, err := s.segment(n)
		if err != nil {
			return total, err
		}
		if off-start >= int64(len(plain)) {
			return total, io.EOF
		}
		c := copy(p, plain[off-start:])
		p, off, total = p[c:], off+int64(c), total+c
	}
	return total, nil
}

func (s *segmentsAt) segment(n int64) ([]byte, error) {
	switch {
	case n > s.last:
		return nil, io.EOF
	case n == s.last:
		return s.end, nil
	case s.held == n+1:
		return s.plain, nil
	}
	from, to := s.bounds(n)
	sealed := make([]byte, to-from)
	if _, err := s.r.ReadAt(sealed, from); err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	plain, err := s.c.open(nil, sealed, uint32(n), false)
	if err != nil {
		return nil, ErrSealed
	}
	s.plain, s.held = plain, n+1
	return plain, nil
}
