package switchboard

import (
	"context"
	"fmt"
	"time"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/store"
)

func upsertPrompt(ctx context.Context, tx *store.Tx, p Prompt) error {
	_, err := tx.Exec(ctx, `INSERT INTO prompts (prompt_key, language, name, spoken, source, sha, duration_ms, bytes, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (prompt_key, language) DO UPDATE SET name = excluded.name, spoken = excluded.spoken,
			source = excluded.source, sha = excluded.sha, duration_ms = excluded.duration_ms,
			bytes = excluded.bytes, updated_at = excluded.updated_at`,
		p.Key, p.Language, p.Name, p.Text, p.Source, p.SHA, p.Duration.Milliseconds(), p.Bytes, store.Millis(p.UpdatedAt))
	if err != nil {
		return fmt.Errorf("put prompt: %w", err)
	}
	return nil
}

func deletePrompt(ctx context.Context, tx *store.Tx, key, lang string) (sha string, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM prompts WHERE prompt_key = $1 AND language = $2 RETURNING sha`, key, lang).Scan(&sha)
	if store.IsNoRows(err) {
		return "", errs.New(errs.NotFound, "switchboard.not_found", "kind", "prompt")
	}
	if err != nil {
		return "", fmt.Errorf("delete prompt: %w", err)
	}
	return sha, nil
}

// unusedSHA returns sha when no prompt uses the file any more.
func unusedSHA(ctx context.Context, tx *store.Tx, sha string) (string, error) {
	var n int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM prompts WHERE sha = $1`, sha).Scan(&n); err != nil {
		return "", fmt.Errorf("check prompt file: %w", err)
	}
	if n > 0 {
		return "", nil
	}
	return sha, nil
}

// promptUnused refuses to remove the last recording of a key that a published
// flow plays.
func promptUnused(ctx context.Context, tx *store.Tx, key, lang string) error {
	var others, flows int
	err := tx.QueryRow(ctx, `SELECT
		(SELECT COUNT(*) FROM prompts WHERE prompt_key = $1 AND language <> $2),
		(SELECT COUNT(*) FROM flow_versions WHERE state = 'published' AND graph LIKE $3)`,
		key, lang, `%"`+key+`"%`).Scan(&others, &flows)
	if err != nil {
		return fmt.Errorf("check prompt: %w", err)
	}
	if others == 0 && flows > 0 {
		return errs.New(errs.Conflict, "switchboard.in_use", "by", "flow_versions", "count", flows)
	}
	return nil
}

// uploads reads the hospital's own recordings.
func (s *Service) uploads(ctx context.Context, tx *store.Tx) ([]Prompt, error) {
	rows, err := tx.Query(ctx, `SELECT prompt_key, language, name, spoken, source, sha, duration_ms, bytes, updated_at FROM prompts`)
	if err != nil {
		return nil, fmt.Errorf("list prompts: %w", err)
	}
	defer rows.Close()
	var out []Prompt
	for rows.Next() {
		var p Prompt
		var ms int64
		if err := rows.Scan(&p.Key, &p.Language, &p.Name, &p.Text, &p.Source, &p.SHA, &ms, &p.Bytes, stamp{&p.UpdatedAt}); err != nil {
			return nil, fmt.Errorf("scan prompt: %w", err)
		}
		p.Duration = time.Duration(ms) * time.Millisecond
		out = append(out, p)
	}
	return out, rows.Err()
}
