package consent

import (
	"context"
	"encoding/json"
	"fmt"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

const (
	purposeColumns = "code, name, name_en, basis, sensitive, channels, active"
	entryColumns   = `id, patient_id, purpose, channel, decision, text_version, text_language, given_by, guardian_id, evidence, evidence_ref,
	note, at, actor, actor_name`
	textColumns = "id, purpose, version, language, text, created_at, created_by"
)

func scanPurpose(row interface{ Scan(...any) error }) (Purpose, error) {
	var p Purpose
	var channels string
	var sensitive, active int64
	if err := row.Scan(&p.Code, &p.Name, &p.NameEN, &p.Basis, &sensitive, &channels, &active); err != nil {
		return p, err
	}
	p.Sensitive, p.Active = sensitive != 0, active != 0
	if err := json.Unmarshal([]byte(channels), &p.Channels); err != nil {
		return p, fmt.Errorf("decode purpose: %w", err)
	}
	return p, nil
}

func loadPurpose(ctx context.Context, tx *store.Tx, code string) (Purpose, error) {
	p, err := scanPurpose(tx.QueryRow(ctx, "SELECT "+purposeColumns+" FROM consent_purposes WHERE code = $1", code))
	if store.IsNoRows(err) {
		return p, errs.New(errs.NotFound, "consent.purpose_not_found")
	}
	if err != nil {
		return p, fmt.Errorf("load purpose: %w", err)
	}
	return p, nil
}

func purposes(ctx context.Context, tx *store.Tx) ([]Purpose, error) {
	rows, err := tx.Query(ctx, "SELECT "+purposeColumns+" FROM consent_purposes WHERE active = 1 ORDER BY position")
	if err != nil {
		return nil, fmt.Errorf("list purposes: %w", err)
	}
	defer rows.Close()
	out := []Purpose{}
	for rows.Next() {
		p, err := scanPurpose(rows)
		if err != nil {
			return nil, fmt.Errorf("scan purpose: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func lastVersion(ctx context.Context, tx *store.Tx, purpose, language string) (int, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(version), 0) FROM consent_texts WHERE purpose = $1 AND language = $2", purpose, language).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read text version: %w", err)
	}
	return n, nil
}

func insertText(ctx context.Context, tx *store.Tx, t Text) error {
	_, err := tx.Exec(ctx, "INSERT INTO consent_texts ("+textColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7)",
		t.ID, t.Purpose, t.Version, t.Language, t.Text, store.Millis(t.CreatedAt), t.CreatedBy)
	if err != nil {
		return fmt.Errorf("store consent text: %w", err)
	}
	return nil
}

func texts(ctx context.Context, tx *store.Tx, purpose string) ([]Text, error) {
	rows, err := tx.Query(ctx, "SELECT "+textColumns+" FROM consent_texts WHERE purpose = $1 ORDER BY version DESC, language DESC LIMIT 200", purpose)
	if err != nil {
		return nil, fmt.Errorf("list consent texts: %w", err)
	}
	defer rows.Close()
	out := []Text{}
	for rows.Next() {
		var t Text
		var created int64
		if err := rows.Scan(&t.ID, &t.Purpose, &t.Version, &t.Language, &t.Text, &created, &t.CreatedBy); err != nil {
			return nil, fmt.Errorf("scan consent text: %w", err)
		}
		t.CreatedAt = store.Time(created)
		out = append(out, t)
	}
	return out, rows.Err()
}

func scanEntry(row interface{ Scan(...any) error }) (Entry, error) {
	var e Entry
	var at int64
	err := row.Scan(&e.ID, &e.PatientID, &e.Purpose, &e.Channel, &e.Decision, &e.TextVersion, &e.TextLanguage, &e.GivenBy, &e.GuardianID,
		&e.Evidence, &e.EvidenceRef, &e.Note, &at, &e.Actor, &e.ActorName)
	e.At = store.Time(at)
	return e, err
}

func latest(ctx context.Context, tx *store.Tx, patientID, purpose, channel string) (e Entry, decided bool, err error) {
	e, err = scanEntry(tx.QueryRow(ctx, "SELECT "+entryColumns+` FROM consents WHERE patient_id = $1 AND purpose = $2 AND channel = $3
		ORDER BY at DESC, id DESC LIMIT 1`, patientID, purpose, channel))
	if store.IsNoRows(err) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("read consent: %w", err)
	}
	return e, true, nil
}

func history(ctx context.Context, tx *store.Tx, patientID string) ([]Entry, error) {
	rows, err := tx.Query(ctx, "SELECT "+entryColumns+" FROM consents WHERE patient_id = $1 ORDER BY at DESC, id DESC LIMIT 1000", patientID)
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	defer rows.Close()
	out := []Entry{}
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, fmt.Errorf("scan consent: %w", err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func insertEntry(ctx context.Context, tx *store.Tx, e Entry) error {
	_, err := tx.Exec(ctx, "INSERT INTO consents ("+entryColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		e.ID, e.PatientID, e.Purpose, e.Channel, e.Decision, e.TextVersion, e.TextLanguage, e.GivenBy, e.GuardianID,
		e.Evidence, e.EvidenceRef, e.Note, store.Millis(e.At), e.Actor, e.ActorName)
	if err != nil {
		return fmt.Errorf("store consent: %w", err)
	}
	return nil
}

func blankEntries(ctx context.Context, tx *store.Tx, patientID string) error {
	if _, err := tx.Exec(ctx, "UPDATE consents SET note = '', evidence_ref = '' WHERE patient_id = $1", patientID); err != nil {
		return fmt.Errorf("blank consents: %w", err)
	}
	return nil
}
