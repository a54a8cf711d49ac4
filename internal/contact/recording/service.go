package recording

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"heartline/internal/contact/media"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/disk"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Config says where the sound goes and how long it stays.
type Config struct {
	Dir     string        // directory of the encrypted files
	Keep    time.Duration // retention; hospital-rules §11 asks for ≥ 2 years
	MinFree uint64        // bytes that must stay free on the disk
}

// Deps are the parts the service works with.
type Deps struct {
	DB     *store.DB
	Keys   *crypto.Keyring
	Audit  *audit.Log
	Bus    *event.Bus
	Alarms *alarm.Board
	Log    *slog.Logger
	Now    func() time.Time
}

// Service captures, keeps and gives back recordings.
type Service struct {
	db      *store.DB
	keys    *crypto.Keyring
	audit   *audit.Log
	bus     *event.Bus
	alarms  *alarm.Board
	log     *slog.Logger
	now     func() time.Time
	dir     string
	keep    time.Duration
	minFree uint64
	free    func(path string) (uint64, error)

	mu       sync.Mutex
	captures map[string]*capture
}

// New makes the service and its directory.
func New(cfg Config, d Deps) (*Service, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("recording directory: %w", err)
	}
	return &Service{db: d.DB, keys: d.Keys, audit: d.Audit, bus: d.Bus, alarms: d.Alarms, log: d.Log, now: d.Now,
		dir: cfg.Dir, keep: cfg.Keep, minFree: cfg.MinFree, free: disk.Free, captures: map[string]*capture{}}, nil
}

// Start begins the recording of a call and returns where its frames go and
// the recording's id. It does no I/O.
func (s *Service) Start(_ context.Context, callID string) (media.FrameSink, string, error) {
	c := &capture{svc: s, id: id.New(), callID: callID, started: s.now()}
	s.mu.Lock()
	s.captures[c.id] = c
	s.mu.Unlock()
	return c, c.id, nil
}

// Finish completes a recording once the engine writes no more: the file is
// closed and synced, its row committed. A call without sound leaves nothing. The
// length is what the engine measured; what is stored is what was written.
func (s *Service) Finish(ctx context.Context, recordingID string, _ time.Duration) error {
	c, err := s.take(recordingID)
	if err != nil {
		return err
	}
	rec, head, err := c.finish()
	if err != nil {
		// The part file stays; Recover saves at the next start what is in it.
		return fmt.Errorf("finish recording %s: %w", recordingID, err)
	}
	if rec.Bytes == 0 {
		return discard(rec.path)
	}
	return s.commit(ctx, rec, head)
}

// Discard ends a recording of which nothing is to stay.
func (s *Service) Discard(_ context.Context, recordingID string) error {
	c, err := s.take(recordingID)
	if err != nil {
		return err
	}
	rec, _, err := c.finish()
	return errors.Join(err, discard(rec.path))
}

// take ends the care for a recording under way.
func (s *Service) take(recordingID string) (*capture, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.captures[recordingID]
	if c == nil {
		return nil, errs.New(errs.NotFound, "recording.not_found")
	}
	delete(s.captures, recordingID)
	return c, nil
}

// discard removes the file of a recording that holds no sound.
func discard(path string) error {
	if path == "" {
		return nil
	}
	return os.Remove(path)
}

// commit stores the row, then wipes the key from the file and renames it. A
// crash between the steps is completed by Recover.
func (s *Service) commit(ctx context.Context, rec Recording, head header) error {
	part := rec.path
	rec.path = strings.TrimSuffix(part, ".part") + ".hlr"
	rec.KeepUntil = rec.EndedAt.Add(s.keep)
	err := s.db.Write(ctx, func(tx *store.Tx) error { return insertRecording(ctx, tx, s.relative(rec)) })
	if err != nil {
		return fmt.Errorf("store recording: %w", err)
	}
	if err := s.settle(part, rec.path, head); err != nil {
		return err
	}
	if !rec.Truncated {
		s.alarms.Clear("alarm.recording_failed", "")
	}
	publishFinished(s.bus, rec)
	return nil
}

func (s *Service) settle(part, final string, head header) error {
	if err := wipeKey(part, head); err != nil {
		return fmt.Errorf("wipe recording key: %w", err)
	}
	return os.Rename(part, final)
}

// relative keeps paths independent of where the data folder lies.
func (s *Service) relative(rec Recording) Recording {
	if rel, err := filepath.Rel(s.dir, rec.path); err == nil {
		rec.path = rel
	}
	return rec
}

// Get returns the record of a recording.
func (s *Service) Get(ctx context.Context, recordingID string) (Recording, error) {
	var rec Recording
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		rec, err = selectRecording(ctx, tx, recordingID)
		return err
	})
	return rec, err
}

// Open returns the sound for the signed-in user, and writes the listening into
// the audit log before a byte is given.
func (s *Service) Open(ctx context.Context, recordingID string) (*Sound, error) {
	who, err := identity.Require(ctx, identity.RecordingListen, identity.RecordingListenOwn)
	if err != nil {
		return nil, err
	}
	rec, stream, file, err := s.load(ctx, recordingID)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		return s.audit.Append(ctx, tx, audit.Entry{At: s.now(), Actor: who.UserID, ActorName: who.Name, Action: "recording.listen",
			Object: "recording", ObjectID: rec.ID, IP: who.IP, RequestID: who.RequestID, Detail: map[string]any{"call": rec.CallID}})
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("audit listening: %w", err), file.Close())
	}
	return newSound(rec, stream, stream.Size(), file), nil
}

// Waveform returns the peak of each of n equal parts, 0..1, left and right.
func (s *Service) Waveform(ctx context.Context, recordingID string, n int) ([2][]float32, error) {
	if _, err := identity.Require(ctx, identity.RecordingListen, identity.RecordingListenOwn); err != nil {
		return [2][]float32{}, err
	}
	if n < 1 || n > 5000 {
		return [2][]float32{}, errs.InvalidField("points", "recording.points_range")
	}
	_, stream, file, err := s.load(ctx, recordingID)
	if err != nil {
		return [2][]float32{}, err
	}
	out, err := peaks(stream, stream.Size()&^1, n)
	return out, errors.Join(err, file.Close())
}

// load opens the encrypted file of a recording that can be played.
func (s *Service) load(ctx context.Context, recordingID string) (Recording, *crypto.RecordingFile, *os.File, error) {
	rec, err := s.Get(ctx, recordingID)
	if err != nil {
		return rec, nil, nil, err
	}
	if rec.State != Ready {
		return rec, nil, nil, errs.New(errs.NotFound, "recording.erased")
	}
	key, err := base64.StdEncoding.DecodeString(rec.wrappedKey)
	if err != nil {
		return rec, nil, nil, fmt.Errorf("recording key: %w", err)
	}
	stream, file, err := s.decrypt(filepath.Join(s.dir, rec.path), key, rec.ID)
	if errors.Is(err, os.ErrNotExist) {
		return rec, nil, nil, errs.Wrap(errs.NotFound, "recording.file_missing", err)
	}
	if err != nil {
		return rec, nil, nil, err
	}
	rec.Truncated = rec.Truncated || stream.Truncated()
	return rec, stream, file, nil
}

// decrypt opens the stream of a file, as far as its segments are whole.
func (s *Service) decrypt(path string, wrappedKey []byte, recordingID string) (*crypto.RecordingFile, *os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	body := io.NewSectionReader(f, bodyOffset, max(info.Size()-bodyOffset, 0))
	stream, err := s.keys.OpenRecordingAt(wrappedKey, body, body.Size(), aad(recordingID))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open recording stream: %w", err), f.Close())
	}
	return stream, f, nil
}

// KeptUntil says how long the recordings of some calls must be kept, zero when
// there are none. It is for the program itself and checks no right.
func (s *Service) KeptUntil(ctx context.Context, tx *store.Tx, calls []string) (time.Time, error) {
	return keptUntil(ctx, tx, calls)
}
