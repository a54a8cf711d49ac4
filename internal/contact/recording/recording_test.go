package recording

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"heartline/internal/contact/media/codec"
	"heartline/internal/platform/alarm"
	"heartline/internal/platform/audit"
	"heartline/internal/platform/crypto"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/event"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

type house struct {
	*Service
	db     *store.DB
	alarms *alarm.Board
	dir    string
}

func newHouse(t *testing.T, db *store.DB, dir string) *house {
	t.Helper()
	keys, err := crypto.Open(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	bus := event.NewBus()
	t.Cleanup(bus.Close)
	h := &house{db: db, alarms: alarm.NewBoard(bus, time.Now), dir: filepath.Join(dir, "recordings")}
	h.Service, err = New(Config{Dir: h.dir, Keep: 2 * 365 * 24 * time.Hour, MinFree: 1}, Deps{
		DB: db, Keys: keys, Audit: audit.New(time.Now), Bus: bus, Alarms: h.alarms, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// speech is n stereo frames, different on both sides.
func speech(n int) []byte {
	b := make([]byte, 0, 2*n)
	for i := range n {
		b = append(b, codec.ALawEncode(int16(i%4000)), codec.ALawEncode(int16(-(i % 8000))))
	}
	return b
}

func record(t *testing.T, h *house, sound []byte) string {
	t.Helper()
	sink, recID, err := h.Start(context.Background(), "call-1")
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(sound); at += 640 {
		if err := sink.WriteStereo(sound[at:min(at+640, len(sound))]); err != nil {
			t.Fatal(err)
		}
	}
	return recID
}

func finished(t *testing.T, h *house, sound []byte) string {
	t.Helper()
	recID := record(t, h, sound)
	if err := h.Finish(context.Background(), recID, duration(int64(len(sound)))); err != nil {
		t.Fatal(err)
	}
	return recID
}

func listen(t *testing.T, h *house, recID string) ([]byte, *Sound) {
	t.Helper()
	s, err := h.Open(identity.System(context.Background(), "test"), recID)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wav, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	return wav, s
}

func TestRecordingComesBackAsWAV(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db, t.TempDir())
		sound := speech(40_001)
		recID := finished(t, h, sound)
		wav, s := listen(t, h, recID)
		if want := 44 + 2*len(sound); len(wav) != want || s.Size() != int64(want) {
			t.Fatalf("WAV has %d bytes (Size %d), want %d", len(wav), s.Size(), want)
		}
		for i, b := range sound {
			if got := int16(binary.LittleEndian.Uint16(wav[44+2*i:])); got != codec.ALawDecode(b) {
				t.Fatalf("sample %d is %d, want %d", i, got, codec.ALawDecode(b))
			}
		}
		rec, err := h.Get(context.Background(), recID)
		if err != nil || rec.Truncated || rec.Duration != duration(int64(len(sound))) || rec.CallID != "call-1" {
			t.Fatalf("record = %+v, %v", rec, err)
		}
		if n := listenings(t, h); n != 1 {
			t.Errorf("%d listenings in the audit log, want 1", n)
		}
	})
}

func listenings(t *testing.T, h *house) int { return noted(t, h, "recording.listen") }

// noted counts the entries of an action in the audit log.
func noted(t *testing.T, h *house, action string) (n int) {
	t.Helper()
	err := h.db.Read(context.Background(), func(tx *store.Tx) error {
		return tx.QueryRow(context.Background(), `SELECT COUNT(*) FROM audit_log WHERE action = $1`, action).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSeekingReadsTheSameBytes(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t), t.TempDir())
	recID := finished(t, h, speech(20_000))
	whole, _ := listen(t, h, recID)
	s, err := h.Open(identity.System(context.Background(), "test"), recID)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, span := range [][2]int{{0, 10}, {40, 9}, {43, 3}, {45, 1}, {45, 777}, {30_001, 4099}, {len(whole) - 3, 3}} {
		if _, err := s.Seek(int64(span[0]), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, span[1])
		if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, whole[span[0]:span[0]+span[1]]) {
			t.Errorf("bytes %v differ (%v)", span, err)
		}
	}
}

// TestKilledRecordingIsPlayable simulates kill -9: nobody calls Finish.
func TestKilledRecordingIsPlayable(t *testing.T) {
	db, dir := storetest.SQLite(t), t.TempDir()
	sound := speech(80_000) // 10 s
	recID := record(t, newHouse(t, db, dir), sound)

	h := newHouse(t, db, dir)
	saved, err := h.Recover(context.Background())
	if saved != 1 || err != nil {
		t.Fatalf("saved %d, %v", saved, err)
	}
	wav, s := listen(t, h, recID)
	if !s.Recording.Truncated {
		t.Error("a killed recording is not marked truncated")
	}
	lost := duration(int64(len(sound) - (len(wav)-44)/2))
	if lost < 0 || lost > 300*time.Millisecond {
		t.Errorf("lost %v of the sound, at most 300 ms", lost)
	}
	if again, err := h.Recover(context.Background()); again != 0 || err != nil {
		t.Errorf("second recovery: %d, %v", again, err)
	}
}

func TestCrashBetweenCommitAndRename(t *testing.T) {
	db, dir := storetest.SQLite(t), t.TempDir()
	h := newHouse(t, db, dir)
	recID := record(t, h, speech(8000))
	rec, _, err := h.captures[recID].finish()
	if err != nil {
		t.Fatal(err)
	}
	rec.path = rec.path[:len(rec.path)-len(".part")] + ".hlr"
	err = db.Write(context.Background(), func(tx *store.Tx) error {
		return insertRecording(context.Background(), tx, h.relative(rec))
	})
	if err != nil {
		t.Fatal(err)
	}
	h = newHouse(t, db, dir)
	if saved, err := h.Recover(context.Background()); saved != 1 || err != nil {
		t.Fatalf("saved %d, %v", saved, err)
	}
	if wav, s := listen(t, h, recID); len(wav) != 44+4*8000 || s.Recording.Truncated {
		t.Errorf("%d bytes, truncated %v", len(wav), s.Recording.Truncated)
	}
}

func TestFinishedFileHoldsNoKeyAndNoSpeech(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t), t.TempDir())
	sound := speech(16_000)
	recID := finished(t, h, sound)
	rec, err := h.Get(context.Background(), recID)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(h.dir, rec.path))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte(rec.wrappedKey)) {
		t.Error("the finished file still holds its key")
	}
	if bytes.Contains(raw, sound[:64]) {
		t.Error("speech lies in the clear")
	}
	head, err := readHeader(bytes.NewReader(raw))
	if err != nil || head.WrappedKey != "" || head.ID != recID {
		t.Errorf("header = %+v, %v", head, err)
	}
}

func TestFullDiskStopsTheRecordingWithAnAlarm(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t), t.TempDir())
	h.free = func(string) (uint64, error) { return 0, nil }
	sink, recID, err := h.Start(context.Background(), "call-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.WriteStereo(speech(160)); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("error = %v", err)
	}
	keys := map[string]bool{}
	for _, a := range h.alarms.Active() {
		keys[a.Key] = true
	}
	if !keys["alarm.recording_disk_full"] {
		t.Errorf("alarms = %v", h.alarms.Active())
	}
	if err := h.Finish(context.Background(), recID, 0); err == nil {
		t.Error("a recording that failed ends as if nothing had happened")
	}
}

func TestSilentCallLeavesNothing(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t), t.TempDir())
	recID := finished(t, h, nil)
	if _, err := h.Get(context.Background(), recID); !errs.Is(err, errs.NotFound) {
		t.Errorf("record of a silent call: %v", err)
	}
}

func TestDiscardedRecordingLeavesNothing(t *testing.T) {
	for name, sound := range map[string][]byte{"with sound": speech(4000), "without": nil} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, storetest.SQLite(t), t.TempDir())
			recID := record(t, h, sound)
			if err := h.Discard(context.Background(), recID); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Get(context.Background(), recID); !errs.Is(err, errs.NotFound) {
				t.Errorf("its row: %v", err)
			}
			if left, err := h.find(""); len(left) != 0 || err != nil {
				t.Errorf("files left: %v, %v", left, err)
			}
			if err := h.Discard(context.Background(), recID); !errs.Is(err, errs.NotFound) {
				t.Errorf("discarded twice: %v", err)
			}
		})
	}
}

// TestBrokenRecordingKeepsItsAlarm: what was written before the disk was full
// is kept, and no reason to call the recorder well again.
func TestBrokenRecordingKeepsItsAlarm(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t), t.TempDir())
	failing := record(t, h, speech(8000))
	_ = h.captures[failing].fail(errors.New("no space left on device"))
	ok := func() bool { return len(h.alarms.Active()) == 0 }
	if err := h.Finish(context.Background(), failing, 0); err != nil || ok() {
		t.Fatalf("finish: %v, alarms %v", err, h.alarms.Active())
	}
	if wav, s := listen(t, h, failing); len(wav) != 44+4*8000 || !s.Recording.Truncated {
		t.Errorf("%d bytes, truncated %v", len(wav), s.Recording.Truncated)
	}
	finished(t, h, speech(8000))
	if !ok() {
		t.Errorf("a good recording leaves %v", h.alarms.Active())
	}
}

// TestRecordingsGoWhenTheirTimeIsOver: key and file; not before, not under a
// hold, and what a crash left half done is done the next time.
func TestRecordingsGoWhenTheirTimeIsOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db, t.TempDir())
		ctx := context.Background()
		old, held, half, young := finished(t, h, speech(8000)), finished(t, h, speech(8000)), finished(t, h, speech(8000)), finished(t, h, speech(8000))
		past := store.Millis(time.Now().Add(-time.Hour))
		exec := func(sql string, args ...any) {
			t.Helper()
			err := db.Write(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, sql, args...); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range []string{old, held, half} {
			exec("UPDATE recordings SET keep_until = $1 WHERE id = $2", past, one)
		}
		exec("UPDATE recordings SET legal_hold = 1 WHERE id = $1", held)
		exec("UPDATE recordings SET state = 'erased', wrapped_key = '' WHERE id = $1", half)
		if n, err := h.Expire(ctx); n != 2 || err != nil {
			t.Fatalf("erased %d, %v", n, err)
		}
		files, err := h.find(".hlr")
		if err != nil || len(files) != 2 {
			t.Errorf("files left: %v, %v", files, err)
		}
		for _, one := range []string{held, young} {
			listen(t, h, one)
		}
		rec, err := h.Get(ctx, old)
		if err != nil || rec.State != Erased || rec.wrappedKey != "" || rec.path != "" || rec.CallID == "" {
			t.Errorf("the row says %+v, %v", rec, err)
		}
		var e *errs.Error
		if _, err := h.Open(identity.System(ctx, "test"), old); !errors.As(err, &e) || e.Key != "recording.erased" {
			t.Errorf("opening it: %v", err)
		}
		if n, err := h.Expire(ctx); n != 0 || err != nil {
			t.Errorf("a second run erased %d, %v", n, err)
		}
		if n := noted(t, h, "recording.expire"); n != 1 {
			t.Errorf("%d erasures in the audit log", n)
		}
	})
}

// TestManyRecordingsGoAtOnce: after a long pause, more than are read at a time.
func TestManyRecordingsGoAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db, t.TempDir())
		ctx := context.Background()
		const n = 2*expireAtOnce + 1
		err := db.Write(ctx, func(tx *store.Tx) error {
			for i := range n {
				r := Recording{ID: fmt.Sprintf("r%04d", i), CallID: "c", State: Erased, path: fmt.Sprintf("gone/%d.hlr", i), KeepUntil: time.UnixMilli(int64(1 + i/300))}
				if err := insertRecording(ctx, tx, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Expire(ctx); got != n || err != nil {
			t.Errorf("%d of %d, %v", got, n, err)
		}
	})
}

func TestWaveformAndRights(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t), t.TempDir())
	recID := finished(t, h, speech(8000))
	peaks, err := h.Waveform(identity.System(context.Background(), "test"), recID, 10)
	if err != nil || len(peaks[0]) != 10 || peaks[0][9] <= 0 || peaks[1][9] <= peaks[0][9] {
		t.Errorf("peaks = %v, %v", peaks, err)
	}
	if _, err := h.Open(context.Background(), recID); !errs.Is(err, errs.Unknown) {
		t.Errorf("nobody signed in may listen: %v", err)
	}
}

func FuzzHeader(f *testing.F) {
	good, err := header{ID: "x", CallID: "y", WrappedKey: "eg=="}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:100])
	f.Add([]byte(magic + "\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := readHeader(bytes.NewReader(raw)); err != nil && !errors.Is(err, errNotRecording) {
			t.Fatalf("unexpected kind of error: %v", err)
		}
	})
}
