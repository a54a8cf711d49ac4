package api

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/contact/callrecord"
	"heartline/internal/platform/identity"
)

// exportCalls streams the calls of a filter as CSV, however many they are.
func (s *Server) exportCalls(ctx context.Context, in *CallQuery) (*huma.StreamResponse, error) {
	p, err := identity.Require(ctx, identity.CallRead)
	if err != nil {
		return nil, err
	}
	f, err := s.callFilter(ctx, *in)
	if err != nil {
		return nil, err
	}
	n, err := s.namesFor(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := s.viewed(ctx, p, "call.export", "call", "", in.Patient); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := raw(hctx)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute)) // not every writer can
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="calls-`+s.now().In(s.zone()).Format("20060102-1504")+`.csv"`)
		if err := s.writeCalls(ctx, w, n, f); err != nil {
			s.log.Warn("export of calls", "request_id", requestID(ctx), "error", err)
			panic(http.ErrAbortHandler) // a cut file must not look whole
		}
	}}, nil
}

// writeCalls begins with a byte order mark, without which spreadsheets take
// UTF-8 for something else. Times are those of the hospital.
func (s *Server) writeCalls(ctx context.Context, w io.Writer, n names, f callrecord.Filter) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write([]string{"id", "direction", "started_at", "answered_at", "ended_at", "from", "to", "number", "queue", "agents",
		"outcome", "ivr_s", "wait_s", "ring_s", "talk_s", "hold_s", "wrap_s", "transfers", "disposition", "ended_by", "mos"}); err != nil {
		return err
	}
	for rec, err := range s.deps.Calls.Export(ctx, f) {
		if err != nil {
			return err
		}
		if err := out.Write(s.csvRow(n, rec)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (s *Server) csvRow(n names, r callrecord.Record) []string {
	var agents []string
	for _, a := range r.Agents {
		agents = append(agents, n.agent(a))
	}
	row := []string{
		r.ID, r.Direction, s.local(r.StartedAt), s.local(r.AnsweredAt), s.local(r.EndedAt), r.From.Masked, r.To, r.DID,
		n.queue(r.Queue), strings.Join(agents, ", "), string(r.Outcome), inSeconds(r.IVRMs), inSeconds(r.WaitMs), inSeconds(r.RingMs),
		inSeconds(r.TalkMs), inSeconds(r.HoldMs), inSeconds(r.WrapMs), strconv.Itoa(r.Transfers), r.Disposition, r.EndedBy,
		strconv.FormatFloat(r.MOS, 'f', 2, 64),
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return row
}

func inSeconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64) }

func (s *Server) zone() *time.Location {
	if s.deps.Zone == nil {
		return time.UTC
	}
	return s.deps.Zone
}

func (s *Server) local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.zone()).Format(time.DateTime)
}

// harmless keeps a spreadsheet from taking a value for a formula.
func harmless(v string) string {
	if v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) {
		return "'" + v
	}
	return v
}
