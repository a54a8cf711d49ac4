package patient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

func mergeAAD(mergeID, side string) string { return "patient_merges:" + mergeID + ":" + side }

// deleteDetails removes phones, documents and search keys: nobody finds the
// record by them any more.
func deleteDetails(ctx context.Context, tx *store.Tx, patientID string) error {
	for _, t := range []string{"patient_phones", "patient_identifiers", "patient_keys"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+t+" WHERE patient_id = $1", patientID); err != nil {
			return fmt.Errorf("delete %s: %w", t, err)
		}
	}
	return nil
}

func setMerged(ctx context.Context, tx *store.Tx, patientID, into string) error {
	if _, err := tx.Exec(ctx, "UPDATE patients SET merged_into = $2, version = version + 1 WHERE id = $1", patientID, into); err != nil {
		return fmt.Errorf("mark merged: %w", err)
	}
	return nil
}

// insertMerge keeps both records as they were, each sealed with the key of its
// own person.
func (s *Service) insertMerge(ctx context.Context, tx *store.Tx, m Merged, before, after, merged snapshot, receipts map[string]Receipt) error {
	sealed := make([]string, 3)
	for i, x := range []struct {
		owner, side string
		what        snapshot
	}{{m.Keep, "keep_before", before}, {m.Keep, "keep_after", after}, {m.Merge, "merge_before", merged}} {
		text, err := json.Marshal(x.what)
		if err == nil {
			sealed[i], err = s.SealFor(ctx, tx, x.owner, string(text), mergeAAD(m.ID, x.side))
		}
		if err != nil {
			return fmt.Errorf("keep snapshot: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO patient_merges (id, keep_id, merge_id, at, actor, actor_name, reason, keep_before, keep_after,
		merge_before, receipts, undone_at, undone_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '')`,
		m.ID, m.Keep, m.Merge, store.Millis(m.At), m.Actor, m.ActorName, m.Reason, sealed[0], sealed[1], sealed[2], toJSON(receipts))
	if err != nil {
		return fmt.Errorf("store merge: %w", err)
	}
	return nil
}

const mergeColumns = "id, keep_id, merge_id, at, actor, actor_name, reason, receipts, undone_at"

func scanMerge(row interface{ Scan(...any) error }, extra ...any) (Merged, string, error) {
	var m Merged
	var receipts string
	var at, undone int64
	err := row.Scan(append([]any{&m.ID, &m.Keep, &m.Merge, &at, &m.Actor, &m.ActorName, &m.Reason, &receipts, &undone}, extra...)...)
	if err != nil {
		return m, "", err
	}
	m.At, m.UndoneAt = store.Time(at), fromMillis(undone)
	m.Parts, err = partsOf(receipts)
	return m, receipts, err
}

func (s *Service) loadMerge(ctx context.Context, tx *store.Tx, mergeID string) (storedMerge, error) {
	var out storedMerge
	var before, after, merged string
	m, receipts, err := scanMerge(tx.QueryRow(ctx, "SELECT "+mergeColumns+", keep_before, keep_after, merge_before FROM patient_merges WHERE id = $1",
		mergeID), &before, &after, &merged)
	if store.IsNoRows(err) {
		return out, errs.New(errs.NotFound, "patient.merge_not_found")
	}
	if err != nil {
		return out, fmt.Errorf("load merge: %w", err)
	}
	out.Merged = m
	if err := json.Unmarshal([]byte(receipts), &out.receipts); err != nil {
		return out, fmt.Errorf("decode receipts: %w", err)
	}
	for _, x := range []struct {
		owner, side, sealed string
		into                *snapshot
	}{{m.Keep, "keep_before", before, &out.before}, {m.Keep, "keep_after", after, &out.after}, {m.Merge, "merge_before", merged, &out.merged}} {
		text, err := s.UnsealFor(ctx, tx, x.owner, x.sealed, mergeAAD(m.ID, x.side))
		if errors.Is(err, errNoKey) {
			return out, errs.New(errs.Conflict, "patient.erased")
		}
		if err == nil {
			err = json.Unmarshal([]byte(text), x.into)
		}
		if err != nil {
			return out, fmt.Errorf("open snapshot: %w", err)
		}
	}
	return out, nil
}

// undoable refuses to undo twice, and out of order.
func undoable(ctx context.Context, tx *store.Tx, m Merged) error {
	if !m.UndoneAt.IsZero() {
		return errs.New(errs.Conflict, "patient.merge_undone")
	}
	var later int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM patient_merges WHERE undone_at = 0 AND id <> $1 AND
		((keep_id = $2 AND (at > $3 OR (at = $3 AND id > $1))) OR merge_id = $2)`, m.ID, m.Keep, store.Millis(m.At)).Scan(&later)
	if err != nil {
		return fmt.Errorf("check later merges: %w", err)
	}
	if later > 0 {
		return errs.New(errs.Conflict, "patient.merge_not_last")
	}
	return nil
}

func markUndone(ctx context.Context, tx *store.Tx, mergeID, by string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE patient_merges SET undone_at = $2, undone_by = $3 WHERE id = $1", mergeID, store.Millis(at), by)
	if err != nil {
		return fmt.Errorf("mark merge undone: %w", err)
	}
	return nil
}

func queryMerges(ctx context.Context, tx *store.Tx, patientID string, at int64, last string, limit int) ([]Merged, error) {
	cond, args := "TRUE", []any{}
	if patientID != "" {
		cond, args = "(keep_id = $1 OR merge_id = $1)", []any{patientID}
	}
	if last != "" {
		cond += fmt.Sprintf(" AND (at, id) < ($%d, $%d)", len(args)+1, len(args)+2)
		args = append(args, at, last)
	}
	args = append(args, int64(limit))
	rows, err := tx.Query(ctx, "SELECT "+mergeColumns+` , NOT EXISTS (SELECT 1 FROM patient_merges l WHERE l.undone_at = 0 AND l.id <> m.id
		AND ((l.keep_id = m.keep_id AND (l.at > m.at OR (l.at = m.at AND l.id > m.id))) OR l.merge_id = m.keep_id))
		FROM patient_merges m WHERE `+cond+fmt.Sprintf(" ORDER BY at DESC, id DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list merges: %w", err)
	}
	defer rows.Close()
	out := []Merged{}
	for rows.Next() {
		var last bool
		m, _, err := scanMerge(rows, &last)
		if err != nil {
			return nil, fmt.Errorf("scan merge: %w", err)
		}
		m.CanUndo = last && m.UndoneAt.IsZero()
		out = append(out, m)
	}
	return out, rows.Err()
}

// RowsOf is the Mergeable of a table with a column id and one that names the
// patient: rows are moved by their ids and moved back by them. Names come from
// the program, never from outside.
func RowsOf(name, table, column string) Mergeable {
	return Mergeable{
		Name: name,
		Move: func(ctx context.Context, tx *store.Tx, from, to string) (Receipt, error) {
			return moveRows(ctx, tx, table, column, "", from, to)
		},
		Undo: func(ctx context.Context, tx *store.Tx, from, to string, r Receipt) error {
			return moveBack(ctx, tx, table, column, from, to, r)
		},
		Uses: func(ctx context.Context, tx *store.Tx, patientID string) (bool, error) {
			list, err := texts(ctx, tx, "SELECT id FROM "+table+" WHERE "+column+" = $1 LIMIT 1", patientID)
			return len(list) > 0, err
		},
	}
}

// memberships moves places in groups, except those that both records hold.
func memberships() Mergeable {
	m := RowsOf("groups", "customer_group_members", "patient_id")
	m.Move = func(ctx context.Context, tx *store.Tx, from, to string) (Receipt, error) {
		return moveRows(ctx, tx, "customer_group_members", "patient_id",
			" AND group_id NOT IN (SELECT group_id FROM customer_group_members WHERE patient_id = $2)", from, to)
	}
	return m
}

func moveRows(ctx context.Context, tx *store.Tx, table, column, extra, from, to string) (Receipt, error) {
	args := []any{from}
	if extra != "" {
		args = append(args, to)
	}
	ids, err := texts(ctx, tx, "SELECT id FROM "+table+" WHERE "+column+" = $1"+extra+" ORDER BY id", args...)
	if err != nil || len(ids) == 0 {
		return Receipt{}, err
	}
	data, err := json.Marshal(ids)
	if err != nil {
		return Receipt{}, fmt.Errorf("note moved rows: %w", err)
	}
	return Receipt{Moved: len(ids), Data: data}, updateRows(ctx, tx, table, column, from, to, ids)
}

func moveBack(ctx context.Context, tx *store.Tx, table, column, from, to string, r Receipt) error {
	var ids []string
	if err := json.Unmarshal(r.Data, &ids); err != nil {
		return fmt.Errorf("read moved rows: %w", err)
	}
	return updateRows(ctx, tx, table, column, to, from, ids)
}

// updateRows hands rows over that still belong to from.
func updateRows(ctx context.Context, tx *store.Tx, table, column, from, to string, ids []string) error {
	for at := 0; at < len(ids); at += maxArgs {
		chunk := ids[at:min(at+maxArgs, len(ids))]
		_, err := tx.Exec(ctx, "UPDATE "+table+" SET "+column+" = $2 WHERE "+column+" = $1 AND id IN ("+marks(3, len(chunk))+")",
			append([]any{from, to}, anys(chunk)...)...)
		if err != nil {
			return fmt.Errorf("move rows of %s: %w", table, err)
		}
	}
	return nil
}
