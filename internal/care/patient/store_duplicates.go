package patient

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/id"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// queryDuplicates reads one proposal more than the page holds. Records that
// were merged or erased meanwhile are not shown.
func (s *Service) queryDuplicates(ctx context.Context, tx *store.Tx, f DuplicateFilter, score int64, last string, who identity.Principal) ([]Duplicate, error) {
	cond, args := "d.status = $1", []any{f.Status}
	add := func(format string, vals ...any) {
		idx := make([]any, len(vals))
		for i := range vals {
			idx[i] = len(args) + 1 + i
		}
		cond += " AND " + fmt.Sprintf(format, idx...)
		args = append(args, vals...)
	}
	if f.PatientID != "" {
		add("(d.a_id = $%d OR d.b_id = $%d)", f.PatientID, f.PatientID)
	}
	if f.MinScore > 0 {
		add("d.score >= $%d", int64(f.MinScore))
	}
	if last != "" {
		add("(d.score, d.id) < ($%d, $%d)", score, last)
	}
	if f.Status == DuplicateOpen {
		cond += " AND a.merged_into = '' AND b.merged_into = '' AND a.erased_at = 0 AND b.erased_at = 0"
	}
	args = append(args, int64(f.Limit+1))
	rows, err := tx.Query(ctx, `SELECT d.id, d.a_id, d.b_id, d.score, d.reasons, d.status, d.found_at, d.note FROM patient_duplicates d
		JOIN patients a ON a.id = d.a_id JOIN patients b ON b.id = d.b_id WHERE `+cond+
		fmt.Sprintf(" ORDER BY d.score DESC, d.id DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list duplicates: %w", err)
	}
	defer rows.Close()
	out := []Duplicate{}
	for rows.Next() {
		var d Duplicate
		var reasons string
		var found int64
		if err := rows.Scan(&d.ID, &d.A.ID, &d.B.ID, &d.Score, &reasons, &d.Status, &found, &d.Note); err != nil {
			return nil, fmt.Errorf("scan duplicate: %w", err)
		}
		if err := json.Unmarshal([]byte(reasons), &d.Reasons); err != nil {
			return nil, fmt.Errorf("decode duplicate: %w", err)
		}
		d.FoundAt = store.Time(found)
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return out, s.duplicateCards(ctx, tx, out, who)
}

func (s *Service) duplicateCards(ctx context.Context, tx *store.Tx, list []Duplicate, who identity.Principal) error {
	var ids []string
	for _, d := range list {
		ids = append(ids, d.A.ID, d.B.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	cards, err := s.cardsByID(ctx, tx, ids, who)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].A, list[i].B = cards[list[i].A.ID], cards[list[i].B.ID]
	}
	return nil
}

// cardsByID reads cards with phones, masked, any number of them.
func (s *Service) cardsByID(ctx context.Context, tx *store.Tx, ids []string, who identity.Principal) (map[string]Card, error) {
	out := make(map[string]Card, len(ids))
	for at := 0; at < len(ids); at += maxArgs {
		chunk := ids[at:min(at+maxArgs, len(ids))]
		cond, list := tx.OneOf("p.id", 1, chunk)
		rows, err := s.cards(ctx, tx, cond, list)
		if err != nil {
			return nil, err
		}
		cards := make([]Card, len(rows))
		for i, r := range rows {
			cards[i] = r.Card
		}
		if err := s.addPhones(ctx, tx, cards); err != nil {
			return nil, err
		}
		for _, c := range cards {
			out[c.ID] = maskCard(c, who)
		}
	}
	return out, nil
}

// decideDuplicate closes a proposal and returns one of its people.
func decideDuplicate(ctx context.Context, tx *store.Tx, duplicateID, status, by, note string, now time.Time) (patientID string, err error) {
	err = tx.QueryRow(ctx, "SELECT a_id FROM patient_duplicates WHERE id = $1", duplicateID).Scan(&patientID)
	if store.IsNoRows(err) {
		return "", errs.New(errs.NotFound, "patient.duplicate_not_found")
	}
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE patient_duplicates SET status = $2, decided_at = $3, decided_by = $4, note = $5 WHERE id = $1",
			duplicateID, status, store.Millis(now), by, note)
	}
	if err != nil {
		return "", fmt.Errorf("decide duplicate: %w", err)
	}
	return patientID, nil
}

// settlePair closes the proposal about two records, if there is one.
func settlePair(ctx context.Context, tx *store.Tx, a, b, status, by string, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE patient_duplicates SET status = $3, decided_at = $4, decided_by = $5 WHERE a_id = $1 AND b_id = $2",
		min(a, b), max(a, b), status, store.Millis(now), by)
	if err != nil {
		return fmt.Errorf("settle duplicate: %w", err)
	}
	return nil
}

// propose stores a pair, refreshes an open proposal, or withdraws one that does
// not hold any more. What somebody decided stays decided.
func propose(ctx context.Context, tx *store.Tx, a, b string, points int, reasons []Reason, now time.Time) error {
	a, b = min(a, b), max(a, b)
	var err error
	if points < proposeFrom {
		_, err = tx.Exec(ctx, "DELETE FROM patient_duplicates WHERE a_id = $1 AND b_id = $2 AND status = $3", a, b, DuplicateOpen)
	} else {
		_, err = tx.Exec(ctx, `INSERT INTO patient_duplicates (id, a_id, b_id, score, reasons, status, found_at, decided_at, decided_by, note)
			VALUES ($1, $2, $3, $4, $5, 'open', $6, 0, '', '') ON CONFLICT (a_id, b_id) DO UPDATE
			SET score = excluded.score, reasons = excluded.reasons WHERE patient_duplicates.status = 'open'`,
			id.New(), a, b, points, toJSON(reasons), store.Millis(now))
	}
	if err != nil {
		return fmt.Errorf("propose duplicate: %w", err)
	}
	return nil
}

// profiles reads what records are compared by. Merged and erased ones are left
// out.
func (s *Service) profiles(ctx context.Context, tx *store.Tx, ids []string) (map[string]profile, error) {
	out := make(map[string]profile, len(ids))
	for at := 0; at < len(ids); at += maxArgs {
		chunk := ids[at:min(at+maxArgs, len(ids))]
		if err := readProfiles(ctx, tx, out, chunk); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readProfiles(ctx context.Context, tx *store.Tx, out map[string]profile, ids []string) error {
	in := "IN (" + marks(1, len(ids)) + ")"
	rows, err := tx.Query(ctx, `SELECT id, name, name_latin, pinyin, birth_date, sex, guardian_id, household_id, address FROM patients
		WHERE merged_into = '' AND erased_at = 0 AND id `+in, anys(ids)...)
	if err != nil {
		return fmt.Errorf("read profiles: %w", err)
	}
	for rows.Next() {
		var p profile
		var address string
		if err := rows.Scan(&p.id, &p.name, &p.latin, &p.pinyin, &p.birth, &p.sex, &p.guardian, &p.household, &address); err != nil {
			return fmt.Errorf("scan profile: %w", err)
		}
		var a Address
		if json.Unmarshal([]byte(address), &a) == nil && a.Detail != "" {
			p.address = a.City + a.District + a.Street + a.Detail
		}
		p.name, p.latin = foldName(p.name), joinedLatin(p.latin)
		out[p.id] = p
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, "SELECT patient_id, type, idx FROM patient_identifiers WHERE patient_id "+in, anys(ids)...); err != nil {
		return fmt.Errorf("read profile documents: %w", err)
	}
	for rows.Next() {
		var owner string
		var d profileDocument
		if err := rows.Scan(&owner, &d.kind, &d.idx); err != nil {
			return fmt.Errorf("scan profile: %w", err)
		}
		if p, ok := out[owner]; ok {
			p.documents = append(p.documents, d)
			out[owner] = p
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, "SELECT patient_id, idx, idx8, idx4, owner FROM patient_phones WHERE patient_id "+in, anys(ids)...); err != nil {
		return fmt.Errorf("read profile phones: %w", err)
	}
	for rows.Next() {
		var patientID, owner string
		var ph profilePhone
		if err := rows.Scan(&patientID, &ph.idx, &ph.idx8, &ph.idx4, &owner); err != nil {
			return fmt.Errorf("scan profile: %w", err)
		}
		if p, ok := out[patientID]; ok {
			ph.own = owner == ""
			p.phones = append(p.phones, ph)
			out[patientID] = p
		}
	}
	return rows.Err()
}

func joinedLatin(s string) string {
	joined := ""
	for _, w := range latinWords(s) {
		joined += w
	}
	return joined
}
