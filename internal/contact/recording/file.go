package recording

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// The file: 8 bytes of magic, a 4-byte big-endian header length, the JSON
// header padded with spaces to headerSize, then the encrypted stream.
const (
	magic      = "HLREC\x00\x00\x01"
	headerSize = 4096
	bodyOffset = int64(len(magic) + 4 + headerSize)
)

// header is what a part file must tell about itself after a crash.
type header struct {
	ID         string `json:"id"`
	CallID     string `json:"call_id"`
	StartedAt  int64  `json:"started_at"`
	WrappedKey string `json:"wrapped_key"` // base64; "" once the database holds it
}

var errNotRecording = errors.New("not a recording file")

func (h header) encode() ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if len(text) > headerSize {
		return nil, fmt.Errorf("recording header of %d bytes exceeds %d", len(text), headerSize)
	}
	var b bytes.Buffer
	b.WriteString(magic)
	b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text))))
	b.Write(text)
	b.Write(bytes.Repeat([]byte{' '}, headerSize-len(text)))
	return b.Bytes(), nil
}

// readHeader reads the header and leaves r at the start of the stream.
func readHeader(r io.Reader) (header, error) {
	raw := make([]byte, bodyOffset)
	if _, err := io.ReadFull(r, raw); err != nil {
		return header{}, fmt.Errorf("%w: %v", errNotRecording, err)
	}
	if string(raw[:len(magic)]) != magic {
		return header{}, errNotRecording
	}
	n := binary.BigEndian.Uint32(raw[len(magic):])
	if n > headerSize {
		return header{}, errNotRecording
	}
	var h header
	if err := json.Unmarshal(raw[len(magic)+4:len(magic)+4+int(n)], &h); err != nil {
		return header{}, fmt.Errorf("%w: %v", errNotRecording, err)
	}
	return h, nil
}

func (h header) key() ([]byte, error) { return base64.StdEncoding.DecodeString(h.WrappedKey) }

func (h header) started() time.Time { return time.UnixMilli(h.StartedAt).UTC() }

// wipeKey removes the wrapped key from a finished file, whose row now has it,
// and brings the whole file to the disk.
func wipeKey(path string, h header) error {
	h.WrappedKey = ""
	text, err := h.encode()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(text, 0)
	return errors.Join(err, f.Sync(), f.Close())
}
