package api

import (
	"bufio"
	"compress/gzip"
	"net"
	"net/http"
	"strings"
	"sync"
)

// smallest is the size below which compressing is not worth it.
const smallest = 1024

// gzipPool reuses compressors: each holds a quarter of a megabyte.
type gzipPool struct{ pool sync.Pool }

func (p *gzipPool) get(w http.ResponseWriter) *gzip.Writer {
	if z, ok := p.pool.Get().(*gzip.Writer); ok {
		z.Reset(w)
		return z
	}
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
	return z
}

// gzipWriter compresses text answers. It decides at the first write, by the
// media type and the size of what is written first.
type gzipWriter struct {
	http.ResponseWriter
	pool    *gzipPool
	wanted  bool
	decided bool
	status  int
	zip     *gzip.Writer
}

func newGzipWriter(w http.ResponseWriter, r *http.Request, pool *gzipPool) *gzipWriter {
	wanted := r.Method != http.MethodHead && r.Header.Get("Range") == "" && acceptsGzip(r.Header.Get("Accept-Encoding"))
	return &gzipWriter{ResponseWriter: w, wanted: wanted, pool: pool}
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") {
			return strings.ReplaceAll(params, " ", "") != "q=0"
		}
	}
	return false
}

func compressible(mediaType string) bool {
	t, _, _ := strings.Cut(mediaType, ";")
	return strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "json") || t == "image/svg+xml"
}

func (g *gzipWriter) WriteHeader(status int) {
	if g.status == 0 {
		g.status = status
	}
	if status < 200 || status == http.StatusNoContent || status == http.StatusNotModified {
		g.decide(0)
	}
}

func (g *gzipWriter) decide(size int) {
	if g.decided {
		return
	}
	g.decided = true
	if g.status == 0 {
		g.status = http.StatusOK
	}
	h := g.Header()
	if compressible(h.Get("Content-Type")) {
		h.Add("Vary", "Accept-Encoding")
		if g.wanted && size >= smallest && h.Get("Content-Encoding") == "" && g.status != http.StatusPartialContent {
			h.Set("Content-Encoding", "gzip")
			h.Del("Content-Length")
			g.zip = g.pool.get(g.ResponseWriter)
		}
	}
	g.ResponseWriter.WriteHeader(g.status)
}

func (g *gzipWriter) Write(b []byte) (int, error) {
	g.decide(len(b))
	if g.zip != nil {
		return g.zip.Write(b)
	}
	return g.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (g *gzipWriter) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// Flush sends what is there.
func (g *gzipWriter) Flush() {
	g.decide(0)
	if g.zip != nil {
		_ = g.zip.Flush()
	}
	_ = http.NewResponseController(g.ResponseWriter).Flush()
}

// Hijack hands the connection to a WebSocket.
func (g *gzipWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	g.decided = true
	return http.NewResponseController(g.ResponseWriter).Hijack()
}

func (g *gzipWriter) close() {
	if !g.decided && g.status != 0 {
		g.decide(0)
	}
	if g.zip != nil {
		_ = g.zip.Close()
		g.pool.pool.Put(g.zip)
		g.zip = nil
	}
}
