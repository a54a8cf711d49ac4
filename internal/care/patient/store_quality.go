package patient

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// judgedPage reads some records in the order of their ids.
func (s *Service) judgedPage(ctx context.Context, tx *store.Tx, after string, limit int) ([]judged, error) {
	rows, err := tx.Query(ctx, `SELECT p.id, p.name, p.sex, p.birth_date, p.address, p.guardian_id, p.last_at, p.updated_at,
		CASE WHEN p.guardian_id = '' THEN 0 WHEN EXISTS (SELECT 1 FROM patients g WHERE g.id = p.guardian_id AND g.erased_at = 0 AND g.merged_into = '') THEN 0 ELSE 1 END
		FROM patients p WHERE p.id > $1 AND p.merged_into = '' AND p.erased_at = 0 ORDER BY p.id LIMIT $2`, after, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	defer rows.Close()
	var out []judged
	at := make(map[string]int)
	for rows.Next() {
		var p judged
		var address string
		var last, updated, gone int64
		if err := rows.Scan(&p.id, &p.name, &p.sex, &p.birth, &address, &p.guardian, &last, &updated, &gone); err != nil {
			return nil, fmt.Errorf("scan record: %w", err)
		}
		var a Address
		p.hasAddress = json.Unmarshal([]byte(address), &a) == nil && (a.Detail != "" || a.District != "")
		p.guardianGone, p.last = gone != 0, store.Time(max(last, updated))
		at[p.id] = len(out)
		out = append(out, p)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return out, err
	}
	return out, s.judgedNumbers(ctx, tx, out, at)
}

func (s *Service) judgedNumbers(ctx context.Context, tx *store.Tx, page []judged, at map[string]int) error {
	from, to := page[0].id, page[len(page)-1].id
	for _, table := range []string{"patient_phones", "patient_identifiers"} {
		kind := "''"
		if table == "patient_identifiers" {
			kind = "type"
		}
		rows, err := tx.Query(ctx, "SELECT patient_id, id, "+kind+", sealed FROM "+table+" WHERE patient_id >= $1 AND patient_id <= $2", from, to)
		if err != nil {
			return fmt.Errorf("read numbers: %w", err)
		}
		for rows.Next() {
			var patientID, rowID, kind, sealed string
			if err := rows.Scan(&patientID, &rowID, &kind, &sealed); err != nil {
				return fmt.Errorf("scan number: %w", err)
			}
			plain, err := s.keys.Unseal(sealed, aad(table, rowID))
			if err != nil {
				return fmt.Errorf("open number: %w", err)
			}
			i, ok := at[patientID]
			switch {
			case !ok:
			case table == "patient_phones":
				page[i].phones = append(page[i].phones, plain)
			default:
				page[i].documents = append(page[i].documents, Identifier{Type: kind, Value: plain})
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// dropFindings forgets what was found among the ids after from up to to, or,
// when to is empty, all that follow.
func dropFindings(ctx context.Context, tx *store.Tx, from, to string) error {
	cond, args := "patient_id > $1", []any{from}
	if to != "" {
		cond, args = "patient_id > $1 AND patient_id <= $2", []any{from, to}
	}
	if _, err := tx.Exec(ctx, "DELETE FROM quality_findings WHERE "+cond, args...); err != nil {
		return fmt.Errorf("drop findings: %w", err)
	}
	return nil
}

func saveQuality(ctx context.Context, tx *store.Tx, people int, counts map[string]int, now time.Time) error {
	counts = maps.Clone(counts) // the transaction may run again
	var n int
	if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM patient_duplicates WHERE status = 'open'").Scan(&n); err != nil {
		return fmt.Errorf("count duplicates: %w", err)
	}
	counts["duplicate"] = n
	_, err := tx.Exec(ctx, `INSERT INTO quality_runs (id, at, people, counts) VALUES (1, $1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET at = excluded.at, people = excluded.people, counts = excluded.counts`, store.Millis(now), int64(people), toJSON(counts))
	if err != nil {
		return fmt.Errorf("save quality: %w", err)
	}
	return nil
}

func loadQuality(ctx context.Context, tx *store.Tx) (QualityReport, error) {
	var out QualityReport
	var at, people int64
	var text string
	err := tx.QueryRow(ctx, "SELECT at, people, counts FROM quality_runs WHERE id = 1").Scan(&at, &people, &text)
	if store.IsNoRows(err) {
		return QualityReport{Rules: []QualityRule{}}, nil
	}
	if err != nil {
		return out, fmt.Errorf("load quality: %w", err)
	}
	counts := make(map[string]int)
	if err := json.Unmarshal([]byte(text), &counts); err != nil {
		return out, fmt.Errorf("decode quality: %w", err)
	}
	out.At, out.People = store.Time(at), int(people)
	for _, rule := range append(QualityRules(), "duplicate") {
		out.Rules = append(out.Rules, QualityRule{rule, counts[rule]})
	}
	return out, nil
}

func (s *Service) queryFindings(ctx context.Context, tx *store.Tx, rule, after string, limit int, who identity.Principal) ([]QualityFinding, error) {
	rows, err := tx.Query(ctx, "SELECT patient_id, detail FROM quality_findings WHERE rule = $1 AND patient_id > $2 ORDER BY patient_id LIMIT $3", rule, after, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("list findings: %w", err)
	}
	defer rows.Close()
	out := []QualityFinding{}
	var ids []string
	for rows.Next() {
		var f QualityFinding
		if err := rows.Scan(&f.Card.ID, &f.Detail); err != nil {
			return nil, fmt.Errorf("scan finding: %w", err)
		}
		out, ids = append(out, f), append(ids, f.Card.ID)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	cards, err := s.cardsByID(ctx, tx, ids, who)
	for i := range out {
		out[i].Card = cards[out[i].Card.ID]
	}
	return out, err
}
