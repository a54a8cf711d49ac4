package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

func (s *Service) day(t time.Time) string { return t.In(s.zone).Format(time.DateOnly) }

func receiptNumber(day string, n int64) string {
	return fmt.Sprintf("%s-%06d", strings.ReplaceAll(day, "-", ""), n)
}

// Receipt returns the receipt of a transaction and issues it when there is
// none yet. Holds and releases move no money and have none.
func (s *Service) Receipt(ctx context.Context, transactionID string) (Receipt, error) {
	who, err := identity.Require(ctx, identity.LedgerRead)
	if err != nil {
		return Receipt{}, err
	}
	var r Receipt
	err = s.write(ctx, func(tx *store.Tx) error {
		t, err := selectTransaction(ctx, tx, transactionID)
		if err != nil {
			return err
		}
		if t.Kind == Hold || t.Kind == Release {
			return errs.New(errs.Conflict, "ledger.no_receipt")
		}
		if t.Receipt == "" {
			if t.Receipt, err = s.receipt(ctx, tx, who, t.ID); err != nil {
				return err
			}
		}
		if r, err = selectReceipt(ctx, tx, t); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "ledger.receipt", "ledger_transaction", t.ID, t.PatientID, "", map[string]any{"number": r.Number})
	})
	return r, err
}

// receipt issues the next number of the day.
func (s *Service) receipt(ctx context.Context, tx *store.Tx, who identity.Principal, transactionID string) (string, error) {
	now := s.now()
	day := s.day(now)
	n, err := insertReceipt(ctx, tx, id.New(), transactionID, day, who.UserID, now)
	if err != nil {
		return "", err
	}
	return receiptNumber(day, n), nil
}
