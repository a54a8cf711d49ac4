package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"

	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
)

// exportReconciliation gives a day of the books as CSV: every movement, then
// the sums per way of paying. The ledger puts the export on record.
func (s *Server) exportReconciliation(ctx context.Context, in *ReconciliationQuery) (*huma.StreamResponse, error) {
	cards, err := s.cards()
	if err != nil {
		return nil, err
	}
	if in.Date == "" {
		in.Date = s.today()
	}
	list, err := cards.DayBook(ctx, in.Date)
	if err != nil {
		return nil, err
	}
	sums, err := cards.Reconcile(ctx, in.Date)
	if err != nil {
		return nil, err
	}
	people, err := s.patientCards(ctx, mapped(list, func(t ledger.Transaction) string { return t.PatientID }))
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", "text/csv; charset=utf-8")
		hctx.SetHeader("Content-Disposition", `attachment; filename="card-ledger-`+in.Date+`.csv"`)
		if err := s.writeDayBook(hctx.BodyWriter(), list, sums, people); err != nil {
			s.log.Warn("export of the ledger", "request_id", requestID(ctx), "error", err)
		}
	}}, nil
}

func (s *Server) writeDayBook(out io.Writer, list []ledger.Transaction, sums ledger.Reconciliation, people map[string]patient.Card) error {
	if _, err := io.WriteString(out, "\ufeff"); err != nil { // spreadsheets read UTF-8 by it
		return fmt.Errorf("write export: %w", err)
	}
	w := csv.NewWriter(out)
	rows := [][]string{{"time", "kind", "receipt", "patient_code", "method", "amount", "card_balance", "reference", "reason", "by"}}
	for _, t := range list {
		rows = append(rows, []string{t.At.In(s.zone()).Format("2006-01-02 15:04:05"), string(t.Kind), t.Receipt, people[t.PatientID].Code, t.Method,
			decimal(t.Amount), decimal(t.Available + t.Held), harmless(t.Reference), harmless(t.Reason), harmless(t.ActorName)})
	}
	rows = append(rows, nil, []string{"method", "opening", "in", "out", "closing", "counted", "difference", "note"})
	for _, m := range sums.Methods {
		counted := ""
		if m.Counted != nil {
			counted = decimal(*m.Counted)
		}
		rows = append(rows, []string{m.Method, decimal(m.Opening), decimal(m.In), decimal(m.Out), decimal(m.Closing), counted, decimal(m.Difference), harmless(m.Note)})
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// decimal is an amount of 分 in yuan for spreadsheets.
func decimal(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}
