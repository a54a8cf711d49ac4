package recording

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

// Recover finishes the files that a crash left open and returns how many could
// be saved. The sound is read as far as its encrypted segments are whole
// (a quarter of a second may be missing at the end) and written again as a
// proper file. Call it before the first Start.
func (s *Service) Recover(ctx context.Context) (saved int, err error) {
	torn, err := s.find(".part.torn")
	if err != nil {
		return 0, err
	}
	for _, path := range torn {
		if err := s.untear(ctx, path); err != nil {
			return 0, err
		}
	}
	parts, err := s.find(".part")
	if err != nil {
		return 0, err
	}
	var failed error
	for _, path := range parts {
		if err := s.recoverFile(ctx, path); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", filepath.Base(path), err))
			continue
		}
		saved++
	}
	return saved, failed
}

// LastAt is when the newest sound was recorded; zero without any. After
// Recover it is a moment at which the last run still lived.
func (s *Service) LastAt(ctx context.Context) (at time.Time, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		var ended sql.NullInt64
		if err := tx.QueryRow(ctx, "SELECT MAX(ended_at) FROM recordings").Scan(&ended); err != nil {
			return err
		}
		if ended.Valid {
			at = store.Time(ended.Int64)
		}
		return nil
	})
	if err != nil {
		return at, fmt.Errorf("newest recording: %w", err)
	}
	return at, nil
}

func (s *Service) find(suffix string) (paths []string, err error) {
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, suffix) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for open recordings: %w", err)
	}
	return paths, nil
}

// untear undoes a rewrite that a second crash interrupted: until the row is
// committed the torn original is the better source.
func (s *Service) untear(ctx context.Context, path string) error {
	head, err := headerOf(path)
	if err != nil {
		return err
	}
	if _, err := s.Get(ctx, head.ID); err == nil {
		return os.Remove(path)
	} else if !errs.Is(err, errs.NotFound) {
		return err
	}
	return os.Rename(path, strings.TrimSuffix(path, ".torn"))
}

func (s *Service) recoverFile(ctx context.Context, path string) error {
	head, err := headerOf(path)
	if errors.Is(err, errNotRecording) {
		// The crash came before the header was whole: there is no sound in it.
		return os.Remove(path)
	}
	if err != nil {
		return err
	}
	_, err = s.Get(ctx, head.ID)
	if err == nil {
		return s.settle(path, strings.TrimSuffix(path, ".part")+".hlr", head)
	}
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	key, err := head.key()
	if err != nil {
		return err
	}
	stream, file, err := s.decrypt(path, key, head.ID)
	if err != nil {
		return err
	}
	alaw, err := io.ReadAll(stream)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	alaw = alaw[:len(alaw)&^1]
	if len(alaw) == 0 {
		return os.Remove(path)
	}
	return s.rewrite(ctx, path, head, alaw)
}

// rewrite replaces a torn file by a whole one under the same key id and row.
func (s *Service) rewrite(ctx context.Context, path string, head header, alaw []byte) error {
	if err := os.Rename(path, path+".torn"); err != nil {
		return err
	}
	c := &capture{svc: s, id: head.ID, callID: head.CallID, started: head.started()}
	if err := c.WriteStereo(alaw); err != nil {
		return errors.Join(err, os.Remove(c.path), os.Rename(path+".torn", path))
	}
	rec, fresh, err := c.finish()
	if err != nil {
		return err
	}
	rec.Truncated = true
	rec.EndedAt = rec.StartedAt.Add(rec.Duration)
	if err := s.commit(ctx, rec, fresh); err != nil {
		return err
	}
	return os.Remove(path + ".torn")
}

func headerOf(path string) (header, error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	return readHeader(f)
}
