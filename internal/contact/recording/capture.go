package recording

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"heartline/internal/platform/alarm"
	"heartline/internal/platform/errs"
)

// capture is the media.FrameSink of one call. The file is made with the first
// sound, by the media engine's flusher, so that starting to record costs a
// call nothing.
type capture struct {
	svc     *Service
	id      string
	callID  string
	started time.Time

	mu     sync.Mutex
	file   *os.File
	stream io.WriteCloser
	head   header
	path   string
	bytes  int64
	closed bool
	failed error
}

var errClosed = errors.New("recording is closed")

// WriteStereo appends interleaved A-law frames. An error is final: the engine
// stops this recording and the call goes on.
func (c *capture) WriteStereo(alaw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed
	}
	if c.failed != nil {
		return c.failed
	}
	if c.stream == nil {
		if err := c.open(); err != nil {
			return c.fail(err)
		}
	}
	n, err := c.stream.Write(alaw)
	c.bytes += int64(n)
	if err != nil {
		return c.fail(err)
	}
	return nil
}

func (c *capture) fail(err error) error {
	c.failed = fmt.Errorf("record call: %w", err)
	c.svc.alarms.Raise(alarm.Critical, "alarm.recording_failed", "", map[string]any{"recording": c.id})
	c.svc.log.Error("recording stopped", "recording_id", c.id, "call_id", c.callID, "error", err)
	return c.failed
}

func (c *capture) open() error {
	if err := c.svc.checkSpace(); err != nil {
		return err
	}
	wrapped, encrypt, err := c.svc.keys.NewRecordingKey()
	if err != nil {
		return err
	}
	c.head = header{ID: c.id, CallID: c.callID, StartedAt: c.started.UnixMilli(), WrappedKey: base64.StdEncoding.EncodeToString(wrapped)}
	text, err := c.head.encode()
	if err != nil {
		return err
	}
	dir := filepath.Join(c.svc.dir, c.started.Format("2006/01/02"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	c.path = filepath.Join(dir, c.id+".part")
	if c.file, err = os.OpenFile(c.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	if _, err := c.file.Write(text); err != nil {
		return err
	}
	c.stream, err = encrypt(c.file, aad(c.id))
	return err
}

// finish closes the file; the result has no bytes when nothing was heard.
func (c *capture) finish() (Recording, header, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return Recording{}, header{}, errClosed
	}
	c.closed = true
	rec := Recording{ID: c.id, CallID: c.callID, StartedAt: c.started, EndedAt: c.svc.now(), Bytes: c.bytes,
		Duration: duration(c.bytes), State: Ready, Truncated: c.failed != nil, path: c.path, wrappedKey: c.head.WrappedKey}
	if c.file == nil {
		return rec, c.head, c.failed
	}
	var closing error
	if c.stream != nil {
		closing = c.stream.Close()
	}
	return rec, c.head, errors.Join(closing, c.file.Close()) // wipeKey syncs, once the row is there
}

// checkSpace refuses to record when the disk is nearly full, so that the
// database beside the recordings can still write.
func (s *Service) checkSpace() error {
	free, err := s.free(s.dir)
	if err != nil {
		return err
	}
	if free < s.minFree {
		s.alarms.Raise(alarm.Critical, "alarm.recording_disk_full", "", map[string]any{"free_mb": free >> 20})
		return errs.New(errs.Unavailable, "recording.disk_full")
	}
	s.alarms.Clear("alarm.recording_disk_full", "")
	return nil
}

func aad(id string) []byte { return []byte("recordings:" + id) }
