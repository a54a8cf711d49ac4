package crypto

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// Recordings are tink's AES256_GCM_HKDF_4KB streams. A stream begins with a
// header (its length, a salt, a nonce prefix); then follow segments of 4096
// bytes of ciphertext, the header counting into the first one. The nonce of a
// segment carries its number and whether it is the last, so that segments can
// be neither reordered nor cut off unnoticed.
const (
	recordingKeySize = 32
	segmentSize      = 4096
	tagSize          = 16
	noncePrefixSize  = 7
	headerSize       = 1 + recordingKeySize + noncePrefixSize
	firstPlain       = segmentSize - headerSize - tagSize
	segmentPlain     = segmentSize - tagSize
)

const recordingAAD = "recording key"

// NewRecordingKey makes the key of one recording: wrapped is stored with the
// recording's record, enc starts the encrypted file. Every whole segment that
// reached the disk can be read later even if Close was never called.
func (k *Keyring) NewRecordingKey() (wrapped []byte, enc func(w io.Writer, aad []byte) (io.WriteCloser, error), err error) {
	key := make([]byte, recordingKeySize)
	_, _ = rand.Read(key) // never fails
	if wrapped, err = k.recording.Encrypt(key, []byte(recordingAAD)); err != nil {
		return nil, nil, fmt.Errorf("wrap recording key: %w", err)
	}
	stream, err := subtle.NewAESGCMHKDF(key, "SHA256", recordingKeySize, segmentSize, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("new recording key: %w", err)
	}
	return wrapped, stream.NewEncryptingWriter, nil
}

// OpenRecording decrypts a recording as it is read. If the stream was cut off,
// it ends after the last whole segment; Truncated of the returned
// *RecordingReader then says so. Changed bytes give ErrSealed, except in the
// last segment, where they cannot be told from a cut.
func (k *Keyring) OpenRecording(wrapped []byte, r io.Reader, aad []byte) (io.Reader, error) {
	key, err := k.unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(r, 2*segmentSize)
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(in, header); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return &RecordingReader{truncated: true, done: true}, nil // died before the first segment
		}
		return nil, fmt.Errorf("open recording: %w", err)
	}
	c, err := newSegmentCipher(key, header, aad)
	if err != nil {
		return nil, err
	}
	return &RecordingReader{in: in, c: c}, nil
}

func (k *Keyring) unwrap(wrapped []byte) ([]byte, error) {
	key, err := k.recording.Decrypt(wrapped, []byte(recordingAAD))
	if err != nil || len(key) != recordingKeySize {
		return nil, ErrSealed
	}
	return key, nil
}

// segmentCipher opens single segments.
type segmentCipher struct {
	gcm    cipher.AEAD
	prefix [noncePrefixSize]byte
}

func newSegmentCipher(key, header, aad []byte) (*segmentCipher, error) {
	if header[0] != headerSize {
		return nil, ErrSealed
	}
	derived, err := hkdf.Key(sha256.New, key, header[1:1+recordingKeySize], string(aad), recordingKeySize)
	if err != nil {
		return nil, fmt.Errorf("derive recording key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	c := &segmentCipher{gcm: gcm}
	copy(c.prefix[:], header[1+recordingKeySize:])
	return c, nil
}

func (c *segmentCipher) open(dst, sealed []byte, number uint32, last bool) ([]byte, error) {
	var nonce [noncePrefixSize + 5]byte
	copy(nonce[:], c.prefix[:])
	binary.BigEndian.PutUint32(nonce[noncePrefixSize:], number)
	if last {
		nonce[len(nonce)-1] = 1
	}
	return c.gcm.Open(dst[:0], nonce[:], sealed, nil)
}

// openEnd opens the segment the stream ends with. full says that it has the
// size of a segment in the middle, which is what a cut between two leaves.
func (c *segmentCipher) openEnd(sealed []byte, number uint32, full bool) (plain []byte, truncated bool) {
	if plain, err := c.open(nil, sealed, number, true); err == nil {
		return plain, false
	}
	if full {
		if plain, err := c.open(nil, sealed, number, false); err == nil {
			return plain, true
		}
	}
	return nil, true
}

// RecordingReader reads a recording from its beginning.
type RecordingReader struct {
	in        *bufio.Reader
	c         *segmentCipher
	number    uint32
	plain     []byte
	truncated bool
	done      bool
}

// Truncated reports, once Read has returned io.EOF, whether the recording was
// cut off before its proper end.
func (r *RecordingReader) Truncated() bool { return r.truncated }

// Read implements io.Reader.
func (r *RecordingReader) Read(p []byte) (int, error) {
	for len(r.plain) == 0 {
		if r.done {
			return 0, io.EOF
		}
		if err := r.segment(); err != nil {
			r.done = true
			return 0, err
		}
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

func (r *RecordingReader) segment() error {
	size := segmentSize
	if r.number == 0 {
		size -= headerSize
	}
	buf := make([]byte, size)
	n, err := io.ReadFull(r.in, buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read recording: %w", err)
	}
	if err == nil {
		if _, err := r.in.Peek(1); err == nil {
			if r.plain, err = r.c.open(nil, buf, r.number, false); err != nil {
				return ErrSealed
			}
			r.number++
			return nil
		} else if !errors.Is(err, io.EOF) {
			return fmt.Errorf("read recording: %w", err)
		}
	}
	r.done = true
	r.plain, r.truncated = r.c.openEnd(buf[:n], r.number, n == size)
	return nil
}
