package callrecord

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"heartline/internal/contact/journal"
	"heartline/internal/platform/dossier"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// Keeper tells package privacy which calls were about a person. A removal
// leaves the calls for the figures of the house, without number, person and
// notes; the log behind them is cleared too, so that a rebuild brings nothing
// back.
func (s *Service) Keeper() dossier.Keeper {
	return dossier.Keeper{Part: "calls", Export: s.dossier, Erase: s.erase}
}

func (s *Service) dossier(ctx context.Context, ids []string) ([]dossier.Section, error) {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return nil, err
	}
	out := dossier.Section{Part: "calls"}
	for _, one := range ids {
		for r, err := range s.Export(ctx, Filter{PatientIDs: []string{one}, Limit: maxLimit}) {
			if err != nil {
				return nil, err
			}
			if len(out.Rows) == dossier.MaxRows {
				out.More = true
				break
			}
			var row dossier.Row
			row.Add("at", r.StartedAt.UTC().Format(time.RFC3339))
			row.Add("direction", r.Direction)
			row.Add("phone", r.From.Masked)
			row.Add("status", string(r.Outcome))
			row.Add("seconds", strconv.FormatInt(r.TalkMs/1000, 10))
			row.Add("note", r.Notes)
			out.Rows = append(out.Rows, row)
		}
	}
	return []dossier.Section{out}, nil
}

// CallsOf lists the calls that were about a person, in the caller's
// transaction. It is for the program itself and checks no right.
func (s *Service) CallsOf(ctx context.Context, tx *store.Tx, ids []string) ([]string, error) {
	var out []string
	for _, one := range ids {
		list, err := callsOf(ctx, tx, one)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func (s *Service) erase(ctx context.Context, tx *store.Tx, ids []string) error {
	if _, err := identity.Require(ctx, identity.PrivacyManage); err != nil {
		return err
	}
	calls, err := s.CallsOf(ctx, tx, ids)
	if err != nil {
		return err
	}
	for _, one := range calls {
		if err := journal.Forget(ctx, tx, one); err != nil {
			return err
		}
		events, err := journal.OfContactTx(ctx, tx, one)
		if err != nil {
			return err
		}
		r := s.foldAll(events)
		if r.Direction == "" { // its events are gone already
			continue
		}
		if err := save(ctx, tx, &r); err != nil {
			return fmt.Errorf("erase call: %w", err)
		}
	}
	tx.AfterCommit(func() { s.forget(calls) })
	return nil
}
