package switchboard

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// wav makes a WAV file of n samples.
func wav(tag, channels, bits uint16, rate uint32, n int) []byte {
	var b bytes.Buffer
	size := n * int(channels) * int(bits) / 8
	b.WriteString("RIFF")
	for _, v := range []any{uint32(36 + size), [8]byte([]byte("WAVEfmt ")), uint32(16), tag, channels, rate,
		rate * uint32(channels) * uint32(bits) / 8, channels * bits / 8, bits, [4]byte([]byte("data")), uint32(size)} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	b.Write(make([]byte, size))
	return b.Bytes()
}

func TestShippedPromptsAreComplete(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	snap := f.Current(f.ctx)
	for _, key := range []string{"recording_notice", "greeting", "main_menu", "menu_timeout", "menu_invalid", "menu_to_operator",
		"after_hours", "queue_position_prefix", "queue_next", "comfort_resume", "transfer_failed", "goodbye", "n0", "n9"} {
		p, ok := snap.Prompt(key, "zh-CN")
		if !ok || p.Text == "" || p.Duration < 100*time.Millisecond {
			t.Errorf("%s: %+v %v", key, p, ok)
			continue
		}
		b, err := f.PromptWAV(f.ctx, p)
		if err != nil || hash(b) != p.SHA {
			t.Errorf("%s: %v", key, err)
		}
	}
	if p, ok := snap.Prompt("greeting", "fr-FR"); !ok || p.Language != DefaultLanguage {
		t.Errorf("no fallback to the default language: %+v", p)
	}
	if _, ok := snap.Prompt("never_recorded", "zh-CN"); ok {
		t.Error("found a prompt nobody recorded")
	}
}

func TestUploadReplacesAndRestores(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFixture(t, db)
		own := wav(wavPCM, 1, 16, 16000, 16000)
		up := must[Prompt](t)(f.PutPrompt(f.ctx, PromptUpload{Key: "greeting", Language: "zh-CN", WAV: own}))
		if up.Duration != time.Second || !up.Shipped || up.Text == "" {
			t.Errorf("uploaded prompt: %+v", up)
		}
		p, _ := f.Current(f.ctx).Prompt("greeting", "zh-CN")
		if b, err := f.PromptWAV(f.ctx, p); err != nil || !bytes.Equal(b, own) {
			t.Errorf("upload is not served: %v", err)
		}
		if err := os.Remove(f.promptFile(p.SHA)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.PromptWAV(f.ctx, p); !errs.Is(err, errs.NotFound) {
			t.Errorf("missing file: %v", err)
		}
		if err := f.Refresh(f.ctx); err != nil {
			t.Fatal(err)
		}
		if p, ok := f.Current(f.ctx).Prompt("greeting", "zh-CN"); !ok || p.Source != SourceShipped {
			t.Errorf("lost upload does not give way to the shipped prompt: %+v", p)
		}
		must[Prompt](t)(f.PutPrompt(f.ctx, PromptUpload{Key: "greeting", WAV: own}))
		if err := f.DeletePrompt(f.ctx, "greeting", "zh-CN"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(f.promptFile(hash(own))); err == nil {
			t.Error("unused file was left behind")
		}
		if err := f.DeletePrompt(f.ctx, "greeting", "zh-CN"); !errs.Is(err, errs.NotFound) {
			t.Errorf("deleted a shipped prompt: %v", err)
		}
	})
}

func TestOwnPromptInUseStays(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	must[Prompt](t)(f.PutPrompt(f.ctx, PromptUpload{Key: "my_menu", WAV: wav(wavALaw, 1, 8, 8000, 8000)}))
	must[Queue](t)(f.Queues.Create(f.ctx, Queue{Code: "main", Name: "M", Enabled: true}))
	fl := must[Flow](t)(f.CreateFlow(f.ctx, Flow{Name: "x"}))
	graph := bytes.Replace([]byte(goodGraph), []byte("main_menu"), []byte("my_menu"), 1)
	if _, _, err := f.SaveDraft(f.ctx, fl.ID, graph, ""); err != nil {
		t.Fatal(err)
	}
	must[FlowVersion](t)(f.Publish(f.ctx, fl.ID))
	if err := f.DeletePrompt(f.ctx, "my_menu", "zh-CN"); !errs.Is(err, errs.Conflict) {
		t.Errorf("a prompt that callers hear was deleted: %v", err)
	}
}

func TestHostileSoundFiles(t *testing.T) {
	f := newFixture(t, storetest.SQLite(t))
	good := wav(wavPCM, 1, 16, 8000, 800)
	truncated := good[:len(good)-100]
	lying := bytes.Clone(good)
	binary.LittleEndian.PutUint32(lying[40:], 0xFFFFFFFF)
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("#!/bin/sh"), "riff only": []byte("RIFF\x00\x00\x00\x00WAVE"),
		"stereo": wav(wavPCM, 2, 16, 8000, 800), "44.1 kHz": wav(wavPCM, 1, 16, 44100, 800), "8-bit PCM": wav(wavPCM, 1, 8, 8000, 800),
		"float": wav(3, 1, 32, 8000, 800), "no samples": wav(wavPCM, 1, 16, 8000, 0), "truncated": truncated, "lying size": lying,
		"too long": wav(wavMuLaw, 1, 8, 8000, 8000*301), "too large": wav(wavPCM, 1, 16, 16000, 3<<20),
		"data first": append([]byte("RIFF\x00\x00\x00\x00WAVEdata\x02\x00\x00\x00"), 0, 0),
	} {
		if _, err := f.PutPrompt(f.ctx, PromptUpload{Key: "greeting", WAV: b}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, key := range []string{"", "../../etc/passwd", "A", "a b", "x\x00"} {
		if _, err := f.PutPrompt(f.ctx, PromptUpload{Key: key, WAV: good}); !hasField(err, "key", "") {
			t.Errorf("key %q: %v", key, err)
		}
	}
	if _, err := f.PutPrompt(f.ctx, PromptUpload{Key: "greeting", Language: "../x", WAV: good}); !hasField(err, "language", "") {
		t.Errorf("language: %v", err)
	}
	for _, tag := range []uint16{wavPCM, wavALaw, wavMuLaw} {
		bits := uint16(8)
		if tag == wavPCM {
			bits = 16
		}
		if _, err := f.PutPrompt(f.ctx, PromptUpload{Key: "greeting", WAV: wav(tag, 1, bits, 8000, 801)}); err != nil {
			t.Errorf("format %d refused: %v", tag, err)
		}
	}
}

func FuzzCheckWAV(f *testing.F) {
	f.Add(wav(wavPCM, 1, 16, 8000, 80))
	f.Add(wav(wavALaw, 1, 8, 8000, 81)[:50])
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := checkWAV(b); err == nil && (d <= 0 || d > maxPromptDuration) {
			t.Errorf("accepted %v", d)
		}
	})
}

func BenchmarkSnapshotLookup(b *testing.B) {
	s := &Snapshot{numbers: map[string]Number{"96166": {Number: "96166", Enabled: true}}}
	for b.Loop() {
		if _, ok := s.Number("+8696166"); !ok {
			b.Fatal("not found")
		}
	}
}
