package crypto_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"heartline/internal/platform/crypto"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

var aad = []byte("recording:1")

// The sizes of a tink AES256_GCM_HKDF_4KB stream.
const (
	firstPlain   = 4096 - 40 - 16
	segmentPlain = 4096 - 16
)

func record(t testing.TB, k *crypto.Keyring, plain []byte) (wrapped, file []byte) {
	t.Helper()
	wrapped, enc, err := k.NewRecordingKey()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w, err := enc(&buf, aad)
	if err != nil {
		t.Fatal(err)
	}
	for chunk := plain; len(chunk) > 0; { // as sound comes: a bit at a time
		n := min(320, len(chunk))
		if _, err := w.Write(chunk[:n]); err != nil {
			t.Fatal(err)
		}
		chunk = chunk[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return wrapped, buf.Bytes()
}

func noise(n int) []byte {
	rnd := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = rnd.Read(b)
	return b
}

// read reads a file in both ways, which must agree.
func read(t testing.TB, k *crypto.Keyring, wrapped, file []byte) (plain []byte, truncated bool, err error) {
	t.Helper()
	r, err := k.OpenRecording(wrapped, iotest.OneByteReader(bytes.NewReader(file)), aad)
	if err != nil {
		return nil, false, err
	}
	plain, err = io.ReadAll(r)
	truncated = r.(*crypto.RecordingReader).Truncated()
	if err != nil {
		return plain, truncated, err
	}
	f, err := k.OpenRecordingAt(wrapped, bytes.NewReader(file), int64(len(file)), aad)
	if err != nil {
		t.Fatalf("opened for reading but not for seeking: %v", err)
	}
	at, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(at, plain) || f.Truncated() != truncated || f.Size() != int64(len(plain)) {
		t.Fatalf("seeking gives %d bytes (%v, truncated %t), reading %d (truncated %t)", len(at), err, f.Truncated(), len(plain), truncated)
	}
	return plain, truncated, nil
}

func TestRecordingComesBack(t *testing.T) {
	k := ring(t)
	for _, n := range []int{0, 1, firstPlain - 1, firstPlain, firstPlain + 1, firstPlain + segmentPlain,
		firstPlain + segmentPlain + 1, firstPlain + 3*segmentPlain, 100_000} {
		plain := noise(n)
		wrapped, file := record(t, k, plain)
		got, truncated, err := read(t, k, wrapped, file)
		if err != nil || truncated || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: got %d, truncated %t, %v", n, len(got), truncated, err)
		}
	}
}

// TestCutRecordingIsReadableToItsLastWholeSegment cuts a file everywhere.
func TestCutRecordingIsReadableToItsLastWholeSegment(t *testing.T) {
	k := ring(t)
	plain := noise(firstPlain + 2*segmentPlain + 100)
	wrapped, file := record(t, k, plain)
	for cut := 0; cut < len(file); cut += 7 {
		checkCut(t, k, wrapped, file[:cut], plain)
	}
	for _, cut := range []int{40, 4095, 4096, 4097, 8191, 8192, 8193, 3 * 4096, len(file) - 1} {
		checkCut(t, k, wrapped, file[:cut], plain)
	}
}

func checkCut(t *testing.T, k *crypto.Keyring, wrapped, file, plain []byte) {
	t.Helper()
	want := 0
	if whole := len(file) / 4096; whole > 0 {
		want = firstPlain + (whole-1)*segmentPlain
	}
	got, truncated, err := read(t, k, wrapped, file)
	if err != nil || !truncated || !bytes.Equal(got, plain[:want]) {
		t.Errorf("cut at %d: %d bytes, truncated %t, %v; want %d", len(file), len(got), truncated, err, want)
	}
}

func TestUnfinishedRecordingIsReadable(t *testing.T) {
	k := ring(t)
	wrapped, enc, err := k.NewRecordingKey()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w, err := enc(&buf, aad)
	if err != nil {
		t.Fatal(err)
	}
	plain := noise(16000 * 2) // two seconds, and then the process dies
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	got, truncated, err := read(t, k, wrapped, buf.Bytes())
	if err != nil || !truncated || !bytes.HasPrefix(plain, got) || len(got) < len(plain)-2*segmentPlain {
		t.Fatalf("%d of %d bytes, truncated %t, %v", len(got), len(plain), truncated, err)
	}
}

func TestSpoiledRecordingIsRefused(t *testing.T) {
	k, other := ring(t), ring(t)
	plain := noise(50_000)
	wrapped, file := record(t, k, plain)
	spoil := func(at int) []byte { c := bytes.Clone(file); c[at] ^= 1; return c }
	swapped := append(append(append(bytes.Clone(file[:4096]), file[8192:12288]...), file[4096:8192]...), file[12288:]...)
	for name, c := range map[string]struct {
		k    *crypto.Keyring
		file []byte
		aad  []byte
	}{
		"header":            {k, spoil(0), aad},
		"salt":              {k, spoil(5), aad},
		"first segment":     {k, spoil(100), aad},
		"middle segment":    {k, spoil(9000), aad},
		"swapped segments":  {k, swapped, aad},
		"another recording": {k, file, []byte("recording:2")},
		"another key":       {other, file, aad},
	} {
		r, err := c.k.OpenRecording(wrapped, bytes.NewReader(c.file), c.aad)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, crypto.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSeekInRecording(t *testing.T) {
	k := ring(t)
	plain := noise(60_000)
	wrapped, file := record(t, k, plain)
	f, err := k.OpenRecordingAt(wrapped, bytes.NewReader(file), int64(len(file)), aad)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		at := rnd.IntN(len(plain))
		n := 1 + rnd.IntN(min(9000, len(plain)-at))
		if _, err := f.Seek(int64(at), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, n)
		if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, plain[at:at+n]) {
			t.Fatalf("%d bytes at %d: %v", n, at, err)
		}
	}
}

// TestFormatIsTinks reads our reader's files with tink's own reader too.
func TestFormatIsTinks(t *testing.T) {
	key := noise(32)
	stream, err := subtle.NewAESGCMHKDF(key, "SHA256", 32, 4096, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.HeaderLength(); n != 40 {
		t.Fatalf("tink's header has %d bytes: firstPlain is wrong", n)
	}
}

func FuzzOpenRecording(f *testing.F) {
	k := ring(f)
	wrapped, file := record(f, k, noise(10_000))
	f.Add(file)
	f.Add(file[:4096])
	f.Add([]byte{40})
	f.Fuzz(func(t *testing.T, file []byte) {
		_, _, _ = read(t, k, wrapped, file)
	})
}

func BenchmarkRecording(b *testing.B) {
	k := ring(b)
	plain := noise(1 << 20)
	wrapped, file := record(b, k, plain)
	b.Run("write", func(b *testing.B) {
		b.SetBytes(1 << 20)
		for b.Loop() {
			record(b, k, plain)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(1 << 20)
		for b.Loop() {
			r, err := k.OpenRecording(wrapped, bytes.NewReader(file), aad)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
