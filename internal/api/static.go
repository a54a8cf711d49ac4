package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// static serves the built web applications: files by name, and for every
// address that an application routes itself the page of that application: the
// desk's, or those of the patients' portal and the kiosk below their own
// addresses. Files whose name carries a hash never change and are cached for
// good; pages never are.
type static struct {
	files fs.FS

	mu    sync.Mutex
	cache map[string]*asset
}

type asset struct {
	plain  []byte
	zipped []byte // nil when compressing does not pay
	etag   string
	kind   string
}

func newStatic(files fs.FS) *static { return &static{files: files, cache: map[string]*asset{}} }

// hashed matches names such as index-BX2a9_qd.js, as Vite gives them.
var hashed = regexp.MustCompile(`[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		sendProblem(w, newProblem(http.StatusMethodNotAllowed, "request.method"))
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	a, err := s.load(name)
	if errors.Is(err, fs.ErrNotExist) && path.Ext(name) == "" {
		name = pageOf(name)
		a, err = s.load(name)
	}
	if errors.Is(err, fs.ErrNotExist) && path.Ext(name) == ".html" && name == pageOf(strings.TrimSuffix(name, ".html")) {
		name = "index.html" // of a checkout without a build
		a, err = s.load(name)
	}
	if err != nil {
		sendProblem(w, newProblem(http.StatusNotFound, "not_found"))
		return
	}
	h := w.Header()
	switch {
	case strings.HasPrefix(name, "assets/") && hashed.MatchString(name):
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	case path.Ext(name) == ".html":
		h.Set("Cache-Control", "no-store")
	default:
		h.Set("Cache-Control", "no-cache")
	}
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.etag)
	h.Add("Vary", "Accept-Encoding")
	body := a.plain
	if a.zipped != nil && r.Header.Get("Range") == "" && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body = a.zipped
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// pageOf names the page that routes an address.
func pageOf(name string) string {
	switch first, _, _ := strings.Cut(name, "/"); first {
	case "portal", "kiosk":
		return first + ".html"
	}
	return "index.html"
}

func (s *static) load(name string) (*asset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.cache[name]; a != nil {
		return a, nil
	}
	if !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	info, err := fs.Stat(s.files, name)
	if err != nil || info.IsDir() {
		return nil, fs.ErrNotExist
	}
	b, err := fs.ReadFile(s.files, name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	a := &asset{plain: b, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, kind: kindOf(name)}
	if compressible(a.kind) || strings.Contains(a.kind, "javascript") || strings.Contains(a.kind, "wasm") {
		a.zipped = zipped(b)
	}
	s.cache[name] = a
	return a, nil
}

// kindOf does not ask the machine's own tables, which differ.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map", ".webmanifest":
		return "application/json"
	case ".wav":
		return "audio/wav"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func zipped(b []byte) []byte {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(b); err != nil || z.Close() != nil || buf.Len() >= len(b)*9/10 {
		return nil
	}
	return buf.Bytes()
}
