package api

import (
	"embed"
	"net/http"
)

//go:embed docs
var docsFiles embed.FS

// serveSpec gives the OpenAPI document.
func (s *Server) serveSpec(w http.ResponseWriter, _ *http.Request) {
	doc, err := s.spec()
	if err != nil {
		s.log.Error("specification", "error", err)
		sendProblem(w, newProblem(http.StatusInternalServerError, "internal"))
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(doc)
}

// serveDocs gives the documentation page, which reads the OpenAPI document.
// Everything comes from this program: hospitals are often offline.
func (s *Server) serveDocs(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	b, err := docsFiles.ReadFile("docs/" + name)
	if err != nil {
		sendProblem(w, newProblem(http.StatusNotFound, "not_found"))
		return
	}
	w.Header().Set("Content-Type", kindOf(name))
	_, _ = w.Write(b)
}
