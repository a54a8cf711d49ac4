package portal

import (
	"context"
	"fmt"

	"heartline/internal/platform/store"
)

// members reads those that fit a condition, oldest first, documents masked.
func (s *Service) members(ctx context.Context, tx *store.Tx, where string, args ...any) ([]Member, error) {
	rows, err := tx.Query(ctx, "SELECT "+memberColumns+" FROM portal_members WHERE "+where+" ORDER BY created_at, id LIMIT 200", args...)
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	defer rows.Close()
	list := []Member{}
	for rows.Next() {
		var m Member
		var name, document string
		var created, verified int64
		if err := rows.Scan(&m.ID, &m.AccountID, &m.PatientID, &m.Relation, &m.State, &name, &m.DocumentType, &document, &m.BirthDate, &m.Sex,
			&created, &verified, &m.VerifiedBy); err != nil {
			return nil, fmt.Errorf("scan member: %w", err)
		}
		if m.Name, err = s.keys.Unseal(name, "portal_members:"+m.ID+":name"); err != nil {
			return nil, fmt.Errorf("open name: %w", err)
		}
		if document != "" {
			if m.Document, err = s.keys.Unseal(document, "portal_members:"+m.ID+":document"); err != nil {
				return nil, fmt.Errorf("open document: %w", err)
			}
		}
		m.Document, m.CreatedAt = maskDocument(m.Document), store.Time(created)
		if verified > 0 {
			m.VerifiedAt = store.Time(verified)
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

// documentOf opens the document of a member in full.
func (s *Service) documentOf(ctx context.Context, tx *store.Tx, memberID string) (string, error) {
	var sealed string
	if err := tx.QueryRow(ctx, "SELECT document_sealed FROM portal_members WHERE id = $1", memberID).Scan(&sealed); err != nil {
		return "", fmt.Errorf("read document: %w", err)
	}
	if sealed == "" {
		return "", nil
	}
	return s.keys.Unseal(sealed, "portal_members:"+memberID+":document")
}

func (s *Service) putMember(ctx context.Context, tx *store.Tx, m Member, documentIdx string) error {
	name, err := s.keys.Seal(m.Name, "portal_members:"+m.ID+":name")
	if err != nil {
		return fmt.Errorf("seal name: %w", err)
	}
	document := ""
	if m.Document != "" {
		if document, err = s.keys.Seal(m.Document, "portal_members:"+m.ID+":document"); err != nil {
			return fmt.Errorf("seal document: %w", err)
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO portal_members (id, account_id, patient_id, relation, state, name_sealed, document_type, document_sealed,
		document_idx, birth_date, sex, created_at, verified_at, verified_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '')`,
		m.ID, m.AccountID, m.PatientID, m.Relation, string(m.State), name, m.DocumentType, document, documentIdx, m.BirthDate, m.Sex, store.Millis(m.CreatedAt))
	if err != nil {
		return fmt.Errorf("insert member: %w", err)
	}
	return nil
}

// settleMember stores whose record a member is, and who says so.
func settleMember(ctx context.Context, tx *store.Tx, m Member) error {
	at := int64(0)
	if !m.VerifiedAt.IsZero() {
		at = store.Millis(m.VerifiedAt)
	}
	_, err := tx.Exec(ctx, "UPDATE portal_members SET patient_id = $2, state = $3, verified_at = $4, verified_by = $5 WHERE id = $1",
		m.ID, m.PatientID, string(m.State), at, m.VerifiedBy)
	if err != nil {
		return fmt.Errorf("settle member: %w", err)
	}
	return nil
}

func deleteMember(ctx context.Context, tx *store.Tx, memberID string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM portal_members WHERE id = $1", memberID); err != nil {
		return fmt.Errorf("delete member: %w", err)
	}
	return nil
}

func countDeclared(ctx context.Context, tx *store.Tx, patientID string) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT COUNT(*) FROM portal_members WHERE patient_id = $1 AND state <> 'pending'", patientID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count declared: %w", err)
	}
	return n, nil
}

// deleteMembers takes a person out of all accounts.
func deleteMembers(ctx context.Context, tx *store.Tx, patientID string) error {
	_, err := tx.Exec(ctx, "DELETE FROM portal_members WHERE patient_id = $1 AND patient_id <> ''", patientID)
	return err
}
