package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/privacy"
	"heartline/internal/platform/document"
	"heartline/internal/platform/dossier"
	"heartline/internal/platform/identity"
	"heartline/web"
)

// getPrivacyPaper writes the copy of a person's data as PDF, marked with who
// took it and when.
func (s *Server) getPrivacyPaper(ctx context.Context, in *PrivacyPaper) (*huma.StreamResponse, error) {
	p, err := s.privacy()
	if err != nil {
		return nil, err
	}
	c, err := p.Fetch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	who, _ := identity.From(ctx)
	file, err := s.paper(c, in.Lang, who.Name)
	if err != nil {
		return nil, err
	}
	return download("application/pdf", "privacy-"+s.now().In(s.zone()).Format("20060102-1504")+".pdf", file), nil
}

// download is a file that browsers store and nobody caches.
func download(mediaType, name string, file []byte) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := raw(hctx)
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Length", strconv.Itoa(len(file)))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(file) // the reader went away
	}}
}

// maxColumns is how many columns still read well on paper; longer rows become
// pairs.
const maxColumns = 7

func (s *Server) paper(c privacy.Copy, lang, reader string) ([]byte, error) {
	at := s.now().In(s.zone()).Format(time.DateTime)
	p := document.NewPDF(document.Options{Title: web.Message(lang, "dossier.title"), Issuer: s.deps.About.Name,
		Note: web.Message(lang, "dossier.note_text"), Watermark: reader + " " + at, Created: s.now()})
	p.Pairs([]document.Pair{{Key: web.Message(lang, "dossier.made_at"), Value: c.MadeAt.In(s.zone()).Format(time.DateTime)},
		{Key: web.Message(lang, "dossier.request"), Value: c.Request}})
	for _, section := range c.Sections {
		p.Heading(label(lang, section.Part))
		if len(section.Rows) == 0 {
			p.Note(web.Message(lang, "dossier.nothing"))
			continue
		}
		names := columnsOf(section)
		if len(names) > maxColumns || len(section.Rows) == 1 {
			for _, row := range section.Rows {
				p.Pairs(pairs(lang, row))
				p.Space(6)
			}
			continue
		}
		columns, rows := make([]document.Column, len(names)), make([][]string, 0, len(section.Rows))
		for i, name := range names {
			columns[i] = document.Column{Title: label(lang, name), Width: 1}
		}
		for _, row := range section.Rows {
			line := make([]string, len(names))
			for _, cell := range row {
				line[slices.Index(names, cell.Name)] = value(lang, cell)
			}
			rows = append(rows, line)
		}
		p.Table(columns, rows)
	}
	return p.Bytes()
}

func columnsOf(s dossier.Section) []string {
	var names []string
	for _, row := range s.Rows {
		for _, cell := range row {
			if !slices.Contains(names, cell.Name) {
				names = append(names, cell.Name)
			}
		}
	}
	return names
}

func pairs(lang string, row dossier.Row) []document.Pair {
	out := make([]document.Pair, 0, len(row))
	for _, cell := range row {
		out = append(out, document.Pair{Key: label(lang, cell.Name), Value: value(lang, cell)})
	}
	return out
}

// label is the word for a part or a field, and the key where there is none.
func label(lang, name string) string {
	for _, prefix := range []string{"dossier.", "patient.", "field."} {
		if web.Has(prefix + name) {
			return web.Message(lang, prefix+name)
		}
	}
	return name
}

// value is a value in words: codes have words elsewhere in the application.
func value(lang string, c dossier.Cell) string {
	prefix := map[string]string{"kind": "timeline.kind.", "action": "audit.", "sex": "sex.", "insurance": "insurance.", "lifecycle": "lifecycle.",
		"type": "idtype.", "channel": "channel.", "language": "lang."}[c.Name]
	if prefix != "" && web.Has(prefix+c.Value) {
		return web.Message(lang, prefix+c.Value)
	}
	if c.Name == "type" && web.Has("phonetype."+c.Value) {
		return web.Message(lang, "phonetype."+c.Value)
	}
	return c.Value
}
