package patient

import (
	"context"
	"strings"
	"testing"

	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

// TestLookupsUseTheirIndexes reads SQLite's plans: a partial index that the
// planner cannot prove applicable would turn a lookup into a scan of a million
// rows.
func TestLookupsUseTheirIndexes(t *testing.T) {
	db := storetest.SQLite(t)
	for _, q := range []string{
		`SELECT patient_id FROM patient_phones WHERE idx = $1 LIMIT 50`,
		`SELECT patient_id FROM patient_identifiers WHERE idx = $1 AND idx <> '' LIMIT 50`,
		`SELECT c.id FROM patient_identifiers d JOIN patients c ON c.guardian_id = d.patient_id WHERE d.idx = $1 AND d.idx <> '' AND c.guardian_id <> '' LIMIT 50`,
		`SELECT COUNT(*) FROM patient_identifiers WHERE type = $1 AND idx = $2 AND idx <> '' AND patient_id <> $3`,
		`SELECT patient_id FROM patient_phones WHERE idx4 = $1 AND idx4 <> '' LIMIT 400`,
		`SELECT id, patient_id, sealed FROM patient_identifiers WHERE idx4 = $1 AND idx4 <> '' LIMIT 20000`,
		`SELECT patient_id FROM patient_identifiers WHERE idx6 = $1 AND idx6 <> '' LIMIT 400`,
		`SELECT id, sealed FROM patient_phones WHERE idx6 = '' AND idx4 <> '' AND id > $1 ORDER BY id LIMIT 1000`,
		`SELECT id, patient_id, sealed FROM patient_phones WHERE idx8 = $1 AND idx8 <> '' LIMIT 500`,
		`SELECT key, patient_id FROM patient_keys WHERE kind = $1 AND key > $2 AND key < $3 LIMIT 200`,
		`SELECT key, patient_id FROM patient_keys WHERE kind = $1 AND key IN (SELECT value FROM json_each($2)) LIMIT 200`,
		`SELECT id FROM patients p WHERE p.id IN (SELECT value FROM json_each($1)) LIMIT 500`,
		`SELECT k.key, k.patient_id FROM patient_keys k WHERE k.kind = 'n' AND k.key = $1 AND (1 = 0
			OR EXISTS (SELECT 1 FROM patients p WHERE p.id = k.patient_id AND substr(p.birth_date, 1, 4) = $2)
			OR EXISTS (SELECT 1 FROM patient_phones t WHERE t.patient_id = k.patient_id AND t.idx4 = $3 AND t.idx4 <> '')) LIMIT 200`,
		`SELECT id, sealed FROM patient_phones WHERE is_primary = 1 AND patient_id IN (SELECT value FROM json_each($1))`,
		`SELECT id FROM patients WHERE household_id = $1 AND household_id <> '' LIMIT 50`,
		`SELECT 1 FROM patients p WHERE p.id = $1 OR (p.household_id = $2 AND p.household_id <> '')`,
		`SELECT id FROM patient_timeline WHERE patient_id IN ($1) AND (at, id) < ($2, $3) ORDER BY at DESC, id DESC LIMIT 51`,
		`DELETE FROM patient_timeline WHERE source_id = $1 AND source_id <> '' AND kind = $2`,
		`SELECT id FROM patients WHERE code = $1`,
	} {
		plan := explain(t, db, q)
		if strings.Contains(strings.ReplaceAll(plan, "SCAN json_each", ""), "SCAN") {
			t.Errorf("%s\n%s", q, plan)
		}
	}
}

func explain(t *testing.T, db *store.DB, query string) string {
	t.Helper()
	var plan []string
	ctx := context.Background()
	err := db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, "EXPLAIN QUERY PLAN "+query, []any{"", "", ""}[:strings.Count(query, "$")]...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a, b, c int
			var detail string
			if err := rows.Scan(&a, &b, &c, &detail); err != nil {
				return err
			}
			plan = append(plan, detail)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(plan, "\n")
}
