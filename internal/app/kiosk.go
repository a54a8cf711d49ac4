package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"heartline/internal/care/booking"
	"heartline/internal/care/kiosk"
	"heartline/internal/care/ledger"
	"heartline/internal/care/patient"
	"heartline/internal/platform/store"
)

// openKiosks builds the self-service machines, which meet patients,
// appointments and PINs here, and lets cards follow merged records.
func (a *App) openKiosks() {
	a.kiosks = kiosk.New(kiosk.Deps{DB: a.db, Audit: a.audit, Now: a.now, Index: a.keys.Index, Secrets: a.identity,
		People: kioskPeople{a.patients}, Appointments: kioskVisits{a.booking}})
	a.patients.Register(mergeCards(a.ledger))
}

// print sends a strip to a receipt printer on the network, which takes raw
// bytes and answers nothing. One that hangs is given up soon: somebody waits.
func (a *App) print(ctx context.Context, address string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, printTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("reach printer: %w", err)
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return errors.Join(err, conn.Close())
	}
	if _, err := conn.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write to printer: %w", err), conn.Close())
	}
	return conn.Close()
}

const printTimeout = 4 * time.Second

// kioskPeople finds patients by what they know of themselves.
type kioskPeople struct{ patients *patient.Service }

// ByDocument implements kiosk.People: the holder of the document, not the
// children under it.
func (p kioskPeople) ByDocument(ctx context.Context, number string) ([]string, error) {
	return p.find(ctx, number, patient.MatchID)
}

// ByAccount implements kiosk.People.
func (p kioskPeople) ByAccount(ctx context.Context, account string) ([]string, error) {
	return p.find(ctx, account, patient.MatchPhone, patient.MatchCode)
}

// find keeps who was found by the whole number or code.
func (p kioskPeople) find(ctx context.Context, q string, matches ...string) ([]string, error) {
	hits, err := p.patients.Search(ctx, q, 10)
	if err != nil {
		return nil, fmt.Errorf("find patient: %w", err)
	}
	var out []string
	for _, h := range hits {
		for _, m := range matches {
			if h.Match == m && h.Score >= wholeKey {
				out = append(out, h.ID)
			}
		}
	}
	return out, nil
}

// wholeKey is the least score of a hit by a whole number or code.
const wholeKey = 90

// kioskVisits finds whose appointment a code names.
type kioskVisits struct{ booking *booking.Service }

// PatientOf implements kiosk.Appointments.
func (k kioskVisits) PatientOf(ctx context.Context, code string) (string, error) {
	a, err := k.booking.FindByCode(ctx, code)
	return a.PatientID, err
}

// mergeCards moves the card of a merged record, and back.
func mergeCards(cards *ledger.Service) patient.Mergeable {
	return patient.Mergeable{
		Name: "cards",
		Move: func(ctx context.Context, tx *store.Tx, from, to string) (patient.Receipt, error) {
			m, err := cards.Merge(ctx, tx, to, from)
			if err != nil {
				return patient.Receipt{}, err
			}
			data, err := json.Marshal(m)
			if err != nil || m.Available+m.Held == 0 && len(m.Holds) == 0 {
				return patient.Receipt{}, err
			}
			return patient.Receipt{Moved: 1, Data: data}, nil
		},
		Undo: func(ctx context.Context, tx *store.Tx, from, to string, r patient.Receipt) error {
			if len(r.Data) == 0 {
				return nil
			}
			var m ledger.Moved
			if err := json.Unmarshal(r.Data, &m); err != nil {
				return fmt.Errorf("undo move of card: %w", err)
			}
			return cards.Unmerge(ctx, tx, to, from, m)
		},
		Uses: func(ctx context.Context, tx *store.Tx, patientID string) (bool, error) {
			c, err := cards.Balance(ctx, tx, patientID)
			return !c.CreatedAt.IsZero(), err
		},
	}
}
